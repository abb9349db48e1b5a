"""`ql stacks`, `ql doctor`."""

from dataclasses import asdict
from typing import Annotated

import typer

from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.catalog.doctor import examine
from quantumlayer.catalog.sandboxes import open_sandbox
from quantumlayer.catalog.stacks import list_stacks
from quantumlayer.cli.failures import run
from quantumlayer.cli.options import Folders
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.ports.language import Language
from quantumlayer.stores.home import default_home

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MISSING = 4


def stacks(blueprints: Folders = [], json: Json = False) -> None:  # noqa: B006
    """Every stack, and whether this machine can verify it."""
    languages = _languages()
    found = run(list_stacks(known_blueprints(default_home().root, blueprints), languages, open_sandbox()))
    if json:
        print_data([asdict(stack) for stack in found])
        return
    rows = [
        (s.id, s.version, "yes" if s.verifiable else "no", "; ".join(filter(None, (s.reason, s.mend))) or s.title)
        for s in found
    ]
    print_table(("stack", "version", "verifiable", ""), rows, "no stacks")
    alone = ", ".join(sorted(name for name, language in languages.items() if language.conventions.bare))
    typer.echo(f"Any other framework of {alone}: --author model", err=True)


def doctor(json: Json = False) -> None:
    """What is installed, what is missing, and the command that mends it."""
    found = run(examine(default_home().root, open_sandbox(), _languages()))
    if json:
        print_data([asdict(finding) for finding in found])
    else:
        rows = [(f.what, "ok" if f.ok else "missing" if f.needed else "optional", f.found, f.mend) for f in found]
        print_table(("what", "", "found", "to mend"), rows)
    raise typer.Exit(MISSING if any(f.needed and not f.ok for f in found) else 0)


def _languages() -> dict[str, Language]:
    found = family("languages")
    return {name: found.load(name)() for name in found.names}
