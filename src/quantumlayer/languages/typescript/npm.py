"""The npm ecosystem: package-lock.json as lock, the registry asked with npm itself, licences from installed manifests."""

import base64
import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import semver

from quantumlayer.evidence.confined import TREE, confined, how
from quantumlayer.evidence.licences import spdx
from quantumlayer.languages.wishes import wishes_of
from quantumlayer.ports.ecosystem import NotInRegistry, Pin, RegistryUnreachable, Release, Unresolved, Wish
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding

LOCK = "package-lock.json"
MANIFEST = "package.json"
VERSION = 3
MAX_METADATA = 1024 * 1024
_PLACES = tuple(f"{top}{name}/package.json" for top in ("", "**/node_modules/") for name in ("*", "@*/*"))
_WISH = re.compile(
    r"((?:@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*)(?:@((?:[~^]|>=)?\d+(?:\.\d+){0,2}(?:-[0-9A-Za-z.-]+)?))?"
)
_ADDRESS = re.compile(r"https?://\S+")
_ASK = Path(__file__).with_name("ask_registry.cjs")


class Npm:
    """See `ports.ecosystem.Ecosystem`."""

    name = "npm"

    def read_lock(self, files: Mapping[str, bytes]) -> tuple[tuple[Pin, ...], tuple[Finding, ...]]:
        pins: list[Pin] = []
        findings: list[Finding] = []
        for path, content in files.items():
            if path.rpartition("/")[2] == LOCK:
                _read(path, content, pins, findings)
        return tuple(pins), tuple(findings)

    async def releases(self, pins: Sequence[Pin], sandbox: Sandbox) -> dict[str, Release]:
        return await releases(pins, sandbox)

    def licences(self, installed: Path) -> dict[str, str | None]:
        return licences(installed)

    def order(self, version: str) -> semver.Version:
        return semver.Version.parse(version)

    def read_wishes(self, content: bytes) -> tuple[tuple[Wish, ...], tuple[Finding, ...]]:
        return wishes_of(content, _wish)

    async def resolve(
        self, wishes: Sequence[Wish], base: Mapping[str, bytes], before: datetime, sandbox: Sandbox
    ) -> dict[str, bytes]:
        return await resolve(wishes, base, before, sandbox)

    def purl(self, pin: Pin) -> str:
        scope, _, name = pin.name.rpartition("/")
        return f"pkg:npm/{quote(scope, safe='')}{'/' if scope else ''}{name}@{pin.version}"


def _read(path: str, content: bytes, pins: list[Pin], findings: list[Finding]) -> None:
    try:
        lock = json.loads(content)
        packages = lock["packages"]
        if lock["lockfileVersion"] != VERSION or not isinstance(packages, dict):
            raise ValueError(f"lockfileVersion {VERSION} is wanted")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        findings.append(Finding("lock-syntax", "high", f"this is no package-lock.json: {type(error).__name__}", path, 1))
        return
    lines = _lines(content)
    seen = set()
    for place, entry in packages.items():
        name = place.rpartition("node_modules/")[2]
        if not place or not isinstance(entry, dict):
            continue
        line = lines.get(place, 1)
        problem = _problem(place, name, entry)
        if problem:
            findings.append(Finding(problem[0], "high", problem[1], path, line))
            continue
        pin = Pin(name, entry["version"], (_digest(entry["integrity"]),), path, line, bool(entry.get("dev")))
        if pin.key not in seen:
            pins.append(pin)
        seen.add(pin.key)


def _problem(place: str, name: str, entry: Mapping[str, Any]) -> tuple[str, str] | None:
    if "resolved" in entry:
        return "lock-address", f"{name} comes from an address; npm asks the configured registry where there is none"
    if "node_modules/" not in place or entry.get("link") or not isinstance(entry.get("version"), str):
        return "lock-open", f"{name} is not pinned to one version of a package"
    integrity = entry.get("integrity")
    if not isinstance(integrity, str) or not integrity.startswith("sha512-"):
        return "lock-no-hash", f"{name} is pinned without a SHA-512 hash"
    return None


def _digest(integrity: str) -> str:
    return f"sha512:{base64.b64decode(integrity.removeprefix('sha512-').split()[0], validate=False).hex()}"


def _lines(content: bytes) -> dict[str, int]:
    """The line of each entry, by the place where it is installed."""
    found: dict[str, int] = {}
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        text = line.strip()
        if text.startswith('"node_modules/') and text.endswith("{"):
            found.setdefault(text.split('"')[1], number)
    return found


