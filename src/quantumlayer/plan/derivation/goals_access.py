"""Goals about callers: who may do what, who sees what, registration, login, tokens, keys, roles."""

from quantumlayer.plan.derivation.deriver import Deriver, status
from quantumlayer.plan.derivation.hints import Hints, hints
from quantumlayer.plan.derivation.maker import Stuck, at
from quantumlayer.plan.derivation.pins import NONE
from quantumlayer.plan.derivation.search import caused_by, succeeded
from quantumlayer.plan.derivation.world import World
from quantumlayer.plan.scenario import Step
from quantumlayer.plan.session import LOGIN
from quantumlayer.spec.routes import ADMIN, Route

STRANGER = "stranger"


def access_goals(d: Deriver) -> None:
    """A scenario per route that not everyone may call, or whose rows not everyone may see."""
    if d.spec.auth is None:
        return
    for route in d.maker.routes:
        if route.kind in ("register", "login", "logout", "new_api_key", "me", "set_roles"):
            continue
        hidden = bool(route.entity and d.spec.entities[route.entity].visible)
        if hidden or not route.access.anonymous:
            _who_may(d, route)
    _authentication(d)
    _keys(d)
    _roles(d)


def _callers(d: Deriver) -> list[str | None]:
    return [None, STRANGER, "ada", "bob", *[r for r in d.spec.roles if r != ADMIN], *([ADMIN] if d.spec.roles else [])]


def _who_may(d: Deriver, route: Route) -> None:
    goal = f"access:{route.entity}.{route.name}"
    working = d.search.working(route) if route.kind != "report" else NONE
    if working is None:
        d.miss(goal, f"nobody was found who may: {d.search.last_reason}", d.of_route(route))
        return
    ready = d.ready(route) if route.kind != "report" else (d.start.fork(), None)
    if ready is None:
        return
    world, row = ready
    own = d.maker.known.get(route.entity or "", NONE).merged(working) if route.kind == "create" else working
    try:
        for caller in _callers(d):
            if caller is not None:
                d.maker.account(world, caller, (caller,) if caller in d.spec.roles else ())
        step = d.maker.step(world, route, own, None, row)
    except Stuck:
        return
    if route.kind == "update":
        step = step.model_copy(update={"body": step.body or {}})
    callers = _callers(d)
    if row and row in world.rows and world.rows[row].actor in world.accounts:
        callers = [*[c for c in callers if c != world.rows[row].actor], world.rows[row].actor]
    answers = {c: world.fork().call(step.model_copy(update={"actor": c})) for c in callers}
    refused = [c for c in callers if not succeeded(answers[c])]
    allowed = [c for c in callers if succeeded(answers[c])]
    reading = route.method == "GET"
    for caller in refused + (allowed if reading else allowed[-1:]):
        world.call(step.model_copy(update={"actor": caller, "save": step.save}))
    d.tried(world, step.model_copy(update={"headers": {"Authorization": "Bearer not-a-token"}, "actor": None}), status(401))
    for caller in [] if reading else allowed[:-1]:
        other = _again(d, route, caller)
        if other:
            d.add(
                f"{goal}:{caller or 'anyone'}", f"{route.method} {route.path} by {caller or 'anyone'}", other, d.of_route(route)
            )
    if route.access.allow and not any(a.cause == goal for a in answers.values()):
        _forbidden(d, route, goal)
    satisfies = d.of_route(route)
    entity = d.spec.entities.get(route.entity or "")
    d.add(
        goal,
        f"{route.method} {route.path}: who may and who may not",
        world,
        (*satisfies, *(entity.satisfies if entity else ())),
    )


def _forbidden(d: Deriver, route: Route, cause: str) -> None:
    """Someone who sees the row but may not do this to it."""
    entity = route.entity or ""
    known = Hints()
    for expr in (d.compiled.allow(entity, route.name), d.compiled.visible(entity)):
        known |= hints(expr) if expr is not None else Hints()
    hit = d.search.find(route, caused_by(cause), known)
    if hit:
        title = f"{route.method} {route.path} by someone who sees the row but may not"
        d.add(f"{cause}:seen", title, hit.world, d.of_route(route), shorten=True)


