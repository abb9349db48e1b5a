"""What clients of an application can say: through its surface where it has one, else as the conventional contract has it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from quantumlayer.plan.scenario import Step
from quantumlayer.plan.session import Session
from quantumlayer.plan.surface_client import Sent, SurfaceClient
from quantumlayer.spec.check_operations import listable
from quantumlayer.spec.http import HttpRequest, HttpResponse
from quantumlayer.spec.ids import given_fields
from quantumlayer.spec.naming import filter_parameter, wire_name
from quantumlayer.spec.routes import Route
from quantumlayer.spec.surface import outer_names, stands_for, surface_table
from quantumlayer.spec.values import Spec


def client_table(spec: Spec) -> dict[str, Any] | None:
    """`surface_table` with what a client needs to know of each operation; None without a surface."""
    table = surface_table(spec)
    if table is None or spec.surface is None:
        return None
    known = stands_for(spec)
    for row, exposure in zip(table["operations"], spec.surface.exposures, strict=True):
        route = known[exposure.does]
        row["inner"]["status"] = route.status
        row["entity"] = route.entity
        row["settable"] = _settable(spec, route)
        row["parameters"] = _parameters(spec, route)
        row["keys"] = _keys(spec, route.entity or "")
        row["above"] = {b.member: b.entity for b in exposure.bind.values() if b.entity and b.member}
    return table


def client_of(spec: Spec) -> SurfaceClient | None:
    """A client of the spec's surface; None without one."""
    table = client_table(spec)
    return None if table is None else SurfaceClient(table)


def _settable(spec: Spec, route: Route) -> list[str]:
    """The members of a body that mean something to the operation."""
    found = [wire_name(n, f) for n, f in (route.operation.input if route.operation else {}).items()]
    if route.kind in ("create", "register", "update"):
        found += [wire_name(n, f) for n, f in given_fields(spec.entities[route.entity or ""]).items()]
    password = route.kind in ("register", "login") or (route.operation is not None and route.operation.password)
    return [*found, *(["password"] if password else [])]


def _parameters(spec: Spec, route: Route) -> list[str]:
    """The query parameters that mean something to the operation."""
    listed = route.operation or route.report
    found = [wire_name(n, f) for n, f in (listed.input if listed else {}).items()] if route.method == "GET" else []
    if route.kind in ("list", "report"):
        found += ["limit", "offset"]
    if route.kind == "list" and route.operation:
        fields = listable(spec.entities[route.entity or ""])
        found += ["sort", *(["q"] if route.operation.search else [])]
        found += [filter_parameter(f, fields[f.field]) for f in route.operation.filters]
    return found


def _keys(spec: Spec, entity: str) -> list[str]:
    """The fields by which paths name rows of the entity, then what accounts log in with."""
    if entity not in spec.entities or spec.surface is None:
        return []
    known = stands_for(spec)
    found = []
    for exposure in spec.surface.exposures:
        route = known[exposure.does]
        found += [b.by for b in exposure.bind.values() if b.entity == entity]
        if route.entity == entity and route.operation and any(not b.entity for b in exposure.bind.values()):
            found.append(route.operation.by)
    if spec.auth and spec.auth.entity == entity:
        found.append(spec.auth.identifier)
    return [name for name in dict.fromkeys(found) if name != "id"]


@dataclass
class Speaker:
    """Sends the steps of a session as clients do. `client` is None where the contract is the conventional one."""

    client: SurfaceClient | None

    def request(self, session: Session, step: Step) -> tuple[HttpRequest, Sent | None]:
        """The step as it goes over the wire. Raises `Inexpressible`."""
        request = session.request(step)
        if self.client is None:
            return request, None
        account = session.saved.get(step.actor or "")
        caller = account.get("id") if isinstance(account, dict) else None
        sent = self.client.encode(request.method, request.path, request.query, request.headers, request.body, caller)
        return HttpRequest(sent.method, sent.path, sent.query, sent.headers, sent.body or b""), sent

    def heard(
        self, sent: Sent | None, status: int, body: Any, headers: Mapping[str, str], expected: HttpResponse
    ) -> tuple[int, Any, Mapping[str, str], str]:
        """An answer in the conventional form: status, body as far as it is told, headers, and what is wrong with its form."""
        if self.client is None or sent is None or sent.operation is None:
            return status, body, headers, ""
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        found, decoded, wrong = self.client.decode(sent, status, body, media_type, expected.status)
        if found >= 400 and found == expected.status and not wrong and str(found) in self.client.table["refusals"]:
            # The form holds; what it does not tell, such as the field to blame, is not compared.
            decoded, headers = expected.body, {**headers, "content-type": "application/problem+json"}
        return found, decoded, headers, wrong

    def outer_status(self, sent: Sent | None, status: int) -> int:
        """How clients see a status of the convention."""
        if self.client is None or sent is None or sent.operation is None:
            return status
        return int(self.client.outer_status(sent, status))


def told(sent: Sent | None, expected: HttpResponse, body: Any) -> HttpResponse:
    """Of an expected answer, what the surface tells: `body` is what came back, in the conventional form."""
    if sent is None or sent.operation is None:
        return expected
    headers = {k: v for k, v in expected.headers.items() if k.lower() != "location" or expected.status == 307}
    shown = expected.body
    if expected.status < 400:
        shown = None if sent.operation["answers"] is None else _shown(shown, body)
        if isinstance(body, dict) and isinstance(shown, dict) and "items" in body and "total" not in body:
            shown["total"] = body["total"] = (expected.body or {}).get("total")
    elif isinstance(shown, dict) and "errors" in shown and body is not shown:
        names = {inner: outer for outer, inner in sent.operation["query"].items()}
        names |= outer_names(sent.operation["accepts"])
        names |= {"offset": sent.operation["pages"]["page"]} if sent.operation["pages"] else {}
        shown = {**shown, "errors": [{**e, "field": names.get(e["field"], e["field"])} for e in shown["errors"]]}
    return replace(expected, headers=headers, body=shown)


def _shown(expected: Any, body: Any) -> Any:
    if isinstance(expected, dict) and isinstance(body, dict):
        return {k: _shown(v, body[k]) for k, v in expected.items() if k in body}
    if isinstance(expected, list) and isinstance(body, list) and len(expected) == len(body):
        return [_shown(e, b) for e, b in zip(expected, body, strict=True)]
    return expected
