"""Constraints of single fields, and of one field against another."""

import re
from typing import Any

from quantumlayer.spec.analyst.attributes import Item
from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.contradict import bounds_against, contradicts
from quantumlayer.spec.analyst.draft_field import add_field, add_when, default_literal, known_field, merged
from quantumlayer.spec.analyst.fields import read_item
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.words import PEOPLE, an, is_plural, number, singular, snake
from quantumlayer.spec.analyst.world import EntityDraft, World, standing_test
from quantumlayer.spec.values import Field, Rule, Unique


@rule
def constrains(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`the rating must be between 1 and 5`; `titles are at most 200 characters`; `the price may not be negative`"""
    groups = m.groupdict()
    owner = entity(world, m, "e") or (entity(world, m, "e2") if groups.get("e2") else None) or world.find(world.topic)
    words = plain(groups["f"])
    words = re.sub(r"^(?:the|its|their|an?|each|every|all)\s+", "", words)
    if possessed := re.match(r"^(.+?)'s? (.+)$", words):
        owner, words = world.find(possessed[1]) or owner, possessed[2]
    candidates = (
        [owner] if owner and known_field(owner, words) else [e for e in world.entities.values() if known_field(e, words)]
    )
    if len(candidates) != 1 and owner not in candidates:
        candidates = candidates[:1]
    if not candidates or candidates[0] is None:
        return None
    target = candidates[0]
    name = known_field(target, words)
    if name is None or name not in target.fields:
        return None
    what = plain(groups["what"]).strip()
    if groups.get("never"):
        what = re.sub(r"^be (?:in the )?(?P<w>past|future)", r"not in the \g<w>", what)
        what = re.sub(
            r"^(?:be |become |go |drop |fall )?(?:negative|below zero|below 0|less than 0|less than zero)$",
            "non-negative",
            what,
        )
        what = re.sub(r"^(?:be )?(?:empty|blank|missing|null|left out)$", "required", what)
        what = re.sub(r"^(?:be (?:longer|more) than|exceed|be greater than|be above|be over|be higher than) ", "at most ", what)
        what = re.sub(r"^(?:be (?:less|shorter|lower|smaller|fewer) than|be below|be under) ", "at least ", what)
    return constrain(target, name, what, clause, world)


def constrain(target: EntityDraft, name: str, what: str, clause: Clause, world: World) -> bool | str | None:
    """Apply what is said of one field, read by the grammar of field lists."""
    field = target.fields[name]
    # What each of several is says nothing of the value that holds them all.
    if is_plural(name) and field.type in ("string", "text", "strings") and re.match(r"either\b|(?:an? )?[a-z ]+ or ", what):
        return None
    what = re.sub(r"^(?:always |globally |system-wide )", "", what)
    if re.match(r"(?:unique|distinct)(?: per| within| for| in)(?: an?| each| the)? ", what):
        scope = known_field(target, re.sub(r"^.*?(?:per|within|for each|for|in)(?: an?| each| the)? ", "", what)) or ""
        if scope in target.fields:
            target.unique.append(Unique(fields=(scope, name), satisfies=(clause.id,)))
            return True
    if re.fullmatch(r"(?:unique|distinct|different)(?: across .+| among .+| for (?:each|every) .+)?", what):
        target.fields[name] = field.model_copy(update={"unique": True, "satisfies": (*field.satisfies, clause.id)})
        return True
    if hidden := re.fullmatch(
        r"(?:computed|calculated|derived|set|assigned)(?: automatically)?(?: by the (?:server|system))?", what
    ):
        _ = hidden
        return None
    if (value := number(what)) is not None or re.fullmatch(r"(?:true|false|\w+) by default", what):
        text = re.sub(r" by default$", "", what)
        default = (
            f"'{snake(text)}'" if field.type == "enum" and snake(text) in field.values else default_literal(field.type, text)
        )
        if default is None or (value is not None and not what.endswith("default")):
            return None
        target.fields[name] = field.model_copy(update={"default": default, "satisfies": (*field.satisfies, clause.id)})
        return True
    if default := re.fullmatch(
        r"(?:defaults? to|set to|initially|by default|default to|defaulted to) (?P<d>[\w .]+?)(?: by default| unless .+| if .+)?",
        what,
    ):
        text = default["d"]
        literal = (
            f"'{snake(text)}'" if field.type == "enum" and snake(text) in field.values else default_literal(field.type, text)
        )
        if literal:
            target.fields[name] = field.model_copy(update={"default": literal, "satisfies": (*field.satisfies, clause.id)})
            return True
        return None
    item = read_item(f"{name.replace('_', ' ')} {what}")
    if not item.attributes and not item.when and not item.generated:
        item = read_item(f"{name.replace('_', ' ')} (" + re.sub(r"^(?:one of|either)(?: the following)?:? ", "", what) + ")")
    if item.unread or snake(item.noun) != name or not (item.attributes.keys() - {"description"} or item.when or item.type):
        return None
    if item.attributes.get("required") is True and not field.required and field.satisfies:
        said = f"the {name.replace('_', ' ')} is optional and required"
        return contradicts(clause, world, field.satisfies[0], said, "it is optional")
    if against := bounds_against(field, item.attributes):
        other = next((r for r in reversed(field.satisfies) if r != clause.id), "what was said before")
        return contradicts(clause, world, other, f"the {name.replace('_', ' ')} is {against}", "the first one is built")
    probe = EntityDraft("probe", "probes", {name: field})
    plain_type = field.type if field.type not in ("enum", "reference", "references", "strings") else None
    said = None if "values" in item.attributes else item.type or plain_type
    typed = Item(name, item.noun, item.attributes, many=item.many, type=said, when=item.when)
    if field.type in ("reference", "references"):
        known = {k: v for k, v in item.attributes.items() if k in ("required", "unique", "min_items", "max_items")}
        if not known:
            return None
        target.fields[name] = field.model_copy(update=known | {"satisfies": (*field.satisfies, clause.id)})
        return True
    if typed.attributes or typed.type:
        add_field(probe, typed, clause.id, world)
        changed = probe.fields[name]
        target.fields[name] = changed if changed.type == "enum" else merged(field, changed)
    if item.when:
        add_when(target, name, item.when, clause.id)
    return True


@rule
def unique_together(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`the same desk cannot be booked twice for the same date`: no two live rows share both."""
    named = entity(world, m, "e") if m.groupdict().get("e") else None
    for target in [named] if named else world.entities.values():
        fields = []
        for words in (m["a"], m["b"]):
            other = world.find(plain(words))
            found = (target.reference_to(other.name) if other else None) or known_field(target, plain(words))
            fields += [found] if found in target.fields else []
        timed = {"hour", "time", "slot", "start_time", "time_slot"} & set(fields)
        fields += ["date"] if timed and "date" in target.fields and "date" not in fields else []
        if len(set(fields)) >= 2:
            target.unique.append(
                Unique(fields=tuple(str(f) for f in fields), where=standing_test(target), satisfies=(clause.id,))
            )
            return True
    return None


@rule
def compares(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a bid must be higher than the starting price`"""
    groups = m.groupdict()
    target, left = entity(world, m, "e") if groups.get("e") else None, None
    if words := groups.get("a"):
        bound = entity(world, m, "p") if groups.get("p") else None
        known = [e for e in (world.find(world.topic), *world.entities.values()) if e and e is not bound]
        exact = (e for e in known if snake(plain(words)) in e.fields)
        target = target or next(exact, None) or next((e for e in known if known_field(e, plain(words)) in e.fields), None)
        left = known_field(target, plain(words))
    elif target:
        left = next((n for n, f in target.fields.items() if f.type == "decimal"), None)
    if target is None or left is None or left not in target.fields:
        return None
    said = m["op"].lower().removesuffix(" than")
    operator = {"at most": "<=", "at least": ">=", "no more": "<=", "no less": ">="}.get(
        said, "<" if said in ("lower", "less", "smaller") else ">"
    )
    absent = "" if target.fields[left].required else f"self.{left} == null || "
    if (own := known_field(target, m["b"])) and own != left:
        absent += "" if target.fields[own].required else f"self.{own} == null || "
        target.rule(
            f"{left}_against_{own}",
            Rule(
                check=f"{absent}self.{left} {operator} self.{own}",
                message=plain(clause.match),
                status=422,
                satisfies=(clause.id,),
            ),
        )
        return True
    named = entity(world, m, "p") if groups.get("p") else None
    for parent in [named] if named else world.entities.values():
        other = known_field(parent, m["b"])
        if (
            other
            and parent is not target
            and parent.fields[other].type == target.fields[left].type
            and parent.fields[other].required
        ):
            reference = world.link(target, parent, clause.id)
            target.rule(
                f"{left}_against_{other}",
                Rule(
                    check=f"{absent}self.{left} {operator} self.{reference}.{other}",
                    message=plain(clause.match),
                    on=("create",) if operator in "<>" else ("create", "update"),
                    satisfies=(clause.id,),
                ),
            )
            return True
    return None


@rule
def rises(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a reading cannot be lower than the previous one of the same meter`"""
    target, same = entity(world, m, "e"), world.find(plain(m["s"] or "").replace("_", " "))
    moment = next((n for n in target.dates() if target.fields[n].required), "created_at") if target else None
    numbers = (
        [n for n, f in target.fields.items() if f.type in ("integer", "number", "decimal") and not f.value] if target else []
    )
    if target is None or len(numbers) != 1 or (m["s"] and same is None):
        return None
    field, operator = numbers[0], "<=" if m["op"] in ("lower", "less", "smaller", "at least", "no less than") else ">="
    reference = world.link(target, same, clause.id) if same else None
    if reference is None:
        return None
    rows = f"self.{reference}.{world.inverse(target, reference)}"
    check = f"{rows}.all(x, x.{moment} >= self.{moment} || x.{field} {operator} self.{field})"
    target.rule(f"{field}_in_order", Rule(check=check, message=plain(clause.match), satisfies=(clause.id,)))
    return True


@rule
def aged(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`students must be at least 17`: by their age, or their date of birth."""
    target, years = entity(world, m, "e"), int(m["n"])
    if target is None:
        return None
    born = next((n for n in ("date_of_birth", "birth_date", "birthday", "birthdate", "born_on") if n in target.fields), None)
    operator = {"at least": ">=", "or older": ">=", "or over": ">=", "older than": ">", "over": ">"}.get(m["op"])
    operator = operator or {"at most": "<=", "or younger": "<=", "or under": "<="}.get(m["op"], "<")
    age = "self.age" if "age" in target.fields else None
    by: tuple[str, ...] = (clause.id,)
    if age is None and born is None:
        if target.name not in PEOPLE:
            return None
        born, by = "date_of_birth", (clause.id, world.assume(f"{an(target.name).capitalize()} has a date of birth."))
        target.fields[born] = Field(type="date", satisfies=by)
    if age is None:
        # A year has no length of its own in the expressions: ages are counted in days.
        years = round(years * 365.25)
        by = (*by, world.assume(f"{m['n']} years of age are {years} days."))
        age = f"days_between(self.{born}, today)"
    absent = f"self.{born or 'age'} == null || " if not target.fields[born or "age"].required else ""
    name = f"age_{'from' if operator.startswith('>') else 'to'}_{m['n']}"
    check = f"{absent}{age} {operator} {years}"
    target.rule(name, Rule(check=check, message=plain(clause.match), status=422, on=("create",), satisfies=by))
    return True


@rule
def not_itself(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a team cannot play against itself`: what refers to it twice refers to two of them."""
    target = entity(world, m, "e")
    if target is None:
        return None
    for child in world.entities.values():
        twice = [n for n, f in child.fields.items() if f.type == "reference" and f.to == target.name]
        if len(twice) == 2:
            first, second = twice
            check, message = f"self.{first} != self.{second}", plain(clause.match)
            child.rule(f"two_{target.plural}", Rule(check=check, message=message, status=422, satisfies=(clause.id,)))
            return True
    return None


@rule
def without(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`tasks without a deadline are allowed`"""
    target = entity(world, m, "e")
    name = known_field(target, m["f"])
    if target is None or name not in target.fields:
        return None
    field = target.fields[name]
    by = tuple(dict.fromkeys([*field.satisfies, clause.id]))
    target.fields[name] = field.model_copy(update={"required": False, "satisfies": by})
    return True


@rule
def marks_as(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`flag readings with a pulse over 140 as high`: a value that follows from the others."""
    target = entity(world, m, "e") or world.find(world.topic)
    if value := m.groupdict().get("f"):
        # `temperatures above 38.5 should be flagged as fever`: of whatever has a temperature.
        words = singular(value.lower())
        holders = [e for e in world.entities.values() if snake(words) in e.fields]
        target = holders[0] if len(holders) == 1 else None
        test = condition(world, target, f"{words} {m['c']}") if target else None
        return _mark(target, m["a"], test, clause)
    test = (
        condition(world, target, re.sub(r"^(?:with|where|whose|that have|that are|which are) ", "", m["c"])) if target else None
    )
    return _mark(target, m["a"], test, clause)


def _mark(target: EntityDraft | None, name: str, test: str | None, clause: Clause) -> bool | None:
    """The value that follows from the others of a row."""
    if target is None or test is None:
        return None
    target.fields[snake(name)] = Field(type="boolean", value=test, satisfies=(clause.id,))
    return True
