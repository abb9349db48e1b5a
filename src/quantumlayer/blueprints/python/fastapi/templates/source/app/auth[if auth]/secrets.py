"""Unguessable secrets and what is kept of them."""

import hashlib
import secrets

SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh token or key, 256 bits."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> str:
    """What is stored of a secret. It is random already, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
