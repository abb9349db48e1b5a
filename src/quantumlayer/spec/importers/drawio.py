"""draw.io files, packed or plain: their tables, classes and states as Mermaid, which is then read like any other diagram."""

import base64
import binascii
import html
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from quantumlayer.request.values import SourceFile
from quantumlayer.spec.importers.read import read_files
from quantumlayer.spec.importers.tables import Import, ImportError_, identifier

MOST_UNPACKED = 20_000_000
MOST_CELLS = 20_000
_HINT = "save the diagram as .drawio (File, Save as); tables, classes and states are read"
_BREAK = re.compile(r"<\s*(?:br|hr|/p|/div|/li|/h\d)\b[^>]*>", re.I)
_TAG = re.compile(r"<[^>]{0,2000}>")
_KEY = re.compile(r"(?:PK|FK|UK|AK)(?:\s*,?\s*(?:PK|FK|UK|AK)\d?)*\d?", re.I)
_NAMED = re.compile(r"[+#~-]?\s*(?P<name>[\w ]+?)\s*:\s*(?P<type>\w+(?:\([\d, ]*\))?(?:\[\])?\??)(?:\s*=.*)?")
_TYPES = "int integer bigint smallint long number float double real decimal numeric money bool boolean date datetime timestamp time text string varchar char uuid"
_TYPED = re.compile(rf"(?P<type>(?:{_TYPES.replace(' ', '|')})(?:\([\d, ]*\))?)\s+(?P<name>\w+)", re.I)
_LATER = re.compile(rf"(?P<name>\w+)\s+(?P<type>(?:{_TYPES.replace(' ', '|')})(?:\([\d, ]*\))?)(?:\s+not null)?", re.I)
_ONE, _OPTIONAL, _MANY = ("||", "||"), ("|o", "o|"), ("}o", "o{")
_ENDS = {
    "ERone": _ONE,
    "ERmandOne": _ONE,
    "ERzeroToOne": _OPTIONAL,
    "ERmany": _MANY,
    "ERoneToMany": ("}|", "|{"),
    "ERzeroToMany": _MANY,
}


@dataclass
class Cell:
    """A shape or a line. `lines` are its text, `style` by key; a key alone has the value "1"."""

    id: str
    lines: tuple[str, ...]
    style: dict[str, str]
    parent: str
    source: str
    target: str
    edge: bool
    children: list["Cell"] = field(default_factory=list)

    @property
    def label(self) -> str:
        """Its text on one line."""
        return " ".join(self.lines)


def import_drawio(name: str, text: str, by: str = "R1") -> Import:
    """The tables, classes and state machines of all pages. Raises `ImportError_` for what is no draw.io file or shows none."""
    root = _parsed(name, text)
    pages = [(page.get("name", ""), _model(name, page)) for page in root.iter("diagram")]
    pages = pages or [("", root)] if root.tag in ("mxfile", "mxGraphModel") else []
    if not pages:
        raise ImportError_(name, None, f"<{root.tag[:40]}> is no draw.io file", _HINT)
    files: list[SourceFile] = []
    unmet: list[str] = []
    for number, (title, model) in enumerate(pages, 1):
        diagram = _diagram(_cells(name, model), unmet)
        named = title if title and not re.fullmatch(r"(?:page|seite|página)[- ]?\d+", title, re.I) else name
        named = re.sub(r"[^\w. -]", "_", named)
        files += [SourceFile(name=named, text=diagram, kind="mermaid")] if diagram else []
        unmet += [] if diagram else [f"page {number} of {name} shows neither tables, classes nor states"]
    whole = read_files(tuple((by, file) for file in files))
    if whole is None:
        raise ImportError_(name, None, "no table, class or state was found in it", _HINT)
    whole.unmet += unmet
    return whole


def _parsed(name: str, text: str) -> Element:
    try:
        return fromstring(text, forbid_dtd=True)
    except ParseError as error:
        raise ImportError_(name, error.position[0], f"it is no XML: {error.msg}", _HINT) from None
    except (DefusedXmlException, ValueError) as error:
        raise ImportError_(name, None, f"it holds what no diagram needs ({type(error).__name__})", _HINT) from None


def _model(name: str, page: Element) -> Element:
    """The graph of a page, which is a child, or packed: base64 of a raw deflate stream of percent-encoded XML."""
    if (inner := page.find("mxGraphModel")) is not None:
        return inner
    try:
        packed = base64.b64decode("".join((page.text or "").split()), validate=True)
        unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
        content = unpacking.decompress(packed, MOST_UNPACKED)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise ImportError_(name, None, f"the page {page.get('name', '')[:60]!r} is damaged: {error}", _HINT) from None
    if unpacking.unconsumed_tail:
        limit = f"{MOST_UNPACKED // 1_000_000} MB"
        raise ImportError_(name, None, f"the page {page.get('name', '')[:60]!r} unpacks to more than {limit}", _HINT)
    return _parsed(name, unquote(content.decode(errors="replace")))


def _cells(name: str, model: Element) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for element in model.iter():
        if element.tag in ("UserObject", "object"):
            inner = element.find("mxCell")
            if inner is not None:
                inner.set("id", element.get("id", ""))
                inner.set("value", element.get("label", ""))
        elif element.tag == "mxCell":
            cell = _cell(element)
            found[cell.id] = cell
    if len(found) > MOST_CELLS:
        raise ImportError_(name, None, f"it has {len(found):,} shapes; at most {MOST_CELLS:,} are read", "split the diagram")
    for cell in found.values():
        if cell.parent in found and cell.parent != cell.id:
            found[cell.parent].children.append(cell)
    return found


