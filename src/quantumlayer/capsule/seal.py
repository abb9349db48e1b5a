"""Seals a capsule: everything that a run made, in one signed file that depends on nothing but its inputs."""

import hashlib
from dataclasses import dataclass

from quantumlayer import __version__
from quantumlayer.capsule.keys import PublicKey, Signer
from quantumlayer.capsule.provenance import canonical, sign, statement
from quantumlayer.capsule.values import Facts, FileEntry, Manifest, SigningKey
from quantumlayer.files.archive import pack
from quantumlayer.files.values import FileTree

MANIFEST = "manifest.json"
PROVENANCE = "provenance.intoto.jsonl"
SBOM = "sbom.cdx.json"
FOLDERS = ("source", "acceptance", "evidence", "docs", "infrastructure")
TRAILER_MAGIC = bytes.fromhex("512a4d18")  # a zstd skippable frame, which every decompressor ignores
TRAILER_SIZE = 8 + hashlib.sha256().digest_size


@dataclass(frozen=True)
class Parts:
    """The folders of a capsule, and the CycloneDX document as JSON bytes. An empty tree leaves its folder out."""

    source: FileTree
    acceptance: FileTree
    evidence: FileTree
    docs: FileTree
    infrastructure: FileTree
    sbom: bytes

    def tree(self) -> FileTree:
        """All files where they stand in the capsule. Raises `UnsafePath` for a name that cannot be there."""
        folders = [getattr(self, folder).under(folder) for folder in FOLDERS]
        return FileTree({SBOM: self.sbom}).merged(*folders)


def seal(parts: Parts, facts: Facts, signer: Signer) -> bytes:
    """The capsule's bytes: tar.zst, then a skippable zstd frame with the SHA-256 of all before it. Equal in, equal out."""
    tree = parts.tree()
    entries = tuple(
        FileEntry(path=p, sha256=hashlib.sha256(c).hexdigest(), size=len(c), executable=p in tree.executable)
        for p, c in tree.files.items()
    )
    manifest = Manifest(
        **dict(facts),
        producer=__version__,
        source_digest=parts.source.digest(),
        signing_key=described(signer.public_key),
        files=entries,
    )
    files = {**tree.files, MANIFEST: canonical(manifest.model_dump(mode="json")) + b"\n"}
    provenance = sign(statement(manifest, files), signer)
    archive = pack(FileTree({**files, PROVENANCE: provenance}, tree.executable))
    return archive + trailer(archive)


def described(key: PublicKey) -> SigningKey:
    """The key as the manifest names it."""
    return SigningKey(keyid=key.keyid, public=key.keyval["public"])


def trailer(archive: bytes) -> bytes:
    """The last `TRAILER_SIZE` bytes of a capsule whose other bytes are `archive`."""
    digest = hashlib.sha256(archive).digest()
    return TRAILER_MAGIC + len(digest).to_bytes(4, "little") + digest
