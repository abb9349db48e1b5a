"""`ql quota`: how much the drops of an organisation take, and may take."""

from typing import Annotated

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.runs import Json
from quantumlayer.cli.shelf import open_shelf
from quantumlayer.cli.sizes import parse_size, shown_size
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.stores.ledger import Usage
from quantumlayer.stores.values import Owner

NONE = "none"


def quota(
    size: Annotated[str | None, typer.Argument(help="The new limit, such as 500MB or 10GiB; `none` for no limit.")] = None,
    organisation: Annotated[str, typer.Option(help="Whose.")] = Owner().organisation,
    json: Json = False,
) -> None:
    """Show how much an organisation's drops take; set how much they may take."""
    limit = None if size is None or size == NONE else parse_size(size)
    usage = run(_quota(organisation, size is not None, limit))
    if json:
        print_data({"organisation": usage.organisation, "bytes": usage.bytes, "quota": usage.quota})
        return
    allowed = "no limit" if usage.quota is None else shown_size(usage.quota)
    share = "" if not usage.quota else f"{usage.bytes / usage.quota:.0%}"
    print_table(("organisation", "used", "quota", ""), [(usage.organisation, shown_size(usage.bytes), allowed, share)], "")


async def _quota(organisation: str, change: bool, limit: int | None) -> Usage:
    shelf = await open_shelf()
    if change:
        await shelf.records.metadata.ledger.limit(organisation, limit, Owner(organisation=organisation))
    return await shelf.records.metadata.ledger.usage(organisation)
