"""Stores a drop: first the announcement, then the bytes, then the row that needs them. In this order nothing can be lost."""

from sqlalchemy.exc import IntegrityError

from quantumlayer.errors import Bug
from quantumlayer.ports.store import Blobs, Drop
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.values import Owner, Run

TRIES = 5


async def keep_drop(metadata: Metadata, blobs: Blobs, content: bytes, drop: Drop, owner: Owner) -> Drop:
    """Makes the drop with these bytes the current one of its run, stage and kind.

    Raises `EnvironmentError_` when the disk, the object store or the database fails; then the drop is not listed.
    """
    for _ in range(TRIES):
        await _keep_bytes(metadata, blobs, content, drop, owner)
        try:
            return await metadata.add_drop(drop, owner)
        except IntegrityError:
            continue  # this process slept so long that the bytes were taken for forgotten
    raise Bug(f"the bytes of {drop.id} vanish as soon as they are stored")


async def keep_run(metadata: Metadata, blobs: Blobs, run: Run, content: bytes, request: Drop) -> None:
    """Stores a new run together with the request that it starts from. Raises as `keep_drop`."""
    for _ in range(TRIES):
        await _keep_bytes(metadata, blobs, content, request, run.owner)
        try:
            return await metadata.add_run(run, (request,))
        except IntegrityError:
            continue
    raise Bug(f"the bytes of {request.id} vanish as soon as they are stored")


async def _keep_bytes(metadata: Metadata, blobs: Blobs, content: bytes, drop: Drop, owner: Owner) -> None:
    await metadata.ledger.hold(drop.id, len(content), owner)
    await blobs.put(content)
