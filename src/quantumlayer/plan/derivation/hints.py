"""What an expression hints at: the fields it looks at, the constants it compares with, values worth trying for a field."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from quantumlayer.plan.field_values import accepted, plain, quantum, valid
from quantumlayer.plan.placeholders import now, today
from quantumlayer.spec.expression import Call, Comprehension, Expr, Literal_, Select, Variable, walk
from quantumlayer.spec.values import Field

Path = tuple[str, ...]
_UNITS = {"days": 86400, "hours": 3600, "minutes": 60}


@dataclass(frozen=True)
class Hints:
    """`paths` start with the variable: `("self", "room", "capacity")`. Durations in seconds.
    `timed`: it looks at the clock; `personal`: it looks at who acts.
    """

    paths: tuple[Path, ...] = ()
    numbers: tuple[Decimal, ...] = ()
    durations: tuple[int, ...] = ()
    strings: tuple[str, ...] = ()
    timed: bool = False
    personal: bool = False

    def __or__(self, other: "Hints") -> "Hints":
        return Hints(
            tuple(dict.fromkeys(self.paths + other.paths)),
            tuple(dict.fromkeys(self.numbers + other.numbers)),
            tuple(dict.fromkeys(self.durations + other.durations)),
            tuple(dict.fromkeys(self.strings + other.strings)),
            self.timed or other.timed,
            self.personal or other.personal,
        )


@dataclass
class _Found:
    paths: dict[Path, None] = field(default_factory=dict)
    bound: dict[str, Path] = field(default_factory=dict)


def hints(expr: Expr) -> Hints:
    """Everything that a search for an input which turns `expr` should try."""
    found = _Found()
    _paths(expr, found)
    nodes = list(walk(expr))
    constants = [n.value for n in nodes if isinstance(n, Literal_)]
    numbers = [Decimal(str(c)) for c in constants if isinstance(c, int | Decimal) and not isinstance(c, bool)]
    durations = [
        int(n.args[0].value) * _UNITS[n.function]
        for n in nodes
        if isinstance(n, Call) and n.function in _UNITS and isinstance(n.args[0], Literal_) and n.args[0].value is not None
    ]
    strings = [c for c in constants if isinstance(c, str)]
    durations += [86400 * int(n) for n in numbers if _calls(nodes, "days_between")]
    durations += [3600 * int(n) for n in numbers if _calls(nodes, "hours_between")]
    return Hints(
        tuple(found.paths),
        tuple(dict.fromkeys(numbers)),
        tuple(dict.fromkeys(durations)),
        tuple(dict.fromkeys(strings)),
        any(isinstance(n, Variable) and n.name in ("now", "today") for n in nodes),
        any(isinstance(n, Variable) and n.name == "actor" for n in nodes),
    )


def _calls(nodes: Iterable[Expr], function: str) -> bool:
    return any(isinstance(n, Call) and n.function == function for n in nodes)


def _paths(expr: Expr, found: _Found) -> Path:
    match expr:
        case Variable(name=name):
            return found.bound.get(name, (name,))
        case Select(operand=operand, field=name):
            path = (*_paths(operand, found), name)
            found.paths[path] = None
            return path
        case Comprehension(source=source, variable=variable, body=body):
            path = _paths(source, found)
            before = dict(found.bound)
            found.bound[variable] = path
            _paths(body, found)
            found.bound = before
            return path
        case Call(args=args):
            paths = [_paths(a, found) for a in args]
            return paths[0] if paths else ()
    for inner in _inner(expr):
        _paths(inner, found)
    return ()


def _inner(expr: Expr) -> Sequence[Expr]:
    values = [getattr(expr, name, None) for name in ("operand", "left", "right", "test", "then", "otherwise")]
    items = getattr(expr, "items", ())
    return [v for v in values if v is not None] + (list(items) if isinstance(items, tuple) else [])


def alternatives(field_: Field, known: Hints, n: int) -> list[Any]:
    """Wire values worth trying, most telling first."""
    found: list[Any] = []
    match field_.type:
        case "integer" | "number" | "decimal":
            found += _numbers(field_, known)
        case "enum":
            found += [v for v in known.strings if v in field_.values] + list(field_.values)
        case "boolean":
            found += [True, False]
        case "date":
            spans = sorted({s // 86400 for s in known.durations if s >= 86400})
            offsets = [o for s in spans for o in (s, s + 1, s - 1, -s, -s - 1, 1 - s)] + [0, 1, -1, 2, 30, -30, 400, -400]
            found += [today(o) for o in dict.fromkeys(offsets)] + ["2001-01-15", "2031-03-05"]
        case "datetime":
            offsets = [o for s in known.durations for o in (s + 60, s - 60, 60 - s, -s - 60)]
            offsets += [60, -60, 3600, -3600, 7200, 86400, -86400, 30 * 86400, -30 * 86400]
            found += [now(o) for o in dict.fromkeys(offsets)]
            found += [f"2031-03-05T{h:02}:00:00Z" for h in (9, 10, 11, 12)] + ["2001-01-15T10:00:00Z"]
        case "time":
            found += [s for s in known.strings if len(s) == 5 and s[2] == ":"] + ["08:00", "09:00", "12:00", "00:00", "23:59"]
        case "string" | "text":
            found += [s for s in known.strings if s] + [s.value for s in accepted(field_, n)] + [valid(field_, n)]
        case "strings":
            found += [[s] for s in known.strings] + [valid(field_, n)]
    if not field_.required:
        found.append(None)
    return _distinct(found)


def _numbers(field_: Field, known: Hints) -> list[Any]:
    step = quantum(field_)
    values = [v for c in known.numbers for v in (c, c + step, c - step, c + 1, c - 1)]
    values += [Decimal(v) for v in (0, 1, 2, 3, 5, 10, 100, 1000)]
    low = None if field_.min is None else Decimal(str(field_.min))
    high = None if field_.max is None else Decimal(str(field_.max))
    inside = [v for v in values if (low is None or v >= low) and (high is None or v <= high)]
    if field_.type == "integer":
        inside = [v for v in inside if v == v.to_integral()]
    return [plain(v, field_) for v in inside] + [s.value for s in accepted(field_, 0)]


def _distinct(values: list[Any]) -> list[Any]:
    return list({repr(v): v for v in values}.values())
