"""Blueprints are found by scanning folders and refused at load when anything in them is wrong, with file and line."""

import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatch
from functools import cache, cached_property
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from quantumlayer.blueprint.check_templates import check_templates
from quantumlayer.blueprint.problems import BlueprintError
from quantumlayer.blueprint.values import BLUEPRINT_FILE, PARTS, Blueprint
from quantumlayer.errors import UserError

BUILT_IN = Path(__file__).resolve().parent.parent / "blueprints"
FOLDERS_VARIABLE = "QL_BLUEPRINTS"
_FOLDERS = ("templates", "pins", "faults")
_FILES = (BLUEPRINT_FILE, "guide.md")
_LAYERED = ("templates", "pins", "faults")


@dataclass(frozen=True, eq=False)
class LoadedBlueprint:
    """A blueprint with its folder, and the one that it `extends`. The same object as long as no file changes."""

    value: Blueprint
    folder: Path
    base: "LoadedBlueprint | None" = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every file of the folder, and of those that it extends, in hex."""
        total = hashlib.sha256(self.base.digest.encode() if self.base else b"")
        for path in _all_files(self.folder):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(self.folder).as_posix()} {content}\n".encode())
        return total.hexdigest()

    @cached_property
    def files(self) -> dict[str, Path]:
        """Templates, pins and faults by path in the folder: those of the base that it does not leave out, then its own."""
        inherited = self.base.files if self.base else {}
        found = {name: path for name, path in inherited.items() if not any(fnmatch(name, g) for g in self.value.without)}
        for part in _LAYERED:
            for path in _all_files(self.folder / part):
                found[path.relative_to(self.folder).as_posix()] = path
        return dict(sorted(found.items()))

    def below(self, part: str) -> dict[str, Path]:
        """Those of `files` below a folder, by their path in it."""
        prefix = f"{part}/"
        return {name.removeprefix(prefix): path for name, path in self.files.items() if name.startswith(prefix)}

    @property
    def own(self) -> bool:
        """Whether it is the user's, and not one of ours."""
        return not self.folder.is_relative_to(BUILT_IN)


class Blueprints:
    """The folders of all blueprints by id. One is loaded and checked when it is asked for, so that asking for one is quick."""

    def __init__(self, places: Mapping[str, Path], trial: Callable[[LoadedBlueprint], None] | None = None) -> None:
        """`trial` raises `BlueprintError` for a blueprint that cannot be used although its folder is sound."""
        self.places = dict(places)
        self._trial = trial

    def get(self, stack: str) -> LoadedBlueprint:
        """Raises `UserError` naming the nearest ids, `BlueprintError` where the stack's folder is broken."""
        if stack not in self.places:
            near = get_close_matches(stack, self.places, n=3, cutoff=0.4) or sorted(self.places)
            raise UserError(
                f"there is no stack {stack!r}",
                hint=f"try {', '.join(near)}",
                stack=stack,
            )
        loaded = load_blueprint(self.places[stack], self.places)
        if self._trial:
            self._trial(loaded)
        return loaded

    @property
    def by_id(self) -> dict[str, LoadedBlueprint]:
        """All that can be used."""
        return {stack: found for stack, found in self._all.items() if isinstance(found, LoadedBlueprint)}

    def providing(self, capability: str) -> tuple[str, ...]:
        """The ids of those that provide it, sorted."""
        return tuple(sorted(stack for stack, found in self.by_id.items() if capability in found.value.provides))

    @property
    def broken(self) -> dict[str, BlueprintError]:
        """Those that cannot, with why."""
        return {stack: found for stack, found in self._all.items() if isinstance(found, BlueprintError)}

    @cached_property
    def _all(self) -> dict[str, LoadedBlueprint | BlueprintError]:
        return {stack: self._tried(stack) for stack in self.places}

    def _tried(self, stack: str) -> LoadedBlueprint | BlueprintError:
        try:
            return self.get(stack)
        except BlueprintError as error:
            return error


class Stacks(Protocol):
    """Where blueprints come from."""

    def get(self, stack: str) -> LoadedBlueprint:
        """As `Blueprints.get`."""
        ...


def configured_folders() -> tuple[Path, ...]:
    """The folders named by `$QL_BLUEPRINTS`, separated as in PATH."""
    return tuple(Path(part).expanduser() for part in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if part)


def load_blueprints(folders: Iterable[Path] = (), trial: Callable[[LoadedBlueprint], None] | None = None) -> Blueprints:
    """The built-in blueprints and those below `folders` and `$QL_BLUEPRINTS`; `trial` as for `Blueprints`.

    Raises `UserError` for a folder that is not there, `BlueprintError` for two folders with one id. Any other mistake makes
    that one blueprint broken.
    """
    places: dict[str, Path] = {}
    for root in dict.fromkeys((BUILT_IN, *(folder.absolute() for folder in (*configured_folders(), *folders)))):
        if not root.is_dir():
            raise UserError(f"no folder {root}", hint="name a folder that holds LANGUAGE/FRAMEWORK/blueprint.toml")
        for file in sorted(root.glob(f"*/*/{BLUEPRINT_FILE}")):
            stack = f"{file.parent.parent.name}/{file.parent.name}"
            if stack in places:
                line = _line_of_key(_text(file), ["id"])
                raise BlueprintError(f"the id {stack!r} is already taken by {places[stack]}", file, line, "rename one folder")
            places[stack] = file.parent
    return Blueprints(places, trial)


