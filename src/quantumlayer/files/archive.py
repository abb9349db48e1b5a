"""A `FileTree` as bytes: a tar.zst that depends on nothing but the tree, and the strict way back.

Strict means that only what `pack` writes is read: any other encoding of the same files (padding, duplicates, links, foreign
modes, extra members, appended frames) is a `BrokenArchive`. So equal trees have equal bytes, and nothing hides between them.
"""

import io
import tarfile

import zstandard

from quantumlayer.errors import UserError
from quantumlayer.files.values import FileTree

MAX_UNPACKED = 512 * 1024 * 1024
MAX_WINDOW = 128 * 1024 * 1024
LEVEL = 9


class BrokenArchive(UserError):
    """Bytes that `pack` never wrote."""


def pack(tree: FileTree) -> bytes:
    """The tree as one zstd frame (with size and checksum) over a sorted PAX tar; times, owners and modes are constants."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=True)
    return compressor.compress(_tar(tree))


def unpack(content: bytes) -> FileTree:
    """The tree that was packed. Unpacks at most `MAX_UNPACKED` bytes. Raises `BrokenArchive`, whatever the bytes are."""
    tar = _decompressed(content)
    try:
        tree = _read_tar(tar)
    except Exception as error:  # hostile bytes: whatever the parser trips over is the archive's fault
        raise BrokenArchive(f"not an archive of ours: {error}") from error
    if _tar(tree) != tar:
        raise BrokenArchive("the archive holds more than its files: it is not in the one form that we write")
    return tree


def _decompressed(content: bytes) -> bytes:
    try:
        declared = zstandard.get_frame_parameters(content[:32]).content_size
        if declared in (zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR):
            raise BrokenArchive("the archive does not say how large it is")
        if declared > MAX_UNPACKED:
            raise BrokenArchive(f"the archive would unpack to {declared} bytes; {MAX_UNPACKED} is the most we take")
        decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        return decompressor.decompress(content, max_output_size=declared, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise BrokenArchive(f"the compressed data is damaged: {error}") from error


def _read_tar(tar: bytes) -> FileTree:
    files: dict[str, bytes] = {}
    executable = set()
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        for member in archive:
            opened = archive.extractfile(member) if member.isreg() and not member.issparse() else None
            if opened is None:
                raise BrokenArchive(f"{member.name!r} is not a regular file")
            if member.name in files:
                raise BrokenArchive(f"{member.name!r} is there twice")
            files[member.name] = opened.read()
            if member.mode & 0o100:
                executable.add(member.name)
    return FileTree(files, frozenset(executable))


def _tar(tree: FileTree) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in tree.files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            member.mode = 0o755 if path in tree.executable else 0o644
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()
