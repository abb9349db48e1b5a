"""The stores as commands that only read use them: nothing of Temporal is imported, so that they start fast."""

from dataclasses import dataclass

from quantumlayer.catalog.blobs import open_blobs
from quantumlayer.pipeline.records import Records
from quantumlayer.stores.home import Home, default_home
from quantumlayer.stores.metadata import Metadata


@dataclass(frozen=True)
class Shelf:
    """The home, and what its stores know."""

    home: Home
    records: Records


async def open_shelf() -> Shelf:
    """Opens the stores of the home, bringing the database up to date. Raises `EnvironmentError_`, `UserError`."""
    home = default_home()
    metadata = Metadata(home.database)
    await metadata.prepare()
    return Shelf(home, Records(metadata, open_blobs(home.drops)))
