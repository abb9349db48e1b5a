"""What the user typed, read and refused before anything runs."""

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from quantumlayer.catalog.sandboxes import open_sandbox
from quantumlayer.errors import UserError
from quantumlayer.pipeline.approval.values import LEAST_PATIENCE, MOST_PATIENCE
from quantumlayer.pipeline.pictures import MOST_BYTES, MOST_PICTURES, checked_picture
from quantumlayer.request.compose import compose, read_bytes
from quantumlayer.request.values import MAX_FILE, FileKind, Picture, Request, SourceFile

_TTL = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def read_text(path: Path, limit: int = MAX_FILE) -> str:
    """A UTF-8 text file, or standard input for `-`. Raises `UserError` when it is missing, too large or not text."""
    return read_bytes(_content(path, limit), str(path), limit)


def _content(path: Path, limit: int) -> bytes:
    """The bytes of a file, or of standard input for `-`; one more than the limit where there are more."""
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(limit + 1)
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}", hint="name a readable file") from None


def read_request(
    prompt: str | None,
    files: list[Path],
    typed: dict[FileKind, list[Path]],
    pictures: Sequence[Picture],
    *,
    stack: str | None,
    author: str,
    model: str | None,
) -> Request:
    """The request of the command line. Raises `UserError`."""
    given = [SourceFile(name=path.name, text=read_text(path)) for path in files]
    given += [SourceFile(name=p.name, text=read_text(p), kind=kind) for kind, paths in typed.items() for p in paths]
    return compose(prompt or "", given, pictures, stack=stack, author=author, model=model)


async def read_pictures(paths: list[Path]) -> list[Picture]:
    """Drawn anew in the sandbox. Raises `UserError`, and `EnvironmentError_` where there is none."""
    if len(paths) > MOST_PICTURES:
        raise UserError(f"{len(paths)} pictures are too many", hint=f"pass at most {MOST_PICTURES}")
    sandbox = open_sandbox()
    return [await checked_picture(sandbox, path.name, _content(path, MOST_BYTES)) for path in paths]


def parse_ttl(text: str) -> timedelta:
    """`90s`, `15m`, `1h`, `2d` or a sum of them (`1h30m`). Raises `UserError`."""
    parts = _TTL.findall(text.strip().lower())
    if not parts or _TTL.sub("", text.strip().lower()).strip():
        raise UserError(f"{text!r} is no length of time", hint="write it as 90s, 15m, 1h or 2d")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def checked_patience(text: str, *, interactive: bool, elsewhere: bool, yes: bool) -> int | None:
    """The seconds that an interactive run waits for a person, None for a run that waits for nobody. Raises `UserError`."""
    if not interactive:
        if elsewhere:
            raise UserError("--elsewhere belongs to --interactive", hint="add --interactive, or leave --elsewhere out")
        return None
    if yes:
        raise UserError("--interactive asks and --yes does not", hint="leave one of them out")
    seconds = int(parse_ttl(text).total_seconds())
    if not LEAST_PATIENCE <= seconds <= MOST_PATIENCE:
        raise UserError(
            f"{text} is no time to wait for an answer", hint="wait between a second and 30 days: --answer-within 1h"
        )
    if not (elsewhere or sys.stdin.isatty()):
        raise UserError(
            "--interactive asks at a terminal, and standard input is none",
            hint="add --elsewhere, and let somebody decide with: ql pending, ql answer, ql approve, ql reject",
        )
    return seconds


def checked_out(path: Path) -> Path:
    """The folder, not yet there or empty, that can be written. Creates nothing. Raises `UserError`."""
    path = path.expanduser().absolute()
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UserError(f"{path} is not a folder", hint="name another one with --out")
    if path.is_dir() and any(path.iterdir()):
        raise UserError(f"the folder {path} is not empty", hint="name a new or empty folder with --out")
    nearest = path
    while not nearest.exists():
        nearest = nearest.parent
    try:
        # Tried, not asked: permissions say nothing of read-only and special file systems.
        os.rmdir(tempfile.mkdtemp(prefix=".ql-", dir=nearest))
    except OSError as error:
        hint = "name a folder that you may write to with --out"
        raise UserError(f"cannot write to {nearest}: {error.strerror}", hint=hint) from None
    return path


def parse_administrator(text: str | None) -> tuple[str, str] | None:
    """`IDENTIFIER:PASSWORD`. Raises `UserError`."""
    if text is None:
        return None
    identifier, colon, password = text.partition(":")
    if not (identifier and colon and password):
        raise UserError("--admin is IDENTIFIER:PASSWORD", hint="for example --admin admin@example.com:secret")
    return identifier, password
