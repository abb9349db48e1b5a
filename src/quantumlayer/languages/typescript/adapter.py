"""The adapter of the language TypeScript, on Node.js with npm."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from quantumlayer import __version__
from quantumlayer.blueprint.view.build import build_view
from quantumlayer.blueprint.view.names import sql_name
from quantumlayer.blueprint.view.prose import names_word
from quantumlayer.languages.typescript import names
from quantumlayer.languages.typescript.dialect import KyselyDialect, visible_name
from quantumlayer.languages.typescript.imports import SUFFIX, unresolved_imports
from quantumlayer.languages.typescript.kysely import fragment
from quantumlayer.languages.typescript.npm import Npm
from quantumlayer.languages.typescript.scenarios import printed_scenario, scenario_names
from quantumlayer.languages.typescript.sql_functions import FUNCTIONS
from quantumlayer.languages.typescript.text import comment, doc, literal, member, prose
from quantumlayer.languages.typescript.tidy import tidy, trim
from quantumlayer.languages.typescript.units import TypeScriptUnits, unit_views
from quantumlayer.ports.language import Case, Conventions, Run, Toolchain
from quantumlayer.ports.scanner import Scan
from quantumlayer.spec.openapi import openapi
from quantumlayer.spec.values import Spec

PLAIN_HELPERS = (
    "addDays", "addSeconds", "addSecondsToDay", "average", "dateOf", "daysBetween", "earlier", "getFullYear", "getHours",
    "getMinutes", "getMonth", "getSeconds", "hourOf", "hoursBetween", "instantOf", "largest", "later", "monthOf", "randomCode",
    "roundHalfUp", "same", "secondsBetween", "slugOf", "smallest", "startOf", "textOf", "total", "totalExact", "weekdayOf",
)  # fmt: skip
_IMPURE = (
    r"eval|Function|require|process|global|globalThis|window|self|fetch|XMLHttpRequest|WebSocket|Worker|setTimeout|setInterval"
    r"|setImmediate|queueMicrotask|console|performance|crypto|Buffer|random|now|constructor|prototype|__\w+__"
)
_OLDEST = (20, 19)
_HINT = "install Node.js 20.19 or newer with npm (https://nodejs.org)"


class TypeScript:
    """See `ports.language.Language`."""

    name = "typescript"
    ecosystem = Npm()
    units = TypeScriptUnits()
    conventions = Conventions(
        grammar="typescript",
        suffixes=(".ts",),
        manifest_files=("package.json",),
        lock_files=("package.json", "package-lock.json"),
        installed="node_modules",
        cache_folders={"npm": "npm_config_cache"},
        environment={"npm_config_update_notifier": "false", "NO_UPDATE_NOTIFIER": "1"},
        coverage_format="cobertura",
        comment="//",
        pure_modules=("decimal.js",),
        impure_names=_IMPURE,
        bare=Path(__file__).parent / "bare",
    )

    def probe(self) -> Toolchain:
        try:
            found = [_version(tool) for tool in ("node", "npm")]
        except (OSError, subprocess.SubprocessError) as error:
            return Toolchain(False, reason=f"Node.js or npm does not run: {error}", hint=_HINT)
        numbers = tuple(int(part) for part in re.findall(r"\d+", found[0])[:2])
        if numbers < _OLDEST:
            return Toolchain(False, found[0], f"Node.js {found[0]} is too old", _HINT)
        return Toolchain(True, found[0])

    def toolchain_folders(self) -> tuple[str, ...]:
        node = shutil.which("node")
        folder = Path(node).resolve().parent.parent if node else Path("/usr")
        return () if folder in (Path("/usr"), Path("/usr/local")) else (str(folder),)

    def identifier(self, name: str, case: Case) -> str:
        match case:
            case "type":
                return names.type_name(name)
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
            "doc": doc,
            "comment": comment,
            "prose": prose,
            "member": member,
            "quoted": names.quoted,
            "quoted_always": lambda name: f'"{name}"',
            "fragment": fragment,
            "names": names_word,
            "visible_name": visible_name,
            "openapi": openapi,
            "scenario_names": scenario_names,
            "printed_scenario": printed_scenario,
        }

    def view(self, spec: Spec, form: str) -> Mapping[str, Any]:
        view = build_view(spec, KyselyDialect())
        return view.names() | {
            "units": unit_views(spec),
            "plain_helpers": PLAIN_HELPERS,
            "sql_functions": FUNCTIONS,
            "used_functions": {helper.removeprefix("fn.") for helper in view.helpers if helper.startswith("fn.")},
            "uses_one_of": "oneOf" in view.helpers,
        }

    def tidy(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        return tidy(files)

    def trim(self, files: Mapping[str, bytes], beside: Collection[bytes]) -> dict[str, bytes]:
        return trim(files, beside)

    async def check_names(self, files: Mapping[str, bytes], installed: Path, run: Run) -> Scan:
        count = sum(path.endswith(SUFFIX) for path in files)
        findings = await asyncio.to_thread(unresolved_imports, files, installed)
        return Scan("imports", __version__, "ran", findings, count, kind="semantics")

    def format_command(self) -> tuple[str, ...]:
        return ("node_modules/.bin/biome", "check", "--write", ".")


def _version(tool: str) -> str:
    return (
        subprocess.run([tool, "--version"], check=True, capture_output=True, text=True, timeout=30).stdout.strip().lstrip("v")
    )
