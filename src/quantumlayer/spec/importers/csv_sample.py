"""A CSV sample → one entity whose field types follow from the values."""

import csv
import io
import re

from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.formats import FORMATS
from quantumlayer.spec.importers.csv_values import infer
from quantumlayer.spec.importers.tables import Import, ImportError_, identifier, key_of
from quantumlayer.spec.values import Field

_FORMULA = re.compile(r"^[=@]|^[+-](?![\s\d.$€£¥])")
_NAMING = re.compile(r"(?:^|_)(?:no|nr|number|code|sku|isbn|slug|email|e_mail|username|iban|vin|plate|ean|gtin|reference)$")
_FEWEST = 3


def import_csv(name: str, text: str, by: str = "R1") -> Import:
    """The entity of a sample with a header line. Raises `ImportError_` for ragged rows, formulas and missing headers."""
    text = text.removeprefix("\ufeff")
    dialect, rows = _rows(name, text)
    if not rows or not any(rows[0][1]):
        raise ImportError_(name, 1, "the first line names no columns", "put the names of the columns into the first line")
    (_, header), body = rows[0], [(line, row) for line, row in rows[1:] if any(row)]
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
        _column(draft, column, values, dialect.delimiter != ",", result, by)
    if body:
        result.world.assume(f"What no line of {name.rsplit('/', 1)[-1]} leaves empty is always given.")
    return result


def _rows(name: str, text: str) -> tuple[type[csv.Dialect], list[tuple[int, list[str]]]]:
    """The lines with their numbers, from 1."""
    try:
        dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    dialect.doublequote = True
    reader = csv.reader(io.StringIO(text), dialect, strict=False)
    rows: list[tuple[int, list[str]]] = []
    try:
        before = 0
        for row in reader:
            rows.append((before + 1, row))
            before = reader.line_num
    except csv.Error as error:
        mend = "mend this line; a value has at most 131,072 characters"
        raise ImportError_(name, reader.line_num, f"the line cannot be read: {error}", mend) from None
    return dialect, rows


def _column(draft: EntityDraft, column: str, values: list[str], comma: bool, result: Import, by: str) -> None:
    found = infer(column, values, by, comma=comma)
    distinct = len(set(values)) == len(values) >= 1 and all(values)
    if column == "id" or (column in (f"{draft.name}_id", "uuid", "guid") and distinct and draft.id is None):
        uuids = all(re.fullmatch(FORMATS["uuid"], v) for v in values) and bool(values)
        numbered = bool(values) and all(re.fullmatch(r"[1-9]\d{0,15}", v) for v in values)
        key = Field(type="integer" if numbered else "string", format="uuid" if uuids else None, satisfies=(by,))
        draft.id = key_of(draft, column, key, result)
        return
    label = f"{column.replace('_', ' ')} of {draft.plural.replace('_', ' ')}"
    field = found.field
    if distinct and len(values) >= _FEWEST and _NAMING.search(column) and field.type in ("string", "integer"):
        field = field.model_copy(update={"unique": True})
        result.world.assume(f"No two have the same {label}, since no two lines do.")
    if found.told:
        result.world.assume(f"The {label}: {found.told}.")
    if found.doubt:
        result.world.ask(f"The {label}: {found.doubt}?")
    draft.fields[column] = field
