"""Blueprints are found by scanning folders and refused at load when anything in them is wrong, with file and line."""

import hashlib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from quantumlayer.blueprint.values import BLUEPRINT_FILE, PARTS, Blueprint
from quantumlayer.errors import UserError

BUILT_IN = Path(__file__).resolve().parent.parent / "blueprints"
_FOLDERS = ("templates", "pins", "faults")
_FILES = (BLUEPRINT_FILE, "guide.md")


class BlueprintError(UserError):
    """A blueprint folder that cannot be used. `data` holds path and line."""

    def __init__(self, message: str, path: Path, line: int = 1, hint: str = "") -> None:
        super().__init__(f"{path}:{line}: {message}", hint=hint, path=str(path), line=line)


@dataclass(frozen=True)
class LoadedBlueprint:
    """A blueprint with the folder it was read from."""

    value: Blueprint
    folder: Path

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every file of the folder, in hex."""
        total = hashlib.sha256()
        for path in sorted(p for p in self.folder.rglob("*") if p.is_file()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(self.folder).as_posix()} {content}\n".encode())
        return total.hexdigest()


@dataclass(frozen=True)
class Blueprints:
    """Every blueprint by id."""

    by_id: dict[str, LoadedBlueprint]

    def get(self, stack: str) -> LoadedBlueprint:
        """Raises `UserError` naming the nearest ids."""
        if stack in self.by_id:
            return self.by_id[stack]
        near = get_close_matches(stack, self.by_id, n=3, cutoff=0.4) or sorted(self.by_id)
        raise UserError(f"there is no stack {stack!r}", hint=f"try {', '.join(near)}", stack=stack)


def load_blueprints(folders: Iterable[Path] = ()) -> Blueprints:
    """The built-in blueprints and those below `folders`. Two folders with one id: `BlueprintError`."""
    found: dict[str, LoadedBlueprint] = {}
    for root in (BUILT_IN, *folders):
        if not root.is_dir():
            raise UserError(f"no folder {root}", hint="name a folder that holds LANGUAGE/FRAMEWORK/blueprint.toml")
        for file in sorted(root.glob(f"*/*/{BLUEPRINT_FILE}")):
            loaded = load_blueprint(file.parent)
            if other := found.get(loaded.value.id):
                raise BlueprintError(f"the id {loaded.value.id!r} is already taken by {other.folder}", file, _line(file, "id"))
            found[loaded.value.id] = loaded
    return Blueprints(found)


def load_blueprint(folder: Path) -> LoadedBlueprint:
    """One folder, checked. Raises `BlueprintError`."""
    file = folder / BLUEPRINT_FILE
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BlueprintError(f"cannot be read: {error}", file) from None
    try:
        value = Blueprint.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise BlueprintError(f"is not TOML: {error}", file, int(line[1]) if line else 1) from None
    except ValidationError as error:
        raise _explained(error, file, text) from None
    expected = f"{folder.parent.name}/{folder.name}"
    if value.id != expected:
        raise BlueprintError(f"the id is {value.id!r}, the folder says {expected!r}", file, _line(file, "id"))
    _check_files(folder, file)
    return LoadedBlueprint(value, folder)


def _explained(error: ValidationError, file: Path, text: str) -> BlueprintError:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    key = ".".join(where)
    line = _line_of_key(text, [part for part in where if not part.isdigit()])
    if first["type"] == "extra_forbidden":
        return BlueprintError(f"unknown key {key!r}", file, line, "remove it; docs/blueprints.md lists the keys")
    if first["type"] in ("tuple_type", "list_type") and where[0] == "commands":
        return BlueprintError(
            f"{key}: a command is a list of words, not {first['input']!r}", file, line, 'write [["tool", "argument"]]'
        )
    return BlueprintError(f"{key}: {first['msg']}", file, line)


def _check_files(folder: Path, file: Path) -> None:
    for entry in folder.iterdir():
        if entry.name not in _FOLDERS + _FILES:
            raise BlueprintError(f"unknown entry {entry.name!r} in the folder", file)
    for part in PARTS:
        if not (folder / "templates" / part).is_dir():
            raise BlueprintError(f"templates/{part}/ is missing", file)
    for entry in folder.rglob("*"):
        if entry.is_symlink():
            raise BlueprintError("symbolic links are not allowed in a blueprint", entry)


def _line(file: Path, key: str) -> int:
    return _line_of_key(file.read_text("utf-8"), [key])


def _line_of_key(text: str, keys: list[str]) -> int:
    """The line of the deepest of `keys` that can be found, sections first; 1 where none is."""
    found, start, lines = 1, 0, text.splitlines()
    for key in keys:
        pattern = re.compile(rf'^\s*(\[+[^\]]*\b{re.escape(key)}\b[^\]]*\]+|"?{re.escape(key)}"?\s*=)')
        for number in range(start, len(lines)):
            if pattern.match(lines[number]):
                found, start = number + 1, number
                break
    return found
