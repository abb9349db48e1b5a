"""From a spec and a blueprint to the plan: pure, and cheap enough to show before anything is built."""

import hashlib
import json
from collections.abc import Mapping

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.blueprint.paths import output_paths
from quantumlayer.blueprint.values import Blueprint
from quantumlayer.errors import UserError
from quantumlayer.plan.needs import UNITS, needs, require
from quantumlayer.plan.values import Author, Component, Plan, PlannedCheck, Unit
from quantumlayer.ports.language import Language
from quantumlayer.spec.values import Spec

_JUDGED = (
    ("acceptance", "every requirement by scripted calls"),
    ("random", "random calls compared with the reference model"),
)


def make_plan(
    spec: Spec,
    blueprint: LoadedBlueprint,
    author: Author,
    language: Language,
    parameters: Mapping[str, bool | int | str] | None = None,
) -> Plan:
    """The plan for one stack.

    Raises `UserError` for a parameter that the blueprint does not have or of another type, and where the spec has a surface of
    its own, which the blueprint does not provide.
    """
    value = blueprint.value
    if spec.units and author == "blueprint":
        raise UserError(
            f"the unit {next(iter(spec.units))} needs a language model to write it", hint="ql generate --author auto"
        )
    provides = set(value.provides) - ({UNITS.capability} if language.units is None else set())
    require(value.id, provides, needs(spec))
    units = _units(spec, value, language)
    files = tuple(sorted([*output_paths(blueprint, spec, language), *(unit.path for unit in units)]))
    return Plan(
        name=spec.name,
        spec_digest=spec_digest(spec),
        stack=value.id,
        blueprint_version=value.version,
        blueprint_digest=blueprint.digest,
        author=author,
        parameters=checked_parameters(value, parameters or {}),
        # A model that writes everything may fill any of them.
        components=tuple(
            Component(path=path, purpose=purpose)
            for path, purpose in value.components.items()
            if author == "model" or any(file == path or file.startswith(f"{path}/") for file in files)
        ),
        files=files,
        units=units,
        checks=_checks(spec, value),
    )


def _units(spec: Spec, value: Blueprint, language: Language) -> tuple[Unit, ...]:
    """The units, each with the one file that its author may touch: the first of the blueprint's globs that takes one."""
    if language.units is None:
        return ()
    pattern = next((glob for glob in value.model_writes if glob.count("*") == 1), "")
    found = []
    for name, unit in spec.units.items():
        path = pattern.replace("*", language.identifier(name, "module"))
        examples = tuple(f"{json.dumps(example.given)} gives {json.dumps(example.answer)}" for example in unit.examples)
        found.append(
            Unit(
                name=name,
                path=path,
                signature=language.units.text(name, unit, path).signature,
                description=unit.description,
                examples=examples,
                requirements=unit.satisfies,
            )
        )
    return tuple(found)


def spec_digest(spec: Spec) -> str:
    """SHA-256 of the spec's canonical JSON, in hex."""
    return hashlib.sha256(spec.model_dump_json(by_alias=True, exclude_defaults=True).encode()).hexdigest()


def checked_parameters(value: Blueprint, given: Mapping[str, bool | int | str]) -> dict[str, bool | int | str]:
    """Defaults of the blueprint overlaid by `given`. Raises `UserError`."""
    types = {"boolean": bool, "integer": int, "string": str}
    for name, chosen in given.items():
        parameter = value.parameters.get(name)
        if parameter is None:
            known = ", ".join(value.parameters) or "none"
            raise UserError(f"the stack {value.id} has no parameter {name!r}", hint=f"it has: {known}")
        if type(chosen) is not types[parameter.type] or (parameter.values and chosen not in parameter.values):
            raise UserError(f"{chosen!r} does not suit the parameter {name!r}", hint=parameter.description)
    return {name: parameter.default for name, parameter in value.parameters.items()} | dict(given)


def _checks(spec: Spec, value: Blueprint) -> tuple[PlannedCheck, ...]:
    found = [("build", f"{' '.join(argv)}") for argv in (*value.commands.install, *value.commands.build)]
    found += [("lint", " ".join(argv)) for argv in value.commands.lint]
    found += [("unit", " ".join(argv)) for argv in value.commands.test]
    found += _JUDGED
    if any(entity.rules or entity.unique for entity in spec.entities.values()):
        found.append(("concurrency", "rules hold when calls arrive at once"))
    return tuple(PlannedCheck(level=level, title=title) for level, title in found)
