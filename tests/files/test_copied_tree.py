"""Copies of folders that nobody vouches for, and the few of them that are kept."""

import os
import stat

import pytest

from quantumlayer.evidence.builds import KEPT, Builds
from quantumlayer.files.copied_tree import copy_tree


def test_links_stay_links_and_rights_of_the_owner_are_not_lent(tmp_path):
    source = tmp_path / "source"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "server").write_bytes(b"x")
    (source / "bin" / "server").chmod(0o6755)
    (source / "out").symlink_to("/etc")
    (source / "gone").symlink_to("/no/such/place")
    copy_tree(source, tmp_path / "target")
    copied = tmp_path / "target"
    assert stat.S_IMODE((copied / "bin" / "server").stat().st_mode) == 0o755
    assert (os.readlink(copied / "out"), os.readlink(copied / "gone")) == ("/etc", "/no/such/place")


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "source").mkdir()
    os.mkfifo(tmp_path / "source" / "pipe")
    with pytest.raises(OSError, match="pipe"):
        copy_tree(tmp_path / "source", tmp_path / "target")


def test_a_kept_link_never_leads_a_later_copy_out_of_its_folder(tmp_path):
    outside, project, later = tmp_path / "outside", tmp_path / "project", tmp_path / "later"
    outside.mkdir()
    project.mkdir()
    (project / "app").symlink_to(outside)
    builds = Builds(tmp_path)
    builds.keep("a", project)
    (later / "app").mkdir(parents=True)
    (later / "app" / "main.py").write_text("mine")
    assert not builds.take("a", later)
    assert (later / "app" / "main.py").read_text() == "mine"
    assert not list(outside.iterdir())


def test_only_the_newest_are_kept(tmp_path):
    project, builds = tmp_path / "project", Builds(tmp_path)
    project.mkdir()
    for number in range(KEPT + 3):
        (project / "made").write_text(str(number))
        builds.keep(str(number), project)
        os.utime(tmp_path / "cache" / "builds" / str(number), (number, number))
    builds.keep("last", project)
    assert not builds.take("0", tmp_path / "target")
    assert builds.take("last", tmp_path / "target")
    assert (tmp_path / "target" / "made").read_text() == str(KEPT + 2)
    assert len(list((tmp_path / "cache" / "builds").iterdir())) == KEPT


def test_what_cannot_be_copied_is_not_kept(tmp_path):
    project, builds = tmp_path / "project", Builds(tmp_path)
    project.mkdir()
    os.mkfifo(project / "pipe")
    builds.keep("a", project)
    assert not list((tmp_path / "cache" / "builds").iterdir())
