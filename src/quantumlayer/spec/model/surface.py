"""The reference model behind an imported surface: the client's requests in, the client's answers out."""

import json
from collections.abc import Generator, Mapping
from typing import Any, Self
from urllib.parse import quote, unquote

from quantumlayer.spec.http import HttpRequest, HttpResponse
from quantumlayer.spec.model.http_errors import Refusal
from quantumlayer.spec.model.reference import Clock, ReferenceModel
from quantumlayer.spec.routes import Route
from quantumlayer.spec.surface import (
    SYSTEM_PATHS,
    TOKEN,
    NotAnObject,
    fill,
    leaves,
    offset_of,
    outer_names,
    page_facts,
    read_route,
    refused,
    stands_for,
    take,
)
from quantumlayer.spec.values import Exposure, Spec, Surface

Dialogue = Generator[HttpRequest, HttpResponse, HttpResponse]


class SurfaceModel(ReferenceModel):
    """A reference model that answers as the spec's surface says. `inner` has the conventional contract."""

    def __init__(self, spec: Spec, clock: Clock, admin: tuple[str, str] | None = None) -> None:
        super().__init__(spec, clock, admin)
        assert spec.surface is not None
        self._surface = spec.surface
        self._known = stands_for(spec)
        self._exposures = [(exposure.path.split("/"), exposure) for exposure in spec.surface.exposures]
        self._exposures.sort(key=lambda pair: [part.startswith("{") for part in pair[0]])

    def copy(self) -> Self:
        """An independent model with the same rows, accounts and clock."""
        twin = super().copy()
        twin._surface, twin._known, twin._exposures = self._surface, self._known, self._exposures
        return twin

    def handle(self, request: HttpRequest) -> HttpResponse:
        """The client's answer, with the cause of a refusal."""
        if request.path in SYSTEM_PATHS:
            return super().handle(request)
        matching = self._matching(request.path)
        exposed = next((pair for pair in matching if pair[0].method == request.method), None)
        if exposed is None:
            methods = ", ".join(sorted({e.method for e, _ in matching}))
            missing = Refusal(405, f"Allowed here: {methods}.", "method").response(allow=methods)
            return self._refused(
                missing if matching else Refusal(404, "There is nothing at this path.", "not_found").response()
            )
        dialogue = _Translation(self.spec, self._surface, self._known, *exposed, request).dialogue()
        try:
            inner = next(dialogue)
            while True:
                inner = dialogue.send(super().handle(inner))
        except StopIteration as end:
            answer: HttpResponse = end.value
        return self._refused(answer) if answer.status >= 400 else answer

    def _matching(self, path: str) -> list[tuple[Exposure, dict[str, str]]]:
        base = self._surface.base
        if not path.startswith(base):
            return []
        parts = path[len(base) :].split("/")
        found = []
        for wanted, exposure in self._exposures:
            if len(wanted) == len(parts) and all(
                w == p or (w.startswith("{") and p) for w, p in zip(wanted, parts, strict=True)
            ):
                values = {w[1:-1]: p for w, p in zip(wanted, parts, strict=True) if w.startswith("{")}
                found.append((exposure, values))
        return found

    def _refused(self, answer: HttpResponse) -> HttpResponse:
        form = self._surface.refusals.get(answer.status)
        if form is None:
            return answer
        body = answer.body or {}
        messages = [f"{e['field']} {e['message']}".strip() for e in body.get("errors", ())]
        headers = {k: v for k, v in answer.headers.items() if k != "content-type"}
        if form.body is None:
            return HttpResponse(form.status, None, headers, answer.cause)
        filled = refused(form, body.get("title", ""), body.get("detail", ""), messages)
        return HttpResponse(form.status, filled, {**headers, "content-type": "application/json"}, answer.cause)


