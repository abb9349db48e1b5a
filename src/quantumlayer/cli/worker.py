"""`ql worker`: carries out stages for the service at a Temporal server."""

import logging
import sys
from typing import Annotated

import typer

from quantumlayer.cli.failures import run
from quantumlayer.server.child import EXIT_IDLE
from quantumlayer.stores.home import default_home
from quantumlayer.worker import work


def worker(
    temporal: Annotated[str, typer.Option(help="HOST:PORT of the Temporal server.")],
    idle_exit: Annotated[int | None, typer.Option(min=1, help="End after so many seconds without runs and previews.")] = None,
) -> None:
    """Carry out stages."""
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stdout, force=True)
    raise typer.Exit(EXIT_IDLE if run(work(default_home(), temporal, idle_exit=idle_exit)) else 0)
