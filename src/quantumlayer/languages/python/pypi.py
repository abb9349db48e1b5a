"""The Python ecosystem: requirements files as locks, an index asked with uv, licences from installed metadata."""

import functools
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from quantumlayer.evidence.confined import TREE, confined, how, own_tool
from quantumlayer.evidence.licences import spdx
from quantumlayer.languages.wishes import wishes_of
from quantumlayer.ports.ecosystem import NotInRegistry, Pin, RegistryUnreachable, Release, Unresolved, Wish
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding

LOCK = "requirements.txt"
HASH = re.compile(r"--hash[= ]sha256:([0-9a-f]{64})")
DEVELOPMENT = ("dev", "test", "lint")
MAX_METADATA = 1024 * 1024
NO_SOLUTION = 1  # uv's exit code; it ends with 2 where it could not ask
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "PostgreSQL License": "PostgreSQL",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
}


class PyPI:
    """See `ports.ecosystem.Ecosystem`."""

    name = "PyPI"

    def read_lock(self, files: Mapping[str, bytes]) -> tuple[tuple[Pin, ...], tuple[Finding, ...]]:
        return read_lock(files)

    async def releases(self, pins: Sequence[Pin], sandbox: Sandbox) -> dict[str, Release]:
        return await releases(pins, sandbox)

    def licences(self, installed: Path) -> dict[str, str | None]:
        return licences(installed)

    def order(self, version: str) -> Version:
        return Version(version)

    def read_wishes(self, content: bytes) -> tuple[tuple[Wish, ...], tuple[Finding, ...]]:
        return wishes_of(content, _wish)

    async def resolve(
        self, wishes: Sequence[Wish], base: Mapping[str, bytes], before: datetime, sandbox: Sandbox
    ) -> dict[str, bytes]:
        return await resolve(wishes, base, before, sandbox)

    def purl(self, pin: Pin) -> str:
        return f"pkg:pypi/{pin.name}@{pin.version}"


def read_lock(files: Mapping[str, bytes]) -> tuple[tuple[Pin, ...], tuple[Finding, ...]]:
    """The pins of requirements files by path, and what a lock must not hold: addresses, open versions, missing hashes."""
    pins, findings = [], []
    for path, content in files.items():
        for line, text in _logical_lines(content.decode(errors="replace")):
            read = _pin(path, line, text)
            (pins if isinstance(read, Pin) else findings).append(read)
    return tuple(pins), tuple(findings)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    joined, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        joined += re.sub(r"(^|\s)#.*$", "", line)
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        if joined.strip():
            yield start, joined.strip()
        joined, start = "", 0
    if joined.strip():
        yield start, joined.strip()


def _pin(path: str, line: int, text: str) -> Pin | Finding:
    if text.startswith("-"):
        return Finding("lock-option", "high", f"a lock holds packages only, not {text.split()[0].split('=')[0]}", path, line)
    hashes = tuple(HASH.findall(text))
    try:
        requirement = Requirement(HASH.sub("", text).strip())
    except InvalidRequirement:
        return Finding("lock-syntax", "high", "this is not a requirement", path, line)
    name = canonicalize_name(requirement.name)
    versions = [s.version for s in requirement.specifier if s.operator in ("==", "===") and "*" not in s.version]
    if requirement.url:
        return Finding("lock-address", "high", f"{name} comes from an address instead of the registry", path, line)
    if len(versions) != 1 or len(requirement.specifier) != 1:
        return Finding("lock-open", "high", f"{name} is not pinned to one version", path, line)
    if not hashes:
        return Finding("lock-no-hash", "high", f"{name} is pinned without a hash", path, line)
    development = any(word in PurePosixPath(path).stem.lower() for word in DEVELOPMENT)
    return Pin(name, versions[0], tuple(f"sha256:{h}" for h in hashes), path, line, development)


def _wish(text: str, line: int) -> Wish:
    """Raises `ValueError`."""
    if text.startswith("-"):
        raise ValueError("options are not taken here")
    try:
        found = Requirement(text)
    except InvalidRequirement as error:
        raise ValueError("this is no name of a package with a range of versions") from error
    if found.url:
        raise ValueError("a package comes from the registry, not from an address")
    if found.marker:
        raise ValueError("no conditions after a semicolon")
    extras = f"[{','.join(sorted(found.extras))}]" if found.extras else ""
    return Wish(canonicalize_name(found.name) + extras, str(found.specifier), line)