def _cell(element: Element) -> Cell:
    pairs = (part.partition("=") for part in element.get("style", "").split(";") if part)
    text = html.unescape(_TAG.sub(" ", _BREAK.sub("\n", element.get("value", "").replace("&nbsp;", " "))))
    return Cell(
        id=element.get("id", ""),
        lines=tuple(" ".join(line.split()) for line in text.splitlines() if line.strip()),
        style={key.strip(): value or "1" for key, _, value in pairs},
        parent=element.get("parent", ""),
        source=element.get("source", ""),
        target=element.get("target", ""),
        edge=element.get("edge") == "1",
    )


def _diagram(cells: dict[str, Cell], unmet: list[str]) -> str:
    """The page as Mermaid; empty where it shows nothing that is read."""
    boxes = {cell.id: cell for cell in cells.values() if not cell.edge and cell.lines and _is_box(cell)}
    edges = [cell for cell in cells.values() if cell.edge and cell.source and cell.target]
    if boxes:
        lines = [line for box in boxes.values() for line in _entity(box, unmet)]
        lines += [line for edge in edges if (line := _relation(edge, cells, boxes))]
        return "\n".join(["erDiagram", *lines])
    arrows = [line for edge in edges if (line := _arrow(edge, cells))]
    return "\n".join(["stateDiagram-v2", *arrows]) if any("[*]" not in arrow for arrow in arrows) else ""


def _is_box(cell: Cell) -> bool:
    """A table, a list with a head, or a class in one shape."""
    shape = cell.style.get("shape", "")
    listed = "swimlane" in cell.style or shape == "swimlane"
    return shape == "table" or (listed and bool(cell.children)) or (len(cell.lines) > 1 and "html" in cell.style and not shape)


def _entity(box: Cell, unmet: list[str]) -> Iterator[str]:
    fields = dict(_field(text, key, unmet, box.lines[0]) for text, key in _rows(box))
    yield f"{identifier(box.lines[0])} {{"
    yield from (f"  {line}" for line in fields.values() if line)
    yield "}"


def _rows(box: Cell) -> Iterator[tuple[str, str]]:
    """The text of each row, with its key where it has one."""
    yield from ((line, "") for line in box.lines[1:])
    for row in box.children:
        if row.edge:
            continue
        texts = [row.label] if row.lines else [cell.label for cell in row.children if cell.lines]
        keys = [text for text in texts if _KEY.fullmatch(text)]
        yield from ((text, " ".join(keys).upper()) for text in texts if text not in keys)


def _field(text: str, key: str, unmet: list[str], owner: str) -> tuple[str, str]:
    """A row by the name of its field as Mermaid; empty for what is none."""
    before = re.match(rf"({_KEY.pattern})\s+(?=\w)", text, re.I)
    key, text = (before[1].upper(), text[before.end() :]) if before and not key else (key, text)
    if "(" in text and re.search(r"\w\s*\([^\d)]*\)\s*(?::|$)", text):
        return text, ""  # a method
    found = _NAMED.fullmatch(text) or _TYPED.fullmatch(text) or _LATER.fullmatch(text)
    name, kind = (found["name"], found["type"].replace(" ", "")) if found else (text.lstrip("+#~- "), "string")
    if not re.fullmatch(r"[\w ]{1,60}", name) or not name.strip(" _"):
        unmet.append(f"the row «{text[:60]}» of {owner} is no field")
        return text, ""
    keys = [mark for mark in ("PK", "FK") if mark in key] + (["UK"] if "UK" in key or "AK" in key else [])
    return name, f"{kind} {identifier(name)} {', '.join(keys)}".rstrip()


def _relation(edge: Cell, cells: dict[str, Cell], boxes: dict[str, Cell]) -> str:
    start, end = _around(edge.source, cells, boxes), _around(edge.target, cells, boxes)
    if start is None or end is None:
        return ""
    left = _ENDS.get(edge.style.get("startArrow", ""), _ONE)[0]
    right = _ENDS.get(edge.style.get("endArrow", ""), _MANY if "startArrow" not in edge.style else _ONE)[1]
    label = identifier(_said(edge)) if _said(edge) else "has"
    return f"{identifier(start.lines[0])} {left}--{right} {identifier(end.lines[0])} : {label}"


def _around(cell: str, cells: dict[str, Cell], boxes: dict[str, Cell]) -> Cell | None:
    """The box that the shape is, or is inside of."""
    seen: set[str] = set()
    while cell in cells and cell not in boxes and cell not in seen:
        seen.add(cell)
        cell = cells[cell].parent
    return boxes.get(cell)


def _arrow(edge: Cell, cells: dict[str, Cell]) -> str:
    start, end = (_state(cells.get(end)) for end in (edge.source, edge.target))
    label = f" : {identifier(_said(edge))}" if _said(edge) else ""
    return f"{start} --> {end}{label}" if start and end and start != end else ""


def _state(cell: Cell | None) -> str:
    """The state that a shape stands for; beginnings and ends are circles without a name."""
    if cell is None:
        return ""
    if cell.lines:
        return identifier(cell.label)
    shape = cell.style.get("shape", "")
    return "[*]" if shape in ("startState", "endState", "mxgraph.bpmn.event") or "ellipse" in cell.style or shape else ""


def _said(edge: Cell) -> str:
    return edge.label or " ".join(cell.label for cell in edge.children if cell.lines)
