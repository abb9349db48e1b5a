"""The plan: which stack builds what, in which files, and what will be checked."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Author = Literal["auto", "blueprint", "model"]


class Value(BaseModel):
    """Base of all parts: frozen, and strict about unknown members."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Component(Value):
    """A folder or file of the project and what it is for."""

    path: str
    purpose: str


class Unit(Value):
    """A function that a model writes because the spec cannot express it. `path` is the one file that it may touch."""

    name: str
    path: str
    signature: str
    description: str
    examples: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()


class PlannedCheck(Value):
    """A check that will run. `level` is one of `evidence.values.Level`."""

    level: str
    title: str


class Plan(Value):
    """What will be built. `spec_digest` and `blueprint_digest` are SHA-256 in hex; `files` are the paths to come, sorted."""

    name: str
    spec_digest: str
    stack: str
    blueprint_version: str
    blueprint_digest: str
    author: Author
    parameters: dict[str, bool | int | str] = {}
    components: tuple[Component, ...] = ()
    files: tuple[str, ...] = ()
    units: tuple[Unit, ...] = ()
    checks: tuple[PlannedCheck, ...] = ()
