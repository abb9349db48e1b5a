"""Tables of a document as statements: fields of a record, records with their fields, who may do what, endpoints."""

import re
from collections.abc import Iterator, Mapping, Sequence

from quantumlayer.request.values import Kind

Found = tuple[str, str, Kind]
_NAME = re.compile(r"(?:field|attribute|property|column|member|parameter)s?(?: name)?|name", re.I)
_RECORD = re.compile(r"(?:entity|entities|resource|table|model|object|record|class)s?(?: name)?", re.I)
_FIELDS = re.compile(r"(?:key |main )?(?:fields?|attributes?|properties|columns|data)", re.I)
_TYPE = re.compile(r"(?:data ?)?types?", re.I)
_ROLE = re.compile(r"(?:user )?(?:role|actor|who|persona|user type)s?", re.I)
_MAY = re.compile(r"(?:can|may|permissions?|rights|allowed|actions?|abilities|what they (?:can|may) do)", re.I)
_METHOD, _PATH = re.compile(r"(?:http )?(?:method|verb)", re.I), re.compile(r"(?:path|route|url|uri|endpoint)", re.I)
_PROSE = re.compile(r"(?:description|notes?|comments?|remarks?|meaning|details?|example.*)", re.I)
_FLAGS = {"required": ("required", "optional"), "mandatory": ("required", "optional"), "optional": ("optional", "required")}
_FLAGS |= {"nullable": ("optional", "required"), "null": ("optional", "required"), "unique": ("unique", "")}
_YES, _NO = re.compile(r"(?:y|yes|true|x|✓|✔|1|always)", re.I), re.compile(r"(?:n|no|false|-|0|)", re.I)
_RULE = re.compile(
    r"\d|\b(?:unique|required|optional|mandatory|default|min|max|minimum|maximum|between|at (?:least|most)|positive|negative|must|may|not|never|only|after|before|later|earlier|than"
    r"|one of|enum|e-?mail|url|generated|automatic(?:ally)?|sum|total|today|now|read-?only)\b",
    re.I,
)


def read_grid(rows: Sequence[Sequence[str]], lead: str) -> Iterator[Found]:
    """Text, lead and kind of each statement of a table, whose first row is its head. `lead` is what the table is about."""
    head = [cell.strip(" *:") for cell in rows[0]]
    for cells in rows[1:]:
        row = dict(zip(head, (cell.strip() for cell in cells), strict=False))
        if any(row.values()):
            yield from _row(row, lead)


def _row(row: Mapping[str, str], lead: str) -> Iterator[Found]:
    record, name = _cell(row, _RECORD), _cell(row, _NAME)
    method, path, role = _cell(row, _METHOD), _cell(row, _PATH), _cell(row, _ROLE)
    typed = any(_TYPE.fullmatch(head) for head in row)
    if path and (method or " " in path):
        yield f"{method} {path} - {_cell(row, _PROSE)}".strip(" -"), "", "item"
    elif record and _cell(row, _FIELDS) and not typed:
        yield f"{record}: {_cell(row, _FIELDS)}", "", "item"
    elif name and (lead or record) and (typed or len(row) > 1):
        yield from _field(row, name, record or lead)
    elif role and _cell(row, _MAY):
        for deed in re.split(r"\s*[,;]\s*", _cell(row, _MAY)):
            deed = re.sub(r"(?<!their )\bown\b", "their own", deed)
            yield f"{role if role.endswith('s') else f'{role}s'} can {deed}", "", "item"
    else:
        yield "; ".join(f"{head}: {cell}" for head, cell in row.items() if cell), lead, "unread"


def _field(row: Mapping[str, str], name: str, record: str) -> Iterator[Found]:
    """A field as a data dictionary has it. What only explains it is no statement of its own."""
    parts = [_cell(row, _TYPE)]
    for head, cell in row.items():
        flag = _FLAGS.get(head.lower().rstrip("?"))
        if flag and (_YES.fullmatch(cell) or _NO.fullmatch(cell)):
            parts.append(flag[0] if _YES.fullmatch(cell) else flag[1])
        elif head.lower() == "default":
            parts.append(f"default {cell}" if cell and not _NO.fullmatch(cell) else "")
        elif _PROSE.fullmatch(head) and not _RULE.search(cell):
            if cell:
                yield f"{record}, {name}: {cell}", "", "context"
        elif not any(known.fullmatch(head) for known in (_NAME, _TYPE, _RECORD)):
            parts.append(cell)
    yield f"{name}: {', '.join(filter(None, parts)) or 'text'}", record, "item"


def _cell(row: Mapping[str, str], head: re.Pattern[str]) -> str:
    return next((cell for name, cell in row.items() if head.fullmatch(name)), "")
