"""Port: what is the language's, not the framework's. One adapter serves every blueprint folder of its language."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from quantumlayer.ports.ecosystem import Ecosystem
from quantumlayer.ports.sandbox import Completed
from quantumlayer.ports.scanner import Scan
from quantumlayer.spec.values import Spec, Unit

Run = Callable[[tuple[str, ...]], Awaitable[Completed]]
CoverageFormat = Literal["cobertura", "lcov", "go"]
Case = Literal["variable", "type", "constant", "module", "table"]


@dataclass(frozen=True)
class Toolchain:
    """What the machine has. `version` is empty where nothing was found; `hint` is the command that mends it."""

    available: bool
    version: str = ""
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Conventions:
    """How tools of the language behave, as data. Paths are relative to the generated project unless said otherwise.

    `toolchains` are host folders to mount read-only; `cache_folders` maps the name of a cache (kept between runs, shared by
    all projects of the language) to the environment variable that points the package client to it; `installed` is the folder
    an install leaves, worth keeping under the digest of the `lock_files`; an install sees those files alone (the
    `manifest_files` where there are none), so that they must be the same for every project of a blueprint. `grammar` is that of
    the sources with one of the `suffixes`; `coverage_format` that of the report which the blueprint's tests leave. A
    function that must be pure may import `pure_modules` and use no identifier that matches `impure_names` wholly.
    `bare` is a folder in the form of a blueprint without templates of the application: what holds for every service of the
    language that no blueprint describes, None where no model can write one.
    """

    grammar: str
    suffixes: tuple[str, ...]
    manifest_files: tuple[str, ...]
    lock_files: tuple[str, ...]
    installed: str
    cache_folders: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    coverage_format: CoverageFormat = "cobertura"
    comment: str = "#"
    pure_modules: tuple[str, ...] = ()
    impure_names: str = ""
    bare: Path | None = None


@dataclass(frozen=True)
class UnitText:
    """A unit as the language has it. `module` is the name of its file without suffix; `signature` is what a model is told,
    `examples` likewise: calls of the function, as it is written, with the answers.

    All argv lists run in the project with the unit's file and the files `trial`: `build` what must pass before anything runs,
    `run` the program that prints a JSON object on a line of its own for each example (`{"type", "answer"}` or `{"error"}`),
    `checks` what the language holds its sources to besides.
    """

    module: str
    function: str
    signature: str
    examples: tuple[str, ...]
    trial: Mapping[str, bytes]
    run: tuple[str, ...]
    build: tuple[tuple[str, ...], ...] = ()
    checks: tuple[tuple[str, ...], ...] = ()


class Units(Protocol):
    """How the language writes and tries units."""

    def text(self, name: str, unit: Unit, path: str) -> UnitText:
        """The unit, whose file is `path`."""
        ...

    def value(self, answer: Mapping[str, Any], kind: str) -> Any:
        """An answer of the trial as `spec.check_units.typed` holds it. Raises `ValueError` where it is of another type."""
        ...


class Language(Protocol):
    """An adapter, found by its entry point in the group `quantumlayer.languages`; `name` is the folder of its blueprints.

    `units` is None where the language cannot have functions that a model writes.
    """

    name: str
    conventions: Conventions
    ecosystem: Ecosystem
    units: Units | None

    def probe(self) -> Toolchain:
        """Runs the toolchain for its version. Never raises."""
        ...

    def toolchain_folders(self) -> tuple[str, ...]:
        """Host folders that a sandbox mounts read-only so that the toolchain runs inside."""
        ...

    def identifier(self, name: str, case: Case) -> str:
        """A legal, unreserved identifier for a spec name. Injective per case: two names never meet."""
        ...

    def literal(self, value: Any) -> str:
        """Source text of a JSON-like constant (None, bool, int, float, Decimal, str, list, dict); never interpolates."""
        ...

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Template filters of the language: escaping text for strings, docstrings and comments, literals, identifiers."""
        ...

    def view(self, spec: Spec, form: str) -> Mapping[str, Any]:
        """The language's part of the view model for a query layer `form`: types, columns, printed rules and queries."""
        ...

    def tidy(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """The same files as the language's own formatter leaves them, unused imports dropped. Same input, same output."""
        ...

    def trim(self, files: Mapping[str, bytes], beside: Collection[bytes]) -> dict[str, bytes]:
        """Rendered files without the definitions that neither they nor the texts `beside` (of tests) spell. Before `tidy`."""
        ...

    async def check_names(self, files: Mapping[str, bytes], installed: Path, run: Run) -> Scan:
        """Imports that lead nowhere and names that nothing defines, in a project's sources with its dependencies installed.

        By the ecosystem's own checker, which `run` carries out confined in a folder with the project, or by reading alone.
        A checker that did not come to its end is "errored", with how it ended as the reason.
        """
        ...

    def format_command(self) -> tuple[str, ...]:
        """The formatter as argv, to be run in the generated project; it changes nothing there when all is well."""
        ...
