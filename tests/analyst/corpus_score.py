"""How well the analyst reads a corpus of requests: the share of expected facts found, and of what it added unasked and unmarked.

A fact is a kind and its subject: `E book` entity; `F book.isbn string unique format=isbn` field (types apart by `|`; `optional`, `min=`,
`max=`, `exmin=`, `step=`, `len=a,b`, `values=`, `default=`, `derived`); `R loan.book book` reference; `M book.authors author` many to many;
`T order a>b` transition; `O order pay` operation; `H order TEXT` the entity's spec contains the text; `U review movie` uniqueness over these;
`Q task done` filter; `D task -created_at` default order; `S note text` search; `P TEXT` a report that contains it; `A user` who signs in;
`K device` API keys; `W note` rows have an owner; `V note` rows hidden from others; `L expense.approve manager` role. Alternatives: facts apart by `|` and a kind, and names
of entities and members apart by `|`. A request's `wrong` are facts that must not hold: what its words were once misread as.
"""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from analyst_play import spec_of

from quantumlayer.errors import UserError
from quantumlayer.spec.routes import kind_of
from quantumlayer.spec.values import Entity, Spec

CORPUS = Path(__file__).parent / "corpus"


@dataclass
class Score:
    """Facts expected and missed by request, unmarked inventions, and misreadings that were seen once and hold again."""

    expected: int = 0
    missed: dict[str, list[str]] = field(default_factory=dict)
    elements: int = 0
    invented: dict[str, list[str]] = field(default_factory=dict)
    wrong: dict[str, list[str]] = field(default_factory=dict)

    @property
    def found(self) -> float:
        """Share of the facts that were found."""
        return 1 - sum(map(len, self.missed.values())) / max(self.expected, 1)

    @property
    def excess(self) -> float:
        """Share of entities and fields that nobody asked for and that no assumption marks."""
        return sum(map(len, self.invented.values())) / max(self.elements, 1)


def load(*names: str) -> dict[str, dict]:
    """The requests of corpus files, by name."""
    return {k: v for name in names for k, v in tomllib.loads((CORPUS / f"{name}.toml").read_text("utf-8")).items()}


def score(requests: dict[str, dict]) -> Score:
    """Read every request and compare."""
    total = Score()
    for name, request in requests.items():
        facts = request["facts"]
        total.expected += len(facts)
        try:
            spec = spec_of(request["text"])
        except UserError as error:
            total.missed[name] = [*facts, f"({error})"][: len(facts)]
            total.missed[name][0] += f"   ({error})"
            continue
        if missed := [f for f in facts if not any(holds(spec, one) for one in re.split(r"\|(?=[A-Z] )", f))]:
            total.missed[name] = missed
        if wrong := [f for f in request.get("wrong", ()) if holds(spec, f)]:
            total.wrong[name] = wrong
        elements, extra = _inventions(spec, facts)
        total.elements += elements
        if extra:
            total.invented[name] = extra
    return total


def holds(spec: Spec, fact: str) -> bool:
    """Whether a fact is true of a spec."""
    kind, _, rest = fact.partition(" ")
    if kind == "P":
        return any(rest in (r.model_dump_json() + n) for n, r in spec.reports.items())
    if kind in ("A", "K"):
        return (
            spec.auth is not None and spec.auth.entity in rest.split("|") and ("api_key" in spec.auth.methods) == (kind == "K")
        )
    names, _, argument = rest.partition(" ")
    name, _, member = names.partition(".")
    entities = [spec.entities[e] for e in name.split("|") if e in spec.entities]
    return any(_entity_holds(e, kind, m, argument) for e in entities for m in member.split("|"))


def _entity_holds(entity: Entity, kind: str, member: str, argument: str) -> bool:
    made = entity.fields.get(member)
    listed = entity.operations.get("list")
    match kind:
        case "E":
            return True
        case "F":
            return made is not None and _field_holds(made.model_dump(), argument)
        case "R" | "M":
            return made is not None and made.type == ("reference" if kind == "R" else "references") and made.to == argument
        case "T":
            before, after = argument.split(">")
            return any(
                o.transition and before in o.transition.from_states and o.transition.to == after
                for o in entity.operations.values()
            )
        case "O":
            return argument in entity.operations
        case "H":
            return argument in entity.model_dump_json().replace('\\"', '"')
        case "U":
            return any(set(argument.split(",")) <= set(u.fields) for u in entity.unique)
        case "Q":
            return listed is not None and any(f.field == argument for f in listed.filters)
        case "D":
            return listed is not None and argument in listed.default_sort
        case "S":
            return any(argument in o.search for n, o in entity.operations.items() if kind_of(n, o) == "list")
        case "W":
            return any(f.default == "actor" for f in entity.fields.values())
        case "V":
            return entity.visible is not None and "== actor" in entity.visible
        case "L":
            access = entity.operations[member].access if member in entity.operations else None
            return access is not None and (argument in access.roles or f"'{argument}' in" in (access.allow or ""))
    raise ValueError(f"unknown kind of fact {kind!r}")


def _field_holds(made: dict, wanted: str) -> bool:
    types, *attributes = wanted.split(" ")
    if made["type"] not in types.split("|"):
        return False
    for attribute in attributes:
        key, _, value = attribute.partition("=")
        low, _, high = value.partition(",")
        true = {
            "unique": lambda: made["unique"],
            "optional": lambda: not made["required"],
            "derived": lambda: made["value"] is not None,
            "format": lambda value=value: made["format"] == value,
            "values": lambda value=value: made["values"] == tuple(value.split(",")),
            "default": lambda value=value: made["default"] == value,
            "min": lambda value=value: made["min"] == float(value),
            "max": lambda value=value: made["max"] == float(value),
            "step": lambda value=value: made["step"] == float(value),
            "exmin": lambda value=value: made["min"] == float(value) and made["exclusive_min"],
            "len": lambda low=low, high=high: (not low or made["min_length"] == int(low)) and made["max_length"] == int(high),
        }[key]
        if not true():
            return False
    return True


def _inventions(spec: Spec, facts: list[str]) -> tuple[int, list[str]]:
    """Entities that no fact, and fields that neither a fact nor the request's words nor an assumption account for."""
    assumed = {r.id for r in spec.requirements if r.assumption}
    words = " ".join(r.text for r in spec.requirements if not r.assumption).lower()
    said = {m for f in facts for m in re.findall(r"[a-z_]+", f.split(" ", 1)[1])}
    count, extra = 0, []
    for name, entity in spec.entities.items():
        count += 1 + len(entity.fields)
        known = set(entity.satisfies) & assumed or (spec.auth is not None and spec.auth.entity == name)
        if not known and name not in said and not _in_words(name, words):
            extra.append(name)
        for member, made in entity.fields.items():
            marked = set(made.satisfies) & assumed or made.default == "actor"
            if not marked and member not in said and not _in_words(member, words):
                extra.append(f"{name}.{member}")
    return count, extra


def _in_words(name: str, words: str) -> bool:
    return all(part[:4] in words for part in name.split("_") if part not in ("at", "date", "to", "from", "by"))
