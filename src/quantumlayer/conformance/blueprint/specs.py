"""The reference specs: what every stack must build, and what faults are planted in."""

from pathlib import Path

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.errors import UserError
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec

SHIPPED = Path(__file__).resolve().parent.parent / "specs"
_ENDINGS = (".yaml", ".yml", ".json")


def reference_names(blueprint: LoadedBlueprint | None = None) -> tuple[str, ...]:
    """Names of the shipped specs and of those in the blueprint's own `faults/specs`, sorted."""
    names = {path.relative_to(SHIPPED).with_suffix("").as_posix() for path in SHIPPED.rglob("*.yaml")}
    own = blueprint.below("faults/specs").values() if blueprint else ()
    return tuple(sorted(names | {path.stem for path in own if path.suffix in _ENDINGS}))


def reference_spec(blueprint: LoadedBlueprint | None, name: str) -> Spec:
    """The spec of that name: the blueprint's own, else the shipped one. Raises `UserError`."""
    own = blueprint.below("faults/specs") if blueprint else {}
    path = next((own[f"{name}{end}"] for end in _ENDINGS if f"{name}{end}" in own), SHIPPED / f"{name}.yaml")
    if not path.is_file():
        known = ", ".join(reference_names(blueprint))
        raise UserError(
            f"there is no reference spec {name!r}", hint=f"there are: {known}; or put {name}.yaml into faults/specs"
        )
    return load_spec(path.read_bytes(), path.name)
