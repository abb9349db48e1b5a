"""Other sources take the place of the former ones; what building left beside them stays, and no link leads a write outside."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from quantumlayer.conformance.blueprint.workbench import _replace
from quantumlayer.files.values import FileTree


def test_sources_are_replaced_and_build_results_kept(tmp_path: Path) -> None:
    source, outside = tmp_path / "app" / "work", tmp_path / "outside"
    (source / ".cache").mkdir(parents=True)
    outside.mkdir()
    (source / ".cache" / "object").write_bytes(b"compiled")
    (source / "old.py").write_bytes(b"old")
    (source / "app").symlink_to(outside)  # as a hostile build could leave it
    application = cast(Any, SimpleNamespace(source=source, folder=source.parent))
    _replace(application, FileTree({"app/main.py": b"", "old.py": b"old"}), FileTree({"app/main.py": b"new"}))
    assert (source / "app" / "main.py").read_bytes() == b"new" and not (source / "app").is_symlink()
    assert (source / ".cache" / "object").read_bytes() == b"compiled"
    assert list(outside.iterdir()) == [] and not (source / "old.py").exists() and not (source.parent / "former").exists()
