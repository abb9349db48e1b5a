"""Pictures as strangers send them → small, plain pictures to be shown to a model. Only the sandbox ever decodes them."""

import base64
import sys
from importlib.metadata import PackagePath, files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quantumlayer.errors import Bug, UserError
from quantumlayer.ports.sandbox import MIB, Command, Completed, Limits, Mount, Sandbox
from quantumlayer.request.values import Picture

MOST_BYTES = 20_000_000
MOST_PICTURES = 8
# Forty million pixels in four colours, drawn twice.
LIMITS = Limits(memory=1024 * MIB, processes=16, cpu_seconds=30, wall_seconds=60.0, tmp_size=16 * MIB, output=16 * MIB)
_SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_HINT = "pass a PNG, JPEG, WebP or GIF file of one still picture"
_PROGRAM = Path(__file__).parents[1] / "request" / "draw.py"
_INSIDE = "/picture"


class _Told(BaseModel):
    """The first line of what the program says."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    media_type: Literal["image/png", "image/jpeg"] | None = None
    unfit: Annotated[str, Field(max_length=400)] = ""
    hint: Annotated[str, Field(max_length=400)] = ""


async def checked_picture(sandbox: Sandbox, name: str, content: bytes) -> Picture:
    """The picture drawn anew by `request.draw` in the sandbox.

    Raises `UserError` for what is no picture, too large in bytes or pixels, tiny, moving, broken off, or takes a decoder
    beyond its limits; `EnvironmentError_` where there is no sandbox.
    """
    if not content:
        raise UserError(f"{name} is empty", hint=_HINT)
    if len(content) > MOST_BYTES:
        raise UserError(f"{name} is larger than {MOST_BYTES // 1_000_000} MB", hint="make it smaller, or take a part of it")
    return _received(name, await sandbox.run(_command(content)))


def _command(content: bytes) -> Command:
    prefix = Path(sys.base_prefix).resolve()
    own = () if prefix.is_relative_to("/usr") else (Mount(prefix, str(prefix)),)
    library = tuple(Mount(path, f"{_INSIDE}/{path.name}") for path in _pillow())
    python = str(prefix / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")
    program = Mount(_PROGRAM, f"{_INSIDE}/{_PROGRAM.name}")
    argv = (python, "-s", "-E", "-B", program.target)
    return Command(argv, library[0].target, (*own, *library, program), limits=LIMITS, stdin=content)


def _pillow() -> list[Path]:
    """The folders of the library: its modules first, then, in wheels, its decoders."""
    found = {path.parts[0]: _folder(path) for path in files("pillow") or () if path.parts[0] in ("PIL", "pillow.libs")}
    if "PIL" not in found:
        raise Bug("Pillow is not installed as a package of files", hint="install QuantumLayer again: pip install quantumlayer")
    return [found[name] for name in sorted(found)]


def _folder(path: PackagePath) -> Path:
    whole = Path(str(path.locate()))
    return whole.parents[len(path.parts) - 2]


def _received(name: str, completed: Completed) -> Picture:
    """What came out. It is a claim of a process that hostile bytes may have taken over: nothing of it is decoded here."""
    head, _, data = completed.stdout.partition(b"\n")
    try:
        told = _Told.model_validate_json(head) if completed.ok else _Told()
    except ValidationError:
        told = _Told()
    if told.unfit:
        raise UserError(f"{name} {told.unfit}", hint=told.hint or _HINT)
    if told.media_type is None or not data.startswith(_SIGNATURES[told.media_type]):
        how = "" if completed.outcome == "exited" else f" ({completed.outcome.replace('_', ' ')})"
        raise UserError(f"{name} is no picture that can be read: what decodes it broke down{how}", hint=_HINT)
    return Picture(name=name, media_type=told.media_type, data=base64.b64encode(data))
