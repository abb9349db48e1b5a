"""Checks of the names by which expressions reach fields: where these clash, no expression can be compiled."""

from collections.abc import Iterator

from quantumlayer.spec.cel import inverse_name
from quantumlayer.spec.problems import Path, Problem, nearest
from quantumlayer.spec.values import SYSTEM_FIELDS, Entity, Spec


def relation_problems(spec: Spec) -> Iterator[Problem]:
    """Dangling relations and members of an entity that share a name."""
    for name, entity in spec.entities.items():
        taken = _own_members(spec, name, entity)
        yield from _system_clashes(spec, name, entity)
        for other_name, other in spec.entities.items():
            for key, field in other.fields.items():
                if field.type in ("reference", "references") and field.to == name:
                    place: Path = ("entities", other_name, "fields", key)
                    inverse = inverse_name(other_name, spec, field)
                    if inverse in taken:
                        yield Problem(
                            place,
                            f"its inverse «{inverse}» clashes with {taken[inverse]} of {name}",
                            "name it with `inverse: …`",
                        )
                    taken[inverse] = f"the inverse of {other_name}.{key}"
    yield from _dangling(spec)


def _own_members(spec: Spec, name: str, entity: Entity) -> dict[str, str]:
    taken: dict[str, str] = dict.fromkeys(SYSTEM_FIELDS, "a system field")
    taken |= {key: f"the field {key}" for key in entity.fields}
    if entity.state:
        taken[entity.state.field] = "the state"
    if spec.auth and spec.auth.entity == name and spec.roles:
        taken["roles"] = "the roles"
    return taken


def _system_clashes(spec: Spec, name: str, entity: Entity) -> Iterator[Problem]:
    reserved: dict[str, str] = dict.fromkeys(SYSTEM_FIELDS, "every row has it already")
    if entity.state:
        reserved[entity.state.field] = "it is the state's field: leave it out, the state machine declares it"
    if spec.auth and spec.auth.entity == name:
        reserved |= dict.fromkeys(("password", "roles", "api_key"), "accounts have it already")
    for key in entity.fields:
        if key in reserved:
            yield Problem(("entities", name, "fields", key), f"the name «{key}» is taken", reserved[key])
    if entity.state and entity.state.field in SYSTEM_FIELDS:
        yield Problem(("entities", name, "state", "field"), f"the name «{entity.state.field}» is taken", "every row has it")


def _dangling(spec: Spec) -> Iterator[Problem]:
    for base, inputs in [
        *((("entities", e), entity.fields) for e, entity in spec.entities.items()),
        *((("entities", e, o), op.input) for e, entity in spec.entities.items() for o, op in entity.operations.items()),
        *((("reports", r), report.input) for r, report in spec.reports.items()),
    ]:
        for key, field in inputs.items():
            if field.type in ("reference", "references") and (field.to is None or field.to not in spec.entities):
                yield Problem(
                    (*base, "fields", key, "to"), f"there is no entity «{field.to}»", nearest(field.to or "", spec.entities)
                )
    if spec.auth and spec.auth.entity not in spec.entities:
        yield Problem(("auth", "entity"), f"there is no entity «{spec.auth.entity}»", nearest(spec.auth.entity, spec.entities))
