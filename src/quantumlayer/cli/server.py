"""`ql server`: the REST API alone."""

from typing import Annotated

import typer
import uvloop

from quantumlayer.cli.failures import run
from quantumlayer.errors import EnvironmentError_
from quantumlayer.server.api.serve import serve_api
from quantumlayer.server.api.settings import CREATIONS, DEFAULT_PORT, REQUESTS, Settings
from quantumlayer.server.liveness import alive
from quantumlayer.server.service import prepare, running_service
from quantumlayer.server.successor import with_successors
from quantumlayer.stores.home import default_home
from quantumlayer.telemetry.logs import log_to
from quantumlayer.telemetry.switch import start

_TARGETS = "HOST:PORT that may be judged besides our own previews; may be given several times."
_NAMES = "A host name under which the server is reached without a token, besides localhost."


def server(
    temporal: Annotated[str | None, typer.Option(help="HOST:PORT of the Temporal server; else the running service's.")] = None,
    host: Annotated[str, typer.Option(envvar="QL_API_HOST", help="The address to bind.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, envvar="QL_API_PORT", help=f"Else {DEFAULT_PORT} or the next free one.")
    ] = None,
    requests: Annotated[
        str, typer.Option(envvar="QL_API_REQUESTS", help="How many requests each caller may make; empty for no limit.")
    ] = REQUESTS,
    creations: Annotated[
        str, typer.Option(envvar="QL_API_CREATIONS", help="How many runs each caller may create; empty for no limit.")
    ] = CREATIONS,
    judge_target: Annotated[list[str], typer.Option(envvar="QL_JUDGE_TARGETS", help=_TARGETS)] = [],  # noqa: B006
    name: Annotated[list[str], typer.Option(envvar="QL_API_NAMES", help=_NAMES)] = [],  # noqa: B006
    limits_storage: Annotated[
        str,
        typer.Option(envvar="QL_LIMITS_STORAGE", help="Where limits are counted: async+redis://… where servers share them."),
    ] = "async+memory://",
) -> None:
    """Serve the REST API."""
    log_to()
    home = default_home()
    prepare(home)
    settings = Settings(
        host=host,
        port=DEFAULT_PORT if port is None else port,
        requests=requests,
        creations=creations,
        judge_targets=frozenset(judge_target),
        names=frozenset(name),
        storage=limits_storage,
    )

    def address() -> str:
        service = running_service(home)
        found = temporal or (service.temporal if service is not None else "")
        if not found:
            raise EnvironmentError_("no service runs for this home", hint="start it with: ql up, or name --temporal HOST:PORT")
        return found

    def begin() -> int:
        start("api")
        run(alive(serve_api(settings, home, address, exact=port is not None)), loop=uvloop.new_event_loop)
        return 0

    raise typer.Exit(with_successors(begin))
