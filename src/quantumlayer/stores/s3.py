"""Blobs in an S3-compatible object store: one object a drop, `PREFIX/ab/cdef…`, created by a conditional put."""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.ports.store import Stored, Unreachable
from quantumlayer.stores.digests import DIGEST, checked_digest, digest_of, matches

ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.\-_]{1,62})(?:/(?P<prefix>.*))?")
PATIENCE = timedelta(seconds=5)
LONGEST_REQUEST = timedelta(seconds=120)
SEGMENT = re.compile(r"[^\x00-\x1f]+")


class S3Blobs:
    """Implements `ports.store.Blobs` on `s3://BUCKET[/PREFIX]`.

    Credentials, region and endpoint come from the usual AWS variables (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …).
    Raises `UserError` for an address that is none.
    """

    def __init__(self, place: str, *, patience: timedelta = PATIENCE) -> None:
        self.place = place
        found = ADDRESS.fullmatch(place)
        prefix = ((found and found["prefix"]) or "").strip("/")
        if found is None or (prefix and (not SEGMENT.fullmatch(prefix) or {".", "..", ""} & set(prefix.split("/")))):
            raise UserError(f"{place!r} is no address of an object store", hint="write it as s3://BUCKET/PREFIX")
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT")
        self._store = S3Store(
            found["bucket"],
            prefix=prefix or None,
            client_options={
                "allow_http": bool(endpoint and endpoint.startswith("http://")),
                "timeout": LONGEST_REQUEST,
                "connect_timeout": timedelta(seconds=5),
            },
            retry_config={
                "max_retries": 1000,
                "retry_timeout": patience,
                "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=2), "base": 2},
            },
            config={"endpoint": endpoint} if endpoint else None,
        )

    async def put(self, content: bytes) -> str:
        """Creates the object where there is none; replaces one whose bytes are not what its name says."""
        digest = await asyncio.to_thread(digest_of, content)
        with self._errors("store a drop in"):
            try:
                await self._store.put_async(_path(digest), content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                if not matches(await self._read(digest), digest):
                    await self._store.put_async(_path(digest), content, use_multipart=False)
        return digest

    async def get(self, digest: str) -> bytes:
        """The bytes. Raises `UserError` when unknown, `EnvironmentError_` when they are damaged."""
        checked_digest(digest)
        with self._errors("read a drop from"):
            try:
                content = await self._read(digest)
            except FileNotFoundError:
                raise UserError(f"there is no drop {digest}", hint="see `ql drops RUN` for those that exist") from None
        if not await asyncio.to_thread(matches, content, digest):
            raise EnvironmentError_(
                f"the drop {digest} is damaged in {self.place}",
                hint="see which runs it is of and what mends them: ql drops --check RUN",
                path=f"{self.place}/{_path(digest)}",
            )
        return content

    async def delete(self, digest: str) -> None:
        """Deletes the object; a versioned bucket keeps the old version."""
        checked_digest(digest)
        with self._errors("delete a drop from"), contextlib.suppress(FileNotFoundError):
            await self._store.delete_async(_path(digest))

    async def stored(self) -> AsyncIterator[Stored]:
        """Every object below the prefix whose name is that of a drop."""
        with self._errors("list"):
            async for page in self._store.list():
                for found in page:
                    digest = str(found["path"]).replace("/", "")
                    if DIGEST.fullmatch(digest) and found["path"] == _path(digest):
                        yield Stored(id=digest, size=found["size"], stored_at=found["last_modified"])

    async def tidy(self, before: datetime) -> int:
        """Nothing to do: an object is there as a whole or not at all."""
        return 0

    async def room(self) -> int | None:
        """Not limited."""
        return None

    async def _read(self, digest: str) -> bytes:
        found = await self._store.get_async(_path(digest))
        return bytes(await found.bytes_async())

    @contextlib.contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise EnvironmentError_(
                f"not allowed to {doing} {self.place}: {_reason(error)}",
                hint="check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do in the bucket",
            ) from error
        except FileNotFoundError as error:
            raise EnvironmentError_(
                f"cannot {doing} {self.place}: {_reason(error)}", hint="create the bucket, or name another with QL_DROPS_URL"
            ) from error
        except BaseError as error:
            raise Unreachable(
                f"cannot {doing} {self.place}: {_reason(error)}",
                hint="is the object store up, and AWS_ENDPOINT_URL right? Runs go on when it is back",
            ) from error


def _path(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:]}"


def _reason(error: Exception) -> str:
    """The first line, short: object stores answer with whole documents."""
    return str(error).strip().split("\n")[0][:300]
