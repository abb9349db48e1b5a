"""Passwords of previews as they are stored: scrypt with a salt each."""

import base64
import hashlib
import hmac
import secrets

from quantumlayer.errors import UserError

COST, BLOCK, LANES = 2**14, 8, 1
MIN_LENGTH, MAX_LENGTH = 8, 200


def hashed(password: str) -> str:
    """What is stored of a password. Raises `UserError` when it is too short to be one."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise UserError(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters", hint="choose another one")
    salt = secrets.token_bytes(16)
    return f"scrypt${base64.b64encode(salt).decode()}${base64.b64encode(_scrypt(password, salt)).decode()}"


def matches(password: str, stored: str) -> bool:
    """Whether it is the password that was hashed. Takes some 50 ms."""
    _, salt, digest = stored.split("$")
    return hmac.compare_digest(_scrypt(password, base64.b64decode(salt)), base64.b64decode(digest))


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK, p=LANES, maxmem=64 * 1024 * 1024)
