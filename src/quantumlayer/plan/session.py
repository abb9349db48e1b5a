"""One side of a played scenario: what was saved, who is signed in, and the request that a step means there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from quantumlayer.plan.placeholders import query_text, resolve, resolve_path
from quantumlayer.plan.scenario import Account, Step
from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.routes import ADMIN, Route, routes
from quantumlayer.spec.values import Spec

LOGIN = "/login"
JSON_TYPE = {"content-type": "application/json"}


@dataclass
class Session:
    """`saved` by alias; `credentials` are the headers that sign an alias in. `start` is the scenario's clock."""

    start: datetime
    saved: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, dict[str, str]] = field(default_factory=dict)

    def copy(self) -> "Session":
        """Independent of this one. Saved answers are shared, they are never changed."""
        return replace(self, saved=dict(self.saved), credentials=dict(self.credentials))

    def request(self, step: Step) -> HttpRequest:
        """The step as a request. Raises `Unsaved`, a `Bug`, where it refers to an answer that is not there."""
        headers = dict(self.credentials[step.actor]) if step.actor else {}
        body = b""
        if step.raw_body is not None:
            body = step.raw_body.encode("utf-8", "surrogatepass")
        elif step.body is not None:
            body = json.dumps(resolve(step.body, self.saved, self.start)).encode()
        if body:
            headers |= JSON_TYPE
        headers |= {k.lower(): str(resolve(v, self.saved, self.start)) for k, v in step.headers.items()}
        query = {k: query_text(resolve(v, self.saved, self.start)) for k, v in step.query.items()}
        return HttpRequest(step.method, resolve_path(step.path, self.saved), query, headers, body)

    def learn(self, step: Step, body: Any) -> None:
        """Keeps the answer of a step that succeeded, and the credentials in it."""
        if not step.save:
            return
        self.saved[step.save] = body
        if isinstance(body, dict):
            if step.save.endswith(LOGIN) and "access_token" in body:
                self.credentials[step.save.removesuffix(LOGIN)] = {"authorization": f"Bearer {body['access_token']}"}
            elif isinstance(body.get("api_key"), str):
                self.credentials[step.save] = {"x-api-key": body["api_key"]}


def create_route(spec: Spec, entity: str) -> Route | None:
    """The first route that creates rows of an entity."""
    return next((r for r in routes(spec) if r.kind == "create" and r.entity == entity), None)


def opening_steps(spec: Spec, account: Account) -> Sequence[Step]:
    """The calls that make an account and sign it in. Roles are granted by the account `admin`, which must be open by then."""
    auth = spec.auth
    if auth is None:
        return ()
    if "password" not in auth.methods:
        route = create_route(spec, auth.entity)
        path = route.path if route else ""
        return (Step(method="POST", path=path, body=account.registration, status=201, save=account.alias),)
    names = (auth.identifier, "password")
    login = Step(
        method="POST",
        path="/auth/login",
        body={n: account.registration[n] for n in names},
        status=200,
        save=account.alias + LOGIN,
    )
    if ADMIN in account.roles:
        return (login, Step(method="GET", path="/auth/me", actor=account.alias, status=200, save=account.alias))
    register = Step(method="POST", path="/auth/register", body=account.registration, status=201, save=account.alias)
    if not account.roles:
        return (register, login)
    set_roles = next(r for r in routes(spec) if r.kind == "set_roles")
    grant = Step(
        method="PUT",
        path=set_roles.path.replace("{id}", f"{{{account.alias}.id}}"),
        actor=ADMIN,
        body={"roles": list(account.roles)},
        status=200,
    )
    return (register, login, grant)
