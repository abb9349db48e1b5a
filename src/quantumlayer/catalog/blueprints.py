"""All blueprints that a QL_HOME knows: ours, those of `$QL_BLUEPRINTS`, and folders that were named to it once."""

import os
import re
import secrets
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from quantumlayer.blueprint.load import BUILT_IN, Blueprints, LoadedBlueprint, bare_blueprint, load_blueprints
from quantumlayer.blueprint.problems import BlueprintError
from quantumlayer.blueprint.render import render
from quantumlayer.blueprint.values import PARTS
from quantumlayer.catalog.adapters import family
from quantumlayer.conformance.blueprint.specs import reference_spec
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.plan.test_plan import TestPlan

REMEMBERED = "blueprints.txt"
_FRAMEWORK = re.compile(r"[a-z][a-z0-9-]{0,40}")
_MISSPELT = 0.87
TRIED_ON = ("todo", "library", "blog")


def known_blueprints(home: Path, folders: Iterable[Path] = ()) -> Blueprints:
    """As `load_blueprints`, with the remembered folders that are still there. A user's own ones are rendered once, on trial."""
    chosen = dict.fromkeys((*(folder.absolute() for folder in folders), *_remembered(home)))
    return load_blueprints(chosen, trial=_tried)


class LiveBlueprints:
    """The blueprints that a home knows at the moment of asking: a service needs no restart for a changed or new folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def get(self, stack: str) -> LoadedBlueprint:
        """As `Blueprints.get`, and what a language has for a stack without a folder."""
        return bare_or_known(known_blueprints(self._home), stack)


def bare_or_known(known: Blueprints, stack: str) -> LoadedBlueprint:
    """The blueprint of a stack, or where none describes it what its language has for services that a model writes alone.

    Raises what `Blueprints.get` raises where there is neither, and where the name looks like a misspelt one.
    """
    language, _, framework = stack.partition("/")
    misspelt = stack not in known.places and get_close_matches(stack, known.places, n=1, cutoff=_MISSPELT)
    if stack in known.places or misspelt or not _FRAMEWORK.fullmatch(framework):
        return known.get(stack)
    languages = family("languages")
    folder = languages.load(language)().conventions.bare if language in languages.names else None
    return bare_blueprint(folder, stack) if folder else known.get(stack)


def reviewed_files(language: str) -> tuple[Mapping[str, bytes], ...]:
    """The pins of our own blueprints of a language, one mapping by path for each."""
    known = load_blueprints()
    ours = [s for s, place in known.places.items() if place.is_relative_to(BUILT_IN) and s.partition("/")[0] == language]
    return tuple({name: path.read_bytes() for name, path in known.get(stack).below("pins").items()} for stack in ours)


def remember(home: Path, folder: Path) -> None:
    """From now on the home knows the folder, so that its service, its previews and later commands do. Written as a whole."""
    folder = folder.absolute()
    known = _remembered(home)
    if folder in known:
        return
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f".{REMEMBERED}.{secrets.token_hex(4)}"
    draft.write_text("".join(f"{path}\n" for path in (*known, folder)), "utf-8")
    os.replace(draft, home / REMEMBERED)


def _remembered(home: Path) -> tuple[Path, ...]:
    """Those that are still there: a folder that was moved or deleted is not missed."""
    try:
        lines = (home / REMEMBERED).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(path for line in lines if line and (path := Path(line)).is_absolute() and path.is_dir())


def _tried(loaded: LoadedBlueprint) -> None:
    if loaded.own and (problem := _trial(loaded)):
        raise problem


@cache
def _trial(loaded: LoadedBlueprint) -> BlueprintError | None:
    """What goes wrong where its templates meet real specs; nothing where its language is not to be had here."""
    languages = family("languages")
    if loaded.value.language not in languages.names:
        return None
    language = languages.load(loaded.value.language)()
    try:
        for name in TRIED_ON:
            spec = reference_spec(None, name)
            plan = make_plan(spec, loaded, "blueprint", language)
            for part in PARTS:
                render(spec, plan, loaded, language, part=part, test_plan=TestPlan())
    except BlueprintError as error:
        return error
    return None
