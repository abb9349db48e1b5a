"""`ql spec`: specifications without an application."""

from pathlib import Path
from typing import Annotated

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.inputs import parse_administrator, read_text
from quantumlayer.cli.tables import print_data
from quantumlayer.spec.model.server import serve
from quantumlayer.spec.routes import routes
from quantumlayer.spec.schema import spec_schema
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
    print_data(spec_schema())


@spec_app.command()
def mock(
    file: File,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free port.")] = 8000,
    host: Annotated[str, typer.Option(help="The address to bind.")] = "127.0.0.1",
    admin: Annotated[str | None, typer.Option(help="IDENTIFIER:PASSWORD of the first administrator.")] = None,
    clock_offset: Annotated[int, typer.Option(help="Seconds added to the clock.")] = 0,
) -> None:
    """Serve a specification from its reference model: a correct application before any code exists."""
    spec, account = _load(file), parse_administrator(admin)

    def ready(url: str) -> None:
        print(f"{spec.name} at {url}", flush=True)

    run(serve(spec, host, port, clock_offset=clock_offset, admin=account, ready=ready))


def _load(file: Path) -> Spec:
    return load_spec(read_text(file), str(file))
