"""Where a run's time went: a plot for the terminal, and a page for everybody else."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from quantumlayer.cli.progress import COLOURS
from quantumlayer.cli.tables import console, print_data
from quantumlayer.errors import UserError
from quantumlayer.pipeline.timing import Timing, timing
from quantumlayer.stores.values import Event

_FILLS = {"passed": "#2e9e5b", "failed": "#d64545", "running": "#3b82c4"}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Run {{ timing.run }}: {{ '%.1f' % timing.total }} s</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1d2430 }
table { border-collapse: collapse; width: 100% } td, th { padding: .2rem .6rem; text-align: left; white-space: nowrap }
td.bar { width: 70%; padding: 0 } td.number { text-align: right; font-variant-numeric: tabular-nums }
svg { display: block; width: 100%; height: 1.1rem } .critical { font-weight: 600 }
</style></head><body>
<h1>Run {{ timing.run }}</h1>
<p>{{ '%.2f' % timing.total }} s in all; {{ '%.2f' % timing.queued }} s until the first stage, {{ '%.2f' % timing.idle }} s
in which no stage ran. The end waited for the stages in bold.</p>
<table><tr><th>stage</th><th>from</th><th>seconds</th><th>status</th><th></th></tr>
{%- for span in timing.spans %}
<tr{% if span.stage in timing.critical %} class="critical"{% endif %}><td>{{ span.stage }}</td>
<td class="number">{{ '%.2f' % span.begin }}</td><td class="number">{{ '%.2f' % span.seconds }}</td><td>{{ span.status }}</td>
<td class="bar"><svg viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="{{ span.stage }}">
<rect x="{{ '%.1f' % (span.begin * scale) }}" width="{{ '%.1f' % ([span.seconds * scale, 1.5] | max) }}" y="1" height="8"
 fill="{{ fills.get(span.status, '#c9a227') }}"/></svg></td></tr>
{%- endfor %}
</table></body></html>
"""


def show_timing(run: str, events: Iterable[Event], json: bool, html: Path | None) -> None:
    """On stdout, or into the file. Raises `UserError` when that cannot be written."""
    found = timing(run, events)
    if html is not None:
        write_timing(found, html)
        print(html)
    elif json:
        print_data(asdict(found))
    else:
        print_timing(found)


def print_timing(found: Timing) -> None:
    """A bar for each stage on a common scale, on stdout."""
    out = console()
    table = Table(box=None, padding=(0, 1), expand=True)
    table.add_column("stage", no_wrap=True)
    table.add_column("from", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("", ratio=1)
    for span in found.spans:
        name = Text(span.stage, style="bold" if span.stage in found.critical else "dim")
        bar = Bar(max(found.total, 0.001), span.begin, span.end, color=COLOURS.get(span.status, "yellow"))
        table.add_row(name, f"{span.begin:.2f}", f"{span.seconds:.2f}", bar)
    out.print(table)
    out.print(
        f"{found.total:.2f} s in all: {found.queued:.2f} s until the first stage, {found.idle:.2f} s in which no stage ran; "
        "the end waited for the stages in bold"
    )


def write_timing(found: Timing, path: Path) -> None:
    """One page without anything from elsewhere. Raises `UserError` when it cannot be written."""
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
    page = template.render(timing=found, scale=1000 / max(found.total, 0.001), fills=_FILLS)
    try:
        path.write_text(page)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}", hint="name a file that you may write") from None
