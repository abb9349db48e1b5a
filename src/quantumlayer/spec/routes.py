"""The HTTP surface that a spec determines: one route table for the model, the blueprints, the judge and the documents."""

from dataclasses import dataclass
from typing import Literal

from quantumlayer.spec.values import CRUD, Access, Entity, Operation, OperationKind, Report, Spec

RouteKind = Literal[OperationKind, "report", "register", "login", "logout", "me", "new_api_key", "set_roles"]
_METHODS = {"create": "POST", "read": "GET", "list": "GET", "update": "PATCH", "delete": "DELETE", "action": "POST"}
_STATUSES = {"create": 201, "delete": 204, "register": 201, "logout": 204, "new_api_key": 201}
ADMIN = "admin"


@dataclass(frozen=True)
class Route:
    """`path` holds at most one parameter, `{id}` or `{by}`. `status` is the answer of a call that succeeds."""

    kind: RouteKind
    name: str
    method: str
    path: str
    status: int
    access: Access
    entity: str | None = None
    operation: Operation | None = None
    report: Report | None = None
    satisfies: tuple[str, ...] = ()

    @property
    def on_row(self) -> bool:
        """Whether the path names one row."""
        return "{" in self.path


def kind_of(name: str, operation: Operation) -> OperationKind:
    """The declared kind, else the name where it is a CRUD verb, else action."""
    return operation.kind or (name if name in CRUD else "action")  # type: ignore[return-value]


def slug(name: str) -> str:
    """`below_reorder_level` as it stands in a path."""
    return name.replace("_", "-")


def routes(spec: Spec) -> tuple[Route, ...]:
    """Every route, in matching order: fixed paths come before those with a parameter."""
    found = [*_auth_routes(spec)]
    for name, entity in spec.entities.items():
        found += [_operation_route(name, entity, key, operation) for key, operation in entity.operations.items()]
    for key, report in spec.reports.items():
        found.append(
            Route(
                "report",
                key,
                "GET",
                report.path or f"/reports/{slug(key)}",
                200,
                report.access,
                report.entity,
                report=report,
                satisfies=report.satisfies,
            )
        )
    return tuple(sorted(found, key=lambda route: route.on_row))


def _operation_route(name: str, entity: Entity, key: str, operation: Operation) -> Route:
    kind = kind_of(key, operation)
    base = f"/{slug(entity.plural)}"
    row = f"{base}/{{{operation.by}}}"
    default = {
        "create": base,
        "read": row,
        "update": row,
        "delete": row,
        "list": base if key == "list" else f"{base}/{slug(key)}",
        "action": f"{row}/{slug(key)}",
    }[kind]
    path = operation.path or default
    no_row = kind == "action" and "{" not in path
    status = 307 if operation.redirect else 204 if no_row else _STATUSES.get(kind, 200)
    return Route(
        kind,
        key,
        operation.method or _METHODS[kind],
        path,
        status,
        operation.access,
        name,
        operation=operation,
        satisfies=operation.satisfies,
    )


def _auth_routes(spec: Spec) -> list[Route]:
    if not spec.auth:
        return []
    auth, signed_in = spec.auth, Access(sign_in=True)
    plural = slug(spec.entities[auth.entity].plural)
    found = []
    if "password" in auth.methods:
        if auth.registration:
            found.append(("register", "POST", "/auth/register", Access()))
        found += [("login", "POST", "/auth/login", Access()), ("logout", "POST", "/auth/logout", signed_in)]
        if "api_key" in auth.methods:
            found.append(("new_api_key", "POST", "/auth/api-keys", signed_in))
    found.append(("me", "GET", "/auth/me", signed_in))
    if spec.roles:
        found.append(("set_roles", "PUT", f"/{plural}/{{id}}/roles", Access(roles=(ADMIN,))))
    return [
        Route(kind, kind, method, path, _STATUSES.get(kind, 200), access, auth.entity, satisfies=auth.satisfies)
        for kind, method, path, access in found
    ]
