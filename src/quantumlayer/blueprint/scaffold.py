"""The folder of a new stack: it passes the loader at once, and every file in it says what belongs there."""

import os
import re
import shutil
import uuid
from pathlib import Path

from quantumlayer.blueprint.load import Blueprints, LoadedBlueprint, load_blueprint
from quantumlayer.blueprint.values import BLUEPRINT_FILE
from quantumlayer.errors import EnvironmentError_, UserError

_ID = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*")
_EMPTY = """\
id = "{stack}"
version = "1.0.0"
title = "{title}"
description = "An HTTP service."
provides = ["http", "openapi", "sqlite", "postgresql"]
query_layer = "plain"  # the language's printer for queries

[requires]
toolchain = "1.0"  # the oldest version that works

# Every command is a list of words. `install` may use the network and sees the lock files only; all others have no network.
[commands]
install = [["true"]]
build = [["true"]]
lint = [["true"]]
test = [["true"]]
run = ["false"]  # serves on $PORT with $DATABASE_URL until SIGTERM

[reports]
junit = "reports/junit.xml"
coverage = "reports/coverage.xml"

[components]
"app" = "the application"
"""
_FILES = {
    "guide.md": "# Writing into this stack\n\n- What a language model must know of its idioms, one line each.\n",
    "templates/source/Makefile": "test:\n\ttrue\n",
    "templates/tests/tests/README.md": "One test per scenario of `test_plan.scenarios`.\n",
    "templates/docs/README.md.jinja": "# {{ spec.name }}\n\n{{ spec.description }}\n",
    "templates/infrastructure/.dockerignore": ".git\n",
    "pins/.gitkeep": "",
    "faults/.gitkeep": "",
}


def scaffold(stack: str, into: Path, known: Blueprints, extends: str | None = None) -> Path:
    """Makes `into/LANGUAGE/FRAMEWORK`, whole or not at all, and loads it. Raises `UserError` where id or place is taken.

    With `extends` it is that stack under another name, ready to be changed file by file.
    """
    if not _ID.fullmatch(stack):
        raise UserError(f"{stack!r} is no id of a stack", hint="write LANGUAGE/FRAMEWORK in lower case, such as python/flask")
    if stack in known.places:
        raise UserError(f"there is a stack {stack} already", hint="choose another name; `ql stacks` lists those that are taken")
    folder = into / stack
    if folder.exists():
        raise UserError(f"{folder} is there already", hint="choose another place with --into")
    base = known.get(extends) if extends else None
    if base and base.value.language != stack.partition("/")[0]:
        raise UserError(f"{stack} cannot extend {extends}, which is of another language", hint="leave --extends out")
    draft = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}"
    try:
        _write(draft, _toml(stack, base), {} if base else _FILES)
        os.rename(draft, folder)
    except OSError as error:
        raise EnvironmentError_(f"cannot write {folder}: {error.strerror}", hint="choose another place with --into") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    load_blueprint(folder, known.places)
    return folder


def _write(folder: Path, toml: str, files: dict[str, str]) -> None:
    for name, text in {BLUEPRINT_FILE: toml, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _toml(stack: str, base: LoadedBlueprint | None) -> str:
    title = " ".join(word.capitalize() for word in re.split(r"[/-]", stack))
    if base is None:
        return _EMPTY.format(stack=stack, title=title)
    text = (base.folder / BLUEPRINT_FILE).read_text("utf-8")
    text = re.sub(r"(?m)^(extends|without)\s*=.*\n", "", text)
    text = re.sub(r"(?m)^version\s*=.*$", 'version = "1.0.0"', text, count=1)
    text = re.sub(r"(?m)^title\s*=.*$", f'title = "{title}"', text, count=1)
    return re.sub(r"(?m)^id\s*=.*$", f'id = "{stack}"\nextends = "{base.value.id}"', text, count=1)
