"""An imported HTTP surface: how each operation that clients see stands for one of the spec's own, as pure data and functions.

A client's request becomes requests of the conventional contract (docs/http-contract.md) and its answer becomes the client's:
paths, members and statuses change, what the application does is the same. `spec/model/surface.py` puts it before the reference
model, a blueprint that provides `surface` before its application.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from quantumlayer.spec.problems import Path, Problem, nearest
from quantumlayer.spec.routes import Route, routes
from quantumlayer.spec.values import Exposure, Refusal, Spec

Json = Any
TOKEN, TOTAL = "$token", "$total"
SYSTEM_PATHS = ("/health", "/metrics", "/openapi.json")
_PARAMETER = re.compile(r"\{([^{}]+)\}")
_DIGITS = re.compile(r"[0-9]{1,15}")
_PATH = re.compile(r"(?:/(?:\{[^{}/\s]+\}|[^{}/\s?#]*))+")


class NotAnObject(Exception):
    """The client's body holds something else where the template has an object; `member` is its name."""

    def __init__(self, member: str) -> None:
        super().__init__(member)
        self.member = member


def named(route: Route) -> str:
    """What `Exposure.does` calls a route: `article.create`, `report.tags`, `auth.login`."""
    owner = "report" if route.report else route.entity if route.operation else "auth"
    return f"{owner}.{route.name}"


def stands_for(spec: Spec) -> dict[str, Route]:
    """The spec's own routes by the names that exposures use."""
    return {named(route): route for route in routes(spec)}


def parameters(path: str) -> list[str]:
    """The names of the parameters in a path."""
    return _PARAMETER.findall(path)


def read_route(spec: Spec, entity: str, by: str) -> Route | None:
    """The route that reads a row of an entity by a field."""
    found = (r for r in routes(spec) if r.kind == "read" and r.entity == entity and r.operation)
    return next((r for r in found if r.operation and r.operation.by == by), None)


def take(template: Json, body: Json, member: str = "") -> dict[str, Json]:
    """The spec's members in a client's body. What the client left out is left out. Raises `NotAnObject`."""
    if isinstance(template, str):
        return {template: body}
    found: dict[str, Json] = {}
    if isinstance(template, dict):
        if not isinstance(body, dict):
            raise NotAnObject(member)
        for name, inner in template.items():
            if name in body:
                found |= take(inner, body[name], name)
    return found


def put(template: Json, members: Mapping[str, Json]) -> Json:
    """The client's body that holds these members: the inverse of `take`. Empty objects are left out, save an envelope."""
    body: dict[str, Json] = {}
    for name, inner in template.items() if isinstance(template, dict) else ():
        if isinstance(inner, str):
            if inner in members:
                body[name] = members[inner]
        elif part := put(inner, members):
            body[name] = part
        elif isinstance(inner, dict) and len(template) == 1:
            body[name] = {}
    return body


def fill(template: Json, body: Mapping[str, Json], more: Mapping[str, Json] | None = None) -> Json:
    """The client's answer. `more` holds what is no member of the body: `$token`."""
    if isinstance(template, str):
        if template == TOTAL:
            return body.get("total")
        return (more or {}).get(template) if template.startswith("$") else body.get(template)
    if isinstance(template, list):
        return [fill(template[0], item, more) for item in body.get("items", ())]
    if isinstance(template, dict):
        return {name: fill(inner, body, more) for name, inner in template.items()}
    return template


def offset_of(page: str, limit: str | None, usual: int, first: int) -> str:
    """Where the page with this number begins, as the parameter `offset`; what is no number stays, to be refused."""
    if not _DIGITS.fullmatch(page):
        return page
    return str((int(page) - first) * (int(limit) if limit and _DIGITS.fullmatch(limit) else usual))


