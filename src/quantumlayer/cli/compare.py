"""`ql blueprint compare`: the same requests to the applications of several stacks."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.catalog.places import place_of
from quantumlayer.cli.failures import run
from quantumlayer.cli.inputs import read_text
from quantumlayer.cli.options import Folders
from quantumlayer.cli.tables import print_data
from quantumlayer.conformance.blueprint.side_by_side import Comparison, Session, compared
from quantumlayer.conformance.blueprint.specs import reference_spec
from quantumlayer.errors import UserError
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec
from quantumlayer.stores.home import default_home

LONGEST = 200


def compare(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A file, or the name of a reference specification.")],
    stacks: Annotated[str, typer.Option(help="Two or more, separated by commas; all where none is named.")] = "",
    seed: Annotated[int, typer.Option(help="Another seed, other random calls.")] = 0,
    operations: Annotated[int, typer.Option(min=0, help="Random requests, besides those of the scenarios.")] = 400,
    postgresql: Annotated[bool, typer.Option("--postgresql", help="On PostgreSQL instead of SQLite.")] = False,
    most: Annotated[int, typer.Option(min=1, help="How many kinds of differences are shown.")] = 20,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask again what was asked before.")] = False,
    blueprints: Folders = [],  # noqa: B006
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send the judge's same requests to the applications of several stacks. Exit code 1 where any answers differ."""
    known = known_blueprints(default_home().root, blueprints)
    chosen = tuple(dict.fromkeys(name.strip() for name in stacks.split(","))) if stacks else tuple(sorted(known.by_id))
    if len(chosen) < 2:
        raise UserError("it takes two stacks to compare", hint=f"--stacks {','.join(sorted(known.by_id))}")
    session = Session(_named(spec), seed, operations, "postgresql" if postgresql else "sqlite")
    places = [place_of(known, name, default_home().root) for name in chosen]
    found = run(compared(session, places, fresh, lambda text: print(text, file=sys.stderr)))
    if json:
        print_data(asdict(found) | {"same": found.same})
    else:
        _print(found, most)
    raise typer.Exit(0 if found.same else 1)


def _named(name: str) -> Spec:
    path = Path(name)
    if path.suffix in (".yaml", ".yml", ".json") or path.is_file():
        return load_spec(read_text(path), name)
    return reference_spec(None, name)


def _print(found: Comparison, most: int) -> None:
    for kind in found.kinds[:most]:
        first = kind.first
        print(f"{first.where}  {kind.count} × , first in {first.about}:\n  {first.request[:LONGEST]}")
        for stack, value in zip(first.stacks, (first.one, first.other), strict=True):
            print(f"    {stack:20} {str(value)[:LONGEST]}")
    if len(found.kinds) > most:
        print(f"… and {len(found.kinds) - most} more kinds (--most)")
    answers = " · ".join(f"{stack} {count} answers" for stack, count in found.answers.items())
    print(f"{answers} · {found.count} differences of {len(found.kinds)} kinds")
