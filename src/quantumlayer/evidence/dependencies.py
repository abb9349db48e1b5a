"""The dependency stage: the lock is checked against the registry and the installed licences, and written down as an SBOM."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from quantumlayer import __version__
from quantumlayer.evidence.advisories import VARIABLE, Advisories, Unreachable
from quantumlayer.evidence.sbom import to_sbom
from quantumlayer.files.values import FileTree
from quantumlayer.ports.ecosystem import Ecosystem, NotInRegistry, Pin, RegistryUnreachable
from quantumlayer.ports.language import Language
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding, Scan

MINIMUM_AGE = timedelta(days=7)
STRONG_COPYLEFT = ("GPL-", "AGPL-", "SSPL-", "EUPL-", "OSL-", "CC-BY-NC", "CC-BY-SA")


@dataclass(frozen=True)
class LockedTree:
    """`digest` is that of the lock files alone; `sbom` is CycloneDX 1.6 as JSON text; `pins` what the lock names, sorted."""

    digest: str
    pins: tuple[Pin, ...]
    sbom: str
    scans: tuple[Scan, ...]


async def lock(
    tree: FileTree,
    language: Language,
    sandbox: Sandbox,
    *,
    name: str,
    cache: Path,
    installed: Path | None = None,
    advisories: Advisories | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> LockedTree:
    """Checks the lock files of the language in `tree`. Nothing is locked anew: a lock that is not exact is a finding.

    `cache` is a folder for what the registry said, which never changes for a version; `installed` the installed environment,
    whose metadata names the licences; `advisories` where known ones are looked up. What could not be asked is "not_run" with
    its reason.
    """
    conventions, ecosystem = language.conventions, language.ecosystem
    files = {path: tree.files[path] for path in conventions.lock_files if path in tree.files}
    pins, findings = ecosystem.read_lock(files)
    unique = tuple(sorted({p.key: p for p in reversed(pins)}.values(), key=lambda p: (p.name, p.version)))
    if files:
        locked = _scan("lock", "ran", findings, len(files))
    else:
        locked = _scan("lock", "not_run", reason=f"there is no {' or '.join(conventions.lock_files)}")
    known = await asyncio.to_thread(ecosystem.licences, installed) if installed else {}
    registry, advised = await check_pins(unique, ecosystem, sandbox, cache=cache, advisories=advisories, now=now())
    scans = (locked, registry, _licences(unique, known, installed is not None), advised)
    return LockedTree(FileTree(files).digest(), unique, to_sbom(name, unique, known, ecosystem), scans)


async def check_pins(
    pins: Sequence[Pin], ecosystem: Ecosystem, sandbox: Sandbox, *, cache: Path, advisories: Advisories | None, now: datetime
) -> tuple[Scan, Scan]:
    """Existence, hashes and age by the registry; known advisories. Asked at the same time."""
    return await asyncio.gather(_registry(pins, ecosystem, sandbox, cache, now), _advisories(pins, ecosystem, advisories))


async def _registry(pins: Sequence[Pin], ecosystem: Ecosystem, sandbox: Sandbox, cache: Path, now: datetime) -> Scan:
    """Whether every pin is in the registry with a locked hash, and so old that a hijacked release would have been noticed."""
    if not pins:
        return _scan("registry", "not_run", reason="nothing is locked")
    memory = cache / f"{ecosystem.name.lower()}-uploads.json"
    told = await asyncio.to_thread(_remembered, memory)
    unknown = [pin for pin in pins if _key(pin) not in told]
    findings = []
    try:
        answer = await ecosystem.releases(unknown, sandbox) if unknown else {}
    except RegistryUnreachable as error:
        return _scan("registry", "not_run", reason=f"the registry could not be asked: {error}")
    except NotInRegistry as error:
        return _scan("registry", "ran", [_at(error.pin, "not-in-registry", "high", str(error))], len(pins))
    for pin in unknown:
        release = answer.get(pin.key)
        if release is None or not set(release.hashes) & set(pin.hashes):
            findings.append(
                _at(pin, "hash-unknown", "high", f"the registry's {pin.name} {pin.version} has none of the locked hashes")
            )
        elif release.uploaded is None:
            findings.append(
                _at(pin, "age-unknown", "low", f"the registry does not say when {pin.name} {pin.version} was uploaded")
            )
        else:
            told[_key(pin)] = release.uploaded
    if unknown:
        await asyncio.to_thread(_remember, memory, told)
    for pin in pins:
        if _key(pin) in told and (age := now - told[_key(pin)]) < MINIMUM_AGE:
            message = f"{pin.name} {pin.version} is {age.days} days old, less than {MINIMUM_AGE.days}"
            findings.append(_at(pin, "too-new", "medium", message))
    return _scan("registry", "ran", findings, len(pins))


async def _advisories(pins: Sequence[Pin], ecosystem: Ecosystem, source: Advisories | None) -> Scan:
    if source is None:
        return _scan("advisories", "not_run", reason=f"there is no source of advisories: {VARIABLE} names none")
    if not pins:
        return _scan("advisories", "not_run", reason="nothing is locked")
    try:
        known = await source.about(pins, ecosystem)
    except Unreachable as error:
        return _scan("advisories", "not_run", reason=f"the advisories could not be asked: {error}")
    findings = [
        _at(pin, "advisory", known_one.severity, f"{pin.name} {pin.version}: {known_one.id} {known_one.summary}".strip())
        for pin in pins
        for known_one in known.get(pin.key, ())
    ]
    return _scan("advisories", "ran", findings, len(pins))


def _licences(pins: Sequence[Pin], known: Mapping[str, str | None], installed: bool) -> Scan:
    if not installed or not pins:
        return _scan("licences", "not_run", reason="nothing is installed" if pins else "nothing is locked")
    findings, read = [], 0
    for pin in pins:
        expression = known.get(pin.key, "")
        if expression == "":
            continue  # not for this platform
        read += 1
        if expression is None:
            findings.append(
                _at(pin, "licence-unknown", "low", f"{pin.name} {pin.version} names no licence that can be understood")
            )
        elif any(word.strip("()").startswith(STRONG_COPYLEFT) for word in expression.split()):
            findings.append(_at(pin, "licence-copyleft", "medium", f"{pin.name} {pin.version} is under {expression}"))
    if not read:
        return _scan("licences", "not_run", reason="no installed package of the lock was found")
    return replace(_scan("licences", "ran", tuple(findings), read), kind="licences")


def _scan(name: str, status: Any, findings: Sequence[Finding] = (), files: int = 0, reason: str = "") -> Scan:
    return Scan(name, __version__, status, tuple(findings), files, reason, "dependencies")


def _at(pin: Pin, rule: str, severity: Any, message: str) -> Finding:
    return Finding(rule, severity, message, pin.path, pin.line)


def _key(pin: Pin) -> str:
    return f"{pin.key} {hashlib.sha256(' '.join(pin.hashes).encode()).hexdigest()}"


def _remembered(memory: Path) -> dict[str, datetime]:
    try:
        return {key: datetime.fromisoformat(value) for key, value in json.loads(memory.read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # a lost or damaged cache only costs a question


def _remember(memory: Path, told: Mapping[str, datetime]) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    draft = memory.with_name(f".{memory.name}.{uuid.uuid4().hex}")
    draft.write_text(json.dumps({key: value.isoformat() for key, value in sorted(told.items())}))
    draft.replace(memory)
