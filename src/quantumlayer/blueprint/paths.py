"""Where a template's output goes: `.jinja` is dropped, `[entity]` stands once for every entity, conditions gate folders."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.blueprint.values import PARTS, Part
from quantumlayer.ports.language import Language
from quantumlayer.spec.values import Spec

RENDERED = ".jinja"
_ENTITY = "[entity]"
_CONDITION = re.compile(r"\[if ([a-z_]+)\]")


@dataclass(frozen=True)
class Template:
    """One file below `templates/PART`. `conditions` are the features named by `[if feature]` in the path."""

    part: Part
    source: str
    output: str
    rendered: bool
    per_entity: bool
    conditions: frozenset[str]


@cache
def templates(folder: Path) -> tuple[Template, ...]:
    """Every template of a blueprint folder, sorted by source path."""
    found = []
    for part in PARTS:
        root = folder / "templates" / part
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            source = path.relative_to(root).as_posix()
            output, conditions = _split_conditions(source.removesuffix(RENDERED))
            found.append(Template(part, source, output, source.endswith(RENDERED), _ENTITY in output, conditions))
    return tuple(found)


def features(spec: Spec) -> frozenset[str]:
    """What a spec makes use of; names for conditions in file names and for templates."""
    fields = [f for e in spec.entities.values() for f in e.fields.values()]
    found = {
        "auth": spec.auth is not None,
        "password": spec.auth is not None and "password" in spec.auth.methods,
        "api_key": spec.auth is not None and "api_key" in spec.auth.methods,
        "registration": spec.auth is not None and "password" in spec.auth.methods and spec.auth.registration,
        "roles": bool(spec.auth and spec.roles),
        "visibility": any(e.visible for e in spec.entities.values()),
        "reports": bool(spec.reports),
        "decimal": any(f.type == "decimal" for f in fields),
    }
    return frozenset(name for name, present in found.items() if present)


def outputs(
    blueprint: LoadedBlueprint, spec: Spec, part: Part, language: Language
) -> Iterator[tuple[str, Template, str | None]]:
    """Path, template and entity (None where the template is not per entity) of every file to come."""
    present = features(spec)
    for template in templates(blueprint.folder):
        if template.part != part or not template.conditions <= present:
            continue
        if not template.per_entity:
            yield template.output, template, None
            continue
        for entity in spec.entities:
            yield template.output.replace(_ENTITY, language.identifier(entity, "module")), template, entity


def output_paths(blueprint: LoadedBlueprint, spec: Spec, language: Language) -> list[str]:
    """The paths of all parts."""
    return [path for part in PARTS for path, _, _ in outputs(blueprint, spec, part, language)]


def _split_conditions(path: str) -> tuple[str, frozenset[str]]:
    """`app/auth[if auth]/models.py` → `app/auth/models.py`, {`auth`}."""
    return _CONDITION.sub("", path), frozenset(_CONDITION.findall(path))