class _Translation:
    """One request of a client, as requests of the conventional contract."""

    def __init__(
        self,
        spec: Spec,
        surface: Surface,
        known: Mapping[str, Route],
        exposure: Exposure,
        values: dict[str, str],
        request: HttpRequest,
    ) -> None:
        self.spec, self.surface, self.known = spec, surface, known
        self.exposure, self.values, self.request = exposure, values, request
        self.route = known[exposure.does]
        self.headers, self.token = self._credentials()

    def _credentials(self) -> tuple[dict[str, str], str]:
        headers = dict(self.request.headers)
        given = headers.pop("authorization", None)
        if given is None:
            return headers, ""
        scheme, _, token = given.partition(" ") if self.surface.scheme else ("", "", given)
        right = scheme.lower() == self.surface.scheme.lower()
        headers["authorization"] = f"Bearer {token.strip()}" if right else "none"
        return headers, token.strip()

    def dialogue(self) -> Dialogue:
        """The requests one after the other; the client's answer in the end, its refusals still in the conventional form."""
        anonymous = "authorization" not in self.headers and "x-api-key" not in self.headers
        if anonymous and (self.exposure.caller or not self.route.access.anonymous):
            return Refusal(401, "Sign in first.", "auth").response()
        key, members = "", {}
        for name, raw in self.values.items():
            bound = self.exposure.bind[name]
            if bound.entity is None:
                key = raw
                continue
            parent = yield self._get(read_route(self.spec, bound.entity, bound.by), raw)
            if parent.status >= 400:
                return parent
            members[bound.member or ""] = parent.body["id"]
        if self.exposure.caller:
            me = yield self._get(self.known["auth.me"])
            if me.status >= 400:
                return me
            key = str(me.body["id"])
        if key and members:
            by = self.route.operation.by if self.route.operation else "id"
            child = yield self._get(read_route(self.spec, self.route.entity or "", by), key)
            if child.status >= 400:
                return child
            if any(child.body.get(member) != row for member, row in members.items()):
                return Refusal(404, "There is no such resource.", "not_found").response()
            members = {}
        try:
            inner = self._inner(key, members)
        except NotAnObject as wrong:
            return Refusal(
                422, "Some fields are not valid.", f"validation:{wrong.member}", ((wrong.member, "must be an object"),)
            ).response()
        answer = yield inner
        if answer.status >= 400:
            return self._renamed(answer)
        return (yield from self._answered(answer, inner))

    def _get(self, route: Route | None, key: str = "") -> HttpRequest:
        assert route is not None
        return HttpRequest("GET", _placed(route, key), {}, self.headers)

    def _inner(self, key: str, members: dict[str, Any]) -> HttpRequest:
        route, request = self.route, self.request
        query = {inner: request.query[outer] for outer, inner in self.exposure.query.items() if outer in request.query}
        pages = self.exposure.pages
        if pages and pages.page in request.query:
            query["offset"] = offset_of(request.query[pages.page], query.get("limit"), self._usual, pages.first)
        body = b""
        if route.method not in ("GET", "DELETE"):
            body = self._body(members)
        else:
            query |= {name: str(value) for name, value in members.items()}
        return HttpRequest(route.method, _placed(route, key), query, self.headers, body)

    def _body(self, members: dict[str, Any]) -> bytes:
        raw = self.request.body
        try:
            given = json.loads(raw) if raw.strip() else {}
        except (ValueError, RecursionError):
            return raw
        if not isinstance(given, dict):
            return raw
        found = take(self.exposure.accepts, given) if self.exposure.accepts is not None else {}
        return json.dumps({**found, **members}).encode("utf-8", "surrogatepass")

    def _renamed(self, answer: HttpResponse) -> HttpResponse:
        """Field errors under the names that the client knows."""
        errors = answer.body.get("errors") if isinstance(answer.body, dict) else None
        if not errors:
            return answer
        names = outer_names(self.exposure.accepts) | {inner: outer for outer, inner in self.exposure.query.items()}
        renamed = [{**e, "field": names.get(e["field"], e["field"])} for e in errors]
        if pages := self.exposure.pages:
            told = {"field": pages.page, "message": f"must be a whole number from {pages.first}"}
            renamed = [told if e["field"] == "offset" else e for e in renamed]
        return HttpResponse(answer.status, {**answer.body, "errors": renamed}, answer.headers, answer.cause)

    def _answered(self, answer: HttpResponse, inner: HttpRequest) -> Dialogue:
        template, status = self.exposure.answers, self.exposure.status
        if answer.status == 307:
            return answer
        if template is None or answer.body is None:
            return HttpResponse(status)
        token = self.token
        wanted = {member for _, member in leaves(template)}
        if self.route.kind == "register" and TOKEN in wanted:
            login = yield self._login(inner)
            token = login.body["access_token"]
        if self.route.kind == "login":
            token = answer.body["access_token"]
            if any(not member.startswith("$") for member in wanted):
                headers = {"authorization": f"Bearer {token}"}
                answer = yield HttpRequest("GET", self.known["auth.me"].path, {}, headers)
        return HttpResponse(status, fill(template, answer.body, {TOKEN: token, **self._page(answer.body, inner)}))

    @property
    def _usual(self) -> int:
        listed = self.route.report or self.route.operation
        return listed.paging.usual if listed else 1

    def _page(self, body: Mapping[str, Any], inner: HttpRequest) -> dict[str, Any]:
        """What may be told of the page."""
        if self.route.kind not in ("list", "report"):
            return {}
        limit, offset = int(inner.query.get("limit", self._usual)), int(inner.query.get("offset", 0))
        return page_facts(limit, offset, body["total"], self.exposure.pages.first if self.exposure.pages else 1)

    def _login(self, registration: HttpRequest) -> HttpRequest:
        auth = self.spec.auth
        assert auth is not None
        given = json.loads(registration.body)
        body = json.dumps({name: given[name] for name in (auth.identifier, "password")}).encode()
        return HttpRequest("POST", self.known["auth.login"].path, {}, {}, body)


def _placed(route: Route, key: str) -> str:
    head, opened, tail = route.path.partition("{")
    return head + quote(unquote(key, errors="replace"), safe="") + tail.partition("}")[2] if opened else route.path


def model_of(spec: Spec, clock: Clock, admin: tuple[str, str] | None = None) -> ReferenceModel:
    """The model that answers as clients of this spec's application are answered."""
    return SurfaceModel(spec, clock, admin) if spec.surface else ReferenceModel(spec, clock, admin)