async def resolve(wishes: Sequence[Wish], base: Mapping[str, bytes], before: datetime, sandbox: Sandbox) -> dict[str, bytes]:
    """A requirements file with hashes; wheels alone, because the metadata of others is had by running them."""
    if not wishes:
        return {LOCK: b""}
    with tempfile.TemporaryDirectory(prefix="lock-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "wishes.in").write_text("".join(f"{wish.name}{wish.range}\n" for wish in wishes))
        (root / LOCK).write_bytes(base.get(LOCK, b""))
        options = (
            "--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--no-python-downloads",
            "--only-binary", ":all:", "--python-version", "3.11", "--exclude-newer", f"{before:%Y-%m-%dT%H:%M:%SZ}",
        )  # fmt: skip
        # What is preferred may be younger; any other version of it is not, which the check of the lock holds it to.
        chosen = {pin.name for pin in read_lock({LOCK: base.get(LOCK, b"")})[0]}
        options += tuple(word for name in sorted(chosen) for word in ("--exclude-newer-package", f"{name}=2099-01-01"))
        # The preferred versions are read from the file that would be written; the answer is what is printed.
        script = f'cp {TREE}/{LOCK} /tmp/{LOCK} && "$@" -o /tmp/{LOCK} > /dev/null && cat /tmp/{LOCK}'
        argv = ("sh", "-c", script, "sh", *own_tool("uv", "pip", "compile", *options, f"{TREE}/wishes.in"))
        ended = await confined(sandbox, root, argv, env={"UV_CACHE_DIR": "/tmp/uv"}, network="registries")
    if ended.outcome == "exited" and ended.exit_code == NO_SOLUTION:
        raise Unresolved(ended.stderr.decode(errors="replace").strip()[:1500])
    if not ended.ok:
        raise RegistryUnreachable(how(ended))
    return {LOCK: ended.stdout}


async def releases(pins: Sequence[Pin], sandbox: Sandbox) -> dict[str, Release]:
    """What the registry says of each pin, by key. Asks with uv, configured as on this host.

    Raises `NotInRegistry` for the first pin that is not there, `RegistryUnreachable` when there is no answer.
    """
    with tempfile.TemporaryDirectory(prefix="lock-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        Path(folder, "lock.txt").write_text("".join(f"{p.name}=={p.version}\n" for p in pins))
        options = ("--no-deps", "--no-header", "--quiet", "--no-python-downloads", "--format", "pylock.toml")
        argv = own_tool("uv", "pip", "compile", *options, f"{TREE}/lock.txt")
        ended = await confined(sandbox, Path(folder), argv, env={"UV_CACHE_DIR": "/tmp/uv"}, network="registries")
    if ended.outcome == "exited" and ended.exit_code == NO_SOLUTION:
        said = ended.stderr.decode(errors="replace")
        raise NotInRegistry(next((p for p in pins if re.search(rf"\b{re.escape(p.name)}\b", said)), pins[0]))
    if not ended.ok:
        raise RegistryUnreachable(how(ended))
    try:
        packages = tomllib.loads(ended.stdout.decode())["packages"]
        return {f"{canonicalize_name(p['name'])}@{p['version']}": _release(p) for p in packages}
    except (ValueError, KeyError, TypeError) as error:
        raise RegistryUnreachable(f"uv's answer cannot be read: {error}") from error


def _release(package: dict[str, Any]) -> Release:
    files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
    times = [file["upload-time"] for file in files if "upload-time" in file]
    return Release(min(times, default=None), tuple(sorted(f"sha256:{file['hashes']['sha256']}" for file in files)))


@functools.lru_cache(maxsize=16)  # What is installed is never changed.
def licences(installed: Path) -> dict[str, str | None]:
    """The SPDX expression of every installed package by key, None where its metadata names none that can be understood."""
    found = {}
    for path in sorted(installed.glob("lib*/python*/site-packages/*.dist-info/METADATA")):
        if path.is_symlink() or path.stat().st_size > MAX_METADATA:
            continue
        with path.open("rb") as file:
            metadata = BytesHeaderParser().parse(file)
        found[f"{canonicalize_name(metadata['Name'] or '')}@{metadata['Version']}"] = _licence(metadata)
    return found


def _licence(metadata: Message) -> str | None:
    classified = [c.rpartition("::")[2].strip() for c in metadata.get_all("Classifier", []) if c.startswith("License ::")]
    known = sorted({CLASSIFIERS[c] for c in classified if c in CLASSIFIERS})
    for said in (metadata["License-Expression"], metadata["License"], " OR ".join(known)):
        if said and (expression := spdx(said)):
            return expression
    return None
