"""`ql proxy`: serves previews."""

import logging
import sys
from typing import Annotated

import typer

from quantumlayer.cli.failures import run
from quantumlayer.delivery.proxy import DEFAULT_PORT
from quantumlayer.server.previews import serve_previews
from quantumlayer.stores.home import default_home


def proxy(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen; the next free one is taken.")] = DEFAULT_PORT,
) -> None:
    """Serve previews."""
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stdout, force=True)
    run(serve_previews(default_home(), port))
