"""The guards at the door of a run: enough space on the disk, and within the organisation's quota."""

from pathlib import Path

from quantumlayer.errors import EnvironmentError_
from quantumlayer.ports.store import Blobs
from quantumlayer.stores.folder import free_space
from quantumlayer.stores.ledger import Ledger
from quantumlayer.stores.values import Owner

FREE_BYTES = 300 * 1024 * 1024
MIB = 1024 * 1024


class OutOfSpace(EnvironmentError_):
    """Nothing new can be taken on before something goes."""


def check_space(folder: Path) -> None:
    """Raises `OutOfSpace` when the disk that holds the folder, or would, is nearly full."""
    _enough(free_space(folder), str(folder), "or set QL_HOME to a folder on another disk")


async def check_room(blobs: Blobs, ledger: Ledger, owner: Owner) -> None:
    """Raises `OutOfSpace` when the store of drops is nearly full, or the owner's organisation has used up its quota."""
    room = await blobs.room()
    if room is not None:
        _enough(room, "the drops", "or set QL_DROPS_URL to a folder on another disk")
    quota = await ledger.quota(owner.organisation)
    used = 0 if quota is None else (await ledger.usage(owner.organisation)).bytes
    if quota is not None and used >= quota:
        raise OutOfSpace(
            f"the organisation {owner.organisation!r} has used {used / MIB:.1f} MiB of its {quota / MIB:.1f} MiB",
            hint="delete old runs with: ql gc --older-than 7d, or raise the limit with: ql quota",
            used=used,
            quota=quota,
        )


def _enough(free: int, place: str, otherwise: str) -> None:
    if free < FREE_BYTES:
        raise OutOfSpace(
            f"only {free // MIB} MiB are free for {place}; a run needs {FREE_BYTES // MIB}",
            hint=f"free some disk space, for example with: ql gc --older-than 7d, {otherwise}",
            free=free,
        )
