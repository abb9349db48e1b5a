"""`checked(spec)`: the gate that a spec passes before anything else uses it. It finds all mistakes, each with its place."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from pydantic import BaseModel

from quantumlayer.spec.check_fields import field_problems, id_problems
from quantumlayer.spec.check_operations import access_problems, operation_problems, settable_problems
from quantumlayer.spec.check_relations import relation_problems
from quantumlayer.spec.check_units import unit_problems, unit_use_problems
from quantumlayer.spec.compiled import Walker
from quantumlayer.spec.expression import Select, walk
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.problems import Path, Problem, SpecError, nearest
from quantumlayer.spec.routes import ADMIN, kind_of, routes
from quantumlayer.spec.surface import surface_problems
from quantumlayer.spec.values import Auth, Entity, Report, Requirement, Spec

_PATH = re.compile(r"(/([A-Za-z0-9._~-]+|\{[a-z][a-z0-9_]*\}))+")
_NESTED = (BaseModel, dict, tuple)
_RESERVED_ROUTES = (("GET", "/health"), ("GET", "/metrics"), ("GET", "/openapi.json"))


def checked(spec: Spec) -> Spec:
    """The same spec, known to hold together: names, types, routes and every CEL text. Raises `SpecError` with all problems."""
    problems = [*relation_problems(spec)]
    breaking = bool(problems)
    problems += [*_structure(spec)]
    if not breaking:
        walker = Walker(spec)
        walker.run()
        problems += [*walker.problems, *_effects(spec, walker), *_cycles(spec, walker), *unit_use_problems(spec, walker)]
    if problems:
        raise SpecError(dict.fromkeys(problems))
    return spec


def _structure(spec: Spec) -> Iterator[Problem]:
    ids = Counter(requirement.id for requirement in spec.requirements)
    for index, requirement in enumerate(spec.requirements):
        if ids[requirement.id] > 1:
            yield Problem(("requirements", index, "id"), f"the id {requirement.id} is used more than once")
    yield from _satisfied(spec, (), spec)
    yield from unit_problems(spec)
    if spec.auth and spec.auth.entity in spec.entities:
        yield from _auth(spec, spec.auth)
    if spec.roles and not (spec.auth and "password" in spec.auth.methods):
        yield Problem(("roles",), "roles need accounts that log in", "add auth: {entity: …, methods: [password]}")
    plurals = Counter(entity.plural for entity in spec.entities.values())
    for name, entity in spec.entities.items():
        if plurals[entity.plural] > 1:
            yield Problem(("entities", name, "plural"), f"the plural «{entity.plural}» is used more than once")
        yield from _entity(spec, name, entity)
    for name, report in spec.reports.items():
        yield from _report(spec, name, report)
    yield from _routes(spec)
    yield from surface_problems(spec)


def _satisfied(spec: Spec, base: Path, value: object) -> Iterator[Problem]:
    """`satisfies` anywhere in the spec names requirements that exist."""
    known = {requirement.id for requirement in spec.requirements}

    def visit(path: Path, part: object) -> Iterator[Problem]:
        if isinstance(part, BaseModel) and not isinstance(part, Requirement):
            for key in getattr(part, "satisfies", ()):
                if key not in known:
                    yield Problem((*path, "satisfies"), f"there is no requirement {key}", nearest(key, known))
            inner: Iterable[tuple[str | int, object]] = part.__dict__.items()
        elif isinstance(part, dict):
            inner = part.items()
        elif isinstance(part, tuple):
            inner = enumerate(part)
        else:
            return
        for name, value in inner:
            if isinstance(value, _NESTED):
                yield from visit((*path, name), value)

    yield from visit(base, value)


def _auth(spec: Spec, auth: Auth) -> Iterator[Problem]:
    fields = spec.entities[auth.entity].fields
    if ADMIN in spec.roles and len(spec.roles) != len(set(spec.roles)):
        yield Problem(("roles",), "a role is named twice")
    if "password" not in auth.methods:
        return
    field = fields.get(auth.identifier)
    place = ("auth", "identifier")
    if not field:
        known = [n for n, f in fields.items() if f.type == "string"]
        yield Problem(place, f"{auth.entity} has no field «{auth.identifier}»", nearest(auth.identifier, known))
    elif field.type != "string" or not field.required or not field.unique or field.value or field.writable == "never":
        hint = "make it {type: string, unique: true}"
        yield Problem(place, f"the identifier «{auth.identifier}» must be a required, unique, writable string", hint)


def _entity(spec: Spec, name: str, entity: Entity) -> Iterator[Problem]:
    base: Path = ("entities", name)
    if name.startswith("input__"):
        yield Problem(base, "entity names cannot start with input__")
    yield from id_problems(base, entity)
    for key, field in entity.fields.items():
        yield from field_problems(spec, (*base, "fields", key), field)
    yield from _wire_clashes(base, entity)
    stored = [n for n, f in entity.fields.items() if f.value is None and f.type not in ("strings", "references")]
    stored += [entity.state.field] if entity.state else []
    for index, unique in enumerate(entity.unique):
        for key in unique.fields:
            if key not in stored:
                yield Problem((*base, "unique", index, "fields"), f"«{key}» is not a stored field", nearest(key, stored))
    if entity.state:
        if entity.state.initial not in entity.state.states:
            hint = nearest(entity.state.initial, entity.state.states)
            yield Problem((*base, "state", "initial"), f"there is no state «{entity.state.initial}»", hint)
        if len(set(entity.state.states)) < len(entity.state.states):
            yield Problem((*base, "state", "states"), "a state is named twice")
    if any(kind_of(key, operation) == "create" for key, operation in entity.operations.items()):
        for key, field in entity.fields.items():
            if (
                field.writable == "never"
                and field.required
                and field.default is None
                and field.type not in ("strings", "references")
            ):
                hint = "give it a default, or set required: false"
                yield Problem((*base, "fields", key), "nobody can give this required field a value", hint)
    for key in entity.operations:
        yield from operation_problems(spec, name, key)


def _wire_clashes(base: Path, entity: Entity) -> Iterator[Problem]:
    names = Counter(wire_name(key, field) for key, field in entity.fields.items())
    for key, field in entity.fields.items():
        wire = wire_name(key, field)
        if names[wire] > 1 or (wire != key and entity.state and wire == entity.state.field):
            yield Problem((*base, "fields", key), f"the JSON member «{wire}» stands for two fields")


def _report(spec: Spec, name: str, report: Report) -> Iterator[Problem]:
    base: Path = ("reports", name)
    if report.entity not in spec.entities:
        yield Problem((*base, "entity"), f"there is no entity «{report.entity}»", nearest(report.entity, spec.entities))
    yield from access_problems(spec, base, report.access)
    for key, field in report.input.items():
        yield from field_problems(spec, (*base, "input", key), field, is_input=True)
        if field.type in ("strings", "references") or key in ("limit", "offset", "sort"):
            yield Problem((*base, "input", key), "this cannot be a query parameter of a report", "choose another name or type")
    if report.each is not None:
        fields = spec.entities[report.entity].fields if report.entity in spec.entities else {}
        lists = [n for n, f in fields.items() if f.type == "strings"]
        if report.each not in lists:
            yield Problem((*base, "each"), f"«{report.each}» is no list of texts", nearest(report.each, lists))
    if bool(report.columns) == bool(report.measures):
        yield Problem(base, "a report has `measures` (with or without `group_by`) or `columns`")
    if report.group_by and not report.measures:
        yield Problem((*base, "group_by"), "groups without measures", "add measures, or use columns")
    for key in report.group_by.keys() & report.measures.keys():
        yield Problem((*base, "measures", key), f"the column «{key}» is there twice")
    names = [*report.group_by, *report.measures, *report.columns]
    for index, key in enumerate(report.sort):
        if key.removeprefix("-") not in names:
            yield Problem((*base, "sort", index), f"there is no column «{key}»", nearest(key, names))


def _routes(spec: Spec) -> Iterator[Problem]:
    if any(report.entity not in spec.entities for report in spec.reports.values()):
        return
    if spec.auth and spec.auth.entity not in spec.entities:
        return
    seen: dict[tuple[str, str], str] = dict.fromkeys(_RESERVED_ROUTES, "every application has it")
    for route in routes(spec):
        owner = f"{route.entity}.{route.name}"
        place: Path = ("reports", route.name) if route.report else ("auth",)
        if route.operation:
            place = ("entities", route.entity or "", "operations", route.name)
            yield from _path(spec, place, route.kind, route.path, route.entity or "")
        elif route.report and (not _PATH.fullmatch(route.path) or "{" in route.path):
            yield Problem((*place, "path"), f"«{route.path}» is not a fixed path", "write it like /reports/sales")
        key = (route.method, re.sub(r"\{\w+\}", "{}", route.path))
        if key in seen:
            yield Problem(place, f"{route.method} {route.path} is taken: {seen[key]}", "give it a `path` of its own")
        seen[key] = owner
        if route.kind in ("create", "update", "delete") and route.method == "GET":
            yield Problem((*place, "method"), f"{route.kind} cannot be a GET")


def _path(spec: Spec, place: Path, kind: str, path: str, entity: str) -> Iterator[Problem]:
    operation = spec.entities[entity].operations[str(place[-1])]
    parameter = f"{{{operation.by}}}"
    if not _PATH.fullmatch(path) or path.count("{") > 1 or ("{" in path and parameter not in path):
        hint = f"write it like /things/{parameter}/verb, with at most the parameter {parameter}"
        yield Problem((*place, "path"), f"«{path}» is not a path of this operation", hint)
    if (kind in ("create", "list")) and "{" in path:
        yield Problem((*place, "path"), f"a {kind} operation has no parameter in its path")
    if kind in ("read", "update", "delete") and "{" not in path:
        yield Problem((*place, "path"), f"a {kind} operation needs {parameter} in its path")
    if operation.by != "id":
        field = spec.entities[entity].fields.get(operation.by)
        if not field or not field.unique or not field.required or field.type not in ("string", "integer"):
            yield Problem((*place, "by"), f"«{operation.by}» is not a required, unique string or integer field")


def _effects(spec: Spec, walker: Walker) -> Iterator[Problem]:
    """What effects set, which needs the type of the row that `update` names."""
    for name, entity in spec.entities.items():
        for key, operation in entity.operations.items():
            for index, effect in enumerate(operation.effects):
                base: Path = ("entities", name, "operations", key, "effects", index)
                target = walker.found.get((*base, "update"))
                changed = effect.create or (target.type.entity if target else None)
                if changed in spec.entities:
                    yield from settable_problems(base, changed, spec.entities[changed], tuple(effect.set))


def _cycles(spec: Spec, walker: Walker) -> Iterator[Problem]:
    """Derived fields that are computed from themselves."""
    edges: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for place, expr in walker.found.items():
        if len(place) == 5 and place[4] == "value":
            selects = [e for e in walk(expr) if isinstance(e, Select)]
            edges[str(place[1]), str(place[3])] = {(s.operand.type.entity or "", s.field) for s in selects}

    def reaches(start: tuple[str, str], goal: tuple[str, str], seen: set[tuple[str, str]]) -> bool:
        for following in edges.get(start, ()):
            if following == goal:
                return True
            if following in edges and following not in seen:
                seen.add(following)
                if reaches(following, goal, seen):
                    return True
        return False

    for node in edges:
        if reaches(node, node, set()):
            yield Problem(("entities", node[0], "fields", node[1], "value"), "the field is computed from itself")
