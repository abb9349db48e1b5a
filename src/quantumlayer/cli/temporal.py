"""The options that say where Temporal is, the same for every command that has them."""

from pathlib import Path
from typing import Annotated

import typer

from quantumlayer.errors import UserError
from quantumlayer.pipeline.temporal_address import made, parsed

Temporal = Annotated[
    str | None, typer.Option(envvar="TEMPORAL_ADDRESS", help="HOST:PORT of a Temporal server that is there already.")
]
Namespace = Annotated[str | None, typer.Option(envvar="TEMPORAL_NAMESPACE", help="Its namespace; else `default`.")]
Tls = Annotated[
    bool, typer.Option("--tls", envvar="TEMPORAL_TLS", help="Speak TLS with it. A key for its API: TEMPORAL_API_KEY.")
]
TlsCa = Annotated[Path | None, typer.Option(help="PEM file of who signed its certificate.")]
TlsCert = Annotated[Path | None, typer.Option(help="PEM file with our own certificate, for mutual TLS.")]
TlsKey = Annotated[Path | None, typer.Option(help="PEM file with the certificate's key.")]
TlsServerName = Annotated[str | None, typer.Option(help="The name in its certificate, where that is not its host.")]


def temporal_address(
    temporal: str | None,
    namespace: str | None = None,
    tls: bool = False,
    ca: Path | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    server_name: str | None = None,
) -> str | None:
    """The one line that is passed on, None for a server of our own. Raises `UserError` for what does not go together."""
    files = {"ca": ca, "cert": cert, "key": key}
    given = {name: str(path.absolute()) for name, path in files.items() if path is not None}
    if server_name:
        given["server_name"] = server_name
    if temporal is None:
        if namespace or tls or given:
            raise UserError("a namespace and TLS are for a Temporal server that is there already", hint="name it: --temporal")
        return None
    if "://" in temporal:
        if namespace or tls or given:
            raise UserError("the address says namespace and TLS itself", hint="give HOST:PORT, or the URL alone")
        return str(parsed(temporal))
    return str(made(target=temporal, namespace=namespace or "default", tls=tls or bool(given), **given))