def _again(d: Deriver, route: Route, caller: str | None) -> World | None:
    ready = d.ready(route)
    working = d.search.working(route)
    if ready is None or working is None:
        return None
    world, row = ready
    try:
        if caller:
            d.maker.account(world, caller, (caller,) if caller in d.spec.roles else ())
        own = d.maker.known.get(route.entity or "", NONE).merged(working) if route.kind == "create" else working
        step = d.maker.step(world, route, own, None, row).model_copy(update={"actor": caller})
    except Stuck:
        return None
    if not d.tried(world, step, succeeded):
        return None
    if step.save:
        world.made(step.save, route, caller)
        d.read_back(world, step.save)
    return world


def _authentication(d: Deriver) -> None:
    auth = d.spec.auth
    assert auth is not None
    satisfies = auth.satisfies or d.spec.entities[auth.entity].satisfies
    if "password" not in auth.methods:
        return
    world = d.start.fork()
    try:
        d.maker.account(world, "ada")
    except Stuck as stuck:
        d.miss("auth", f"no account can be made: {stuck}", satisfies)
        return
    account = world.accounts["ada"]
    registration = dict(account.registration)
    login = {auth.identifier: registration[auth.identifier], "password": registration["password"]}
    post = Step(method="POST", path="/auth/login", status=200)
    if auth.registration:
        _registration(d, world, registration)
    for body in (
        {**login, "password": "Wrong-Passw0rd"},
        {**login, auth.identifier: d.maker.identifier("nobody")},
        {"password": login["password"]},
        {auth.identifier: login[auth.identifier]},
        {**login, "password": 12345678},
    ):
        world.call(post.model_copy(update={"body": body}))
    if "@" in str(login[auth.identifier]):
        world.call(post.model_copy(update={"body": {**login, auth.identifier: login[auth.identifier].upper()}}))
    world.call(Step(method="GET", path="/auth/me", actor="ada"))
    world.call(Step(method="GET", path="/auth/me"))
    for header in ("Bearer not-a-token", "Bearer ", "Basic YTpi", "nonsense"):
        world.call(Step(method="GET", path="/auth/me", headers={"Authorization": header}))
    world.call(Step(method="POST", path="/auth/logout"))
    world.call(Step(method="POST", path="/auth/logout", actor="ada"))
    world.call(Step(method="GET", path="/auth/me", actor="ada"))
    world.call(post.model_copy(update={"body": login, "save": f"ada{LOGIN}"}))
    world.call(Step(method="GET", path="/auth/me", actor="ada"))
    d.add("auth", "Registration, login and logout", world, satisfies)
    _two_sessions(d, satisfies)
    for route in d.routes("update"):
        if route.operation and route.operation.password:
            _new_password(d, route, satisfies)


def _new_password(d: Deriver, route: Route, satisfies: tuple[str, ...]) -> None:
    """A changed password logs in, the one before no longer does; one that is refused changes nothing."""
    auth, world = d.spec.auth, d.start.fork()
    assert auth is not None
    for alias in ("ada", "bob"):
        d.maker.account(world, alias)
    given = world.accounts["ada"].registration
    login = Step(method="POST", path="/auth/login")
    change = Step(method=route.method, path=at(route, "ada"), actor="ada")
    before, after = given["password"], "Another-Passw0rd"
    for password in ("short12", "x" * 129, None, 12345678):
        world.call(change.model_copy(update={"body": {"password": password}}))
    world.call(login.model_copy(update={"body": {auth.identifier: given[auth.identifier], "password": before}}))
    if not d.tried(world, change.model_copy(update={"body": {"password": after}}), succeeded):
        d.miss(f"password:{route.name}", "the account's own holder may not change it", d.of_route(route))
        return
    for password in (before, after):
        world.call(login.model_copy(update={"body": {auth.identifier: given[auth.identifier], "password": password}}))
    world.call(Step(method="GET", path="/auth/me", actor="ada"))
    named = (*satisfies, *d.of_route(route))
    d.add(f"password:{route.name}", "A new password logs in, the old one no longer does", world, named)
    other = world.fork()
    other.call(change.model_copy(update={"actor": "bob", "body": {"password": "Stolen-Passw0rd"}}))
    other.call(login.model_copy(update={"body": {auth.identifier: given[auth.identifier], "password": after}}))
    d.add(f"password:{route.name}:bob", "A new password for somebody else is as their access says", other, named)


