"""Passwords, hashed with Argon2id."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

hasher = PasswordHasher()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$3gjZQ8RrKqoJ2B8gqjDQ7MFIdxIY3ZyD5q3iJ0u6Rlg"


def hash_password(password: str) -> str:
    """What is stored of a password."""
    return hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether it is the password; takes as long where there is no account."""
    try:
        return hasher.verify(stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
