"""What a file declares and a specification cannot hold: taken out, and told as unmet, so that the rest can be built."""

from collections.abc import Iterator

from quantumlayer.spec.check import checked
from quantumlayer.spec.importers.tables import Import
from quantumlayer.spec.problems import Problem, SpecError
from quantumlayer.spec.values import Entity, Requirement, Spec

_ROUNDS = 4


def unsound(result: Import, by: str) -> Iterator[Problem]:
    """The problems of what was read, one round after the other; each is taken out of the drafts as it is told."""
    for _ in range(_ROUNDS):
        try:
            checked(_spec(result, by))
        except SpecError as error:
            found = [p for p in error.problems if _place(p) is not None]
            if not found:
                return
            for problem in found:
                take_out(problem, result)
            yield from found
        else:
            return


def _spec(result: Import, by: str) -> Spec:
    entities = {
        name: Entity.model_construct(
            plural=draft.plural,
            id=draft.id,
            fields=dict(draft.fields),
            unique=tuple(draft.unique),
            rules=dict(draft.rules),
            state=draft.state,
            satisfies=(by,),
        )
        for name, draft in result.world.entities.items()
    }
    requirements = (Requirement(id=by, text="the file"),)
    return Spec.model_construct(name="file", description="", requirements=requirements, entities=entities)


def _place(problem: Problem) -> tuple[str, str, str | int] | None:
    """(entity, part, key) of what can be taken out by itself."""
    path = problem.path
    if len(path) < 4 or path[0] != "entities" or path[2] not in ("rules", "unique", "fields"):
        return None
    return str(path[1]), str(path[2]), path[3]


def take_out(problem: Problem, result: Import) -> None:
    """Take out of the drafts what a problem is about, and tell it."""
    place = _place(problem)
    draft = result.world.entities.get(place[0]) if place else None
    if place is None or draft is None:
        return
    _, part, key = place
    rows, told = draft.plural.replace("_", " "), ""
    if part == "rules" and key in draft.rules:
        told = f"the rule «{draft.rules.pop(str(key)).message}» of {rows}"
    elif part == "unique" and isinstance(key, int) and key < len(draft.unique):
        told = f"that {', '.join(draft.unique.pop(key).fields)} of {rows} are unique"
    elif part == "fields" and key in draft.fields:
        field, attribute = draft.fields[str(key)], str(problem.path[4]) if len(problem.path) > 4 else ""
        if attribute in ("default", "pattern", "unique", "min", "max", "min_length", "max_length", "inverse", "on_delete"):
            told = f"the {attribute.replace('_', ' ')} of {key} of {rows}"
            draft.fields[str(key)] = field.model_copy(update={attribute: type(field).model_fields[attribute].default})
        else:
            told = f"the field {key} of {rows}"
            del draft.fields[str(key)]
    note = f"{told} cannot be carried over: {problem.message}"
    if told and note not in result.unmet:
        result.unmet.append(note)