def _two_sessions(d: Deriver, satisfies: tuple[str, ...]) -> None:
    """Logging out ends one session, not the others of other people."""
    world = d.start.fork()
    d.maker.account(world, "ada")
    d.maker.account(world, "bob")
    world.call(Step(method="POST", path="/auth/logout", actor="ada"))
    world.call(Step(method="GET", path="/auth/me", actor="bob"))
    world.call(Step(method="GET", path="/auth/me", actor="ada"))
    d.add("auth:logout", "Logging out ends the session of the caller alone", world, satisfies)


def _registration(d: Deriver, world: World, registration: dict[str, object]) -> None:
    auth = d.spec.auth
    assert auth is not None
    identifier = auth.identifier
    register = Step(method="POST", path="/auth/register", status=201)
    fresh = {**registration, identifier: d.maker.identifier("new")}
    bodies: list[dict[str, object]] = [
        registration,
        {**fresh, "password": "short12"},
        {**fresh, "password": "x" * 129},
        {**fresh, "password": None},
        {**fresh, "password": 12345678},
        {k: v for k, v in fresh.items() if k != "password"},
        {k: v for k, v in fresh.items() if k != identifier},
        {**fresh, "roles": [ADMIN]},
    ]
    if isinstance(registration[identifier], str) and "@" in str(registration[identifier]):
        bodies.append({**registration, identifier: str(registration[identifier]).upper()})
        bodies.append({**fresh, identifier: "not an address"})
    if d.spec.entities[auth.entity].fields[identifier].type == "string":
        bodies.append({**fresh, identifier: ""})
    for body in bodies:
        world.call(register.model_copy(update={"body": body}))
    long = {**fresh, identifier: d.maker.identifier("long"), "password": "x" * 128}
    world.call(register.model_copy(update={"body": long}))
    world.call(Step(method="POST", path="/auth/login", body={identifier: long[identifier], "password": "x" * 128}, status=200))


def _keys(d: Deriver) -> None:
    auth = d.spec.auth
    if auth is None or "api_key" not in auth.methods:
        return
    satisfies = auth.satisfies or d.spec.entities[auth.entity].satisfies
    world = d.start.fork()
    try:
        d.maker.account(world, "ada")
    except Stuck as stuck:
        d.miss("auth:keys", f"no account can be made: {stuck}", satisfies)
        return
    if "password" in auth.methods:
        world.call(Step(method="POST", path="/auth/api-keys"))
        world.call(Step(method="POST", path="/auth/api-keys", actor="ada", save="key"))
        world.call(Step(method="GET", path="/auth/me", headers={"X-API-Key": {"$ref": "key.api_key"}}))  # type: ignore[dict-item]
    world.call(Step(method="GET", path="/auth/me", actor="ada"))
    world.call(Step(method="GET", path="/auth/me", headers={"X-API-Key": "not-a-key"}))
    world.call(Step(method="GET", path="/auth/me"))
    d.add("auth:keys", "API keys sign in, wrong ones do not", world, satisfies)


def _roles(d: Deriver) -> None:
    auth, route = d.spec.auth, d.maker.route("set_roles")
    if auth is None or route is None:
        return
    world = d.start.fork()
    try:
        for alias in (ADMIN, "ada", "bob"):
            d.maker.account(world, alias)
    except Stuck as stuck:
        d.miss("auth:roles", f"no account can be made: {stuck}", auth.satisfies)
        return
    path = route.path.replace("{id}", "{ada.id}")
    role = next((r for r in d.spec.roles if r != ADMIN), ADMIN)
    for actor, body in (
        (None, [role]),
        ("bob", [role]),
        ("ada", [ADMIN]),
        (ADMIN, ["no_such_role"]),
        (ADMIN, "text"),
        (ADMIN, [role]),
    ):
        world.call(Step(method=route.method, path=path, actor=actor, body={"roles": body}))
    world.call(Step(method="GET", path="/auth/me", actor="ada"))
    world.call(Step(method=route.method, path=path, actor=ADMIN, body={"roles": []}))
    world.call(Step(method="GET", path="/auth/me", actor="ada"))
    world.call(Step(method=route.method, path=route.path.replace("{id}", "999999999"), actor=ADMIN, body={"roles": []}))
    d.add("auth:roles", "Only the administrator grants roles", world, auth.satisfies)
