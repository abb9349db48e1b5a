"""Where a template's output goes: `.jinja` is dropped, `[entity]` stands once for every entity, conditions gate folders."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.blueprint.values import PARTS, Part
from quantumlayer.spec.values import Spec

RENDERED = ".jinja"
_ENTITY, _CONDITION_END = "[entity]", "]"


@dataclass(frozen=True)
class Template:
    """One file below `templates/PART`. `condition` is the feature in `name[if feature].ext`, empty where there is none."""

    part: Part
    source: str
    output: str
    rendered: bool
    per_entity: bool
    condition: str


@cache
def templates(folder: Path) -> tuple[Template, ...]:
    """Every template of a blueprint folder, sorted by source path."""
    found = []
    for part in PARTS:
        root = folder / "templates" / part
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            source = path.relative_to(root).as_posix()
            output, condition = _split_condition(source.removesuffix(RENDERED))
            found.append(Template(part, source, output, source.endswith(RENDERED), _ENTITY in output, condition))
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
        "reports": bool(spec.reports),
        "decimal": any(f.type == "decimal" for f in fields),
    }
    return frozenset(name for name, present in found.items() if present)


def outputs(blueprint: LoadedBlueprint, spec: Spec, part: Part) -> Iterator[tuple[str, Template, str | None]]:
    """Path, template and entity (None where the template is not per entity) of every file to come."""
    present = features(spec)
    for template in templates(blueprint.folder):
        if template.part != part or (template.condition and template.condition not in present):
            continue
        if not template.per_entity:
            yield template.output, template, None
            continue
        for entity in spec.entities:
            yield template.output.replace(_ENTITY, entity), template, entity


def output_paths(blueprint: LoadedBlueprint, spec: Spec) -> list[str]:
    """The paths of all parts."""
    return [path for part in PARTS for path, _, _ in outputs(blueprint, spec, part)]


def _split_condition(path: str) -> tuple[str, str]:
    """`app/security[if auth].py` → `app/security.py`, `auth`."""
    before, mark, rest = path.partition("[if ")
    if not mark:
        return path, ""
    condition, _, after = rest.partition(_CONDITION_END)
    return before + after, condition
