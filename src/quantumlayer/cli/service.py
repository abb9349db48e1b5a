"""`ql up` and `ql down`."""

import sys
from typing import Annotated

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.options import Heavy
from quantumlayer.cli.temporal import Namespace, Temporal, Tls, TlsCa, TlsCert, TlsKey, TlsServerName, temporal_address
from quantumlayer.server.service import stop_service
from quantumlayer.server.supervisor import Parts, supervise
from quantumlayer.stores.home import default_home


def up(
    background: Annotated[bool, typer.Option(help="Log to a file only, and be silent where a service runs already.")] = False,
    idle_exit: Annotated[int | None, typer.Option(min=1, help="End after so many seconds without runs and previews.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many processes carry out stages.")] = 1,
    heavy: Heavy = None,
    temporal: Temporal = None,
    namespace: Namespace = None,
    tls: Tls = False,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_server_name: TlsServerName = None,
    proxy_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Where previews are served.")] = None,
    api_host: Annotated[str, typer.Option(help="Where the API listens; all but loopback needs tokens.")] = "127.0.0.1",
    api_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Else 8080 or the next free one.")] = None,
) -> None:
    """Run the service in the foreground: Temporal, workers, preview proxy, API."""
    api = ("--host", api_host, *(("--port", str(api_port)) if api_port is not None else ()))
    parts = Parts(
        workers=workers,
        heavy=heavy,
        temporal=temporal_address(temporal, namespace, tls, tls_ca, tls_cert, tls_key, tls_server_name),
        proxy_port=proxy_port,
        # Who starts the service only for a run of his own should not wait for an API that he did not ask for.
        api=None if background and api_port is None else api,
        idle_exit=idle_exit,
    )
    raise typer.Exit(run(supervise(default_home(), parts, background=background)))


def down() -> None:
    """Stop the service. Unfinished runs go on at the next start."""
    print("stopped" if run(stop_service(default_home())) else "there was no service", file=sys.stderr)
