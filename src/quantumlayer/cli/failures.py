"""Errors as a person sees them: what, how to mend it, nothing else."""

import asyncio
import secrets
import sys
import textwrap
import traceback
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import typer

from quantumlayer.errors import Bug, QuantumLayerError
from quantumlayer.stores.home import default_home

T = TypeVar("T")
INTERRUPTED = 130


def explain(error: Exception) -> int:
    """Prints the error to stderr and gives its exit code. A bug's trace goes to a log."""
    if isinstance(error, QuantumLayerError) and not isinstance(error, Bug):
        tell(error.message, error.hint)
        return error.exit_code
    trace = secrets.token_hex(4)
    message = error.message if isinstance(error, Bug) else f"{type(error).__name__}: {error}"
    tell(f"internal error: {message}", f"this is a bug in QuantumLayer; its trace {trace} is {_keep_trace(trace, error)}")
    return 1


def tell(message: str, hint: str = "") -> None:
    """One block on stderr."""
    bold, dim, reset = ("\033[1;31m", "\033[2m", "\033[0m") if sys.stderr.isatty() else ("", "", "")
    print(f"{bold}error:{reset} {message}", file=sys.stderr)
    if hint:
        print(textwrap.indent(f"{dim}hint:{reset} {hint}", "  "), file=sys.stderr)


def run(work: Coroutine[Any, Any, T], *, loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Runs a command's coroutine, in a loop of the given kind; Ctrl-C ends it with exit code 130."""
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(work)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


def _keep_trace(trace: str, error: Exception) -> str:
    path = default_home().logs / "bugs.log"
    text = "".join(traceback.format_exception(error))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(f"--- {trace} {datetime.now(UTC).isoformat()} {' '.join(sys.argv[1:3])}\n{text}")
    except OSError:
        return f"here:\n{text}"
    return f"in {path}"
