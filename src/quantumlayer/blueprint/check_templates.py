"""Templates are compiled at load: a mistake in one is told before anything is rendered, with file and line."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError, nodes

from quantumlayer.blueprint.problems import BlueprintError
from quantumlayer.blueprint.template_names import CONDITION, FEATURES, RENDERED


def check_templates(files: Mapping[str, Path]) -> None:
    """`files` by their path below templates/. Raises `BlueprintError` for the first mistake found."""
    environment = Environment(trim_blocks=True, lstrip_blocks=True)
    for name, path in files.items():
        for feature in CONDITION.findall(name):
            if feature not in FEATURES:
                near = get_close_matches(feature, FEATURES, n=1) or sorted(FEATURES)
                raise BlueprintError(f"unknown feature {feature!r} in the path", path, 1, f"try {', '.join(near)}")
        if name.endswith(RENDERED):
            _check(environment, path, files)


def _check(environment: Environment, path: Path, files: Mapping[str, Path]) -> None:
    try:
        tree = environment.parse(path.read_text("utf-8"))
    except TemplateSyntaxError as error:
        raise BlueprintError(f"template: {error.message}", path, error.lineno) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BlueprintError(f"cannot be read: {error}", path) from None
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        wanted = node.template  # type: ignore[attr-defined]
        if isinstance(wanted, nodes.Const) and wanted.value not in files:
            near = get_close_matches(str(wanted.value), files, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "names are paths below templates/"
            raise BlueprintError(f"template: there is no template {wanted.value!r}", path, node.lineno, hint)
