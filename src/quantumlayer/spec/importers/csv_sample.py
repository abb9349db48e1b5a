"""A CSV sample → one entity whose field types follow from the values."""

import csv
import io
import re
from datetime import datetime

from quantumlayer.spec.analyst.fields import type_of
from quantumlayer.spec.formats import FORMATS
from quantumlayer.spec.importers.tables import Import, ImportError_, identifier, key_of
from quantumlayer.spec.values import Field

_FORMULA = re.compile(r"^[=@]|^[+-](?![\d.])")
MAX_ENUM = 6


def import_csv(name: str, text: str, by: str = "R1") -> Import:
    """The entity of a sample with a header line. Raises `ImportError_` for ragged rows, formulas and missing headers."""
    try:
        dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    reader = csv.reader(io.StringIO(text), dialect)
    try:
        rows = list(reader)
    except csv.Error as error:
        mend = "mend this line; a value has at most 131,072 characters"
        raise ImportError_(name, reader.line_num, f"the line cannot be read: {error}", mend) from None
    if not rows or not any(rows[0]):
        raise ImportError_(name, 1, "the first line names no columns", "put the names of the columns into the first line")
    header, body = rows[0], [(n, r) for n, r in enumerate(rows[1:], 2) if r]
    names = [identifier(h) for h in header]
    if not all(names) or len(set(names)) != len(names):
        raise ImportError_(name, 1, "a column has no name or two have the same", "give every column its own name")
    for line, row in body:
        if len(row) != len(header):
            raise ImportError_(
                name,
                line,
                f"{len(row)} values, but {len(header)} columns",
                "give every line as many values as the header; quote values that hold the separator",
            )
        if bad := next((v for v in row if _FORMULA.match(v.strip())), None):
            raise ImportError_(name, line, f"the value {bad[:40]!r} is a formula", "export values instead of formulas")
    result = Import()
    draft = result.entity(re.sub(r"\.\w+$", "", name.rsplit("/", 1)[-1]), by)
    for position, column in enumerate(names):
        if column in ("created_at", "updated_at"):
            continue
        values = [row[position].strip() for _, row in body]
        if dialect.delimiter != "," and any(re.fullmatch(r"-?\d+,\d+", v) for v in values):
            values = [re.sub(r"^(-?\d+),(\d+)$", r"\1.\2", v) for v in values]
        inferred = _infer(column, values, by)
        if column == "id":
            uuids = all(re.fullmatch(FORMATS["uuid"], v) for v in values) and bool(values)
            named = Field(type="string", format="uuid" if uuids else None, satisfies=(by,))
            draft.id = key_of(draft, column, inferred if inferred.type == "integer" else named, result)
            continue
        draft.fields[column] = inferred
    return result


def _infer(name: str, values: list[str], by: str) -> Field:
    present = [v for v in values if v]
    required = bool(present) and len(present) == len(values)

    def every(pattern: str) -> bool:
        return bool(present) and all(re.fullmatch(pattern, v, re.I) for v in present)

    if every(r"true|false") or every(r"yes|no"):
        return Field(type="boolean", required=required, satisfies=(by,))
    if every(r"-?(?:0|[1-9]\d{0,15})") and type_of(name)[0] not in ("decimal", "string"):
        return Field(type="integer", required=required, satisfies=(by,))
    if every(r"-?\d+(?:\.\d+)?") and type_of(name)[0] != "string":
        kind = "decimal" if type_of(name)[0] == "decimal" else "number"
        places = max((len(v.partition(".")[2]) for v in present), default=0)
        return Field(
            type=kind, places=min(max(places, 2), 8) if kind == "decimal" else None, required=required, satisfies=(by,)
        )
    if every(r"\d{4}-\d{2}-\d{2}") and all(_real(v) for v in present):
        return Field(type="date", required=required, satisfies=(by,))
    if every(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?") and all(
        _real(v[:10]) for v in present
    ):
        return Field(type="datetime", required=required, satisfies=(by,))
    if every(r"[^@\s]+@[^@\s]+\.[^@\s]+"):
        return Field(type="string", format="email", required=required, satisfies=(by,))
    if every(r"https?://\S+"):
        return Field(type="string", format="url", required=required, satisfies=(by,))
    distinct = sorted(set(present))
    if len(present) >= 6 and 2 <= len(distinct) <= MAX_ENUM and len(present) >= 3 * len(distinct) and every(r"[\w -]{1,30}"):
        return Field(type="enum", values=tuple(distinct), required=required, satisfies=(by,))
    long = any(len(v) > 255 for v in present) or type_of(name)[0] == "text"
    return Field(type="text" if long else "string", required=required, satisfies=(by,))


def _real(value: str) -> bool:
    try:
        datetime.strptime(value, "%Y-%m-%d")
    except ValueError:
        return False
    return True
