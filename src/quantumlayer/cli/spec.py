"""`ql spec`: specifications without an application."""

from pathlib import Path
from typing import Annotated

import typer

from quantumlayer.cli.inputs import read_text
from quantumlayer.cli.tables import print_data
from quantumlayer.spec.routes import routes
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec

spec_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Check a specification, serve it, print its JSON Schema."
)
File = Annotated[Path, typer.Argument(metavar="FILE", help="A specification as YAML or JSON; - is standard input.")]


@spec_app.command()
def check(file: File, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Find every mistake in a specification; exit code 2 where there is one."""
    spec = _load(file)
    found = routes(spec)
    if json:
        print_data({"name": spec.name, "entities": list(spec.entities), "routes": [[r.method, r.path] for r in found]})
    else:
        counts = f"{len(spec.entities)} entities, {len(found)} routes, {len(spec.requirements)} requirements"
        print(f"{file}: {spec.name} holds together: {counts}")


@spec_app.command()
def schema() -> None:
    """Print the JSON Schema of specifications."""
    print_data(Spec.model_json_schema(by_alias=True))


def _load(file: Path) -> Spec:
    return load_spec(read_text(file), str(file))
