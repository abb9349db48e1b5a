"""Shows a run's events as they come: a live table on a terminal, plain lines elsewhere. Always on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from quantumlayer.pipeline.stages import NAMES
from quantumlayer.stores.values import Event

SIGNS = {"passed": "✓", "failed": "✗", "skipped": "–", "not_run": "–", "running": "…", "waiting": " "}
COLOURS = {"passed": "green", "failed": "red", "skipped": "dim", "not_run": "yellow", "running": "cyan", "waiting": "dim"}
CHECKS_SHOWN = 8


class Progress(Protocol):
    """Something that shows events."""

    def show(self, event: Event) -> None:
        """One more event."""

    def __enter__(self) -> "Progress":
        """Begins to show."""
        ...

    def __exit__(self, *_: object) -> None:
        """Shows no more."""

    def paused(self) -> AbstractContextManager[Any]:
        """Leaves the terminal to somebody else meanwhile."""
        ...


def progress(console: Console, quiet: bool = False) -> Progress:
    """The form that suits where stderr goes."""
    return Silent() if quiet else Board(console) if console.is_terminal else Lines(console.print)


class Silent:
    """Shows nothing."""

    def show(self, event: Event) -> None:
        """Nothing."""

    def paused(self) -> AbstractContextManager[Any]:
        """Nothing to leave."""
        return nullcontext()

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Lines:
    """One line an event, for logs."""

    def __init__(self, write: Callable[..., None]) -> None:
        self._write = write

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, event: Event) -> None:
        """A line for what matters to a reader of logs."""
        line = _line(event)
        if line:
            self._write(line, markup=False, highlight=False, soft_wrap=True)

    def paused(self) -> AbstractContextManager[Any]:
        """Lines come one after the other anyway."""
        return nullcontext()


class Board:
    """A table of stages that is drawn again as they go on."""

    def __init__(self, console: Console) -> None:
        self._states: dict[str, dict[str, Any]] = {}
        self._began: dict[str, float] = {}
        self._checks: list[dict[str, Any]] = []
        self._head = ""
        self._said = ""
        self._waits = ""
        self._spent = Spending()
        self._spinner = Spinner("dots")
        # The last, because it draws at once.
        self._live = Live(console=console, refresh_per_second=12, transient=True, get_renderable=self._table)

    def __enter__(self) -> "Board":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The table is gone meanwhile."""
        self._live.stop()
        yield
        self._live.start()

    def show(self, event: Event) -> None:
        """Takes it into the table."""
        match event.kind:
            case "run_started":
                self._head = f"{event.run}  {event.data.get('title', '')}"
            case "stage_started":
                self._began[event.data["stage"]] = time.monotonic()
                self._states[event.data["stage"]] = {"status": "running"}
            case "stage_finished":
                self._states[event.data["stage"]] = event.data
            case "check":
                self._checks.append(event.data)
            case "log":
                self._said = event.data["message"]
            case "model_call":
                self._spent.add(event.data)
            case "awaiting":
                self._waits = f"waiting for a decision on the {event.data['document']}: ql pending {event.run}"
            case "decided":
                self._waits = ""

    def _table(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for name in NAMES:
            state = self._states.get(name, {"status": "waiting"})
            status = state["status"]
            sign = self._spinner if status == "running" else Text(SIGNS[status], style=COLOURS[status])
            seconds = time.monotonic() - self._began[name] if status == "running" else state.get("seconds")
            table.add_row(
                sign,
                Text(name, style="" if status != "waiting" else "dim"),
                Text("" if seconds is None else f"{seconds:6.2f} s", style="dim"),
                Text(state.get("reason", "").split("\n")[0], style="dim", overflow="ellipsis", no_wrap=True),
            )
        lines: list[Any] = [Text(self._head, style="bold", no_wrap=True, overflow="ellipsis"), table]
        if self._checks:
            failed = [c for c in self._checks if c["status"] not in ("passed", "not_run")]
            lines.append(Text(f"{len(self._checks)} checks, {len(failed)} failed", style="red" if failed else "green"))
            lines += [
                Text(_check_line(c), style="dim", no_wrap=True, overflow="ellipsis") for c in self._checks[-CHECKS_SHOWN:]
            ]
        if self._spent.calls:
            lines.append(Text(f"models: {self._spent}", style="dim"))
        if self._waits:
            lines.append(Text(self._waits, style="yellow"))
        if self._said and any(state["status"] == "running" for state in self._states.values()):
            lines.append(Text(self._said, style="cyan", no_wrap=True, overflow="ellipsis"))
        return Group(*lines)


class Spending:
    """What calls to models took so far."""

    def __init__(self) -> None:
        self.calls, self._tokens, self._usd, self._unknown = 0, 0, 0.0, False

    def add(self, call: dict[str, Any]) -> None:
        """One more ended call."""
        self.calls += 1
        self._tokens += call["input_tokens"] + call["output_tokens"]
        self._usd += call["cost_usd"] or 0.0
        self._unknown = self._unknown or call["cost_usd"] is None

    def __str__(self) -> str:
        more = " and what has no known price" if self._unknown else ""
        return f"{self.calls} calls, {self._tokens:,} tokens, {_dollars(self._usd)}{more}"


def _dollars(usd: float | None) -> str:
    return "price unknown" if usd is None else f"${usd:.4f}"


def _line(event: Event) -> str:
    data = event.data
    match event.kind:
        case "run_started":
            return f"run {event.run}: {data.get('title', '')}"
        case "stage_finished":
            reason = f": {data['reason']}" if data.get("reason") else ""
            return f"{data['status']:>8}  {data['stage']:<20} {data['seconds']:7.2f} s{reason}"
        case "check":
            return f"          {_check_line(data)}"
        case "model_call":
            tokens = data["input_tokens"] + data["output_tokens"]
            return f"{data['outcome']:>8}  {data['model']}, {data['role']}: {tokens:,} tokens, {_dollars(data['cost_usd'])}"
        case "awaiting":
            return f" waiting  for a decision on the {data['document']} until {data['until']}: ql pending {event.run}"
        case "decided":
            return f" {data['act']:>8}  {data['document']} {data['after'][:12]} {data['by']}"
        case _:
            return ""


def _check_line(data: dict[str, Any]) -> str:
    sign = SIGNS.get(data["status"], "!")
    proves = f" [{', '.join(data['requirements'])}]" if data.get("requirements") else ""
    return f"{sign} {data['title']}{proves}"