_loaded: dict[Path, tuple[object, LoadedBlueprint]] = {}


def load_blueprint(folder: Path, places: Mapping[str, Path] | None = None) -> LoadedBlueprint:
    """One folder, checked, a user's own with its templates. `places`: folders by id, for `extends`. Raises `BlueprintError`."""
    return _load(folder, places or {}, ())


@cache
def bare_blueprint(folder: Path, stack: str) -> LoadedBlueprint:
    """What a language has for the stack that no folder describes: its `bare` one under the stack's name."""
    loaded = load_blueprint(folder)
    title = f"{stack}: {loaded.value.title}"
    return LoadedBlueprint(loaded.value.model_copy(update={"id": stack, "title": title}), folder)


def _load(folder: Path, places: Mapping[str, Path], extending: tuple[str, ...]) -> LoadedBlueprint:
    file = folder / BLUEPRINT_FILE
    text = _text(file)
    value = _value(file, text)
    expected = f"{folder.parent.name}/{folder.name}"
    if value.id != expected:
        raise BlueprintError(f"the id is {value.id!r}, the folder says {expected!r}", file, _line_of_key(text, ["id"]))
    base = None
    if value.extends:
        line = _line_of_key(text, ["extends"])
        if value.extends in (*extending, value.id):
            raise BlueprintError(f"extends goes in a circle: {' → '.join((*extending, value.id, value.extends))}", file, line)
        known = {"/".join(path.parts[-2:]): path for path in BUILT_IN.glob("*/*") if path.is_dir()} | dict(places)
        if value.extends not in known:
            near = get_close_matches(value.extends, known, n=1) or sorted(known)
            raise BlueprintError(f"there is no stack {value.extends!r} to extend", file, line, f"try {', '.join(near)}")
        base = _load(known[value.extends], places, (*extending, value.id))
    signature = (_signature(folder), base)
    if folder in _loaded and _loaded[folder][0] == signature:
        return _loaded[folder][1]
    loaded = LoadedBlueprint(value, folder, base)
    _check_folder(loaded, file)
    if loaded.own:  # ours are checked by the tests: parsing them all would delay every command
        check_templates(loaded.below("templates"))
    _loaded[folder] = (signature, loaded)
    return loaded


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BlueprintError(f"cannot be read: {error}", file) from None


def _value(file: Path, text: str) -> Blueprint:
    try:
        return Blueprint.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise BlueprintError(f"is not TOML: {error}", file, int(line[1]) if line else 1) from None
    except ValidationError as error:
        raise _explained(error, file, text) from None


def _explained(error: ValidationError, file: Path, text: str) -> BlueprintError:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    key = ".".join(where)
    line = _line_of_key(text, [part for part in where if not part.isdigit()])
    if first["type"] == "extra_forbidden":
        near = get_close_matches(where[-1], list(_known_keys(where[:-1])), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "remove it; docs/blueprints.md lists the keys"
        return BlueprintError(f"unknown key {key!r}", file, line, hint)
    if first["type"] in ("tuple_type", "list_type") and where[0] == "commands":
        hint = 'write [["tool", "argument"]]' if where[1:2] != ["run"] else 'write ["tool", "argument"]'
        return BlueprintError(f"{key}: a command is a list of words, not {first['input']!r}", file, line, hint)
    if first["type"] == "missing":
        return BlueprintError(f"the key {key!r} is missing", file, line, "docs/blueprints.md lists the keys")
    return BlueprintError(f"{key}: {first['msg']}", file, line)


def _known_keys(section: list[str]) -> Iterable[str]:
    model = Blueprint
    for part in section:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and hasattr(inner, "model_fields")):
            return ()
        model = inner  # type: ignore[assignment]
    return model.model_fields


def _check_folder(loaded: LoadedBlueprint, file: Path) -> None:
    folder = loaded.folder
    for entry in sorted(folder.iterdir()):
        if entry.name not in _FOLDERS + _FILES:
            known = ", ".join((*_FOLDERS, *_FILES))
            raise BlueprintError(f"unknown entry {entry.name!r} in the folder", file, 1, f"a blueprint holds {known}")
    for entry in folder.rglob("*"):
        if entry.is_symlink():
            raise BlueprintError("symbolic links are not allowed in a blueprint", entry)
    if loaded.value.bare:
        return
    present = {name.partition("/")[0] for name in loaded.below("templates")}
    for part in PARTS:
        if part not in present:
            raise BlueprintError(f"templates/{part}/ is missing", file, 1, "docs/blueprints.md says what belongs there")
    if stray := sorted(present - set(PARTS)):
        raise BlueprintError(f"templates/{stray[0]} is no part", file, 1, f"the parts are {', '.join(PARTS)}")


def _all_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _signature(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes when a file does."""
    stats = ((str(path), path.stat()) for path in _all_files(folder))
    return tuple((name, found.st_mtime_ns, found.st_size) for name, found in stats)


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
