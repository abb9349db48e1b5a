"""What can be told of a GGUF file before it is loaded."""

import hashlib
import struct
from pathlib import Path
from typing import Any, BinaryIO

from quantumlayer.errors import UserError

MAGIC = b"GGUF"
# Magic, version, number of tensors, number of facts.
HEAD = struct.Struct("<4sIQQ")
VERSIONS = (2, 3)
MOST = 1_000_000
# Of a fact: bytes by the number of its type; 8 is a text, 9 a list.
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_TEXT, _LIST = 8, 9
_ALIGNMENT, _USUAL_ALIGNMENT = b"general.alignment", 32


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
    _check_length(found, tensors, facts)
    return found


def _check_length(path: Path, tensors: int, facts: int) -> None:
    """Raises `UserError` where the file ends before its last tensor begins: a download that broke off."""
    with path.open("rb") as file:
        file.seek(HEAD.size)
        try:
            least = _least_size(file, tensors, facts)
        except (struct.error, ValueError, OverflowError, OSError):
            least = None
        size = file.seek(0, 2)
    if least is None or size <= least:
        told = "its list of tensors makes no sense" if least is None else f"it has {size:,} bytes and needs over {least:,}"
        raise UserError(
            f"{path} is a GGUF file that is cut off or damaged: {told}", hint="fetch it again, and compare its SHA-256"
        )


def _least_size(file: BinaryIO, tensors: int, facts: int) -> int:
    """Where the last tensor begins. Raises `struct.error` where the file ends before, `ValueError` for what is none."""
    alignment = _USUAL_ALIGNMENT
    for _ in range(facts):
        name = _text(file)
        value = _fact(file, *_read(file, "<I"))
        alignment = value if name == _ALIGNMENT and isinstance(value, int) and value > 0 else alignment
    last = 0
    for _ in range(tensors):
        _text(file)
        (dimensions,) = _read(file, "<I")
        file.seek(8 * dimensions + 4, 1)
        last = max(last, *_read(file, "<Q"))
    return -(-file.tell() // alignment) * alignment + last


def _fact(file: BinaryIO, kind: int) -> int | None:
    """Goes over one value; the number where it has four bytes."""
    if kind == 4:
        return _read(file, "<I")[0]
    if kind == _TEXT:
        _text(file)
    elif kind == _LIST:
        inner, length = _read(file, "<IQ")
        if inner == _TEXT and length <= 10 * MOST:
            for _ in range(length):
                _text(file)
        elif inner in _SIZES:
            file.seek(_SIZES[inner] * length, 1)
        else:
            raise ValueError(inner)
    elif kind in _SIZES:
        file.seek(_SIZES[kind], 1)
    else:
        raise ValueError(kind)
    return None


def _text(file: BinaryIO) -> bytes:
    (length,) = _read(file, "<Q")
    if length > MOST:
        raise ValueError(length)
    found = file.read(length)
    if len(found) < length:
        raise ValueError(length)
    return found


def _read(file: BinaryIO, form: str) -> tuple[Any, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))


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
