"""Every stack, and whether this machine can verify it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from quantumlayer.blueprint.load import Blueprints
from quantumlayer.blueprint.problems import BlueprintError
from quantumlayer.blueprint.values import Blueprint
from quantumlayer.catalog.adapters import family
from quantumlayer.errors import EnvironmentError_
from quantumlayer.ports.language import Language, Toolchain
from quantumlayer.ports.sandbox import Availability, Sandbox


@dataclass(frozen=True)
class Stack:
    """One blueprint as the user sees it. `reason` and `mend` are empty where it can be verified here."""

    id: str
    title: str
    version: str
    provides: tuple[str, ...]
    toolchain: str
    verifiable: bool
    reason: str = ""
    mend: str = ""


async def list_stacks(blueprints: Blueprints, languages: Mapping[str, Language], sandbox: Sandbox) -> tuple[Stack, ...]:
    """Sorted by id, broken ones too. Probes each language and the sandbox once, by really running them; never raises."""
    wanted = sorted({loaded.value.language for loaded in blueprints.by_id.values()} & languages.keys())
    probes = asyncio.gather(*(asyncio.to_thread(languages[name].probe) for name in wanted))
    confinement, probed = await asyncio.gather(sandbox.probe(), probes)
    toolchains = dict(zip(wanted, probed, strict=True))
    found = [_stack(loaded.value, toolchains.get(loaded.value.language), confinement) for loaded in blueprints.by_id.values()]
    found += [_broken(stack, error) for stack, error in blueprints.broken.items()]
    return tuple(sorted(found, key=lambda stack: stack.id))


def _stack(blueprint: Blueprint, toolchain: Toolchain | None, confinement: Availability) -> Stack:
    version = toolchain.version if toolchain else ""
    obstacle = _obstacle(blueprint, toolchain)
    if not any(obstacle) and not confinement.available:
        obstacle = (f"no sandbox: {confinement.reason}", confinement.hint)
    return Stack(blueprint.id, blueprint.title, blueprint.version, blueprint.provides, version, not any(obstacle), *obstacle)


def required_toolchain(blueprint: Blueprint) -> Language:
    """The adapter of its language. Raises `EnvironmentError_` where it or its toolchain is missing here, or too old."""
    languages = family("languages")
    language = languages.load(blueprint.language)() if blueprint.language in languages.names else None
    reason, mend = _obstacle(blueprint, language.probe() if language else None)
    if language is None or reason:
        raise EnvironmentError_(f"{blueprint.id} cannot be built on this machine: {reason}", hint=mend, stack=blueprint.id)
    return language


def _obstacle(blueprint: Blueprint, toolchain: Toolchain | None) -> tuple[str, str]:
    """Why the toolchain does not do and what mends that; two empty texts where it does."""
    oldest = blueprint.requires.toolchain
    if toolchain is None:
        return f"there is no language adapter {blueprint.language!r}", "install the package that brings it"
    if not toolchain.available:
        return toolchain.reason or f"no {blueprint.language} toolchain", toolchain.hint
    if _numbers(toolchain.version) < _numbers(oldest):
        mend = f"install {blueprint.language} {oldest} or newer"
        return f"{blueprint.language} {toolchain.version} is older than {oldest}", mend
    return "", ""


def _broken(stack: str, error: BlueprintError) -> Stack:
    return Stack(stack, "", "", (), "", False, error.message, error.hint)


def _numbers(version: str) -> tuple[int, ...]:
    """`3.11.7` as (3, 11, 7); what follows the numbers (`rc1`) does not count."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
