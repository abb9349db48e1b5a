"""`ql sandbox`: the suite that every sandbox must hold against."""

from typing import Annotated

import typer

from quantumlayer.catalog.sandboxes import open_sandbox
from quantumlayer.cli.failures import run
from quantumlayer.cli.tables import print_data
from quantumlayer.conformance.sandbox import checks
from quantumlayer.errors import EnvironmentError_
from quantumlayer.evidence.values import Check
from quantumlayer.ports.sandbox import Sandbox

SIGNS = {"passed": "✓", "failed": "✗", "errored": "!", "not_run": "–"}
sandbox_app = typer.Typer(add_completion=False, help="Try to break out of the sandbox.")


@sandbox_app.callback()
def sandbox() -> None:
    """Try to break out of the sandbox."""


@sandbox_app.command()
def check(
    adapter: Annotated[str, typer.Option(help="Which sandbox.")] = "bubblewrap",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Every promise of a sandbox and every escape attempt, really tried. Exit code 1 where it does not hold."""
    found = run(_check(open_sandbox(adapter), quiet=json))
    failed = [c for c in found if c.status != "passed"]
    if json:
        print_data([c.model_dump(mode="json") for c in found])
    else:
        print(f"{len(found) - len(failed)} of {len(found)} hold")
    raise typer.Exit(1 if failed else 0)


async def _check(sandbox: Sandbox, *, quiet: bool) -> list[Check]:
    available = await sandbox.probe()
    if not available.available:
        raise EnvironmentError_(f"the sandbox does not work here: {available.reason}", hint=available.hint)
    found = []
    async for tried in checks(sandbox):
        found.append(tried)
        if not quiet:
            print(f"{SIGNS[tried.status]} {tried.title}{': ' + tried.message if tried.message else ''}", flush=True)
    return found
