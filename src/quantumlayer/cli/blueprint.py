"""`ql blueprint`: try stacks, one's own too, and make new ones."""

import json as json_module
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from quantumlayer.blueprint.load import Blueprints
from quantumlayer.blueprint.scaffold import scaffold
from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.catalog.places import place_of
from quantumlayer.cli.compare import compare
from quantumlayer.cli.failures import run
from quantumlayer.cli.options import Folders
from quantumlayer.cli.tables import STYLES, console, print_data
from quantumlayer.conformance.blueprint.faults import FaultResult, FaultTrial
from quantumlayer.conformance.blueprint.suite import Outcome, Suite, units_of
from quantumlayer.conformance.blueprint.workbench import Workbench
from quantumlayer.stores.home import default_home

MISSING = 4
blueprint_app = typer.Typer(add_completion=False, no_args_is_help=True, help="Check stacks, and make new ones.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Only = Annotated[list[str], typer.Option(help="Only what begins with this, or fits it (*/sqlite); may be given several times.")]
blueprint_app.command()(compare)


@blueprint_app.callback()
def blueprint() -> None:
    """Check stacks, and make new ones."""


@blueprint_app.command()
def check(
    stack: Annotated[str | None, typer.Argument(metavar="[STACK]", help="All stacks where none is named.")] = None,
    only: Only = [],  # noqa: B006
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what passed before.")] = False,
    blueprints: Folders = [],  # noqa: B006
    json: Json = False,
) -> None:
    """Hold a stack to everything that a stack must do. Can be stopped at any moment: the next call goes on."""
    known = known_blueprints(default_home().root, blueprints)
    stacks = [stack] if stack else sorted(known.by_id)
    found = {name: run(_checked(known, name, tuple(only), fresh, not json)) for name in stacks}
    if json:
        print_data([_shown(name, outcome) for name, outcomes in found.items() for outcome in outcomes])
    else:
        for name, outcomes in found.items():
            print(f"{name}: {_summary(outcomes)}")
    everything = [outcome for outcomes in found.values() for outcome in outcomes]
    if any(outcome.status == "failed" for outcome in everything):
        raise typer.Exit(1)
    raise typer.Exit(MISSING if any(outcome.status == "not_run" for outcome in everything) else 0)


@blueprint_app.command()
def faults(
    stack: Annotated[str, typer.Argument(metavar="STACK")] = "python/fastapi",
    only: Annotated[list[str], typer.Option(help="Only this fault; may be given several times.")] = [],  # noqa: B006
    blueprints: Folders = [],  # noqa: B006
    json: Json = False,
) -> None:
    """Plant each fault of a stack, judge the application, and tell which were caught. Exit code 1 if one was missed."""
    known = known_blueprints(default_home().root, blueprints)
    results = run(_tried(known, stack, tuple(only), not json))
    planted = [r for r in results if r.caught is not None]
    if json:
        print_data([vars(result) for result in results])
    else:
        print(f"{sum(bool(r.caught) for r in planted)} of {len(planted)} faults caught")
    raise typer.Exit(0 if all(r.right for r in results) else 1)


@blueprint_app.command()
def new(
    stack: Annotated[str, typer.Argument(metavar="LANGUAGE/FRAMEWORK")],
    into: Annotated[Path, typer.Option(help="The folder that holds LANGUAGE/FRAMEWORK.")] = Path("blueprints"),
    extends: Annotated[str | None, typer.Option(help="A stack of the same language to start from.")] = None,
) -> None:
    """Make the folder of a new stack, which loads at once and is then filled."""
    home = default_home().root
    folder = scaffold(stack, into.expanduser().absolute(), known_blueprints(home), extends)
    print(folder)
    print(f"next: ql blueprint check {stack} --blueprints {into}; docs/blueprints.md leads through it", file=sys.stderr)


async def _checked(known: Blueprints, stack: str, only: tuple[str, ...], fresh: bool, shown: bool) -> list[Outcome]:
    place = place_of(known, stack, default_home().root)
    async with Workbench(place) as bench:
        return await _printed(Suite.at(bench, fresh).outcomes(units_of(place, only)), stack, shown)


async def _printed(outcomes: AsyncIterator[Outcome], stack: str, shown: bool) -> list[Outcome]:
    found, screen = [], console()
    async for outcome in outcomes:
        found.append(outcome)
        if shown:
            remark = "passed before" if outcome.remembered else f"{outcome.seconds:.1f} s"
            style = STYLES.get(outcome.status, "")
            screen.print(f"{outcome.status:8}", style=style, end="", highlight=False)
            screen.print(f"{stack}  {outcome.unit.name}  {remark}", highlight=False, markup=False, soft_wrap=True)
            for wrong in (c for c in outcome.checks if c.status not in ("passed",)):
                text = f"{wrong.id}: {wrong.message or wrong.status}".strip()
                screen.print(f"          {text[:1500]}", highlight=False, markup=False, soft_wrap=True)
    return found


async def _tried(known: Blueprints, stack: str, only: tuple[str, ...], shown: bool) -> list[FaultResult]:
    results = []
    async with Workbench(place_of(known, stack, default_home().root)) as bench:
        async for result in FaultTrial(bench).try_all(only, lambda text: print(text, file=sys.stderr)):
            results.append(result)
            if shown:
                line = f"{_outcome(result):12}{result.name or result.spec}  {result.seconds:.1f} s  {', '.join(result.by[:3])}"
                print(f"{line}  {result.summary[:120]}".rstrip(), flush=True)
    return results


def _outcome(result: FaultResult) -> str:
    if result.caught is None:
        return "passed" if result.right else "FALSE ALARM"
    return "caught" if result.caught else "MISSED"


def _summary(outcomes: list[Outcome]) -> str:
    by_kind: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_kind.setdefault(outcome.unit.kind, []).append(outcome)
    parts = [f"{kind} {sum(o.status == 'passed' for o in group)}/{len(group)}" for kind, group in by_kind.items()]
    return " · ".join(parts)


def _shown(stack: str, outcome: Outcome) -> dict[str, object]:
    checks = [json_module.loads(c.model_dump_json(exclude_defaults=True)) for c in outcome.checks]
    return {
        "stack": stack,
        **asdict(outcome.unit),
        "status": outcome.status,
        "seconds": outcome.seconds,
        "remembered": outcome.remembered,
        "checks": checks,
    }