def page_facts(limit: int, offset: int, total: int, first: int) -> dict[str, Json]:
    """What a list tells of its page: by the names of `Exposure`."""
    page, more = offset // limit + first, offset + limit < total
    return {
        "$limit": limit,
        "$offset": offset,
        "$page": page,
        "$pages": -(-total // limit),
        "$more": more,
        "$first": offset == 0,
        "$last": not more,
        "$next": page + 1 if more else None,
        "$previous": page - 1 if offset > 0 else None,
    }


def leaves(template: Json, where: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every member that a template names, with its place in the client's JSON; items of a list stand at 0."""
    if isinstance(template, str):
        yield where, template
    elif isinstance(template, dict):
        for name, inner in template.items():
            yield from leaves(inner, (*where, name))
    elif isinstance(template, list):
        for inner in template:
            yield from leaves(inner, (*where, 0))


def refused(form: Refusal, title: str, detail: str, messages: list[str]) -> Json:
    """The body of a refusal."""
    values = {"$detail": detail, "$status": form.status, "$title": title, "$messages": messages or [detail]}

    def filled(part: Json) -> Json:
        if isinstance(part, dict):
            return {name: filled(inner) for name, inner in part.items()}
        if isinstance(part, list):
            return [filled(inner) for inner in part]
        return values.get(part, part) if isinstance(part, str) else part

    return filled(form.body)


def outer_names(template: Json) -> dict[str, str]:
    """For each of the spec's members in a body, the name that clients know it by."""
    return {member: str(where[-1]) for where, member in leaves(template) if where}


def endpoints(spec: Spec) -> list[tuple[str, str]]:
    """(method, path) of everything that clients can call."""
    if spec.surface is None:
        return [(route.method, route.path) for route in routes(spec)]
    return [(exposure.method, spec.surface.base + exposure.path) for exposure in spec.surface.exposures]


def surface_table(spec: Spec) -> Json:
    """The surface as JSON for a program that stands before the conventional application; None where there is no surface.

    An operation's `inner` is the request that it becomes, with `{key}` for the row's key; `read` and the `read` of a parameter
    are the paths that find a row; `open` says that anonymous callers are let in.
    """
    surface, auth = spec.surface, spec.auth
    if surface is None:
        return None
    known = stands_for(spec)
    login = None
    if auth and "auth.login" in known:
        login = {"path": known["auth.login"].path, "members": [auth.identifier, "password"]}
    return {
        "base": surface.base,
        "scheme": surface.scheme,
        "refusals": {str(status): form.model_dump(mode="json") for status, form in surface.refusals.items()},
        "login": login,
        "me": known["auth.me"].path if "auth.me" in known else None,
        "operations": [_table_row(spec, exposure, known[exposure.does]) for exposure in surface.exposures],
    }


def _table_row(spec: Spec, exposure: Exposure, route: Route) -> Json:
    bound = {
        name: {"member": one.member, "read": _keyed(read_route(spec, one.entity, one.by)) if one.entity else None}
        for name, one in exposure.bind.items()
    }
    child = any(one["member"] for one in bound.values()) and any(not one["read"] for one in bound.values())
    by = route.operation.by if route.operation else "id"
    return {
        "method": exposure.method,
        "path": exposure.path,
        "inner": {"method": route.method, "path": _keyed(route), "kind": route.kind},
        "open": route.access.anonymous and not exposure.caller,
        "caller": exposure.caller,
        "bind": bound,
        "read": _keyed(read_route(spec, route.entity or "", by)) if child else None,
        "query": exposure.query,
        "pages": exposure.pages.model_dump() if exposure.pages else None,
        "usual": listed.paging.usual if (listed := route.report or route.operation) else None,
        "accepts": exposure.accepts,
        "status": exposure.status,
        "answers": exposure.answers,
    }


def _keyed(route: Route | None) -> str | None:
    return _PARAMETER.sub("{key}", route.path) if route else None


# checks


def surface_problems(spec: Spec) -> Iterator[Problem]:
    """What is wrong with a surface."""
    if spec.surface is None:
        return
    known = stands_for(spec)
    seen: set[tuple[str, str]] = set()
    for index, exposure in enumerate(spec.surface.exposures):
        base: Path = ("surface", "exposures", index)
        if exposure.does not in known:
            yield Problem((*base, "does"), f"there is no operation «{exposure.does}»", nearest(exposure.does, known))
            continue
        if not _PATH.fullmatch(exposure.path):
            yield Problem((*base, "path"), f"«{exposure.path}» is not a path", "write it like /articles/{slug}")
        key = (exposure.method, _PARAMETER.sub("{}", exposure.path))
        if key in seen or spec.surface.base + exposure.path in SYSTEM_PATHS:
            yield Problem((*base, "path"), f"{exposure.method} {exposure.path} is taken")
        seen.add(key)
        yield from _binding_problems(spec, base, exposure, known[exposure.does])


def _binding_problems(spec: Spec, base: Path, exposure: Exposure, route: Route) -> Iterator[Problem]:
    names = parameters(exposure.path)
    for name in names:
        if name not in exposure.bind:
            yield Problem(
                (*base, "bind"), f"the parameter «{name}» of the path stands for nothing", f"add bind: {{{name}: {{}}}}"
            )
    if exposure.pages and route.kind not in ("list", "report"):
        yield Problem((*base, "pages"), f"{exposure.does} has no pages", "pages are for lists and reports")
    if exposure.pages and exposure.pages.page in exposure.query:
        yield Problem((*base, "pages", "page"), f"the parameter «{exposure.pages.page}» stands for two things")
    for name, bound in exposure.bind.items():
        place = (*base, "bind", name)
        if name not in names:
            yield Problem(place, f"the path has no parameter «{name}»", nearest(name, names))
        if bound.entity and read_route(spec, bound.entity, bound.by) is None:
            yield Problem(place, f"no operation reads {bound.entity} by «{bound.by}»", "add one, or bind by the field it has")
    keyed = exposure.caller or any(not b.entity for b in exposure.bind.values())
    if route.on_row != keyed:
        hint = "bind a parameter of the path without `entity`, or set caller: true" if route.on_row else "take it out"
        yield Problem((*base, "bind"), f"{exposure.does} is {'about one row' if route.on_row else 'not about one row'}", hint)
