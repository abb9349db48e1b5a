"""Sorts imports, drops unused ones and lays out generated TypeScript as Biome does: what an editor would do on saving."""

import json
import subprocess
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

from quantumlayer.errors import EnvironmentError_

BIOME = Path(sysconfig.get_path("scripts")) / "biome"
MOST_KNOWN = 2000
# What was laid out before, by path and content: most files of a project are the same in every project.
_KNOWN: dict[tuple[str, bytes], bytes] = {}
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
    sources = {path: content for path, content in files.items() if path.endswith(".ts")}
    known = {path: found for path, content in sources.items() if (found := _KNOWN.get((path, content))) is not None}
    fresh = {path: content for path, content in sources.items() if path not in known}
    laid_out = _laid_out(fresh) if fresh else {}
    if len(_KNOWN) + len(fresh) > MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN.update({(path, fresh[path]): content for path, content in laid_out.items()})
    return {**files, **known, **laid_out}


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


def _biome(folder: Path) -> None:
    options = ("--write", "--config-path", str(folder), "--max-diagnostics=0", "--log-level=none", "--colors=off")
    try:
        found = subprocess.run([str(BIOME), "check", *options, str(folder)], capture_output=True, timeout=60, cwd=folder)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentError_(f"biome does not run: {error}", hint="make setup") from error
    if found.returncode not in (0, 1):
        raise EnvironmentError_(f"biome ended with {found.returncode}: {found.stderr.decode(errors='replace')[-500:]}")
