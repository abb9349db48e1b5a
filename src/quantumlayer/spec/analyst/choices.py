"""One of several: of numbers, of two values, of the rows that a thing has."""

import re

from quantumlayer.spec.analyst.fields import type_of
from quantumlayer.spec.analyst.grammar import Clause
from quantumlayer.spec.analyst.words import an, snake
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Field, Rule

NUMBERS = re.compile(
    r"(?<=[a-z]) (?:of |is |either )?(?P<n>\d+(?:\.\d+)?(?:, \d+(?:\.\d+)?)*),? or (?P<last>\d+(?:\.\d+)?)(?P<u> (?:seconds|minutes|hours|days|weeks|months|years|cm|mm|kg|g|ml|km|euros?|dollars?|percent|%))?(?=$|[,;.)]| and )",
    re.I,
)


def one_of_numbers(m: re.Match[str]) -> str:
    """`a duration of 30, 60 or 90 minutes`: the steps of an even row, else the values themselves."""
    values = [*m["n"].split(", "), m["last"]]
    told = f" in {m['u'].strip()}" if m["u"] else ""
    first, last = values[0], values[-1]
    even = all(v.isdigit() and int(v) == int(first) * (i + 1) for i, v in enumerate(values))
    return f"{told} from {first} to {last} in steps of {first}" if even else f"{told} ({', '.join(values)})"


_EITHER = re.compile(
    r"(?:^|(?<=[,;] )|(?<=and ))(?:either )?(?:an? |the )?(?P<a>[a-z]+(?: [a-z]+)?) or (?:an? |the )?(?P<b>[a-z]+(?: [a-z]+)?)(?=$|,|;| and )",
    re.I,
)


def either(text: str) -> tuple[str, list[tuple[str, str]]]:
    """`an email or phone` → both optional, and the pairs of which one must be given."""
    pairs = []
    for m in list(_EITHER.finditer(text)):
        names = snake(m["a"]), snake(m["b"])
        if all(type_of(n)[0] for n in names):
            pairs.append(names)
            text = text.replace(m[0], f"optional {m['a']}, optional {m['b']}", 1)
    return text, pairs


def either_is_given(target: EntityDraft, one: str, other: str, clause: Clause, world: World) -> None:
    """A rule that one of two optional fields is there, and the question which was meant."""
    label = f"{one.replace('_', ' ')} or {other.replace('_', ' ')}"
    if one not in target.fields or other not in target.fields:
        return
    check = f"self.{one} != null || self.{other} != null"
    target.rule(f"{one}_or_{other}", Rule(check=check, message=f"{label} must be given", status=422, satisfies=(clause.id,)))
    world.ask(
        f"«{label}» of {an(target.name)}: is one of them to be kept, or may each {target.name.replace('_', ' ')} have either? Now each may have either or both, and one must be given."
    )


def choose_one(target: EntityDraft, noun: str, flag: str, clause: Clause, world: World) -> None:
    """`four options, one of which is correct`: rows that refer here, at most one of them with the flag."""
    child = world.add(noun, clause.id)
    reference = world.link(child, target, clause.id)
    marker = world.assume(f"{an(child.name).capitalize()} has a text.")
    child.fields.setdefault("text", Field(type="string", satisfies=(clause.id, marker)))
    child.fields[flag] = Field(type="boolean", default="false", satisfies=(clause.id,))
    rows = f"self.{reference}.{world.inverse(child, reference)}"
    check, message = f"size({rows}.filter(x, x.{flag})) <= 1", f"only one {child.name.replace('_', ' ')} is {flag}"
    child.rule(f"one_{flag}", Rule(check=check, message=message, satisfies=(clause.id,)))
