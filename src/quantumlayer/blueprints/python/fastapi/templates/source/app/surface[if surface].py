"""The HTTP surface of the imported API description, in front of the application's own routes.

`surface.json` says for every operation which request it becomes, what the members of bodies are called and which statuses it
answers. Whatever clients send passes through here; the routers behind keep the conventional form.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TABLE: dict[str, Any] = json.loads(Path(__file__).with_name("surface.json").read_text())
SYSTEM = ("/health", "/metrics")
DOCUMENT = "/openapi.json"
MAX_BODY = 1_000_000
_DIGITS = re.compile("[0-9]{1,15}")


@dataclass(frozen=True)
class Answer:
    """What came back from the application."""

    status: int
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: Any = None


class NotAnObject(Exception):
    """A client's body has something else where an object is wanted."""


class TooLarge(Exception):
    """A client's body is too large."""


class Refused(Exception):
    """The application refused one of the requests."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Surface:
    """Middleware: translates each request into the application's own, and the answer back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        operations = [(operation["path"].split("/"), operation) for operation in TABLE["operations"]]
        self.operations = sorted(operations, key=lambda pair: [part.startswith("{") for part in pair[0]])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in SYSTEM:
            await self.app(scope, receive, send)
            return
        if scope["path"] == DOCUMENT and scope["method"] == "GET":
            await JSONResponse(TABLE["document"])(scope, receive, send)
            return
        path = scope.get("raw_path", scope["path"].encode()).decode().split("?")[0]
        found = list(self._matching(path))
        chosen = next((pair for pair in found if pair[0]["method"] == scope["method"]), None)
        if chosen is None:
            await _missing([operation["method"] for operation, _ in found])(scope, receive, send)
            return
        scope["route"] = SimpleNamespace(path=TABLE["base"] + chosen[0]["path"])
        try:
            body = await _read(receive)
            response = await Translation(self.app, scope, body, *chosen).response()
        except TooLarge:
            response = _refusal(_problem(413, f"At most {MAX_BODY} bytes."))
        except Refused as refused:
            response = _refusal(refused.answer)
        await response(scope, receive, send)

    def _matching(self, path: str) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
        if not path.startswith(TABLE["base"]):
            return
        parts = path[len(TABLE["base"]) :].split("/")
        for wanted, operation in self.operations:
            pairs = list(zip(wanted, parts, strict=False))
            if len(wanted) == len(parts) and all(w == p or (w.startswith("{") and p) for w, p in pairs):
                yield operation, {w[1:-1]: p for w, p in pairs if w.startswith("{")}


