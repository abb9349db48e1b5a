"""`ql gc`: delete what is old and not needed."""

from datetime import timedelta
from typing import Annotated

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.inputs import parse_ttl
from quantumlayer.cli.runs import Json
from quantumlayer.cli.shelf import open_shelf
from quantumlayer.cli.sizes import shown_size
from quantumlayer.cli.tables import print_table
from quantumlayer.delivery.registry import open_registry
from quantumlayer.stores.retention import Cleaned, clean


def gc(
    older_than: Annotated[str, typer.Option(help="Keep what ended, or was replaced, within this time: 12h, 30d.")] = "30d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be deleted.")] = False,
    json: Json = False,
) -> None:
    """Delete old runs with all they made, replaced versions, unused caches."""
    cleaned = run(_gc(parse_ttl(older_than), dry_run))
    print(cleaned.model_dump_json(indent=2)) if json else _print(cleaned)


async def _gc(older_than: timedelta, dry_run: bool) -> Cleaned:
    shelf = await open_shelf()
    metadata = shelf.records.metadata
    registry = open_registry(metadata.engine, shelf.home.redis)
    cleaned = await clean(shelf.home, metadata, shelf.records.blobs, registry, older_than, dry_run=dry_run)
    await registry.close()
    await metadata.close()
    return cleaned


def _print(cleaned: Cleaned) -> None:
    collected = cleaned.collected
    rows = [
        ("runs", len(collected.runs), ""),
        ("replaced versions of runs that stay", collected.superseded, ""),
        ("contents of drops", collected.contents, shown_size(collected.bytes)),
        ("capsules", cleaned.capsules, shown_size(cleaned.capsule_bytes)),
        ("installed dependencies", cleaned.environments, shown_size(cleaned.environment_bytes)),
        ("download caches", cleaned.downloads, shown_size(cleaned.download_bytes)),
    ]
    print_table(("would be deleted" if collected.dry_run else "deleted", "number", "bytes"), rows, "")
    print(f"{shown_size(cleaned.bytes)} {'would be free' if collected.dry_run else 'are free'} again")
    if collected.unknown:
        print(f"{collected.unknown} contents ({shown_size(collected.unknown_bytes)}) are not of this database: left alone")
