"""Known advisories of packages, in the form of OSV: from a folder of dumps, or from a server that speaks OSV's API."""

import asyncio
import json
import os
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from quantumlayer.errors import UserError
from quantumlayer.ports.ecosystem import Ecosystem, Pin
from quantumlayer.ports.scanner import Severity

VARIABLE = "QL_OSV"
FOLDER = "osv"
TIMEOUT = 15.0
MAX_ADVISORY = 4 * 1024 * 1024
MAX_PAGES = 20
_BATCH = 500
_SEVERITIES: dict[str, Severity] = {
    "LOW": "low",
    "MODERATE": "medium",
    "MEDIUM": "medium",
    "HIGH": "high",
    "CRITICAL": "critical",
}
# Names are looked for before anything is parsed: in lower case, with all that separates words the same.
_FOLDED = bytes.maketrans(bytes(range(65, 91)) + b"_.", bytes(range(97, 123)) + b"--")


@dataclass(frozen=True)
class Advisory:
    """One that holds for a version. `id` is that of OSV, such as GHSA-…, or MAL-… for a package made to harm."""

    id: str
    severity: Severity
    summary: str = ""


class Unreachable(Exception):
    """The source could not be asked; the text says why."""


class Advisories(Protocol):
    """Where advisories come from."""

    async def about(self, pins: Sequence[Pin], ecosystem: Ecosystem) -> Mapping[str, tuple[Advisory, ...]]:
        """The advisories of those pins that have any, by key. Raises `Unreachable`."""
        ...


def configured_advisories(home: Path) -> Advisories | None:
    """What `$QL_OSV` names, a folder or an address, else the folder `osv` of the home where it is there; None without either.

    Raises `UserError` for a folder that is not there.
    """
    chosen = os.environ.get(VARIABLE, "").strip()
    if chosen.startswith(("http://", "https://")):
        return OsvApi(chosen)
    if chosen and not Path(chosen).is_dir():
        raise UserError(f"{VARIABLE} names no folder: {chosen}", hint="unpack OSV's dumps into ECOSYSTEM/all.zip below it")
    folder = Path(chosen) if chosen else home / FOLDER
    return OsvFolder(folder) if folder.is_dir() else None


