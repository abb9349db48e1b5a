"""`ql preview`: the applications that run now."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any, TypeVar

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.follow import open_desk
from quantumlayer.cli.inputs import parse_ttl
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.previews import extend as extend_preview
from quantumlayer.delivery.previews import list_previews, open_preview, protect, revoke
from quantumlayer.delivery.previews import logs as read_logs
from quantumlayer.delivery.registry import Registry, open_registry
from quantumlayer.delivery.values import Preview
from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.evidence.live_application import administrator
from quantumlayer.pipeline.capsules import local_capsule
from quantumlayer.pipeline.codecs import decode
from quantumlayer.server.service import ensure_service
from quantumlayer.spec.values import Spec
from quantumlayer.stores.home import default_home
from quantumlayer.stores.metadata import Metadata

FOLLOW_SECONDS = 1.0
OVERLAP = 2000
T = TypeVar("T")
preview_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Open, list, extend, protect, stop previews; read their logs."
)
PreviewId = Annotated[str, typer.Argument(metavar="PREVIEW", help="The id or the address of a preview, or its run.")]


@preview_app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List previews, newest first."""

    async def look(registry: Registry, home: PreviewHome) -> tuple[tuple[Preview, ...], bool]:
        return await list_previews(registry, every=every), home.wake()

    found, served = run(_with_previews(look))
    if not served and any(p.live for p in found):
        print("no preview proxy runs: start it with `ql up`", file=sys.stderr)
    if json:
        print_data([_shown(p) for p in found])
        return
    rows = [(p.url or p.id, p.state, f"{p.expires_at:%Y-%m-%d %H:%M:%S}", p.requests, p.run, _administrator(p)) for p in found]
    print_table(("preview", "state", "until (UTC)", "requests", "run", "administrator"), rows, "no previews")


@preview_app.command()
def stop(preview: PreviewId) -> None:
    """End a preview now."""

    async def act(registry: Registry, home: PreviewHome) -> str:
        return (await revoke(registry, home, await _find(registry, preview))).id

    print(f"{run(_with_previews(act))} is over")


@preview_app.command()
def extend(preview: PreviewId, ttl: Annotated[str, typer.Option(help="From now on: 15m, 1h, 2d.")] = "1h") -> None:
    """Let a preview live longer."""

    async def act(registry: Registry, home: PreviewHome) -> str:
        changed = await extend_preview(registry, home, await _find(registry, preview), parse_ttl(ttl))
        return f"{changed.url or changed.id} lives until {changed.expires_at:%Y-%m-%d %H:%M:%S} UTC"

    print(run(_with_previews(act)))


@preview_app.command("open")
def open_(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run that made a capsule.")],
    ttl: Annotated[str, typer.Option(help="How long it lives: 15m, 1h, 2d.")] = "1h",
    password: Annotated[bool, typer.Option("--password", help="Ask for a password that visitors must know.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the application of an earlier run again."""
    opened = run(_open(run_id, parse_ttl(ttl), _asked() if password else None))
    if opened.state != "ready":
        raise EnvironmentError_(f"the preview is {opened.state}: {opened.message}", hint=f"see: ql preview logs {opened.id}")
    print_data(_shown(opened)) if json else print(opened.url)


@preview_app.command()
def password(
    preview: PreviewId, remove: Annotated[bool, typer.Option("--remove", help="Let everybody in again.")] = False
) -> None:
    """Ask visitors for a password; it is read from the terminal or from standard input."""
    chosen = None if remove else _asked()

    async def act(registry: Registry, home: PreviewHome) -> str:
        return (await protect(registry, home, await _find(registry, preview), chosen)).id

    print(f"{run(_with_previews(act))} {'has no password' if remove else 'has a password'}")


@preview_app.command()
def logs(
    preview: PreviewId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what it writes, until it is over.")] = False,
) -> None:
    """Print the last that the application wrote."""

    async def act(registry: Registry, home: PreviewHome) -> None:
        found, shown = await _find(registry, preview), ""
        while True:
            text = await read_logs(registry, home, found)
            sys.stdout.write(_new(shown, text))
            sys.stdout.flush()
            shown, known = text, await registry.get(found)
            if not follow or known is None or not known.live:
                return
            await asyncio.sleep(FOLLOW_SECONDS)

    run(_with_previews(act))


def _new(before: str, now: str) -> str:
    """What was added; the beginning of a full log moves on, so the end of the old text is looked for."""
    if now.startswith(before):
        return now[len(before) :]
    _, found, added = now.partition(before[-OVERLAP:])
    return added if found else now


def _asked() -> str:
    if sys.stdin.isatty():
        return typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return sys.stdin.readline().rstrip("\n")


def _shown(preview: Preview) -> dict[str, Any]:
    return preview.model_dump(mode="json") | {"url": preview.url, "password": preview.password is not None}


async def _open(run_id: str, ttl: timedelta, chosen: str | None) -> Preview:
    desk = await open_desk()
    found = await desk.runs.find(run_id)
    specs = [d for d in await desk.metadata.drops(found.id, current=True) if d.kind == "spec"]
    admin = administrator(decode(await desk.runs.blobs.get(specs[0].id), Spec)) if specs else None
    await ensure_service(desk.home, busy=True)
    return await open_preview(
        open_registry(desk.metadata.engine, desk.home.redis),
        PreviewHome(desk.home.root),
        await local_capsule(desk.runs, desk.home, found.id) or desk.home.capsules / f"{found.id}.capsule",
        ttl,
        found.id,
        environment={"ADMIN_IDENTIFIER": admin[0], "ADMIN_PASSWORD": admin[1]} if admin else {},
        owner=found.owner.model_dump(),
        password=chosen,
    )


def _administrator(preview: Preview) -> str:
    return " / ".join(
        preview.environment[name] for name in ("ADMIN_IDENTIFIER", "ADMIN_PASSWORD") if name in preview.environment
    )


async def _with_previews(act: Callable[[Registry, PreviewHome], Awaitable[T]]) -> T:
    home = default_home()
    metadata = Metadata(home.database)
    await metadata.prepare()
    registry = open_registry(metadata.engine, home.redis)
    return await act(registry, PreviewHome(home.root))


async def _find(registry: Registry, text: str) -> str:
    wanted = text.removeprefix("http://").split(".")[0].split("/")[0]
    known = await registry.all()
    found = {p.id for p in known if wanted and p.id.startswith(wanted)} or {p.id for p in known if p.run == text}
    if len(found) != 1:
        raise UserError(f"{'more than one' if found else 'no'} preview {text!r}", hint="list them with: ql preview list --all")
    return found.pop()
