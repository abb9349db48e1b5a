"""How lists are printed: a table for people, JSON lines' worth of objects for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 160
STYLES = {
    **dict.fromkeys(("verified", "passed", "met", "ready", "yes", "ok"), "green"),
    **dict.fromkeys(("failed", "cancelled", "unmet", "no", "missing"), "red"),
    **dict.fromkeys(("partial", "running", "starting", "unverified", "not_run"), "yellow"),
}


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str = "nothing") -> None:
    """Rows under their heads on stdout; the last column takes the space that is left."""
    table = Table(box=None, padding=(0, 2), header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=index == 0)
    found = [[("" if cell is None else str(cell)) for cell in row] for row in rows]
    if not found:
        print(empty)
        return
    for row in found:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    console().print(table)


def console() -> Console:
    """For stdout: as wide as the terminal, wide where there is none."""
    found = Console()
    return found if found.is_terminal else Console(width=WIDE)


def print_data(data: Any) -> None:
    """JSON on stdout."""
    print(json.dumps(data, indent=2, ensure_ascii=False, default=str))
