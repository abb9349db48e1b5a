"""Opens the store of drops that an address names."""

from quantumlayer.catalog.adapters import family
from quantumlayer.errors import UserError
from quantumlayer.ports.store import Blobs

FOLDER = "folder"


def open_blobs(place: str) -> Blobs:
    """The store at `place`: a path, or a URL whose scheme is the name of an adapter (`s3://BUCKET/PREFIX`).

    Raises `UserError` for an address that no adapter takes, `EnvironmentError_` when the adapter cannot be loaded.
    """
    scheme, separator, rest = place.partition("://")
    if not separator or scheme == "file":
        return family("stores").load(FOLDER)(rest if separator else place)
    adapters = family("stores")
    if scheme not in adapters.names or scheme == FOLDER:
        known = ", ".join(f"{name}://…" for name in adapters.names if name != FOLDER)
        raise UserError(f"drops cannot be kept at {place!r}", hint=f"name a folder, or one of: {known}")
    return adapters.load(scheme)(place)
