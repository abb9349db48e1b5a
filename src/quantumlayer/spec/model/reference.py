"""The reference model: answers any request as a correct application must, in memory. docs/http-contract.md to the letter."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Self

from quantumlayer.spec.http import HttpRequest, HttpResponse
from quantumlayer.spec.model.accounts import Accounts, unauthorized
from quantumlayer.spec.model.change import Change
from quantumlayer.spec.model.codec import encode
from quantumlayer.spec.model.evaluate import Variables
from quantumlayer.spec.model.http_errors import Refusal, invalid, not_found
from quantumlayer.spec.model.listing import matching_rows, report_items
from quantumlayer.spec.model.neutral import neutral_value
from quantumlayer.spec.model.prepared import EntityPlan, FieldPlan, OperationPlan, Prepared, prepare
from quantumlayer.spec.model.request_values import Reader, read_body, row_key, wanted
from quantumlayer.spec.model.store import Row, Store, Table
from quantumlayer.spec.routes import ADMIN, Route, slug
from quantumlayer.spec.values import Access, Field, Spec

Clock = Callable[[], datetime]
_PASSWORD = Field(type="string", min_length=8, max_length=128)
_CREDENTIAL = Field(type="string", min_length=0, max_length=10_000)
_ROLES = Field(type="strings")
_ALWAYS = ("/health", "/openapi.json")
_BODYLESS = ("read", "list", "delete", "report", "logout", "me", "new_api_key")


class ReferenceModel:
    """One running application. `clock` gives the time as an aware UTC datetime; it is read once a request.

    `spec` must be checked. `admin` is (identifier, password) of the first administrator, used where the spec has roles.
    """

    def __init__(self, spec: Spec, clock: Clock, admin: tuple[str, str] | None = None) -> None:
        self.spec = spec
        self._clock = clock
        self._prepared = prepare(spec)
        self._store = Store({name: Table() for name in spec.entities})
        self._accounts = Accounts()
        if admin and spec.roles and spec.auth:
            self._make_admin(spec.auth.entity, *admin)

    def copy(self) -> Self:
        """An independent model with the same rows, accounts and clock; costs one shallow copy of each table."""
        twin = object.__new__(type(self))
        twin.spec, twin._clock, twin._prepared = self.spec, self._clock, self._prepared
        twin._store, twin._accounts = self._store.copy(), self._accounts.copy()
        return twin

    def has(self, entity: str, row_id: object) -> bool:
        """Whether a row with this id exists."""
        return row_id in self._store.tables[entity].rows

    def handle(self, request: HttpRequest) -> HttpResponse:
        """The answer, with the cause of a refusal. A refused request changes nothing."""
        if request.path in _ALWAYS:
            return self._always(request)
        routes, parameter = self._prepared.routes.find(request.path)
        route = routes.get(request.method)
        if route is None:
            return _nowhere(sorted(routes))
        self._store.begin()
        try:
            return _Call(self._prepared, self._store, self._accounts, self._clock(), request, route, parameter).answer()
        except Refusal as refusal:
            self._store.rollback()
            return refusal.response()
        except (ArithmeticError, ValueError) as error:
            self._store.rollback()
            return Refusal(500, "An expression has no value here.", f"error:{error}").response()

    def _always(self, request: HttpRequest) -> HttpResponse:
        if request.method != "GET":
            return _nowhere(["GET"])
        return HttpResponse(200, self._prepared.document if request.path == "/openapi.json" else {"status": "ok"})

    def _make_admin(self, entity: str, identifier: str, password: str) -> None:
        auth, plan = self.spec.auth, self._prepared.entities[entity]
        assert auth is not None
        now = self._clock()
        variables: Variables = {"db": self._store, "now": now, "today": now.date(), "actor": None}
        change = Change(self._prepared, self._store, variables, entity)
        given: Row = {
            name: neutral_value(field.field, now)
            for name, field in plan.fields.items()
            if wanted(field) and field.field.required
        }
        given[auth.identifier] = plan.fields[auth.identifier].parse(identifier)
        if plan.id and plan.id.field.type == "integer":
            given["id"] = neutral_value(plan.id.field, now)
        row = {**change.new_row(plan, given), "roles": (ADMIN,)}
        self._accounts.set_password(change.insert(plan, row, given)["id"], password)


def _nowhere(methods: list[str]) -> HttpResponse:
    if methods:
        allowed = ", ".join(methods)
        return Refusal(405, f"Allowed here: {allowed}.", "method").response(allow=allowed)
    return Refusal(404, "There is nothing at this path.", "not_found").response()


class _Call:
    """One request on its way through the checks, in the order of the contract."""

    def __init__(
        self,
        prepared: Prepared,
        store: Store,
        accounts: Accounts,
        now: datetime,
        request: HttpRequest,
        route: Route,
        parameter: str,
    ) -> None:
        self.prepared, self.store, self.accounts = prepared, store, accounts
        self.request, self.route, self.parameter = request, route, parameter
        self.variables: Variables = {"db": store, "now": now, "today": now.date(), "actor": None}
        self.reader = Reader(prepared, store, self.variables)

    def answer(self) -> HttpResponse:
        """Run the checks and the operation."""
        route = self.route
        body = self._body()
        auth = self.prepared.spec.auth
        self.variables["actor"] = self.accounts.caller(auth, self.request.headers, self.store, self.variables["now"])
        self._admit(route.access)
        if route.operation:
            return self._operation(self._plan(), self.prepared.operations[route.entity or "", route.name], body)
        if route.report:
            return self._page(report_items(self.prepared.reports[route.name], self.reader_with_page(), self.request.query))
        handler: Callable[[dict[str, Any]], HttpResponse] = getattr(self, f"_{route.kind}")
        return handler(body)

    def _plan(self) -> EntityPlan:
        return self.prepared.entities[self.route.entity or ""]

    def _body(self) -> dict[str, Any]:
        route = self.route
        if route.kind in _BODYLESS or route.method in ("GET", "DELETE"):
            return {}
        plans = list(self._body_plans())
        if route.kind == "action" and not plans:
            return {}
        auth = self.prepared.spec.auth
        account = route.kind == "create" and auth and auth.entity == route.entity and "password" in auth.methods
        needed = account or route.kind in ("register", "login", "set_roles") or any(wanted(plan) for plan in plans)
        return read_body(self.request, needed=bool(needed) and route.kind != "update")

    def _body_plans(self) -> list[FieldPlan]:
        route = self.route
        found: list[FieldPlan] = []
        if route.operation:
            found += self.prepared.operations[route.entity or "", route.name].inputs.values()
        if route.kind in ("create", "register"):
            found += self._plan().creatable
        return found

    def _admit(self, access: Access) -> None:
        actor = self.variables["actor"]
        if access.anonymous:
            return
        if actor is None:
            raise unauthorized("Sign in first.")
        if access.roles and not any(role in actor["roles"] for role in access.roles):
            raise Refusal(403, f"One of these roles is needed: {', '.join(access.roles)}.", self._access_cause())

    def _access_cause(self) -> str:
        route = self.route
        owner = "report" if route.report else route.entity if route.operation else "auth"
        return f"access:{owner}.{route.name}"

    # operations

    def _operation(self, plan: EntityPlan, operation: OperationPlan, body: dict[str, Any]) -> HttpResponse:
        if operation.kind == "list":
            reader = self.reader_with_page()
            return self._page(
                [
                    self._shown(plan, row)
                    for row in self._slice(matching_rows(plan, operation, reader, self.request.query, self.prepared.evaluator))
                ]
            )
        if operation.kind == "create":
            return self._create(plan, operation, body)
        return self._on_row(plan, operation, body)

    def _create(self, plan: EntityPlan, operation: OperationPlan, body: dict[str, Any]) -> HttpResponse:
        given = self.reader.body(plan.creatable, body)
        inputs = self.reader.body(operation.inputs.values(), body)
        password = self._password(plan, body)
        self._valid()
        variables, change = self.variables, Change(self.prepared, self.store, self.variables, plan.name)
        row = change.new_row(plan, given)
        variables["self"], variables["input"] = row, self.reader.filled(operation.inputs, inputs)
        self._allow(operation)
        self._guards(operation)
        variables["self"] = row = change.insert(plan, row, given)
        for effect in operation.effects:
            change.apply(effect)
        change.finish()
        return self._created(plan, self.store.row(plan.name, row["id"]), password)

    def _created(self, plan: EntityPlan, row: Row | None, password: str | None) -> HttpResponse:
        if row is None:
            return HttpResponse(204)
        body = self._shown(plan, row)
        auth = self.prepared.spec.auth
        if password is not None:
            self.accounts.set_password(row["id"], password)
        elif auth and auth.entity == plan.name and auth.methods == ("api_key",):
            body["api_key"] = self.accounts.new_key(row["id"])
        return HttpResponse(201, body, {"location": f"/{slug(plan.entity.plural)}/{row['id']}"})

    def _password(self, plan: EntityPlan, body: dict[str, Any]) -> str | None:
        auth = self.prepared.spec.auth
        if not auth or auth.entity != plan.name or "password" not in auth.methods:
            return None
        return self._extra("password", _PASSWORD, body)

    def _extra(self, name: str, field: Field, body: dict[str, Any]) -> Any:
        """A member that is not a field of the entity."""
        return self.reader.body([self.prepared.plain_field(name, field)], body).get(name)

    def _on_row(self, plan: EntityPlan, operation: OperationPlan, body: dict[str, Any]) -> HttpResponse:
        row = self._named_row(plan, operation) if self.route.on_row else None
        in_query = self.route.method in ("GET", "DELETE")
        inputs = (
            self.reader.query(operation.inputs.values(), self.request.query)
            if in_query
            else self.reader.body(operation.inputs.values(), body)
        )
        changes: Row = {}
        password = self._new_password(operation, body)
        if operation.kind == "update":
            writable = [field for field in plan.fields.values() if field.field.writable == "always"]
            changes = self.reader.body(writable, body, partial=True)
        self._valid()
        if self.route.on_row and not self.reader.sees(plan.name, row):
            raise not_found()
        self.variables["input"] = self.reader.filled(operation.inputs, inputs)
        if row is not None:
            self.variables["self"] = row
        self._allow(operation)
        self._state(plan, operation, row)
        self._guards(operation)
        answer = self._changed(plan, operation, row, changes)
        if row is not None and password is not None:
            self.accounts.set_password(row["id"], password)
        return answer

    def _new_password(self, operation: OperationPlan, body: dict[str, Any]) -> str | None:
        """What an update changes the password to; None where it stays."""
        if not operation.operation.password:
            return None
        return self.reader.body([self.prepared.plain_field("password", _PASSWORD)], body, partial=True).get("password")

    def _changed(self, plan: EntityPlan, operation: OperationPlan, row: Row | None, changes: Row) -> HttpResponse:
        change = Change(self.prepared, self.store, self.variables, plan.name)
        transition = operation.operation.transition
        if row is not None and transition and plan.entity.state:
            changes = {**changes, plan.entity.state.field: transition.to}
        if row is not None and (operation.kind == "update" or changes):
            change.update(plan.name, row, changes)
        redirect = operation.redirect(self.variables) if operation.redirect else None
        for effect in operation.effects:
            change.apply(effect)
        if operation.kind == "delete" and row is not None and (current := self.store.row(plan.name, row["id"])):
            change.delete(plan.name, current)
        change.finish()
        if redirect is not None:
            return HttpResponse(307, None, {"location": redirect})
        after = self.store.row(plan.name, row["id"]) if row is not None else None
        return HttpResponse(204) if after is None else HttpResponse(200, self._shown(plan, after))

    def _named_row(self, plan: EntityPlan, operation: OperationPlan) -> Row | None:
        by = operation.operation.by
        value = row_key(plan, by, self.parameter)
        if value is None:
            raise not_found()
        if by == "id":
            return self.store.row(plan.name, value)
        return next((self.store.row(plan.name, i) for i in self.store.tables[plan.name].ids_with((by,), value)), None)

    def _allow(self, operation: OperationPlan) -> None:
        if operation.allow and not operation.allow(self.variables):
            raise Refusal(403, "You may not do this.", self._access_cause())

    def _state(self, plan: EntityPlan, operation: OperationPlan, row: Row | None) -> None:
        transition = operation.operation.transition
        if transition and plan.entity.state and row is not None:
            state = row[plan.entity.state.field]
            if state not in transition.from_states:
                raise Refusal(409, f"Not possible while {plan.name} is {state}.", f"state:{plan.name}.{operation.name}")

    def _guards(self, operation: OperationPlan) -> None:
        for guard, check, cause in operation.guards:
            if not check(self.variables):
                errors = (("", guard.message),) if guard.status == 422 else ()
                raise Refusal(guard.status, guard.message, cause, errors)

    def _valid(self) -> None:
        if self.reader.errors:
            raise invalid(self.reader.errors)

    # answers

    def _shown(self, plan: EntityPlan, row: Row) -> dict[str, Any]:
        body = {wire: encode(row[name]) for name, wire in plan.shown}
        for name, value in plan.derived.items():
            body[name] = encode(value({**self.variables, "self": row}))
        return body

    def reader_with_page(self) -> Reader:
        """The reader, having read `limit` and `offset`; their errors come with the others."""
        listed = self.route.operation or self.route.report
        assert listed is not None
        self.limit, self.offset = self.reader.page(self.request.query, listed.paging)
        return self.reader

    def _slice(self, rows: list[Row]) -> list[Row]:
        self.total = len(rows)
        return rows[self.offset : self.offset + self.limit]

    def _page(self, items: list[dict[str, Any]]) -> HttpResponse:
        if self.route.report:
            items = self._slice(items)
        return HttpResponse(200, {"items": items, "total": self.total})

    # authentication

    def _register(self, body: dict[str, Any]) -> HttpResponse:
        plan = self._plan()
        given = self.reader.body(plan.creatable, body)
        password = self._password(plan, body)
        self._valid()
        change = Change(self.prepared, self.store, self.variables, plan.name)
        row = change.insert(plan, change.new_row(plan, given), given)
        change.finish()
        return self._created(plan, row, password)

    def _login(self, body: dict[str, Any]) -> HttpResponse:
        auth, plan = self.prepared.spec.auth, self._plan()
        assert auth is not None
        identifier = self._extra(auth.identifier, _CREDENTIAL, body)
        password = self._extra("password", _CREDENTIAL, body)
        self._valid()
        key = plan.fields[auth.identifier].parse(identifier)
        found = next(iter(self.store.tables[plan.name].ids_with((auth.identifier,), key)), 0)
        if not self.accounts.matches(found, password):
            raise unauthorized("The credentials are not right.")
        token = self.accounts.new_token(found, self.variables["now"], auth.token_hours)
        return HttpResponse(200, {"access_token": token, "token_type": "bearer", "expires_in": auth.token_hours * 3600})

    def _logout(self, body: dict[str, Any]) -> HttpResponse:
        self.accounts.end_token(self.request.headers)
        return HttpResponse(204)

    def _me(self, body: dict[str, Any]) -> HttpResponse:
        return HttpResponse(200, self._shown(self._plan(), self.variables["actor"]))

    def _new_api_key(self, body: dict[str, Any]) -> HttpResponse:
        return HttpResponse(201, {"api_key": self.accounts.new_key(self.variables["actor"]["id"])})

    def _set_roles(self, body: dict[str, Any]) -> HttpResponse:
        plan, spec = self._plan(), self.prepared.spec
        account = row_key(plan, "id", self.parameter)
        if account is None:
            raise not_found()
        roles = self._extra("roles", _ROLES, body)
        if roles is not None and (unknown := sorted({*roles} - {*spec.roles, ADMIN})):
            self.reader.errors.append(("roles", f"unknown: {', '.join(unknown)}"))
        self._valid()
        row = self.store.row(plan.name, account)
        if row is None:
            raise not_found()
        change = Change(self.prepared, self.store, self.variables, plan.name)
        row = change.update(plan.name, row, {"roles": tuple(sorted(set(roles or ())))})
        return HttpResponse(200, self._shown(plan, row))
