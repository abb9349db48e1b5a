"""Reading what hostile code wrote."""

import os
from pathlib import Path

import pytest

from quantumlayer.files.read_output import UnsafeOutput, read_output, remove_output


def test_a_plain_file_is_read_up_to_the_limit(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"12345")
    assert read_output(tmp_path, "a/b", limit=5) == b"12345"
    with pytest.raises(UnsafeOutput, match="longer than 4"):
        read_output(tmp_path, "a/b", limit=4)
    with pytest.raises(FileNotFoundError):
        read_output(tmp_path, "a/c")


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a/../../b", "", "a\0b"])
def test_names_that_lead_outside_are_refused(tmp_path: Path, path: str):
    with pytest.raises(Exception, match="unsafe"):
        read_output(tmp_path, path)


def test_nothing_but_a_plain_file_is_opened_or_removed(tmp_path: Path):
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (folder / "link").symlink_to(outside / "secret")
    (folder / "way").symlink_to(outside)
    os.link(outside / "secret", folder / "hard")
    os.mkfifo(folder / "pipe")
    (folder / "sub").mkdir()
    for name in ("link", "way/secret", "hard", "pipe", "sub"):
        with pytest.raises(UnsafeOutput):
            read_output(folder, name)
    with pytest.raises(UnsafeOutput):
        remove_output(folder, "way/secret")
    remove_output(folder, "link")
    remove_output(folder, "missing")
    assert (outside / "secret").read_text() == "secret" and not (folder / "link").is_symlink()