def _wish(text: str, line: int) -> Wish:
    """Raises `ValueError`."""
    found = _WISH.fullmatch(text)
    if found is None:
        raise ValueError("write NAME, @SCOPE/NAME or NAME@RANGE, such as express@^5.0.0; no options, addresses, paths, aliases")
    return Wish(found[1], found[2] or "", line)


async def resolve(wishes: Sequence[Wish], base: Mapping[str, bytes], before: datetime, sandbox: Sandbox) -> dict[str, bytes]:
    """package.json and package-lock.json. Scripts of packages are not run."""
    npm = shutil.which("npm")
    if not npm:
        raise RegistryUnreachable("npm is not installed")
    manifest = json.loads(base.get(MANIFEST, b"{}"))
    known = {name for kind in ("dependencies", "devDependencies") for name in manifest.get(kind, {})}
    added = {wish.name: wish.range or "*" for wish in wishes if wish.name not in known}
    manifest["dependencies"] = manifest.get("dependencies", {}) | added
    with tempfile.TemporaryDirectory(prefix="lock-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        if LOCK in base:
            (root / LOCK).write_bytes(base[LOCK])
        options = "--package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error --omit-lockfile-registry-resolved"
        script = (
            f"mkdir /tmp/work && cp {TREE}/*.json /tmp/work && cd /tmp/work"
            f" && {npm} install {options} --before={before:%Y-%m-%dT%H:%M:%SZ} >&2 && cat {LOCK}"
        )
        ended = await confined(sandbox, root, ("sh", "-c", script), env={"npm_config_cache": "/tmp/npm"}, network="registries")
    if ended.outcome == "exited" and re.search(rb"\b(E404|ETARGET|ERESOLVE|EINVALIDPACKAGENAME|ENOVERSIONS)\b", ended.stderr):
        said = [line for line in ended.stderr.decode(errors="replace").splitlines() if line.startswith("npm error")]
        raise Unresolved(_ADDRESS.sub("the registry", "\n".join(said))[:1500])
    if not ended.ok:
        raise RegistryUnreachable(how(ended))
    return {MANIFEST: (json.dumps(manifest, indent=2) + "\n").encode(), LOCK: ended.stdout}


async def releases(pins: Sequence[Pin], sandbox: Sandbox) -> dict[str, Release]:
    """What the registry says of each pin, by key. Asks with npm, configured as on this host.

    Raises `NotInRegistry` for the first pin that is not there, `RegistryUnreachable` when there is no answer.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise RegistryUnreachable("npm is not installed")
    with tempfile.TemporaryDirectory(prefix="lock-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "pins.json").write_text(json.dumps([[pin.name, pin.version] for pin in pins]))
        shutil.copyfile(_ASK, root / _ASK.name)
        argv = (
            npm,
            "exec",
            "--offline",
            "--yes=false",
            "-c",
            f"{node} {TREE}/{_ASK.name} {TREE}/pins.json {Path(npm).resolve().parent.parent}",
        )
        environment = {"npm_config_cache": "/tmp/npm"}
        ended = await confined(sandbox, root, argv, env=environment, network="registries")
    if not ended.ok:
        raise RegistryUnreachable(how(ended))
    try:
        answers = json.loads(ended.stdout)
    except ValueError as error:
        raise RegistryUnreachable(f"npm's answer cannot be read: {error}") from error
    return {pin.key: _release(pin, answers.get(pin.key)) for pin in pins}


def _release(pin: Pin, answer: Mapping[str, Any] | None) -> Release:
    if not answer:
        raise NotInRegistry(pin)
    if "error" in answer:
        raise RegistryUnreachable(str(answer["error"])[:200])
    time = answer.get("time")
    hashes = tuple(_digest(answer["integrity"]) for _ in range(1) if str(answer.get("integrity", "")).startswith("sha512-"))
    return Release(datetime.fromisoformat(time) if time else None, hashes)


def licences(installed: Path) -> dict[str, str | None]:
    """The SPDX expression of every installed package by key, None where its manifest names none that can be understood."""
    found: dict[str, str | None] = {}
    for path in sorted(path for place in _PLACES for path in installed.glob(place)):
        if path.is_symlink() or path.stat().st_size > MAX_METADATA:
            continue
        try:
            manifest = json.loads(path.read_bytes())
            found[f"{manifest['name']}@{manifest['version']}"] = _licence(manifest)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return found


def _licence(manifest: Mapping[str, Any]) -> str | None:
    said = manifest.get("license") or manifest.get("licenses")
    if isinstance(said, list):
        said = " OR ".join(str(one.get("type") if isinstance(one, dict) else one) for one in said)
    if isinstance(said, dict):
        said = said.get("type")
    return spdx(str(said).strip("()")) if said else None
