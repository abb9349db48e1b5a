"""What the loader accepts, and that it refuses everything else with file and line."""

import os
import re
import shutil
from pathlib import Path

import pytest

from quantumlayer.blueprint.check_templates import check_templates
from quantumlayer.blueprint.load import BUILT_IN, FOLDERS_VARIABLE, load_blueprint, load_blueprints
from quantumlayer.blueprint.problems import BlueprintError
from quantumlayer.blueprint.scaffold import scaffold
from quantumlayer.blueprint.template_names import FEATURES
from quantumlayer.blueprint.values import Blueprint, Commands
from quantumlayer.catalog.blueprints import known_blueprints, remember
from quantumlayer.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`python/mine`, laid over python/fastapi."""
    return scaffold("python/mine", tmp_path / "own", load_blueprints(), "python/fastapi")


def rewrite(folder: Path, old: str, new: str) -> None:
    file = folder / "blueprint.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def template(folder: Path, name: str, text: str) -> Path:
    path = folder / "templates" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("stack", sorted(load_blueprints().places))
def test_templates_of_ours_are_sound(stack: str) -> None:
    check_templates(load_blueprints().get(stack).below("templates"))


@pytest.mark.parametrize("stack", sorted(load_blueprints().places))
def test_pins_hold_no_address(stack: str) -> None:
    pins = load_blueprints().get(stack).below("pins")
    assert pins
    assert not [path for path in pins.values() if re.search(r"https?://", path.read_text())]


def test_a_users_own_folder_works_like_a_built_in_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = folder.parents[1]
    assert {"python/fastapi", "python/mine"} <= set(load_blueprints([own]).by_id)
    monkeypatch.setenv(FOLDERS_VARIABLE, os.pathsep.join([str(own), ""]))
    assert "python/mine" in load_blueprints().by_id


def test_a_home_remembers_the_folders_that_were_named_to_it(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for _ in range(2):
        remember(home, folder.parents[1])
    assert (home / "blueprints.txt").read_text().splitlines() == [str(folder.parents[1])]
    assert "python/mine" in known_blueprints(home).by_id
    shutil.rmtree(folder.parents[1])
    assert "python/mine" not in known_blueprints(home).by_id


@pytest.mark.parametrize("content", [b"\xff\xfe", b"relative/path\n", b"\0\n", b"\n\n/nowhere/at/all\n"])
def test_a_damaged_memory_is_no_obstacle(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "blueprints.txt").write_bytes(content)
    assert "python/fastapi" in known_blueprints(tmp_path).by_id


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('version = "1.0.0"', 'version = "1.0.0"\nsurprise = 1', r"blueprint.toml:4: unknown key 'surprise'"),
        (
            'run = [".venv/bin/python", "-m", "app"]',
            'run = "python -m app"',
            r"blueprint.toml:\d+: commands.run: a command is a list",
        ),
        ("build = [[", 'build = ["make build"] # [[', r"blueprint.toml:\d+: commands.build.0: a command is a list"),
        ('junit = "reports/junit.xml"', 'junit = "../junit.xml"', r"blueprint.toml:\d+: .*stays inside the project"),
        ('junit = "reports/junit.xml"', 'junit = "/tmp/junit.xml"', r"blueprint.toml:\d+: .*stays inside the project"),
        ('id = "python/mine"', 'id = "python/other"', r"toml:1: the id is 'python/other', the folder says 'python/mine'"),
        ('title = "', "title = ", r"toml:4: is not TOML"),
        ('extends = "python/fastapi"', 'extends = "python/fastapo"', r"toml:2: there is no stack 'python/fastapo' to extend"),
        ('extends = "python/fastapi"', 'extends = "python/mine"', r"toml:2: extends goes in a circle"),
        ('extends = "python/fastapi"', 'extends = "go/chi"', r"toml:\d+: .*another language"),
        ('extends = "python/fastapi"', "", r"toml:1: templates/source/ is missing"),
        ('extends = "python/fastapi"', 'without = ["*"]', r"toml:\d+: .*without leaves out files of a stack that is extended"),
        ('toolchain = "3.11"', "", r"toml:\d+: the key 'requires.toolchain' is missing"),
    ],
)
def test_mistakes_are_refused_with_file_and_line(folder: Path, old: str, new: str, message: str) -> None:
    rewrite(folder, old, new)
    with pytest.raises(BlueprintError, match=message):
        load_blueprint(folder)


def test_a_slip_in_a_key_names_the_key_that_was_meant(folder: Path) -> None:
    rewrite(folder, "lint = [", "lnit = [")
    with pytest.raises(BlueprintError, match=r"toml:\d+: unknown key 'commands.lnit'") as error:
        load_blueprint(folder)
    assert "'lint'" in error.value.hint and error.value.data["line"] > 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("source/app/x.py.jinja", "a\n{% if %}\n", r"x.py.jinja:2: template: "),
        ("source/app/x.py.jinja", '\n{% include "source/app/y.jinja" %}', r"x.py.jinja:2: template: there is no template"),
        ("source/app[if lunch]/x.py", "", r"x.py:1: unknown feature 'lunch' in the path"),
        ("sauce/x.py", "", r"toml:1: templates/sauce is no part"),
    ],
)
def test_templates_are_refused_at_load(folder: Path, name: str, text: str, message: str) -> None:
    template(folder, name, text)
    with pytest.raises(BlueprintError, match=message):
        load_blueprint(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\n{{ nothing_of_that_name }}", r"x.py.jinja:2: template: 'nothing_of_that_name' is undefined"),
        ("one\ntwo\n{{ 1 // 0 }}", r"x.py.jinja:3: template: ZeroDivisionError"),
        ('{{ fail("not for you") }}', r"x.py.jinja:1: template: not for you"),
        ('{{ "".__class__.__mro__ }}', r"x.py.jinja:1: template: "),
    ],
)
def test_a_template_that_raises_is_refused_with_the_stack_and_spares_others(
    folder: Path, tmp_path: Path, text, message
) -> None:
    template(folder, "source/app/x.py.jinja", text)
    known = known_blueprints(tmp_path / "home", [folder.parents[1]])
    assert "python/fastapi" in known.by_id and "python/mine" not in known.by_id
    with pytest.raises(BlueprintError, match=message):
        known.get("python/mine")


def test_a_repaired_folder_is_seen_at_once(folder: Path, tmp_path: Path) -> None:
    broken = template(folder, "source/app/x.py.jinja", "{{ oops }}")
    assert "python/mine" in known_blueprints(tmp_path, [folder.parents[1]]).broken
    broken.unlink()
    assert "python/mine" in known_blueprints(tmp_path, [folder.parents[1]]).by_id


def test_a_template_that_is_no_text_is_refused(folder: Path) -> None:
    template(folder, "source/app/x.py.jinja", "").write_bytes(b"\xff\xfe")
    with pytest.raises(BlueprintError, match="x.py.jinja:1: cannot be read"):
        load_blueprint(folder)


def test_links_and_strange_entries_are_refused(folder: Path) -> None:
    (folder / "helper.py").write_text("")
    with pytest.raises(BlueprintError, match=r"toml:1: unknown entry 'helper.py'"):
        load_blueprint(folder)
    (folder / "helper.py").unlink()
    template(folder, "source/x", "").unlink()
    (folder / "templates/source/x").symlink_to("/etc/passwd")
    with pytest.raises(BlueprintError, match=r"source/x:1: symbolic links"):
        load_blueprint(folder)


def test_two_folders_with_one_id_are_refused(tmp_path: Path) -> None:
    shutil.copytree(BUILT_IN / "python" / "fastapi", tmp_path / "python" / "fastapi")
    with pytest.raises(BlueprintError, match=r"blueprint.toml:1: the id 'python/fastapi' is already taken by"):
        load_blueprints([tmp_path])


def test_an_unknown_stack_names_the_nearest() -> None:
    with pytest.raises(UserError) as error:
        load_blueprints().get("python/fastapo")
    assert "python/fastapi" in error.value.hint


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder"):
        load_blueprints([tmp_path / "missing"])


def test_a_stack_over_another_takes_its_files_and_replaces_or_leaves_out_what_it_says(folder: Path) -> None:
    template(folder, "source/app/clock.py", "mine")
    rewrite(folder, 'version = "1.0.0"', 'version = "1.0.0"\nwithout = ["templates/source/app/auth*", "faults/*"]')
    (folder / "faults").mkdir()
    (folder / "faults" / "own.patch").write_text("")
    loaded, base = load_blueprint(folder), load_blueprint(BUILT_IN / "python" / "fastapi")
    assert loaded.below("templates")["source/app/clock.py"].read_text() == "mine"
    assert not [name for name in loaded.files if "auth[if auth]" in name] and list(loaded.below("faults")) == ["own.patch"]
    assert set(loaded.below("pins")) == set(base.below("pins")) and loaded.digest != base.digest


def test_a_new_folder_loads_at_once_and_takes_nobodys_place(tmp_path: Path) -> None:
    known = load_blueprints()
    made = scaffold("cobol/cics", tmp_path, known)
    assert load_blueprint(made).value.language == "cobol"
    with pytest.raises(UserError, match="is there already"):
        scaffold("cobol/cics", tmp_path, known)
    for stack, message in (("python/fastapi", "already"), ("Python/X", "no id"), ("../x/y", "no id"), ("x", "no id")):
        with pytest.raises(UserError, match=message):
            scaffold(stack, tmp_path, known)
    with pytest.raises(UserError, match="another language"):
        scaffold("go/mine", tmp_path, known, "python/fastapi")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cobol"]


def test_the_guide_names_every_key_and_every_feature() -> None:
    guide = (ROOT / "docs" / "blueprints.md").read_text()
    for key in (*Blueprint.model_fields, *FEATURES, *(name for name in Commands.model_fields if name != "install_offline")):
        assert f"{key}" in guide, key
