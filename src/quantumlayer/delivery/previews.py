"""What the pipeline, the command line and the API do with previews. The proxy process does the rest."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.passwords import hashed
from quantumlayer.delivery.registry import Registry
from quantumlayer.delivery.values import LIVE, Preview, checked_ttl, new_id, now
from quantumlayer.errors import EnvironmentError_, UserError

POLL_SECONDS = 0.03
PROXY_PATIENCE = 10.0


async def open_preview(
    registry: Registry,
    home: PreviewHome,
    capsule: Path,
    ttl: timedelta,
    run: str,
    *,
    environment: Mapping[str, str] | None = None,
    owner: Mapping[str, Any] | None = None,
    password: str | None = None,
    patience: float = 60.0,
) -> Preview:
    """Orders a preview and waits until it answers, or failed ("failed" with a `message`).

    Raises what `order_preview` raises, `EnvironmentError_` when no proxy runs or it takes over `patience` seconds.
    """
    preview = await order_preview(registry, home, capsule, ttl, run, environment=environment, owner=owner, password=password)
    return await await_ready(registry, home, preview.id, patience)


async def order_preview(
    registry: Registry,
    home: PreviewHome,
    capsule: Path,
    ttl: timedelta,
    run: str,
    *,
    environment: Mapping[str, str] | None = None,
    owner: Mapping[str, Any] | None = None,
    password: str | None = None,
) -> Preview:
    """Asks the proxy to run the capsule's application and does not wait. `owner` has organisation, project and creator.

    Asking again for the same run gives the same preview while it is live; one that failed is tried afresh.
    Raises `UserError` for a wrong ttl, a short password or a missing capsule.
    """
    if not capsule.is_file():
        raise UserError(f"no capsule at {capsule}", hint="name the .capsule file that a run wrote")
    start = now()
    wanted = Preview(
        id=new_id(),
        run=run,
        capsule=capsule.resolve(),
        created_at=start,
        expires_at=start + checked_ttl(ttl),
        environment=dict(environment or {}),
        password=hashed(password) if password is not None else None,
        **(owner or {}),
    )
    preview = await registry.add(wanted)
    if not preview.live:
        await registry.change(preview.id, state="expired")
        preview = await registry.add(wanted)
    elif preview.state == "failed":
        preview = await registry.change(preview.id, state="starting", message="", only=("failed",)) or preview
    home.wake()
    return preview


async def await_ready(registry: Registry, home: PreviewHome, preview_id: str, patience: float) -> Preview:
    """The preview once it is anything but "starting". Raises `EnvironmentError_` when that takes over `patience` seconds."""
    began = asyncio.get_running_loop().time()
    heard = home.wake()
    while True:
        preview = await registry.get(preview_id)
        if preview is None or preview.state != "starting":
            break
        waited = asyncio.get_running_loop().time() - began
        if not heard and waited > PROXY_PATIENCE:
            raise EnvironmentError_("no preview proxy is running", hint="start it with: ql up")
        if waited > patience:
            raise EnvironmentError_(
                f"the preview did not answer within {patience:.0f} s", hint=f"look at its log: ql preview logs {preview_id}"
            )
        await asyncio.sleep(POLL_SECONDS)
        heard = heard or home.wake() or await registry.lease(preview_id) is not None
    if preview is None:
        raise EnvironmentError_("the preview vanished from the registry", hint="was QL_HOME deleted meanwhile?")
    return preview


async def extend(registry: Registry, home: PreviewHome, preview_id: str, ttl: timedelta) -> Preview:
    """Lets it live for `ttl` from now. Raises `UserError` when it is unknown or over."""
    return await _changed(registry, home, preview_id, expires_at=now() + checked_ttl(ttl))


async def revoke(registry: Registry, home: PreviewHome, preview_id: str) -> Preview:
    """Ends it now: the process stops, its data is deleted, the address answers 410. Raises `UserError` as `extend`."""
    return await _changed(registry, home, preview_id, state="revoked")


async def protect(registry: Registry, home: PreviewHome, preview_id: str, password: str | None) -> Preview:
    """Lets in only who knows the password; None lets in everybody with the address. Raises `UserError` as `extend`."""
    return await _changed(registry, home, preview_id, password=hashed(password) if password is not None else None)


async def list_previews(registry: Registry, *, every: bool = False) -> tuple[Preview, ...]:
    """The live previews, newest first; with `every` also those that are over."""
    return await registry.all() if every else tuple(p for p in await registry.all(*LIVE) if p.live)


async def logs(registry: Registry, home: PreviewHome, preview_id: str) -> str:
    """The last the application wrote (at most 256 KiB), at most a second old. Raises `UserError` when it is unknown."""
    preview = await registry.get(preview_id)
    if preview is None:
        raise _unknown(preview_id)
    return home.read_log(preview_id).decode(errors="replace") or preview.message


async def _changed(registry: Registry, home: PreviewHome, preview_id: str, **fields: Any) -> Preview:
    before = await registry.get(preview_id)
    if before is None:
        raise _unknown(preview_id)
    after = await registry.change(preview_id, **fields) if before.live else None
    if after is None:
        raise UserError(f"the preview {preview_id} is over", hint="open a new one with: ql preview open CAPSULE")
    home.wake()
    return after


def _unknown(preview_id: str) -> UserError:
    return UserError(f"no preview {preview_id!r}", hint="list them with: ql preview list")
