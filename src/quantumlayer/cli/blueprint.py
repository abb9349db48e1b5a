"""`ql blueprint`: what the checks of a stack are worth."""

import sys
from typing import Annotated

import typer

from quantumlayer.blueprint.load import load_blueprints
from quantumlayer.catalog.adapters import family
from quantumlayer.cli.failures import run
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.conformance.blueprint.faults import FaultResult, FaultTrial
from quantumlayer.stores.home import default_home

blueprint_app = typer.Typer(add_completion=False, no_args_is_help=True, help="Try the checks on planted faults.")


@blueprint_app.callback()
def blueprint() -> None:
    """Try the checks on planted faults."""


@blueprint_app.command()
def faults(
    stack: Annotated[str, typer.Argument(metavar="STACK")] = "python/fastapi",
    only: Annotated[list[str] | None, typer.Option(help="Only this fault; may be given several times.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Plant each fault of a blueprint, judge the application, and tell which were caught. Exit code 1 if one was missed."""
    results = run(_tried(stack, tuple(only or ())))
    planted = [r for r in results if r.caught is not None]
    if json:
        print_data([vars(result) for result in results])
    else:
        rows = [(r.name or r.spec, _outcome(r), ", ".join(r.by[:3]), r.summary[:120], f"{r.seconds:.1f} s") for r in results]
        print_table(("fault", "", "by", "counter-example", ""), rows)
        print(f"{sum(bool(r.caught) for r in planted)} of {len(planted)} faults caught")
    raise typer.Exit(0 if all(r.right for r in results) else 1)


async def _tried(stack: str, only: tuple[str, ...]) -> list[FaultResult]:
    blueprint = load_blueprints().get(stack)
    language = family("languages").load(blueprint.value.language)()
    sandbox = family("sandboxes").load("bubblewrap")()
    trial = FaultTrial(blueprint, language, sandbox, default_home().root)
    return [result async for result in trial.try_all(only, lambda text: print(text, file=sys.stderr))]


def _outcome(result: FaultResult) -> str:
    if result.caught is None:
        return "passed" if result.right else "FALSE ALARM"
    return "caught" if result.caught else "MISSED"
