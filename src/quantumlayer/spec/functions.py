"""The functions of our CEL dialect, beyond the standard operators and macros.

Scales: durations are CEL durations; `hours_between` is a fractional number of hours, `days_between` whole days, floored.
`sum` of nothing is 0; `avg`, `min`, `max` of nothing are null. `round` is half away from zero.
"""

from dataclasses import dataclass

from quantumlayer.spec.values import Spec


@dataclass(frozen=True)
class Overload:
    """One signature in CEL type notation: `(params) -> result`; `nullable` results exist for aggregates of nothing."""

    name: str
    params: tuple[str, ...]
    result: str
    nullable: bool = False


OVERLOADS = (
    Overload("sum", ("list(int)",), "int"),
    Overload("sum", ("list(double)",), "double"),
    Overload("avg", ("list(int)",), "double", nullable=True),
    Overload("avg", ("list(double)",), "double", nullable=True),
    *(Overload(f, (f"list({t})",), t, nullable=True) for f in ("min", "max") for t in ("int", "double", "timestamp", "string")),
    *(Overload(f, (t, t), t) for f in ("least", "greatest") for t in ("int", "double", "timestamp")),
    Overload("round", ("double", "int"), "double"),
    Overload("floor", ("double",), "int"),
    Overload("ceil", ("double",), "int"),
    Overload("abs", ("double",), "double"),
    Overload("abs", ("int",), "int"),
    Overload("days", ("int",), "duration"),
    Overload("hours", ("int",), "duration"),
    Overload("minutes", ("int",), "duration"),
    Overload("hours_between", ("timestamp", "timestamp"), "double"),
    Overload("days_between", ("timestamp", "timestamp"), "int"),
    Overload("date", ("timestamp",), "timestamp"),
    Overload("start_of", ("timestamp",), "timestamp"),
    Overload("hour", ("timestamp",), "timestamp"),
    Overload("month", ("timestamp",), "string"),
    Overload("weekday", ("timestamp",), "int"),
    Overload("lower", ("string",), "string"),
    Overload("upper", ("string",), "string"),
    Overload("trim", ("string",), "string"),
    Overload("random_code", ("int",), "string"),
    Overload("slug", ("string",), "string"),
)

UNIT_TYPES = {
    "string": "string", "integer": "int", "number": "double", "decimal": "double", "boolean": "bool", "date": "timestamp",
}  # fmt: skip


def unit_overloads(spec: Spec) -> tuple[Overload, ...]:
    """The signatures of a spec's own units."""
    return tuple(
        Overload(name, tuple(UNIT_TYPES[kind] for kind in unit.input.values()), UNIT_TYPES[unit.returns])
        for name, unit in spec.units.items()
    )


STANDARD = {
    "size": "int",
    "contains": "bool",
    "startsWith": "bool",
    "endsWith": "bool",
    "matches": "bool",
    "double": "double",
    "int": "int",
    "string": "string",
    "timestamp": "timestamp",
    "duration": "duration",
    "getHours": "int",
    "getMinutes": "int",
    "getSeconds": "int",
    "getFullYear": "int",
    "getMonth": "int",
}
