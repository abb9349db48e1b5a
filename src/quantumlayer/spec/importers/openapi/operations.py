"""The operations of an OpenAPI file, each opened: where it is, what it takes, what it answers, who may call it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from quantumlayer.spec.analyst.words import singular
from quantumlayer.spec.importers.openapi.document import Document, Json
from quantumlayer.spec.importers.tables import identifier
from quantumlayer.spec.values import Method

METHODS: tuple[Method, ...] = ("GET", "POST", "PUT", "PATCH", "DELETE")
_IGNORED = ("head", "options", "trace")
_TOTAL = re.compile(r"count$|^total|total$|^size$", re.I)
_PAGING = re.compile(
    r"count|total|size|limit|offset|page|paging|pagination|next|prev|more|cursor|skip|links|meta|^(?:number|first|last|empty)$",
    re.I,
)
_TELLING = re.compile(r"count|total|page|paging|pagination|size|limit|offset|meta|links|next|more|cursor", re.I)
_PREFIX = re.compile(r"api|rest|v\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Shape:
    """A JSON body, opened. `envelope` leads to the row, rows or texts; `total` is the sibling that counts them.

    `beside` are the schemas of the other siblings.
    """

    kind: Literal["none", "row", "rows", "texts", "other"]
    envelope: tuple[str, ...] = ()
    schema: Json = field(default_factory=dict)
    component: str | None = None
    total: str | None = None
    beside: Json = field(default_factory=dict)

    @property
    def properties(self) -> Json:
        """The members of the row."""
        return self.schema.get("properties", {})

    def wrapped(self, inner: Any, beside: Json | None = None) -> Any:
        """A template of the row put into its envelope, with what is told beside it."""
        if self.kind in ("rows", "texts"):
            inner = [inner]
        for position, key in enumerate(reversed(self.envelope)):
            told = {**({self.total: "$total"} if self.total else {}), **(beside or {})} if position == 0 else {}
            inner = {key: inner, **told}
        return inner


NOTHING = Shape("none")


@dataclass
class Op:
    """One operation. `chain` is its path: (`articles`, `slug`), (`comments`, None) for `/articles/{slug}/comments`."""

    method: Method
    path: str
    chain: tuple[tuple[str, str | None], ...]
    query: dict[str, Json]
    body: Shape
    answer: Shape
    status: int
    refusals: dict[int, Any]
    signed_in: bool
    summary: str
    text: str
    declared_body: bool
    used: bool = False

    @property
    def last(self) -> str:
        """The last fixed part of the path."""
        return self.chain[-1][0] if self.chain else ""

    @property
    def above(self) -> tuple[str, str | None]:
        """The collection that the last part stands beneath, and the parameter of its row."""
        return ("", None) if len(self.chain) < 2 else self.chain[len(self.chain) - 2]

    @property
    def title(self) -> str:
        """How a person names it."""
        return f"{self.method} {self.path}" + (f": {self.summary}" if self.summary else "")


def operations(document: Document) -> list[Op]:
    """All operations, in the order of the file."""
    paths = document.data["paths"]
    prefix = _prefix([str(path) for path in paths])
    found = []
    for path, item in paths.items():
        item = document.follow(item)
        for method in METHODS:
            if isinstance(item.get(method.lower()), dict):
                found.append(_operation(document, str(path), prefix, method, item, item[method.lower()]))
    return found


def ignored(document: Document) -> Iterator[str]:
    """Operations whose method is not carried over."""
    for path, item in document.data["paths"].items():
        yield from (f"{m.upper()} {path}" for m in _IGNORED if m in document.follow(item))


def base_path(document: Document) -> str:
    """The path of the first server, which stands in front of all paths."""
    servers = document.data.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    url = str(first.get("url", "")) if isinstance(first, dict) else ""
    for name, variable in (first.get("variables") or {}).items() if isinstance(first, dict) else ():
        url = url.replace(f"{{{name}}}", str((variable or {}).get("default", "")))
    found = re.sub(r"^[a-z][a-z0-9+.-]*://[^/]*", "", url).rstrip("/")
    return found if re.fullmatch(r"(/[\w.~-]+)*", found) else ""


def _prefix(paths: list[str]) -> int:
    """How many parts `/api/v1` has in front of all paths."""
    count = 0
    parts = [path.strip("/").split("/") for path in paths]
    while all(len(p) > count + 1 and p[count] == parts[0][count] and _PREFIX.fullmatch(p[count]) for p in parts):
        count += 1
    return count


def _operation(document: Document, path: str, prefix: int, method: Method, item: Json, operation: Json) -> Op:
    query: dict[str, Json] = {}
    for node in [*(item.get("parameters") or []), *(operation.get("parameters") or [])]:
        parameter = document.follow(node)
        if parameter.get("in") == "query" and parameter.get("name"):
            query[str(parameter["name"])] = parameter
    answer, status, refusals, conflict = NOTHING, 200, {}, ""
    for key, node in (operation.get("responses") or {}).items():
        response = document.follow(node)
        code = str(key)
        if code.startswith("2") and answer is NOTHING:
            status = int(code) if code.isdigit() else 200
            answer = _shape(document, _json_schema(response))
        elif code.isdigit() and int(code) >= 400:
            refusals[int(code)] = _refusal_schema(response)
            conflict = str(response.get("description") or "") if code == "409" else conflict
        elif code == "default":
            refusals[0] = _refusal_schema(response)
    requested = document.follow(operation.get("requestBody") or {})
    security = operation.get("security", document.data.get("security"))
    summary = " ".join(str(operation.get("summary") or operation.get("description") or "").split())[:200]
    text = ". ".join(str(operation[k]).strip().rstrip(".") for k in ("summary", "description") if operation.get(k))
    text = f"{text}. {conflict}" if conflict.lower().startswith("only ") else text
    return Op(
        method=method,
        path=path,
        chain=_chain(path, prefix),
        query=query,
        body=_shape(document, _json_schema(requested)),
        answer=answer,
        status=status,
        refusals=refusals,
        signed_in=bool(security) and all(bool(one) for one in security),
        summary=summary,
        text=" ".join(text.split()),
        declared_body=bool(requested),
    )


def _chain(path: str, prefix: int) -> tuple[tuple[str, str | None], ...]:
    found: list[tuple[str, str | None]] = []
    for part in [p for p in path.strip("/").split("/") if p][prefix:]:
        if part.startswith("{") and part.endswith("}"):
            if found and found[-1][1] is None:
                found[-1] = (found[-1][0], part[1:-1])
            else:
                found.append(("", part[1:-1]))
        else:
            found.append((part, None))
    return tuple(found)


def _json_schema(container: Json) -> Any:
    content = container.get("content")
    if not isinstance(content, dict) or not content:
        return None
    chosen = content.get("application/json") or next((v for k, v in content.items() if "json" in k), None)
    if chosen is None:
        chosen = next(iter(content.values()))
    return chosen.get("schema") if isinstance(chosen, dict) else None


def _refusal_schema(response: Json) -> Any:
    """The schema of a refusal: None where the file declares an empty body, {} where it says nothing."""
    return _json_schema(response) or ({} if "content" not in response else None)


def _shape(document: Document, node: Any) -> Shape:
    """A body's schema, opened. Only what is certain: one object in an envelope, one list with what counts it."""
    if node is None:
        return NOTHING
    schema = document.schema(node)
    if schema.get("type") == "array":
        return _listed(document, node if "items" in node else schema, ())
    properties = schema["properties"]
    if not properties:
        return Shape("other", schema=schema, component=document.component(node)) if schema.get("type") else NOTHING
    opened = {key: document.schema(inner) for key, inner in properties.items()}
    if len(opened) == 1:
        key, inner = next(iter(opened.items()))
        if inner["properties"] and inner.get("type", "object") == "object":
            return Shape("row", (key,), inner, document.component(properties[key]) or key)
    lists = [key for key, inner in opened.items() if inner.get("type") == "array"]
    others = [key for key in opened if key not in lists]
    if len(lists) == 1 and all(_PAGING.search(key) for key in others) and (not others or any(map(_TELLING.search, others))):
        counts = [key for key in others if _TOTAL.search(key) and "page" not in key.lower()]
        plain = len(others) == 1
        total = next((key for key in counts if key != "size" or plain), None)
        found = _listed(document, properties[lists[0]], (lists[0],))
        if found.kind == "rows" or not others:
            beside = {key: opened[key] for key in others if key != total}
            return Shape(found.kind, found.envelope, found.schema, found.component, total, beside)
    return Shape("row", (), schema, document.component(node))


def _listed(document: Document, node: Any, envelope: tuple[str, ...]) -> Shape:
    items = document.follow(node).get("items") or {}
    schema = document.schema(items)
    if schema["properties"]:
        return Shape("rows", envelope, schema, document.component(items))
    return Shape("texts" if schema.get("type") == "string" else "other", envelope, schema)


def entity_name(word: str) -> str:
    """The entity of a collection or component: `order-items` → `order_item`, `BlogPost` → `blog_post`."""
    return singular(identifier(word)) if word else ""
