"""Where a template's output goes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.blueprint.template_names import CONDITION, ENTITY, RENDERED, features, is_partial
from quantumlayer.blueprint.values import PARTS, Part
from quantumlayer.ports.language import Language
from quantumlayer.spec.values import Spec


@dataclass(frozen=True)
class Template:
    """One file below `templates/PART`, read from `path`. `conditions` are the features named by `[if feature]` in its name."""

    part: Part
    source: str
    path: Path
    output: str
    rendered: bool
    per_entity: bool
    conditions: frozenset[str]


@cache
def templates(blueprint: LoadedBlueprint) -> tuple[Template, ...]:
    """Every template of a blueprint that makes files, by part and sorted by source path."""
    found = []
    for part in PARTS:
        for source, path in blueprint.below(f"templates/{part}").items():
            if not is_partial(source):
                output, conditions = _split_conditions(source.removesuffix(RENDERED))
                found.append(Template(part, source, path, output, source.endswith(RENDERED), ENTITY in output, conditions))
    return tuple(found)


def outputs(
    blueprint: LoadedBlueprint, spec: Spec, part: Part, language: Language
) -> Iterator[tuple[str, Template, str | None]]:
    """Path, template and entity (None where the template is not per entity) of every file to come."""
    present = features(spec)
    for template in templates(blueprint):
        if template.part != part or not template.conditions <= present:
            continue
        if not template.per_entity:
            yield template.output, template, None
            continue
        for entity in spec.entities:
            yield template.output.replace(ENTITY, language.identifier(entity, "module")), template, entity


def output_paths(blueprint: LoadedBlueprint, spec: Spec, language: Language) -> list[str]:
    """The paths of all parts."""
    return [path for part in PARTS for path, _, _ in outputs(blueprint, spec, part, language)]


def _split_conditions(path: str) -> tuple[str, frozenset[str]]:
    """`app/auth[if auth]/models.py` → `app/auth/models.py`, {`auth`}."""
    return CONDITION.sub("", path), frozenset(CONDITION.findall(path))