@dataclass(frozen=True)
class OsvApi:
    """A server with OSV's `/v1/querybatch`. It learns names and versions of packages, nothing else."""

    url: str

    async def about(self, pins: Sequence[Pin], ecosystem: Ecosystem) -> dict[str, tuple[Advisory, ...]]:
        """As `Advisories`. All that it lists counts as of severity high: it tells ids only."""
        found: dict[str, list[Advisory]] = defaultdict(list)
        waiting = [(pin, _query(pin, ecosystem)) for pin in pins]
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT) as client:
                for _ in range(MAX_PAGES * (1 + len(pins) // _BATCH)):
                    if not waiting:
                        return {key: tuple(listed) for key, listed in found.items()}
                    now, waiting = waiting[:_BATCH], waiting[_BATCH:]
                    for (pin, query), result in zip(now, await self._ask(client, [q for _, q in now]), strict=True):
                        found_here = [Advisory(str(v["id"]), "high") for v in result.get("vulns", ())]
                        if found_here:
                            found[pin.key] += found_here
                        if token := result.get("next_page_token"):
                            waiting.append((pin, {**query, "page_token": token}))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}"[:300]) from error
        raise Unreachable("its answer has too many pages")

    async def _ask(self, client: httpx.AsyncClient, queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answer = await client.post(f"{self.url.rstrip('/')}/v1/querybatch", json={"queries": queries})
        answer.raise_for_status()
        return list(answer.json()["results"])


def _query(pin: Pin, ecosystem: Ecosystem) -> dict[str, Any]:
    return {"package": {"name": pin.name, "ecosystem": ecosystem.name}, "version": pin.version.removeprefix("v")}


@dataclass(frozen=True)
class OsvFolder:
    """OSV's dumps: ECOSYSTEM/all.zip, or the files of it unpacked, ECOSYSTEM/*.json."""

    folder: Path

    async def about(self, pins: Sequence[Pin], ecosystem: Ecosystem) -> dict[str, tuple[Advisory, ...]]:
        """As `Advisories`. A record that cannot be read makes all of it unreachable: what it says is not known."""
        return await asyncio.to_thread(self._about, pins, ecosystem)

    def _about(self, pins: Sequence[Pin], ecosystem: Ecosystem) -> dict[str, tuple[Advisory, ...]]:
        by_name: dict[str, list[Pin]] = defaultdict(list)
        for pin in pins:
            by_name[_folded(pin.name)].append(pin)
        needles = [f'"{name}"'.encode() for name in by_name]
        found: dict[str, list[Advisory]] = defaultdict(list)
        try:
            for record in _records(self.folder / ecosystem.name, needles):
                for pin in _held(record, by_name, ecosystem):
                    found[pin.key].append(_advisory(record))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, zipfile.BadZipFile) as error:
            raise Unreachable(
                f"{self.folder / ecosystem.name} cannot be read: {type(error).__name__}: {error}"[:300]
            ) from error
        return {key: tuple(listed) for key, listed in found.items()}


def _folded(name: str) -> str:
    return name.encode(errors="replace").translate(_FOLDED).decode()


def _records(folder: Path, needles: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """Those that name one of the packages and were not withdrawn."""
    for content in _contents(folder):
        if not (content.lstrip()[:1] == b"{" and content.rstrip()[-1:] == b"}"):
            raise ValueError("a record is cut off")
        if any(needle in content.translate(_FOLDED) for needle in needles):
            record = json.loads(content)
            if "withdrawn" not in record:
                yield record


def _contents(folder: Path) -> Iterator[bytes]:
    archive, any_found = folder / "all.zip", False
    if archive.is_file():
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                if entry.filename.endswith(".json"):
                    if entry.file_size > MAX_ADVISORY:
                        raise ValueError(f"{entry.filename} is larger than {MAX_ADVISORY} bytes")
                    any_found = True
                    yield packed.read(entry)
    else:
        for path in sorted(folder.glob("*.json")):
            if path.stat().st_size > MAX_ADVISORY:
                raise ValueError(f"{path.name} is larger than {MAX_ADVISORY} bytes")
            any_found = True
            yield path.read_bytes()
    if not any_found:
        raise ValueError("there are no advisories")


def _held(record: Mapping[str, Any], by_name: Mapping[str, list[Pin]], ecosystem: Ecosystem) -> Iterator[Pin]:
    """The pins that an advisory holds for."""
    held: dict[str, Pin] = {}
    for affected in record.get("affected", ()):
        package = affected.get("package", {})
        if str(package.get("ecosystem", "")).partition(":")[0] != ecosystem.name:
            continue
        for pin in by_name.get(_folded(str(package.get("name", ""))), ()):
            if _affected(affected, pin.version, ecosystem):
                held[pin.key] = pin
    yield from held.values()


def _affected(affected: Mapping[str, Any], version: str, ecosystem: Ecosystem) -> bool:
    """By the listed versions, else by the ranges, as OSV's schema says. A version without an order is held to be affected."""
    plain = version.removeprefix("v")
    if plain in affected.get("versions", ()) or version in affected.get("versions", ()):
        return True
    ranges = [r for r in affected.get("ranges", ()) if r.get("type") in ("SEMVER", "ECOSYSTEM")]
    if not ranges:
        return not affected.get("versions")
    try:
        return any(_inside(r["events"], plain, ecosystem) for r in ranges)
    except ValueError:
        return True


def _inside(events: Sequence[Mapping[str, str]], version: str, ecosystem: Ecosystem) -> bool:
    mine, inside = ecosystem.order(version), False
    known = [(kind, bound) for event in events for kind, bound in event.items() if kind != "limit"]
    bounds = [(None if bound == "0" else ecosystem.order(bound), kind) for kind, bound in known]
    # None, the beginning of all versions, comes first.
    for bound, kind in sorted(bounds, key=lambda b: (b[0] is not None, b[0] if b[0] is not None else mine)):
        if kind == "introduced" and (bound is None or mine >= bound):
            inside = True
        elif bound is not None and ((kind == "fixed" and mine >= bound) or (kind == "last_affected" and mine > bound)):
            inside = False
    return inside


def _advisory(record: Mapping[str, Any]) -> Advisory:
    identity = str(record["id"])
    said = str((record.get("database_specific") or {}).get("severity", "")).upper()
    severity = "critical" if identity.startswith("MAL-") else _SEVERITIES.get(said, "high")
    return Advisory(identity, severity, str(record.get("summary", ""))[:200])
