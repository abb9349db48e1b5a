"""Prints measurements as a small table, and nothing else."""

import statistics
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table


def show(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """One table on stdout. Numbers are right-aligned."""
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row))
    Console().print(table)


def median(seconds: Iterable[float]) -> float:
    """The middle one."""
    return statistics.median(seconds)