class Translation:
    """One request of a client."""

    def __init__(self, app: ASGIApp, scope: Scope, body: bytes, operation: dict[str, Any], values: dict[str, str]) -> None:
        self.app, self.scope, self.body = app, scope, body
        self.operation, self.values = operation, values
        self.headers, self.token = _credentials(scope["headers"])

    async def response(self) -> Response:
        """The answer for the client. Raises `Refused`."""
        operation = self.operation
        if not operation["open"] and not any(name in (b"authorization", b"x-api-key") for name, _ in self.headers):
            raise Refused(_problem(401, "Sign in first."))
        key, members = await self._rows()
        query = self._inner_query()
        method, body = operation["inner"]["method"], b""
        if method in ("GET", "DELETE"):
            query |= members
        else:
            body = self._translated(members)
        answer = await self._call(method, _placed(operation["inner"]["path"], key), query, body)
        return await self._answered(answer, body, query)

    async def _rows(self) -> tuple[str, dict[str, Any]]:
        """The key of the row, and the ids of those above it."""
        key, members = "", {}
        for name, raw in self.values.items():
            bound = self.operation["bind"][name]
            if bound["read"] is None:
                key = raw
            else:
                parent = await self._call("GET", _placed(bound["read"], raw))
                if bound["member"]:
                    members[bound["member"]] = parent.body["id"]
        if self.operation["caller"]:
            key = str((await self._call("GET", TABLE["me"])).body["id"])
        if self.operation["read"] and members:
            child = await self._call("GET", _placed(self.operation["read"], key))
            if any(child.body.get(member) != row for member, row in members.items()):
                raise Refused(_problem(404, "There is no such resource."))
            members = {}
        return key, members

    def _inner_query(self) -> dict[str, Any]:
        """The parameters under the application's own names; the number of a page as where it begins."""
        given = parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = {inner: value for outer, value in given if (inner := self.operation["query"].get(outer))}
        pages = self.operation["pages"]
        number = dict(given).get(pages["page"]) if pages else None
        if number is not None:
            query["offset"] = number
            if _DIGITS.fullmatch(number):
                limit = query.get("limit", "")
                size = int(limit) if _DIGITS.fullmatch(limit) else self.operation["usual"]
                query["offset"] = (int(number) - pages["first"]) * size
        return query

    def _translated(self, members: Mapping[str, Any]) -> bytes:
        """The body under the application's own names. What is no object is left to the application to refuse."""
        try:
            given = json.loads(self.body) if self.body.strip() else {}
        except (ValueError, RecursionError):
            return self.body
        if not isinstance(given, dict):
            return self.body
        try:
            taken = dict(_taken(self.operation["accepts"], given)) if self.operation["accepts"] is not None else {}
        except NotAnObject as wrong:
            errors = [{"field": str(wrong), "message": "must be an object"}]
            raise Refused(_problem(422, "Some fields are not valid.", errors)) from None
        return json.dumps({**taken, **members}).encode("utf-8", "surrogatepass")

    async def _call(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: bytes = b"") -> Answer:
        """One request of the application. Raises `Refused`."""
        answer = await self._send(method, path, query or {}, body, self.headers)
        if answer.status >= 400:
            raise Refused(self._renamed(answer))
        return answer

    async def _send(
        self, method: str, path: str, query: Mapping[str, Any], body: bytes, headers: list[tuple[bytes, bytes]]
    ) -> Answer:
        scope = {
            **self.scope,
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": urlencode(query).encode(),
            "headers": [*headers, (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
        }
        scope.pop("route", None)
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent)
        return Answer(sent[0]["status"], list(sent[0].get("headers", ())), json.loads(content) if content else None)

    def _renamed(self, answer: Answer) -> Answer:
        """Errors of fields under the names that the client knows."""
        errors = answer.body.get("errors") if isinstance(answer.body, dict) else None
        if not errors:
            return answer
        names = {inner: outer for outer, inner in self.operation["query"].items()}
        names = dict(_outer_names(self.operation["accepts"])) | names
        renamed = [{**error, "field": names.get(error["field"], error["field"])} for error in errors]
        if pages := self.operation["pages"]:
            told = {"field": pages["page"], "message": f"must be a whole number from {pages['first']}"}
            renamed = [told if error["field"] == "offset" else error for error in renamed]
        return Answer(answer.status, answer.headers, {**answer.body, "errors": renamed})

    async def _answered(self, answer: Answer, sent: bytes, query: Mapping[str, Any]) -> Response:
        template, status = self.operation["answers"], self.operation["status"]
        if answer.status == 307:
            return Response(status_code=307, headers={"location": _header(answer, b"location")})
        if template is None or answer.body is None:
            return Response(status_code=status)
        token, kind, wanted = self.token, self.operation["inner"]["kind"], set(_leaves(template))
        if kind == "register" and "$token" in wanted:
            given = json.loads(sent)
            credentials = json.dumps({name: given[name] for name in TABLE["login"]["members"]}).encode()
            token = (await self._call("POST", TABLE["login"]["path"], body=credentials)).body["access_token"]
        if kind == "login":
            token = answer.body["access_token"]
            if any(not member.startswith("$") for member in wanted):
                self.headers = [(b"authorization", f"Bearer {token}".encode())]
                answer = await self._call("GET", TABLE["me"])
        known = {"$token": token, **self._page(answer.body, query)}
        return JSONResponse(_filled(template, answer.body, known), status)

    def _page(self, body: Mapping[str, Any], query: Mapping[str, Any]) -> dict[str, Any]:
        """What a list may tell of its page."""
        if self.operation["inner"]["kind"] not in ("list", "report"):
            return {}
        pages = self.operation["pages"]
        limit, offset = int(query.get("limit", self.operation["usual"])), int(query.get("offset", 0))
        page, more = offset // limit + (pages["first"] if pages else 1), offset + limit < body["total"]
        return {
            "$total": body["total"],
            "$limit": limit,
            "$offset": offset,
            "$page": page,
            "$pages": -(-body["total"] // limit),
            "$more": more,
            "$first": offset == 0,
            "$last": not more,
            "$next": page + 1 if more else None,
            "$previous": page - 1 if offset > 0 else None,
        }


def _credentials(headers: list[tuple[bytes, bytes]]) -> tuple[list[tuple[bytes, bytes]], str]:
    """The headers for the application, and the token that was sent."""
    kept = [(n, v) for n, v in headers if n not in (b"authorization", b"content-type", b"content-length", b"transfer-encoding")]
    given = next((value.decode("latin-1") for name, value in headers if name == b"authorization"), None)
    if given is None:
        return kept, ""
    scheme, _, token = given.partition(" ") if TABLE["scheme"] else ("", "", given)
    right = scheme.lower() == TABLE["scheme"].lower()
    return [*kept, (b"authorization", f"Bearer {token.strip()}".encode("latin-1") if right else b"none")], token.strip()


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY:
            raise TooLarge
    return body


def _placed(path: str, key: str) -> str:
    return path.replace("{key}", quote(unquote(key, errors="replace"), safe=""))


def _header(answer: Answer, name: bytes) -> str:
    return next((value.decode("latin-1") for found, value in answer.headers if found.lower() == name), "")


def _taken(template: Any, body: Any, member: str = "body") -> Iterator[tuple[str, Any]]:
    if isinstance(template, str):
        yield template, body
    elif isinstance(template, dict):
        if not isinstance(body, dict):
            raise NotAnObject(member)
        for name, inner in template.items():
            if name in body:
                yield from _taken(inner, body[name], name)


def _filled(template: Any, body: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if isinstance(template, list):
        return [_filled(template[0], item, known) for item in body["items"]]
    if isinstance(template, dict):
        return {name: _filled(inner, body, known) for name, inner in template.items()}
    return known.get(template) if template.startswith("$") else body.get(template)


def _leaves(template: Any) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    for inner in template.values() if isinstance(template, dict) else template if isinstance(template, list) else ():
        yield from _leaves(inner)


def _outer_names(template: Any) -> Iterator[tuple[str, str]]:
    for name, inner in template.items() if isinstance(template, dict) else ():
        if isinstance(inner, str):
            yield inner, name
        else:
            yield from _outer_names(inner)


def _problem(status: int, detail: str, errors: list[dict[str, str]] | None = None) -> Answer:
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "errors": errors or []}
    return Answer(status, [], body)


def _missing(methods: list[str]) -> Response:
    if not methods:
        return _refusal(_problem(404, "There is nothing at this path."))
    allowed = ", ".join(sorted(set(methods)))
    return _refusal(Answer(405, [(b"allow", allowed.encode())], _problem(405, f"Allowed here: {allowed}.").body))


def _refusal(answer: Answer) -> Response:
    """The form that the API description gives a refusal; problem details where it gives none."""
    form = TABLE["refusals"].get(str(answer.status))
    kept = (b"allow", b"www-authenticate", b"retry-after")
    headers = {name.decode(): value.decode("latin-1") for name, value in answer.headers if name.lower() in kept}
    body = answer.body or {}
    if form is None:
        return JSONResponse(body, answer.status, headers, media_type="application/problem+json")
    if form["body"] is None:
        return Response(status_code=form["status"], headers=headers)
    messages = [f"{error['field']} {error['message']}".strip() for error in body.get("errors", ())]
    detail = body.get("detail", "")
    values = {"$detail": detail, "$title": body.get("title", ""), "$status": form["status"], "$messages": messages or [detail]}
    return JSONResponse(_told(form["body"], values), form["status"], headers)


def _told(template: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(template, dict):
        return {name: _told(inner, values) for name, inner in template.items()}
    if isinstance(template, list):
        return [_told(inner, values) for inner in template]
    return values.get(template, template) if isinstance(template, str) else template
