"""Sorts imports, drops unused ones and lays out generated TypeScript as Biome does: what an editor would do on saving."""

import json
import re
import subprocess
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

from quantumlayer.errors import EnvironmentError_
from quantumlayer.languages.remembered import Remembered
from quantumlayer.languages.trim import Trim

BIOME = Path(sysconfig.get_path("scripts")) / "biome"
_CONFIG = {
    "root": True,
    "formatter": {"indentStyle": "space", "indentWidth": 2, "lineWidth": 120},
    "assist": {"actions": {"source": {"organizeImports": "on"}}},
    "linter": {
        "rules": {
            "recommended": False,
            "correctness": {
                "noUnusedImports": {"level": "warn", "fix": "safe"},
                "noUnusedFunctionParameters": {"level": "warn", "fix": "safe"},
            },
            "style": {"useImportType": {"level": "warn", "fix": "safe"}},
        }
    },
}


def tidy(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files with TypeScript laid out. One that does not parse is left as it is, for the semantic stage to report."""
    return {**files, **_tidied({path: content for path, content in files.items() if path.endswith(".ts")})}


def _laid_out(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="ql-tidy-") as name:
        folder = Path(name)
        (folder / "biome.json").write_text(json.dumps(_CONFIG))
        for path, content in sources.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        _biome(folder)
        return {path: (folder / path).read_bytes() for path in sources}


_tidied = Remembered(_laid_out)


def _biome(folder: Path) -> None:
    options = ("--write", "--config-path", str(folder), "--max-diagnostics=0", "--log-level=none", "--colors=off")
    try:
        found = subprocess.run([str(BIOME), "check", *options, str(folder)], capture_output=True, timeout=60, cwd=folder)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentError_(f"biome does not run: {error}", hint="make setup") from error
    if found.returncode not in (0, 1):
        raise EnvironmentError_(f"biome ended with {found.returncode}: {found.stderr.decode(errors='replace')[-500:]}")


_COMMENTED = r"^(?:/\*\*(?:(?!\*/).)*\*/\n)?"
_BODY = r"(?:[^\n]*;\n|[^\n]*\}\n|[^\n]*\n.*?^\}\n)"
_VALUE = r" = (?:[^\n]*;\n|[^\n]*[\[{(]\n.*?^[^\s][^\n]*;\n)"
_FLAGS = re.MULTILINE | re.DOTALL
trim = Trim(
    ".ts",
    (
        re.compile(rf"{_COMMENTED}(?:export )?(?:async )?function (?P<name>\w+){_BODY}", _FLAGS),
        re.compile(rf"{_COMMENTED}(?:export )?interface (?P<name>\w+)[^\n]*\{{\n.*?^\}}\n", _FLAGS),
        re.compile(rf"{_COMMENTED}(?:export )?(?:type|const) (?P<name>[A-Z]\w*)(?:: [^=\n]*)?{_VALUE}", _FLAGS),
    ),
    # Imports go with what is taken out; two names of functions are types too.
    re.compile(
        r"^import [^;]*;|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|//[^\n]*|/\*.*?\*/|\b(?:number|never)\b(?!\()", _FLAGS
    ),
    frozenset({"up", "down"}),
)
