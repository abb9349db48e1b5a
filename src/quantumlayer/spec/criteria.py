"""Spec → acceptance criteria (Given/When/Then) for each requirement, and the glossary."""

from quantumlayer.spec.analyst.words import an
from quantumlayer.spec.frd import Criterion, Term
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.routes import Route, routes
from quantumlayer.spec.values import Access, Entity, Field, Spec


def criteria_of(spec: Spec) -> dict[str, tuple[Criterion, ...]]:
    """Criteria by requirement id, in the order of the spec."""
    found: dict[str, list[Criterion]] = {}

    def add(satisfies: tuple[str, ...], given: str, when: str, then: str) -> None:
        for requirement in satisfies:
            found.setdefault(requirement, []).append(Criterion(given=given, when=when, then=then))

    for name, entity in spec.entities.items():
        label = an(name)
        for field_name, field in entity.fields.items():
            add(field.satisfies, f"{label} with its other fields valid", *_field(field_name, field, name))
        for unique in entity.unique:
            add(
                unique.satisfies,
                f"{label} with the same {' and '.join(unique.fields)}",
                "another one is created",
                "it is refused with 409",
            )
        for rule in entity.rules.values():
            add(
                rule.satisfies,
                f"a change after which `{rule.check}` would be false",
                f"{label} is {' or '.join(o + 'd' for o in rule.on)}",
                f"it is refused with {rule.status}: {rule.message}",
            )
        if entity.state:
            add(
                entity.state.satisfies,
                f"a new {name.replace('_', ' ')}",
                "it is read",
                f"its {entity.state.field} is {entity.state.initial}",
            )
        if entity.visible:
            add(
                entity.satisfies,
                f"{label} for which `{entity.visible}` is false",
                "it is listed or read",
                "it is not there: 404, and absent from lists",
            )
    for route in routes(spec):
        entity = spec.entities.get(route.entity or "")
        given = _caller(route.access)
        add(route.satisfies, given, f"{route.method} {route.path}", f"the answer is {route.status}{_outcome(route, entity)}")
        for guard in route.operation.guards.values() if route.operation else ():
            add(
                guard.satisfies,
                f"`{guard.check}` is false",
                f"{route.method} {route.path}",
                f"it is refused with {guard.status}: {guard.message}",
            )
    return {r: tuple(dict.fromkeys(c)) for r, c in found.items()}


def _caller(access: Access) -> str:
    if access.anonymous:
        return "any caller"
    if access.roles:
        return f"a caller with the role {' or '.join(access.roles)}"
    return f"a signed-in caller for whom `{access.allow}` holds" if access.allow else "a signed-in caller"


def _outcome(route: Route, entity: Entity | None) -> str:
    operation = route.operation
    if operation is None:
        return " with the rows of the report" if route.report else ""
    parts = []
    if operation.transition and entity and entity.state:
        parts.append(
            f"the {entity.state.field} is {operation.transition.to} (409 unless it was {' or '.join(operation.transition.from_states)})"
        )
    for effect in operation.effects:
        parts += [f"{key} becomes `{value}`" for key, value in effect.set.items()]
    if operation.filters:
        parts.append("filtered by " + ", ".join(dict.fromkeys(f.field for f in operation.filters)) + " as asked")
    if operation.default_sort:
        parts.append("sorted by " + ", ".join(operation.default_sort))
    if operation.search:
        parts.append("`q` finds text in " + ", ".join(operation.search))
    if operation.where:
        parts.append(f"only rows with `{operation.where}`")
    if operation.redirect:
        parts.append(f"with Location `{operation.redirect}`")
    return (" and " if parts else "") + "; ".join(parts)


def _field(name: str, field: Field, entity: str) -> tuple[str, str]:
    wire = wire_name(name, field)
    if field.value:
        return f"the {entity.replace('_', ' ')} is read", f"{wire} is `{field.value}`"
    if field.writable == "never":
        return "it is created", f"{wire} is {f'`{field.default}`' if field.default else 'null'}, whatever was sent"
    said = [field.type if field.type != "enum" else "one of " + ", ".join(field.values)]
    said += [
        f"{word} {value}"
        for word, value in (
            ("at least", field.min),
            ("at most", field.max),
            ("in steps of", field.step),
            ("of format", field.format),
            ("matching", field.pattern),
            ("not shorter than", field.min_length),
            ("not longer than", field.max_length),
        )
        if value is not None
    ]
    said += [
        "required" if field.required and not field.default else f"`{field.default}` if missing" if field.default else "optional"
    ]
    said += ["unique (409 otherwise)"] if field.unique else []
    return f"it is created or changed with {wire}", f"{wire} is kept if it is {', '.join(said)}; else 422"


def glossary_of(spec: Spec) -> tuple[Term, ...]:
    """What the request's nouns and roles mean here."""
    terms = [
        Term(term=name.replace("_", " "), meaning="a record with " + ", ".join(n.replace("_", " ") for n in entity.fields))
        for name, entity in spec.entities.items()
    ]
    terms += [Term(term=role, meaning="a role that an administrator grants") for role in spec.roles]
    return tuple(terms)
