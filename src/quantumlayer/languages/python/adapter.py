"""The adapter of the language Python."""

import asyncio
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from quantumlayer import __version__
from quantumlayer.blueprint.view.build import build_view
from quantumlayer.blueprint.view.names import camel, sql_name
from quantumlayer.languages.python import names
from quantumlayer.languages.python.dialect import PYTHON_HELPERS, SQL_HELPERS, SqlAlchemy
from quantumlayer.languages.python.imports import unresolved_imports
from quantumlayer.languages.python.pypi import PyPI
from quantumlayer.languages.python.scenarios import printed_scenario, scenario_names
from quantumlayer.languages.python.text import comment, docstring, literal, prose
from quantumlayer.languages.python.tidy import tidy, trim
from quantumlayer.languages.python.units import TYPES, PythonUnits, unit_views
from quantumlayer.ports.language import Case, Conventions, Run, Toolchain
from quantumlayer.ports.scanner import Scan
from quantumlayer.spec.values import Spec

_OLDEST = (3, 11)
_PURE = (
    "__future__", "base64", "bisect", "calendar", "cmath", "collections", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re", "statistics", "string",
    "textwrap", "typing", "unicodedata", "zlib",
)  # fmt: skip
_IMPURE = (
    r"open|eval|exec|compile|input|print|breakpoint|globals|locals|vars|getattr|setattr|delattr|memoryview|now|today|utcnow"
    r"|__(?!init__|post_init__|name__|eq__|lt__|hash__|repr__|str__)\w+__"
)


class Python:
    """See `ports.language.Language`."""

    name = "python"
    conventions = Conventions(
        grammar="python",
        suffixes=(".py",),
        manifest_files=("pyproject.toml",),
        lock_files=("requirements.txt", "requirements-dev.txt"),
        installed=".venv",
        cache_folders={"uv": "UV_CACHE_DIR"},
        environment={"UV_LINK_MODE": "copy", "UV_PYTHON_DOWNLOADS": "never", "PYTHONDONTWRITEBYTECODE": ""},
        pure_modules=_PURE,
        impure_names=_IMPURE,
        bare=Path(__file__).parent / "bare",
    )
    ecosystem = PyPI()
    units = PythonUnits()

    def probe(self) -> Toolchain:
        version = ".".join(str(part) for part in sys.version_info[:3])
        if sys.version_info[:2] < _OLDEST:
            return Toolchain(False, version, f"Python {version} is too old", "install Python 3.11 or newer")
        try:
            subprocess.run([find_uv_bin(), "--version"], check=True, capture_output=True, timeout=30)
        except (OSError, subprocess.SubprocessError) as error:
            return Toolchain(False, version, f"uv does not run: {error}", f"{sys.executable} -m pip install uv")
        return Toolchain(True, version)

    def toolchain_folders(self) -> tuple[str, ...]:
        found = {sys.base_prefix, str(Path(sysconfig.get_path("purelib")) / "uv"), str(Path(sys.prefix))}
        return tuple(sorted(found))

    def identifier(self, name: str, case: Case) -> str:
        match case:
            case "type":
                return camel(name)
            case "constant":
                return name.upper()
            case "module":
                return names.module(name)
            case "table":
                return sql_name(name)
            case _:
                return names.variable(name)

    def literal(self, value: Any) -> str:
        return literal(value)

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        return {
            "literal": literal,
            "docstring": docstring,
            "comment": comment,
            "prose": prose,
            "scenario_names": scenario_names,
            "printed_scenario": printed_scenario,
        }

    def view(self, spec: Spec, form: str) -> Mapping[str, Any]:
        view = build_view(spec, SqlAlchemy())
        models = [e.names.cls for e in view.entities] + [f.item_class for e in view.entities for f in (*e.many, *e.lists)]
        return view.names() | {
            "units": unit_views(spec),
            "unit_types": TYPES,
            "aliases": view.aliases,
            "python_helpers": ", ".join(PYTHON_HELPERS),
            "sql_helpers": ", ".join(SQL_HELPERS),
            "all_models": ", ".join(models),
        }

    def tidy(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        return tidy(files)

    def trim(self, files: Mapping[str, bytes], beside: Collection[bytes]) -> dict[str, bytes]:
        return trim(files, beside)

    async def check_names(self, files: Mapping[str, bytes], installed: Path, run: Run) -> Scan:
        findings = await asyncio.to_thread(unresolved_imports, files, installed)
        return Scan("imports", __version__, "ran", findings, sum(path.endswith(".py") for path in files), kind="semantics")

    def format_command(self) -> tuple[str, ...]:
        return (".venv/bin/ruff", "format", ".")
