"""The Go ecosystem: go.mod and go.sum as the lock, the module proxy asked with go, licences from the modules' own files."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import semver

from quantumlayer.languages.go.licences import licence_of
from quantumlayer.languages.wishes import wishes_of
from quantumlayer.ports.ecosystem import NotInRegistry, Pin, RegistryUnreachable, Release, Unresolved, Wish
from quantumlayer.ports.sandbox import MIB, Command, Limits, Mount, Sandbox
from quantumlayer.ports.scanner import Finding

_REQUIRE = re.compile(r"^\s*(?:require\s+)?([\w.~/-]+\.[\w.~/-]+)\s+(v[\w.+-]+)(\s*//\s*indirect)?\s*$")
_REQUIRED = re.compile(r"^\s*(?:require\s+)?([\w.~/-]+\.[\w.~/-]+)\s+(v[\w.+-]+)", re.MULTILINE)
_ADDRESS = re.compile(r"https?://\S+")
_WISH = re.compile(
    r"([a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+(?:/[A-Za-z0-9][\w.~-]*)+|[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:[@ ](v\d[\w.+-]*))?"
)
_REPLACED = re.compile(r"^\s*(?:replace\s+)?\S+.*=>\s*(\S+)")
_SUM = re.compile(r"^(\S+) (v\S+) (h1:[A-Za-z0-9+/]{43}=)$")
_ESCAPED = re.compile(r"!([a-z])")
_LIMITS = Limits(memory=1024 * MIB, processes=64, cpu_seconds=120, wall_seconds=120, tmp_size=256 * MIB)
_PLACE = "/lock"
_LICENCE_FILES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING", "LICENSE-MIT", "LICENSE-APACHE")
_LARGEST = 256 * 1024


class GoModules:
    """See `ports.ecosystem.Ecosystem`."""

    name = "Go"

    def read_lock(self, files: Mapping[str, bytes]) -> tuple[tuple[Pin, ...], tuple[Finding, ...]]:
        sums = _sums(files.get("go.sum", b"").decode(errors="replace"))
        pins, findings = [], []
        for number, line in enumerate(files.get("go.mod", b"").decode(errors="replace").splitlines(), 1):
            if _REPLACED.match(line):
                findings.append(Finding("lock-address", "high", "a module is replaced by another place", "go.mod", number))
            elif found := _REQUIRE.match(line):
                module, version, _ = found.groups()
                hashes = sums.get((module, version), ())
                if not hashes:
                    findings.append(Finding("lock-no-hash", "high", f"{module} is pinned without a hash", "go.mod", number))
                pins.append(Pin(module, version, hashes, "go.mod", number))
        return tuple(pins), tuple(findings)

    async def releases(self, pins: Sequence[Pin], sandbox: Sandbox) -> dict[str, Release]:
        with tempfile.TemporaryDirectory(prefix="lock-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o777)
            Path(folder, "go.mod").write_text("module lock\n")
            argv = ("go", "mod", "download", "-json", *(p.key for p in pins))
            completed = await sandbox.run(_command(argv, Path(folder)))
            answers = list(_answers(completed.stdout.decode(errors="replace")))
            moments = {f"{a.get('Path')}@{a.get('Version')}": _moment(a, Path(folder)) for a in answers}
        if completed.outcome != "exited":
            raise RegistryUnreachable(f"{completed.outcome}")
        told = {f"{a.get('Path')}@{a.get('Version')}": a for a in answers}
        for pin in pins:
            answer = told.get(pin.key)
            if answer is None:
                raise RegistryUnreachable(completed.stderr.decode(errors="replace")[-300:] or "go gave no answer")
            if error := answer.get("Error"):
                if re.search(r"\b(404|410)\b|unknown revision|not found", str(error)):
                    raise NotInRegistry(pin)
                raise RegistryUnreachable(str(error)[-300:])
        return {key: Release(moments[key], (str(a.get("Sum", "")),)) for key, a in told.items()}

    def licences(self, installed: Path) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        root = installed / "mod"
        for folder in root.rglob("*@v*"):
            if folder.is_symlink() or not folder.is_dir() or folder.relative_to(root).parts[0] == "cache":
                continue
            if any("@" in part for part in folder.relative_to(root).parts[:-1]):
                continue
            key = _ESCAPED.sub(lambda m: m[1].upper(), folder.relative_to(root).as_posix())
            found[key] = _licence(folder)
        return found

    def order(self, version: str) -> semver.Version:
        return semver.Version.parse(version.removeprefix("v"))

    def read_wishes(self, content: bytes) -> tuple[tuple[Wish, ...], tuple[Finding, ...]]:
        return wishes_of(content, _wish)

    async def resolve(
        self, wishes: Sequence[Wish], base: Mapping[str, bytes], before: datetime, sandbox: Sandbox
    ) -> dict[str, bytes]:
        return await _resolve(wishes, base, sandbox)

    def purl(self, pin: Pin) -> str:
        return f"pkg:golang/{pin.name}@{pin.version}"


def _wish(text: str, line: int) -> Wish:
    """Raises `ValueError`."""
    found = _WISH.fullmatch(text)
    if found is None or ".." in text:
        raise ValueError("write MODULE or MODULE@VERSION, such as github.com/go-chi/chi/v5@v5.2.1; no options, no paths")
    return Wish(found[1], found[2] or "", line)


async def _resolve(wishes: Sequence[Wish], base: Mapping[str, bytes], sandbox: Sandbox) -> dict[str, bytes]:
    """go.mod and go.sum. The proxy does not tell ages before it is asked for a version, so the age is checked afterwards."""
    with tempfile.TemporaryDirectory(prefix="lock-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o777)
        (root / "go.mod").write_text("module app\n\ngo 1.26\n")
        if not wishes:
            return {"go.mod": (root / "go.mod").read_bytes()}
        preferred = dict(_REQUIRED.findall(base.get("go.mod", b"").decode(errors="replace")))
        wanted = (f"{wish.name}@{wish.range or preferred.get(wish.name, 'latest')}" for wish in wishes)
        # All of the modules' packages, so that go.sum holds what any of them needs.
        script = 'go get "$@" && go mod download -json all > /dev/null && cat go.mod && echo "-- go.sum --" && cat go.sum'
        completed = await sandbox.run(_command(("sh", "-c", script, "sh", *wanted), root))
    said = completed.stderr.decode(errors="replace")
    if (
        completed.outcome == "exited"
        and completed.exit_code
        and re.search(r"\b(404|410)\b|unknown revision|not found|malformed", said)
    ):
        raise Unresolved(_ADDRESS.sub("the proxy", said.strip())[-1500:])
    if not completed.ok:
        raise RegistryUnreachable(f"{completed.outcome}: {said.strip()[-300:]}")
    manifest, _, sums = completed.stdout.decode(errors="replace").partition("-- go.sum --\n")
    return {"go.mod": manifest.encode(), "go.sum": sums.encode()}


def _command(argv: tuple[str, ...], folder: Path) -> Command:
    go = Path(shutil.which("go") or "/usr/local/go/bin/go").resolve().parent
    env = {
        "PATH": f"{go}:/usr/bin:/bin", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOMODCACHE": f"{_PLACE}/mod",
        "GOCACHE": f"{_PLACE}/build",
    }  # fmt: skip
    mounts = (
        Mount(folder, _PLACE, writable=True),
        *((Mount(go.parent, str(go.parent)),) if not str(go).startswith("/usr/") else ()),
    )
    return Command(argv, _PLACE, mounts, env=env, network="registries", limits=_LIMITS)


def _sums(text: str) -> dict[tuple[str, str], tuple[str, ...]]:
    found = (m.groups() for line in text.splitlines() if (m := _SUM.match(line)) and not m[2].endswith("/go.mod"))
    return {(module, version): (digest,) for module, version, digest in found}


def _answers(text: str) -> Iterator[dict[str, object]]:
    decoder, position = json.JSONDecoder(), 0
    while (start := text.find("{", position)) >= 0:
        try:
            answer, position = decoder.raw_decode(text, start)
        except ValueError:
            return
        if isinstance(answer, dict):
            yield answer


def _moment(answer: dict[str, object], folder: Path) -> datetime | None:
    """When the version was there, by the proxy's own note beside the download."""
    note = folder / str(answer.get("Info", "")).removeprefix(f"{_PLACE}/")
    try:
        if note.is_symlink() or note.stat().st_size > _LARGEST:
            return None
        return datetime.fromisoformat(json.loads(note.read_text())["Time"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _licence(folder: Path) -> str | None:
    for name in _LICENCE_FILES:
        path = folder / name
        readable = path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST
        if readable and (known := licence_of(path.read_text(errors="replace"))):
            return known
    return None
