"""`ql preview`: the applications that run now."""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.inputs import parse_ttl
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.previews import extend as extend_preview
from quantumlayer.delivery.previews import list_previews, revoke
from quantumlayer.delivery.previews import logs as read_logs
from quantumlayer.delivery.registry import Registry
from quantumlayer.delivery.values import Preview
from quantumlayer.errors import UserError
from quantumlayer.stores.home import default_home
from quantumlayer.stores.metadata import Metadata

T = TypeVar("T")
preview_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="List, extend, stop running previews; read their logs."
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
        print_data([p.model_dump(mode="json") | {"url": p.url} for p in found])
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


@preview_app.command()
def logs(preview: PreviewId) -> None:
    """Print the last that the application wrote."""

    async def act(registry: Registry, home: PreviewHome) -> str:
        return await read_logs(registry, home, await _find(registry, preview))

    print(run(_with_previews(act)))


def _administrator(preview: Preview) -> str:
    return " / ".join(
        preview.environment[name] for name in ("ADMIN_IDENTIFIER", "ADMIN_PASSWORD") if name in preview.environment
    )


async def _with_previews(act: Callable[[Registry, PreviewHome], Awaitable[T]]) -> T:
    home = default_home()
    metadata = Metadata(home.database)
    await metadata.prepare()
    registry = Registry(metadata.engine)
    await registry.prepare()
    return await act(registry, PreviewHome(home.root))


async def _find(registry: Registry, text: str) -> str:
    wanted = text.removeprefix("http://").split(".")[0].split("/")[0]
    known = await registry.all()
    found = {p.id for p in known if wanted and p.id.startswith(wanted)} or {p.id for p in known if p.run == text}
    if len(found) != 1:
        raise UserError(f"{'more than one' if found else 'no'} preview {text!r}", hint="list them with: ql preview list --all")
    return found.pop()
