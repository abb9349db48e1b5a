"""Values as the bytes of a drop, and back. Equal values give equal bytes, so that they are one drop."""

from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from quantumlayer.errors import Bug
from quantumlayer.files.archive import pack, unpack
from quantumlayer.files.values import FileTree

JSON = "application/json"
TREE = "application/vnd.quantumlayer.tree+tar+zstd"
BYTES = "application/octet-stream"
T = TypeVar("T")


def encode(value: object) -> tuple[bytes, str]:
    """The bytes of a value and their media type: file trees as tar.zst, bytes as they are, all else as JSON."""
    if isinstance(value, FileTree):
        return pack(value), TREE
    if isinstance(value, bytes):
        return value, BYTES
    if isinstance(value, BaseModel):
        return value.model_dump_json().encode(), JSON
    return TypeAdapter[Any](type(value)).dump_json(value), JSON


def decode(content: bytes, kind: type[T]) -> T:
    """The value of that type. Raises `Bug` when the bytes are not one."""
    if kind is FileTree:
        return unpack(content)  # type: ignore[return-value]
    if kind is bytes:
        return content  # type: ignore[return-value]
    try:
        return TypeAdapter(kind).validate_json(content)
    except ValidationError as error:
        raise Bug(
            f"a drop is no {kind.__name__}: {error}", hint="it was written by another version: start the run anew"
        ) from error
