"""SHA-256 in hex: the name of a drop, and the proof that its bytes are whole."""

import hashlib
import re

from quantumlayer.errors import UserError

DIGEST = re.compile(r"[0-9a-f]{64}")


def digest_of(content: bytes) -> str:
    """The name of these bytes."""
    return hashlib.sha256(content).hexdigest()


def checked_digest(text: str) -> str:
    """The text itself. Raises `UserError` when it is no digest: nothing else may become a path."""
    if not DIGEST.fullmatch(text):
        raise UserError(f"{text[:80]!r} is not a drop id", hint="a drop id has 64 hexadecimal digits; see `ql drops RUN`")
    return text


def matches(content: bytes, digest: str) -> bool:
    """Whether these are the bytes of that name."""
    return digest_of(content) == digest
