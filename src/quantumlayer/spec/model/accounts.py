"""Who acts: accounts, passwords, tokens and API keys of one model."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from quantumlayer.spec.model.http_errors import Refusal
from quantumlayer.spec.model.store import Row, RowId, Store
from quantumlayer.spec.values import Auth

_PEPPER = secrets.token_bytes(16)


def digest(secret: str) -> str:
    """A keyed hash for a process's lifetime: nothing here outlives the process, and the judge needs speed."""
    return hashlib.blake2b(secret.encode("utf-8", "replace"), key=_PEPPER, digest_size=16).hexdigest()


@dataclass
class Accounts:
    """Passwords by account id; tokens (with their end) and keys by their digest."""

    passwords: dict[RowId, str] = field(default_factory=dict)
    tokens: dict[str, tuple[RowId, datetime]] = field(default_factory=dict)
    keys: dict[str, RowId] = field(default_factory=dict)

    def copy(self) -> "Accounts":
        """An independent copy."""
        return replace(self, passwords=dict(self.passwords), tokens=dict(self.tokens), keys=dict(self.keys))

    def caller(self, auth: Auth | None, headers: Mapping[str, str], store: Store, now: datetime) -> Row | None:
        """The account that a request's token or key names, None for an anonymous one. Raises `Refusal` 401."""
        if auth is None:
            return None
        found = None
        if "password" in auth.methods and (header := headers.get("authorization")) is not None:
            scheme, _, token = header.partition(" ")
            account, until = self.tokens.get(digest(token.strip()), (0, now))
            found = store.row(auth.entity, account) if scheme.lower() == "bearer" and now < until else None
            if found is None:
                raise unauthorized("The token is not valid.")
        if "api_key" in auth.methods and (key := headers.get("x-api-key")) is not None:
            owner = store.row(auth.entity, self.keys.get(digest(key)))
            if owner is None:
                raise unauthorized("The API key is not valid.")
            found = found or owner
        return found

    def set_password(self, account: RowId, password: str) -> None:
        """The account's password from now on."""
        self.passwords[account] = digest(password)

    def matches(self, account: RowId, password: str) -> bool:
        """Whether the password is the account's."""
        return hmac.compare_digest(self.passwords.get(account, ""), digest(password))

    def new_token(self, account: RowId, now: datetime, hours: int) -> str:
        """A fresh token for an account."""
        token = secrets.token_urlsafe(24)
        self.tokens[digest(token)] = (account, now + timedelta(hours=hours))
        return token

    def end_token(self, headers: Mapping[str, str]) -> None:
        """The token sent is dead from now on."""
        self.tokens.pop(digest(headers.get("authorization", "").partition(" ")[2].strip()), None)

    def new_key(self, account: RowId) -> str:
        """A fresh API key for an account."""
        key = secrets.token_urlsafe(24)
        self.keys[digest(key)] = account
        return key


def unauthorized(detail: str) -> Refusal:
    """401."""
    return Refusal(401, detail, "auth")
