"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from quantumlayer.errors import UserError

Folders = Annotated[
    list[Path], typer.Option("--blueprints", help="A folder with LANGUAGE/FRAMEWORK of your own; may be given several times.")
]

Heavy = Annotated[
    int | None,
    typer.Option(min=1, envvar="QL_HEAVY_STAGES", help="Stages that build, test or scan at once; else 2 more than processors."),
]


def checked_folder(folder: Path) -> Path:
    """The folder, absolute. Raises `UserError` where it is none."""
    found = folder.expanduser().absolute()
    if not found.is_dir():
        raise UserError(f"no folder {folder}", hint="name a folder that holds LANGUAGE/FRAMEWORK/blueprint.toml")
    return found
