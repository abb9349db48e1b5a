"""Calculations that SQLite and PostgreSQL write differently: parameters, result, meaning, and the words of each."""

from typing import NamedTuple


class SqlFunction(NamedTuple):
    """A function; `sqlite` and `postgresql` are the inside of a `sql` template, its parameters between `${` and `}`."""

    name: str
    parameters: tuple[str, ...]
    result: str
    doc: str
    sqlite: str
    postgresql: str


_UTC = "(${moment})::timestamptz at time zone 'UTC'"
_STRFTIME = "cast(strftime('%{}', ${{moment}}) as integer)"


def _part(name: str, doc: str, letter: str, field: str, shift: str = "") -> SqlFunction:
    sqlite, postgresql = _STRFTIME.format(letter), f"extract({field} from {_UTC})::int"
    if shift:
        sqlite, postgresql = f"({sqlite}{shift})", f"({postgresql}{shift})"
    return SqlFunction(name, ("moment",), "number", doc, sqlite, postgresql)


FUNCTIONS = (
    SqlFunction(
        "cleaned", ("value",), "Decimal", "A sum or mean of decimals, without the error that SQLite adds far behind the comma.",
        "round(${value}, 10)", "${value}",
    ),
    SqlFunction(
        "secondsBetween", ("start", "end"), "number", "Seconds from the first to the second.",
        "${seconds(start, end)}", "extract(epoch from (${end})::timestamptz - (${start})::timestamptz)",
    ),
    SqlFunction(
        "daysBetween", ("start", "end"), "number", "Days from one day to another.",
        "cast(julianday(${end}) - julianday(${start}) as integer)", "((${end})::date - (${start})::date)",
    ),
    SqlFunction(
        "wholeDaysBetween", ("start", "end"), "number", "Whole days from one moment to another.",
        "cast(floor(${seconds(start, end)} / 86400.0) as integer)",
        "floor(extract(epoch from (${end})::timestamptz - (${start})::timestamptz) / 86400)::int",
    ),
    SqlFunction(
        "addSecondsToDay", ("day", "seconds"), "PlainDate", "A day moved by so many seconds of whole days.",
        "date(${day}, ((${seconds}) / 86400) || ' days')", "((${day})::date + ((${seconds}) / 86400)::int)",
    ),
    SqlFunction(
        "addSeconds", ("moment", "seconds"), "Instant", "A moment moved by so many seconds.",
        "strftime('%Y-%m-%dT%H:%M:%fZ', ${moment}, (${seconds}) || ' seconds')",
        "((${moment})::timestamptz + make_interval(secs => ${seconds}))",
    ),
    SqlFunction(
        "contains", ("text", "part"), "boolean", "Whether a text contains another, case and all.",
        "(instr(${text}, ${part}) > 0)", "(strpos(${text}, ${part}) > 0)",
    ),
    SqlFunction(
        "startsWith", ("text", "part"), "boolean", "Whether a text starts with another.",
        "(substr(${text}, 1, length(${part})) = ${part})", "starts_with(${text}, ${part})",
    ),
    SqlFunction(
        "endsWith", ("text", "part"), "boolean", "Whether a text ends with another.",
        "(substr(${text}, length(${text}) - length(${part}) + 1) = ${part})", "(right(${text}, length(${part})) = ${part})",
    ),
    SqlFunction(
        "matches", ("text", "pattern"), "boolean", "Whether a pattern is found in a text.",
        "(${text} regexp ${pattern})", "(${text} ~ ${pattern})",
    ),
    SqlFunction(
        "date", ("moment",), "PlainDate", "The UTC day of a moment.", "date(${moment})", f"(({_UTC})::date)",
    ),
    SqlFunction(
        "month", ("moment",), "string", "The UTC month, 2026-11.",
        "strftime('%Y-%m', ${moment})", f"to_char({_UTC}, 'YYYY-MM')",
    ),
    SqlFunction(
        "weekday", ("moment",), "number", "Monday is 1, Sunday 7.",
        "((cast(strftime('%w', ${moment}) as integer) + 6) % 7 + 1)", f"extract(isodow from {_UTC})::int",
    ),
    SqlFunction(
        "hour", ("moment",), "Instant", "The full hour.",
        "strftime('%Y-%m-%dT%H:00:00.000Z', ${moment})", "date_trunc('hour', (${moment})::timestamptz, 'UTC')",
    ),
    SqlFunction(
        "startOf", ("day",), "Instant", "Midnight UTC.",
        "strftime('%Y-%m-%dT00:00:00.000Z', ${day})", "((${day})::date::timestamp at time zone 'UTC')",
    ),
    _part("hours", "The UTC hour.", "H", "hour"),
    _part("minutes", "The minute.", "M", "minute"),
    SqlFunction(
        "seconds", ("moment",), "number", "The second.",
        _STRFTIME.format("S"), "floor(extract(second from (${moment})::timestamptz))::int",
    ),
    _part("year", "The UTC year.", "Y", "year"),
    _part("monthIndex", "The UTC month, January is 0.", "m", "month", " - 1"),
    SqlFunction(
        "round", ("value", "places"), "Decimal", "Half away from zero. The inner rounding takes away what doubles add.",
        "round(round(${value}, 10), ${places})", "round((${value})::numeric, (${places})::int)",
    ),
    SqlFunction("floor", ("value",), "number", "Rounded down.", "cast(floor(${value}) as integer)", "floor(${value})::bigint"),
    SqlFunction("ceil", ("value",), "number", "Rounded up.", "cast(ceil(${value}) as integer)", "ceil(${value})::bigint"),
    SqlFunction("truncated", ("value",), "number", "Towards zero.", "cast(${value} as integer)", "trunc(${value})::bigint"),
    SqlFunction(
        "greatest", ("left", "right"), "unknown", "The greater of two.",
        "max(${left}, ${right})", "greatest(${left}, ${right})",
    ),
    SqlFunction(
        "least", ("left", "right"), "unknown", "The lesser of two.", "min(${left}, ${right})", "least(${left}, ${right})",
    ),
)  # fmt: skip
