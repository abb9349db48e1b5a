"""A blueprint: how one stack is rendered, installed, built, tested and served, as data. The form of `blueprint.toml`."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

BLUEPRINT_FILE = "blueprint.toml"
PARTS = ("source", "tests", "docs", "infrastructure")
Part = Literal["source", "tests", "docs", "infrastructure"]


def _inside(path: str) -> str:
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path:
        raise ValueError(f"{path!r} must be a relative path with / that stays inside the project")
    return path


def _command(argv: tuple[str, ...]) -> tuple[str, ...]:
    if any("\0" in word for word in argv) or not argv[0].strip():
        raise ValueError("a command starts with the name of a program")
    return argv


Argv = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_command)]
InnerPath = Annotated[str, AfterValidator(_inside)]
StackId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*/[a-z][a-z0-9-]*$")]
Capability = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9.-]*$")]


class Value(BaseModel):
    """Base of all parts: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Requires(Value):
    """What the machine must have. `toolchain` is the oldest version that works, as dotted numbers."""

    toolchain: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$")]


class Commands(Value):
    """Each a list of argv lists, run in the project's folder one after the other; the first that fails ends the step.

    `install` may use the network (registries only) and the language's caches, `install_offline` the caches alone;
    all others run without network. `run` is one argv that serves on `PORT` until SIGTERM.
    """

    install: tuple[Argv, ...] = Field(min_length=1)
    install_offline: tuple[Argv, ...] = ()
    build: tuple[Argv, ...] = ()
    lint: tuple[Argv, ...] = ()
    test: tuple[Argv, ...] = ()
    run: Argv


class Reports(Value):
    """Where `commands.test` leaves its results."""

    junit: InnerPath
    coverage: InnerPath


class Parameter(Value):
    """A typed knob of the stack. Templates see it as `parameters.NAME`."""

    type: Literal["boolean", "integer", "string"]
    default: bool | int | str
    description: str
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _default_fits(self) -> "Parameter":
        wanted = {"boolean": bool, "integer": int, "string": str}[self.type]
        if type(self.default) is not wanted or (self.values and self.default not in self.values):
            raise ValueError(f"the default {self.default!r} is no {self.type}" + (f" of {self.values}" if self.values else ""))
        return self


class Blueprint(Value):
    """The strict form of `blueprint.toml`. `id` equals the folder, LANGUAGE/FRAMEWORK.

    `provides` names capabilities that code outside asks for instead of the id (`http`, `openapi`, `sqlite`, `postgresql`).
    `extends` is another stack of the same language whose templates, pins and faults stand below this folder's own, except those
    that match the globs `without` (`templates/source/app/routers/*`). `query_layer` names the language's expression printer;
    `model_writes` are globs of the paths that a model may write; `components` describes the folders of the generated project,
    for the plan and the documents. One that is `bare` has no templates of an application and no tests: a model writes it all.
    """

    id: StackId
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: str
    description: str
    provides: tuple[Capability, ...] = Field(min_length=1)
    requires: Requires
    extends: StackId | None = None
    without: tuple[str, ...] = ()
    bare: bool = False
    query_layer: str
    commands: Commands
    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = (8000,)
    model_writes: tuple[InnerPath, ...] = ()
    parameters: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], Parameter] = {}
    reports: Reports
    components: dict[InnerPath, str] = {}

    @model_validator(mode="after")
    def _extends_its_language(self) -> "Blueprint":
        if self.extends and self.extends.partition("/")[0] != self.language:
            raise ValueError(f"extends {self.extends!r}, which is of another language")
        if self.without and not self.extends:
            raise ValueError("without leaves out files of a stack that is extended, and there is none")
        return self

    @model_validator(mode="after")
    def _is_tested(self) -> "Blueprint":
        if not self.commands.test and not self.bare:
            raise ValueError("commands.test is missing: an application has tests of its own")
        return self

    @property
    def language(self) -> str:
        """The name of the language adapter."""
        return self.id.partition("/")[0]

    @property
    def framework(self) -> str:
        """The second half of the id."""
        return self.id.partition("/")[2]
