"""`ql proxy`: serves previews."""

from typing import Annotated

import typer
import uvloop

from quantumlayer.cli.failures import run
from quantumlayer.cli.inputs import parse_ttl
from quantumlayer.delivery.listening import LOOPBACK
from quantumlayer.delivery.proxy import DEFAULT_PORT
from quantumlayer.server.liveness import alive
from quantumlayer.server.previews import serve_previews
from quantumlayer.stores.home import default_home
from quantumlayer.telemetry.logs import log_to
from quantumlayer.telemetry.switch import start


def proxy(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen; the next free one is taken.")] = DEFAULT_PORT,
    idle: Annotated[
        str,
        typer.Option(envvar="QL_PREVIEW_IDLE", help="An application that nobody uses for so long waits for the next request."),
    ] = "15m",
    host: Annotated[str, typer.Option(envvar="QL_PROXY_HOST", help="The address to bind.")] = LOOPBACK,
    advertise: Annotated[
        str, typer.Option(envvar="QL_PROXY_ADVERTISE", help="The host at which proxies of the same registry reach this one.")
    ] = "",
) -> None:
    """Serve previews."""
    log_to()
    start("proxy")
    run(
        alive(serve_previews(default_home(), port, parse_ttl(idle).total_seconds(), host=host, advertise=advertise)),
        loop=uvloop.new_event_loop,
    )
