"""Who may call the API, and which calls were made already: bearer tokens by their hash, and idempotency keys."""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, Column, String, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from quantumlayer.errors import UserError
from quantumlayer.stores.database import database_errors
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.schema import Instant, metadata, owner_columns
from quantumlayer.stores.values import Owner

Scope = Literal["read", "write", "judge"]
SCOPES: tuple[Scope, ...] = ("read", "write", "judge")
PREFIX = "ql_"

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(128), nullable=False),
    # SHA-256 is enough: a token has 256 random bits, so there is nothing to guess from a list of words.
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    *owner_columns(),
)
idempotency = Table(
    "idempotency",
    metadata,
    Column("caller", String(128), primary_key=True),
    Column("key", String(256), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("run", String(128), nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
    *owner_columns(),
)


class Token(BaseModel):
    """What is known of a bearer token; the secret itself is shown once, when it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    owner: Owner = Owner()

    @property
    def live(self) -> bool:
        """Whether it opens anything: not revoked, not expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > datetime.now(UTC))


class Access:
    """Tokens and idempotency keys in the metadata database. Every method is one short transaction."""

    def __init__(self, store: Metadata) -> None:
        self._store = store

    async def create(
        self, name: str, scopes: tuple[Scope, ...], owner: Owner, expires_at: datetime | None = None
    ) -> tuple[Token, str]:
        """A new token and its secret, which is stored nowhere."""
        secret = PREFIX + secrets.token_urlsafe(32)
        token = Token(
            id=secrets.token_hex(6), name=name, scopes=scopes, created_at=datetime.now(UTC), expires_at=expires_at, owner=owner
        )
        row = token.model_dump(exclude={"owner"}) | owner.model_dump() | {"digest": _digest(secret), "scopes": list(scopes)}
        await self._write(insert(tokens).values(row))
        return token, secret

    async def of_secret(self, secret: str) -> Token | None:
        """The live token with that secret."""
        rows = await self._read(select(tokens).where(tokens.c.digest == _digest(secret)))
        token = _token(rows[0]) if rows else None
        return token if token is not None and token.live else None

    async def all(self) -> tuple[Token, ...]:
        """Every token, newest first."""
        return tuple(_token(row) for row in await self._read(select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.id)))

    async def revoke(self, text: str) -> Token:
        """Ends the token with that id or name. Raises `UserError` when there is none, more than one, or it is over already."""
        found = [t for t in await self.all() if text in (t.id, t.name) and t.revoked_at is None]
        if len(found) != 1:
            many = "more than one live token is" if found else "no live token is"
            raise UserError(f"{many} called {text!r}", hint="list them with their ids: ql token list")
        now = datetime.now(UTC)
        await self._write(update(tokens).where(tokens.c.id == found[0].id).values(revoked_at=now))
        return found[0].model_copy(update={"revoked_at": now})

    async def claim(self, caller: str, key: str, digest: str, run: str, owner: Owner = Owner()) -> tuple[str, str]:
        """The run and the request digest that the caller's key stands for: the given ones where the key is new."""
        row = {"caller": caller, "key": key, "digest": digest, "run": run, "created_at": datetime.now(UTC)} | owner.model_dump()
        with database_errors(self._store.path):
            try:
                async with self._store.engine.begin() as connection:
                    await connection.execute(insert(idempotency).values(row))
                return run, digest
            except IntegrityError:
                where = (idempotency.c.caller == caller, idempotency.c.key == key)
                rows = await self._read(select(idempotency.c.run, idempotency.c.digest).where(*where))
        return rows[0]["run"], rows[0]["digest"]

    async def forget(self, before: datetime) -> None:
        """Drops idempotency keys that are older."""
        await self._write(delete(idempotency).where(idempotency.c.created_at < before))

    async def _write(self, statement: Any) -> None:
        with database_errors(self._store.path):
            async with self._store.engine.begin() as connection:
                await connection.execute(statement)

    async def _read(self, query: Any) -> list[Any]:
        with database_errors(self._store.path):
            async with self._store.engine.connect() as connection:
                return list((await connection.execute(query)).mappings().all())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: Any) -> Token:
    fields = dict(row)
    fields.pop("digest")
    owner = Owner(organisation=fields.pop("organisation"), project=fields.pop("project"), creator=fields.pop("creator"))
    return Token.model_validate(fields | {"owner": owner})
