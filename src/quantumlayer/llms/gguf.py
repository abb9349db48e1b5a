"""What can be told of a GGUF file before it is loaded."""

import hashlib
import struct
from pathlib import Path

from quantumlayer.errors import UserError

MAGIC = b"GGUF"
# Magic, version, number of tensors, number of facts.
HEAD = struct.Struct("<4sIQQ")
VERSIONS = (2, 3)
MOST = 1_000_000


def check_gguf(path: Path) -> Path:
    """The same path. Raises `UserError` for what is no GGUF file that can be read."""
    found = path.expanduser()
    try:
        with found.open("rb") as file:
            head = file.read(HEAD.size)
    except FileNotFoundError:
        raise UserError(f"there is no file {found}", hint="name a GGUF file: ql model add local PATH.gguf") from None
    except OSError as error:
        raise UserError(f"{found} cannot be read: {error.strerror}", hint="name a GGUF file that you may read") from error
    if not head.startswith(MAGIC):
        raise UserError(
            f"{found} is no GGUF file: it begins with {head[:4]!r}",
            hint="a model of llama.cpp begins with GGUF; convert other formats with its convert_hf_to_gguf.py",
        )
    _, version, tensors, facts = HEAD.unpack(head) if len(head) == HEAD.size else (MAGIC, 0, 0, 0)
    if version not in VERSIONS or not 0 < tensors < MOST or not 0 < facts < MOST:
        raise UserError(
            f"{found} is a damaged GGUF file: its head makes no sense", hint="fetch it again, and compare its SHA-256"
        )
    return found


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_digest(path: Path, sha256: str) -> None:
    """Raises `UserError` when the file has another SHA-256."""
    found = digest_of_file(path)
    if found != sha256.lower():
        raise UserError(
            f"{path} has the SHA-256 {found}, not {sha256}", hint="the file is damaged or another one: fetch it again"
        )
