"""`ql up` and `ql down`."""

import sys
from typing import Annotated

import typer

from quantumlayer.cli.failures import run
from quantumlayer.server.service import stop_service
from quantumlayer.server.supervisor import supervise
from quantumlayer.stores.home import default_home


def up(
    background: Annotated[bool, typer.Option(help="Log to a file only, and be silent where a service runs already.")] = False,
    idle_exit: Annotated[int | None, typer.Option(min=1, help="End after so many seconds without runs and previews.")] = None,
    proxy_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Where previews are served.")] = None,
    api_host: Annotated[str, typer.Option(help="Where the API listens; all but loopback needs tokens.")] = "127.0.0.1",
    api_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Else 8080 or the next free one.")] = None,
) -> None:
    """Run the service in the foreground: Temporal, worker, preview proxy, API."""
    api = ["--host", api_host, *(["--port", str(api_port)] if api_port is not None else [])]
    # Who starts the service only for a run of his own should not wait for an API that he did not ask for.
    work = supervise(
        default_home(),
        background=background,
        idle_exit=idle_exit,
        proxy_port=proxy_port,
        api=None if background and api_port is None else api,
    )
    raise typer.Exit(run(work))


def down() -> None:
    """Stop the service. Unfinished runs go on at the next start."""
    print("stopped" if run(stop_service(default_home())) else "there was no service", file=sys.stderr)
