"""Checks a capsule, byte for byte, without running anything in it; unpacks it safely."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.exceptions import VerificationError

from quantumlayer.capsule.claims import check_claims
from quantumlayer.capsule.keys import PublicKey
from quantumlayer.capsule.provenance import canonical, opened, statement
from quantumlayer.capsule.seal import FOLDERS, MANIFEST, PROVENANCE, SBOM, TRAILER_SIZE, trailer
from quantumlayer.capsule.values import Manifest, Verification, VerificationCheck
from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.files.archive import unpack as unpack_tree
from quantumlayer.files.values import FileTree
from quantumlayer.files.write_files import write_files

MAX_CAPSULE = 256 * 1024 * 1024
T = TypeVar("T")


class Tampered(UserError):
    """What was checked does not hold. `data["verification"]` has the details where they are known."""


def verify(path: Path, public_key: PublicKey | None = None) -> Verification:
    """Everything that can be checked of a capsule. Never raises for what is in the file.

    With `public_key` the capsule must be signed by that key; without, by the key that it carries, and `trusted` stays False.
    Raises `UserError` when there is no such file, `EnvironmentError_` when it cannot be read.
    """
    return _verified(_read(path), public_key)[0]


def unpack(path: Path, out: Path, public_key: PublicKey | None = None) -> Verification:
    """Verifies, then writes the files below `out` (missing or empty), all or none.

    Raises `Tampered` for a capsule that does not verify, `UserError` for an `out` that is not empty, `EnvironmentError_` when
    it cannot be written.
    """
    verification, tree = _verified(_read(path), public_key)
    if not verification.valid or tree is None:
        failed = next(check for check in verification.checks if not check.passed)
        raise Tampered(f"{path} is not unpacked: {failed.name}: {failed.message}", verification=verification)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not empty", hint="name a folder that does not exist yet")
    with _draft_folder(out) as draft:
        write_files(tree, draft)
        os.rename(draft, out)
    return verification


def read_source(path: Path, public_key: PublicKey | None = None) -> tuple[Manifest, FileTree]:
    """The manifest and the tree below `source/`. Raises `Tampered` for a capsule that does not verify, else as `verify`."""
    verification, tree = _verified(_read(path), public_key)
    if not verification.valid or tree is None or verification.manifest is None:
        failed = next(check for check in verification.checks if not check.passed)
        raise Tampered(
            f"{path} does not verify: {failed.name}: {failed.message}", hint="make the capsule anew with `ql generate`"
        )
    prefix = "source/"
    files = {p.removeprefix(prefix): c for p, c in tree.files.items() if p.startswith(prefix)}
    executable = frozenset(p.removeprefix(prefix) for p in tree.executable if p.startswith(prefix))
    return verification.manifest, FileTree(files, executable)


def _verified(content: bytes, public_key: PublicKey | None) -> tuple[Verification, FileTree | None]:
    checks: list[VerificationCheck] = []
    facts: dict[str, object] = {}

    def step(name: str, passed: str, check: Callable[[], T]) -> T:
        try:
            found = check()
        except VerificationError as error:
            checks.append(VerificationCheck(name=name, passed=False, message=f"the signature does not hold: {error}"))
        except Exception as error:  # a hostile file may break any parser: that is a finding, never a crash
            checks.append(VerificationCheck(name=name, passed=False, message=str(error) or type(error).__name__))
        else:
            checks.append(VerificationCheck(name=name, passed=True, message=passed))
            return found
        raise Tampered(name)

    tree: FileTree | None = None
    try:
        archive = step("digest", "the file is whole", lambda: _without_trailer(content))
        tree = step("archive", "one archive, nothing hidden in it", lambda: unpack_tree(archive))
        held = tree
        step("layout", "only the folders of a capsule", lambda: _check_layout(held))
        manifest = step("manifest", "the manifest is well-formed", lambda: _manifest(held))
        key = step("key", "the key names itself rightly", lambda: _key(manifest, public_key))
        facts = {"keyid": key.keyid, "manifest": manifest}
        line = held.files[PROVENANCE]
        signed = step("signature", f"signed with Ed25519 by {key.keyid}", lambda: opened(line, key))
        files = {p: c for p, c in held.files.items() if p != PROVENANCE}
        step("provenance", f"{len(files)} files as signed", lambda: _check_provenance(signed, manifest, files))
        step("files", f"{len(manifest.files)} files as listed", lambda: _check_files(manifest, held))
        step("source", "the source digest holds", lambda: _check_source(manifest, held))
        step("evidence", "every claim follows from the evidence", lambda: check_claims(manifest, held))
        facts["trusted"] = public_key is not None
    except Tampered:
        tree = None
    return Verification.model_validate({"valid": tree is not None, "checks": checks, **facts}), tree


def _without_trailer(content: bytes) -> bytes:
    archive, end = content[:-TRAILER_SIZE], content[-TRAILER_SIZE:]
    if end != trailer(archive):
        raise Tampered("the file is not what was sealed: its SHA-256 does not match")
    return archive


def _check_layout(tree: FileTree) -> None:
    for path in tree.files:
        if path not in (MANIFEST, PROVENANCE, SBOM) and path.split("/")[0] not in FOLDERS:
            raise Tampered(f"{path!r} does not belong in a capsule")
    for path in (MANIFEST, PROVENANCE, SBOM):
        if path not in tree.files:
            raise Tampered(f"{path} is missing")


def _manifest(tree: FileTree) -> Manifest:
    manifest = Manifest.model_validate_json(tree.files[MANIFEST])
    if canonical(manifest.model_dump(mode="json")) + b"\n" != tree.files[MANIFEST]:
        raise Tampered("the manifest is not in the form that we write")
    return manifest


def _key(manifest: Manifest, public_key: PublicKey | None) -> PublicKey:
    named = manifest.signing_key
    if public_key and public_key.keyid != named.keyid:
        raise Tampered(f"signed by another key: {named.keyid}, not {public_key.keyid}")
    embedded = PublicKey.from_crypto(Ed25519PublicKey.from_public_bytes(bytes.fromhex(named.public)))
    if embedded.keyid != named.keyid:
        raise Tampered("the manifest's public key is not the one that its key id names")
    return embedded


def _check_provenance(signed: dict, manifest: Manifest, files: dict[str, bytes]) -> None:
    expected = statement(manifest, files)
    if signed == expected:
        return
    now = {s["name"]: s["digest"] for s in expected["subject"]}
    then = {s["name"]: s["digest"] for s in signed["subject"]}
    changed = sorted(p for p in now.keys() | then.keys() if now.get(p) != then.get(p))
    raise Tampered(f"changed after signing: {', '.join(changed[:5])}" if changed else "the provenance contradicts the manifest")


def _check_files(manifest: Manifest, tree: FileTree) -> None:
    listed = {entry.path: entry for entry in manifest.files}
    present = tree.files.keys() - {MANIFEST, PROVENANCE}
    if len(listed) != len(manifest.files) or listed.keys() != present:
        raise Tampered(f"files and manifest differ: {sorted(listed.keys() ^ present)[:5]}")
    for path, entry in listed.items():
        content = tree.files[path]
        facts = (hashlib.sha256(content).hexdigest(), len(content), path in tree.executable)
        if facts != (entry.sha256, entry.size, entry.executable):
            raise Tampered(f"{path} is not as the manifest lists it")


def _check_source(manifest: Manifest, tree: FileTree) -> None:
    prefix = "source/"
    files = {p.removeprefix(prefix): c for p, c in tree.files.items() if p.startswith(prefix)}
    executable = frozenset(p.removeprefix(prefix) for p in tree.executable if p.startswith(prefix))
    if FileTree(files, executable).digest() != manifest.source_digest:
        raise Tampered("the source digest does not match the source folder")


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise UserError(f"there is no capsule {path}", hint="`ql generate` prints the path of the one it makes")
        if (size := path.stat().st_size) > MAX_CAPSULE:
            raise UserError(f"{path} has {size} bytes; {MAX_CAPSULE} is the most that a capsule has")
        return path.read_bytes()
    except OSError as error:
        raise EnvironmentError_(f"cannot read {path}: {error.strerror}", hint="check its permissions") from error


@contextmanager
def _draft_folder(out: Path) -> Iterator[Path]:
    draft = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        draft.chmod(0o755)
        yield draft
    except OSError as error:
        raise EnvironmentError_(
            f"cannot write {out}: {error.strerror}", hint="free some space, or choose another folder"
        ) from error
    finally:
        if draft:
            shutil.rmtree(draft, ignore_errors=True)
