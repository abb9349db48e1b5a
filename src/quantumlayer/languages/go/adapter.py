"""The adapter of the language Go."""

import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from quantumlayer import __version__
from quantumlayer.blueprint.view.build import build_view
from quantumlayer.blueprint.view.names import sql_name
from quantumlayer.blueprint.view.prose import names_word
from quantumlayer.blueprint.view.values import EntityView, ListView
from quantumlayer.languages.go import names, text
from quantumlayer.languages.go.checker import findings
from quantumlayer.languages.go.dialect import HandSql
from quantumlayer.languages.go.modules import GoModules
from quantumlayer.languages.go.scenarios import printed_scenario, scenario_names, test_name
from quantumlayer.languages.go.tidy import tidy, trim
from quantumlayer.languages.go.units import GoUnits, unit_views
from quantumlayer.ports.language import Case, Conventions, Run, Toolchain
from quantumlayer.ports.scanner import Scan
from quantumlayer.spec.values import Spec

_MEND = "install Go 1.26 or newer: https://go.dev/dl"
_CHECK = (
    'mkdir -p .cache && cp -rs "$PWD/.go/build" .cache/'
    " && date +%s >.cache/trim && mv .cache/trim .cache/build/trim.txt && exec go vet ./..."
)
_QUERY = re.compile(r"\btx\b(?!\.(Now|Today|Actor)\b)")
_REFUSALS = {403: "Forbidden", 409: "Conflict", 410: "Gone", 422: "Unprocessable"}

_PURE = (
    "bytes", "cmp", "encoding/json", "errors", "fmt", "github.com/shopspring/decimal", "maps", "math", "math/big", "math/bits",
    "regexp", "slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf8",
)  # fmt: skip
_IMPURE = (
    r"Now|Since|Until|Sleep|After|AfterFunc|Tick|NewTimer|NewTicker|Local|LoadLocation|Print|Println|Printf|Fprint\w*|Scan\w*"
    r"|Fscan\w*|print|println|init"
)


class Go:
    """See `ports.language.Language`."""

    name = "go"
    conventions = Conventions(
        grammar="go",
        suffixes=(".go",),
        manifest_files=("go.mod",),
        lock_files=("go.mod", "go.sum"),
        installed=".go",
        cache_folders={"mod": "GOMODCACHE"},
        environment={
            "GOFLAGS": "-mod=readonly -trimpath",
            "GOTOOLCHAIN": "local",
            "CGO_ENABLED": "0",
            "GOTELEMETRY": "off",
            "GOMODCACHE": "/quantum/project/.go/mod",
            "GOCACHE": "/quantum/project/.cache/build",
            "STATICCHECK_CACHE": "/quantum/project/.cache/staticcheck",
        },
        coverage_format="go",
        comment="//",
        pure_modules=_PURE,
        impure_names=_IMPURE,
        bare=Path(__file__).parent / "bare",
    )
    ecosystem = GoModules()
    units = GoUnits()

    def probe(self) -> Toolchain:
        found = shutil.which("go")
        if not found:
            return Toolchain(False, reason="there is no go on PATH", hint=_MEND)
        try:
            said = subprocess.run([found, "env", "GOVERSION"], check=True, capture_output=True, timeout=30, text=True).stdout
        except (OSError, subprocess.SubprocessError) as error:
            return Toolchain(False, reason=f"go does not run: {error}", hint=_MEND)
        return Toolchain(True, said.strip().removeprefix("go").split(" ")[0])

    def toolchain_folders(self) -> tuple[str, ...]:
        found = shutil.which("go")
        return (str(Path(found).resolve().parent.parent),) if found else ()

    def identifier(self, name: str, case: Case) -> str:
        match case:
            case "type":
                return names.type_name(name)
            case "constant":
                return names.exported(name)
            case "module":
                return names.module(name)
            case "table":
                return sql_name(name)
            case _:
                return names.local(name)

    def literal(self, value: Any) -> str:
        return text.literal(value)

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        return {
            "literal": text.literal,
            "comment": text.comment,
            "prose": text.prose,
            "quoted": names.quoted,
            "variable": names.local,
            "method_name": names.method,
            "upper_first": _upper_first,
            "prefixed": lambda word, prefix: f"{prefix}{word}",
            "names": names_word,
            "queries": lambda code: _QUERY.search(code) is not None,
            "refusal": _REFUSALS.__getitem__,
            "sql": text.statement,
            "sql_text": text.sql_text,
            "sql_arguments": text.sql_arguments,
            "default_order": _default_order,
            "columns": _columns,
            "scenario_names": scenario_names,
            "test_name": test_name,
            "printed_scenario": printed_scenario,
        }

    def view(self, spec: Spec, form: str) -> Mapping[str, Any]:
        return build_view(spec, HandSql()).names() | {"units": unit_views(spec)}

    def tidy(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        return tidy(files)

    def trim(self, files: Mapping[str, bytes], beside: Collection[bytes]) -> dict[str, bytes]:
        return trim(files, beside)

    async def check_names(self, files: Mapping[str, bytes], installed: Path, run: Run) -> Scan:
        completed = await run(("sh", "-c", _CHECK))
        scan = Scan("go vet", __version__, "ran", findings(completed), sum(p.endswith(".go") for p in files), kind="semantics")
        if completed.ok or scan.findings:
            return scan
        said = (completed.stderr or completed.stdout).decode(errors="replace").strip()[-500:]
        return replace(scan, status="errored", reason=f"{completed.outcome} {completed.exit_code}: {said}")

    def format_command(self) -> tuple[str, ...]:
        return ("gofmt", "-l", "-w", ".")


def _upper_first(word: str) -> str:
    return word[:1].upper() + word[1:]


def _default_order(listed: ListView, table: str) -> str:
    """The ORDER BY of a list that was asked for no order."""
    words = {True: "DESC", False: "ASC"}
    order = [
        f"{text.sql_text(sort.text)} {words[descending]}{' NULLS LAST' if sort.nullable else ''}"
        for sort, descending in listed.default
    ]
    return ", ".join([*order, f"{table}.id {words[bool(listed.default and listed.default[0][1])]}"])


def _columns(entity: EntityView, password: bool, roles: bool) -> tuple[tuple[str, str], ...]:
    """The columns of a table between id and created_at, with the attributes that they fill."""
    found = [(names.quoted(f.names.column), f.names.key) for f in entity.stored]
    found += [("password_hash", "PasswordHash")] if entity.account and password else []
    found += [("roles", "Roles")] if entity.account and roles else []
    return tuple(found)
