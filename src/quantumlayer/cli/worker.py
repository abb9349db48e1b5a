"""`ql worker`: carries out stages for the service at a Temporal server."""

from typing import Annotated

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.options import Heavy
from quantumlayer.cli.temporal import Namespace, Temporal, Tls, TlsCa, TlsCert, TlsKey, TlsServerName, temporal_address
from quantumlayer.errors import UserError
from quantumlayer.server.child import EXIT_IDLE
from quantumlayer.server.liveness import alive
from quantumlayer.server.service import running_service
from quantumlayer.server.successor import with_successors
from quantumlayer.stores.home import default_home
from quantumlayer.telemetry.logs import log_to
from quantumlayer.telemetry.switch import start
from quantumlayer.worker import work


def worker(
    temporal: Temporal = None,
    namespace: Namespace = None,
    tls: Tls = False,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_server_name: TlsServerName = None,
    heavy: Heavy = None,
    idle_exit: Annotated[int | None, typer.Option(min=1, help="End after so many seconds without runs and previews.")] = None,
) -> None:
    """Carry out stages."""
    log_to()
    address = temporal_address(temporal, namespace, tls, tls_ca, tls_cert, tls_key, tls_server_name)
    if address is None:
        service = running_service(default_home())
        if service is None:
            raise UserError("no Temporal server is named and no service runs", hint="name one: --temporal HOST:PORT")
        address = service.temporal
    home = default_home()

    def begin() -> int:
        start("worker")
        return EXIT_IDLE if run(alive(work(home, address, idle_exit=idle_exit, heavy=heavy))) else 0

    # A service that ends when idle is one person's: there a successor that waits, ready, is not worth a hundred megabytes.
    raise typer.Exit(begin() if idle_exit else with_successors(begin))
