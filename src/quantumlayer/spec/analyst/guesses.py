"""What only one unread clause names is a guess: it is taken back, since the clause is listed as not understood all the same."""

import re
from collections import Counter

from quantumlayer.spec.analyst.grammar import Clause, mark
from quantumlayer.spec.analyst.words import LEXICON, singular, snake
from quantumlayer.spec.analyst.world import ASSUMED, EntityDraft, World
from quantumlayer.spec.values import CRUD

# Records of deeds have names of their own: a redemption is one wherever it is spoken of.
_DEEDS = frozenset(noun for nouns in LEXICON["events"].values() for noun in nouns.split())
# What the analyst gives an entity of which nothing is said.
_ASSUMED = ("name", "title", "text")


def forget_guesses(clauses: list[Clause], world: World) -> None:
    """Take back the kinds of records that nothing read speaks of, and that the request does not come back to."""
    read = [c for c in clauses if c.produced and not c.reason and not c.context]
    unread = frozenset(c.id for c in clauses) - {c.id for c in read}
    for one in world.entities.values():
        _unlink(one, unread, world)
    often = Counter(name for c in clauses for name in _named(c, world))
    told = {name for c in read for name in _told(c, world)}
    for one in list(world.entities.values()):
        if one.name in told or one.name in _DEEDS or often[one.name] > 1 or not _is_bare(one, world, unread):
            continue
        del world.entities[one.name]
        world.surface = {form: name for form, name in world.surface.items() if name != one.name}
        for field in one.fields.values():
            for marker in field.satisfies:
                world.retract(marker)


def _unlink(entity: EntityDraft, unread: frozenset[str], world: World) -> None:
    """Take back the references that a rule made before it found that it could not read its clause."""
    for name, field in list(entity.fields.items()):
        assumed = {by for by in field.satisfies if int(by[1:]) > ASSUMED}
        said = set(field.satisfies) - assumed
        if field.type != "reference" or not said or said - unread or name == entity.owner:
            continue
        drafts = world.entities.values()
        told = [repr((e.rules, e.operations, e.visible, e.unique, [f.value for f in e.fields.values()])) for e in drafts]
        if not any(re.search(rf"\b{name}\b", text) for text in (*told, repr(world.reports))):
            del entity.fields[name]
            for marker in assumed:
                world.retract(marker)


def _named(clause: Clause, world: World) -> dict[str, str]:
    """The kinds of records that a clause speaks of, with the words for them."""
    found = {}
    for m in re.finditer(r"@(?P<e>\w+)(?: (?P<next>\w+))?", mark(clause.match, world)):
        said = m["e"].replace("_", " ").lower()
        entity, value = world.find(said), snake(f"{said} {m['next']}")
        # `a donor name` speaks of a name, and days are no extra days.
        if entity and snake(singular(said)) == entity.name and not any(value in e.fields for e in world.entities.values()):
            found[entity.name] = said
    return found


def _told(clause: Clause, world: World) -> set[str]:
    """The kinds of records of a clause that was read, but for those in the words left over."""
    left = " ".join(clause.leftover).lower()
    told = {name for name, said in _named(clause, world).items() if said not in left}
    # The name may stand in what the rewriting or the reading made of the clause.
    return told | {e.name for e in world.entities.values() if clause.id in e.satisfies and not clause.leftover}


def _is_bare(entity: EntityDraft, world: World, unread: frozenset[str]) -> bool:
    """Whether nothing was said of an entity, and nothing refers to it."""
    if world.is_account(entity) or any(f.to == entity.name for e in world.entities.values() for f in e.fields.values()):
        return False
    if entity.exact or entity.guarded or entity.declared and set(entity.satisfies) - unread:
        return False
    known = [n for n, f in entity.fields.items() if n not in _ASSUMED and not unread & set(f.satisfies)]
    behaves = entity.state or entity.event_of or entity.rules or entity.visible or set(entity.operations) - set(CRUD)
    return not (known or behaves or any(r.entity == entity.name for r in world.reports.values()))
