"""Fields in parentheses behind an entity within a longer clause, and clauses about several entities at once."""

import re

from quantumlayer.spec.analyst.declare import add_fields
from quantumlayer.spec.analyst.discover import enumerates_fields
from quantumlayer.spec.analyst.grammar import Clause, mark
from quantumlayer.spec.analyst.world import World

_ASIDE = re.compile(r"@(?P<e>\w+) \((?P<f>[^()]*(?:\([^()]*\)[^()]*)*)\)")
_SEVERAL = re.compile(r"(?:@\w+(?:, (?:(?:an?|the|their) )?@\w+)*,? (?:and|or) (?:(?:an?|the|their|own) )?@\w+)")


def read_asides(clause: Clause, world: World) -> None:
    """`members (name, email) rent tools` → the fields are noted, and `members rent tools` is left to be read."""
    marked = mark(clause.match, world)
    for found in _ASIDE.finditer(marked):
        target = world.find(found["e"].replace("_", " "))
        if target is None or found.span() == (0, len(marked)) or not enumerates_fields(found["f"].replace("@", "")):
            continue
        read = add_fields(target, found["f"], clause, world)
        clause.partly = True
        clause.leftover += [read] if isinstance(read, str) else []
        words = re.escape(found["e"]).replace("_", "[ -]")
        clause.match = re.sub(
            rf"\b({words}) \({re.escape(found['f']).replace('@', '')}\)", r"\1", clause.match, count=1, flags=re.I
        )
    if clause.partly and re.fullmatch(
        r"(?:(?:(?:an?|the|and|each|every|or) )*@\w+[ ,;.]*(?:and )?)+", mark(clause.match, world)
    ):
        clause.produced = True


def one_by_one(marked: str) -> list[str]:
    """The clause once for each of the entities that it lists; empty where it lists none."""
    found = _SEVERAL.search(marked)
    if not found:
        return []
    names = re.findall(r"@\w+", found[0])
    return [marked[: found.start()] + name + marked[found.end() :] for name in names]
