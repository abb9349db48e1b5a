"""Every stack, and whether this machine can verify it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from quantumlayer.blueprint.load import Blueprints
from quantumlayer.blueprint.values import Blueprint
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
    """Sorted by id. Probes each language and the sandbox once, by really running them; never raises."""
    wanted = sorted({loaded.value.language for loaded in blueprints.by_id.values()} & languages.keys())
    probes = asyncio.gather(*(asyncio.to_thread(languages[name].probe) for name in wanted))
    confinement, probed = await asyncio.gather(sandbox.probe(), probes)
    toolchains = dict(zip(wanted, probed, strict=True))
    return tuple(
        _stack(loaded.value, toolchains.get(loaded.value.language), confinement)
        for _, loaded in sorted(blueprints.by_id.items())
    )


def _stack(blueprint: Blueprint, toolchain: Toolchain | None, confinement: Availability) -> Stack:
    version = toolchain.version if toolchain else ""
    oldest = blueprint.requires.toolchain
    if toolchain is None:
        obstacle = (f"there is no language adapter {blueprint.language!r}", "install the package that brings it")
    elif not toolchain.available:
        obstacle = (toolchain.reason or f"no {blueprint.language} toolchain", toolchain.hint)
    elif _numbers(version) < _numbers(oldest):
        obstacle = (f"{blueprint.language} {version} is older than {oldest}", f"install {blueprint.language} {oldest} or newer")
    elif not confinement.available:
        obstacle = (f"no sandbox: {confinement.reason}", confinement.hint)
    else:
        obstacle = ("", "")
    return Stack(blueprint.id, blueprint.title, blueprint.version, blueprint.provides, version, obstacle == ("", ""), *obstacle)


def _numbers(version: str) -> tuple[int, ...]:
    """`3.11.7` as (3, 11, 7); what follows the numbers (`rc1`) does not count."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
