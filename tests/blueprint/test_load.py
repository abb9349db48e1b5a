import shutil
from pathlib import Path

import pytest

from quantumlayer.blueprint.load import BUILT_IN, BlueprintError, load_blueprint, load_blueprints
from quantumlayer.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUILT_IN / "python" / "fastapi", tmp_path / "python" / "mine"))


def rewrite(folder: Path, old: str, new: str) -> None:
    file = folder / "blueprint.toml"
    text = file.read_text().replace('id = "python/fastapi"', 'id = "python/mine"')
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_users_own_folder_works_like_a_built_in_one(folder: Path) -> None:
    rewrite(folder, "", "")
    assert {"python/fastapi", "python/mine"} <= set(load_blueprints([folder.parent.parent]).by_id)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('version = "1.0.0"', 'version = "1.0.0"\nsurprise = 1', r"blueprint.toml:3: unknown key 'surprise'"),
        (
            'run = [".venv/bin/python", "-m", "app"]',
            'run = "python -m app"',
            r"blueprint.toml:\d+: commands.run: a command is a list",
        ),
        ('junit = "reports/junit.xml"', 'junit = "../junit.xml"', r"stays inside the project"),
        ('id = "python/mine"', 'id = "python/other"', r"the folder says 'python/mine'"),
        ('title = "', "title = ", r"is not TOML"),
    ],
)
def test_mistakes_are_refused_with_file_and_line(folder: Path, old: str, new: str, message: str) -> None:
    rewrite(folder, old, new)
    with pytest.raises(BlueprintError, match=message):
        load_blueprint(folder)


def test_two_folders_with_one_id_are_refused(tmp_path: Path) -> None:
    shutil.copytree(BUILT_IN / "python" / "fastapi", tmp_path / "python" / "fastapi")
    with pytest.raises(BlueprintError, match="already taken"):
        load_blueprints([tmp_path])


def test_an_unknown_stack_names_the_nearest() -> None:
    with pytest.raises(UserError) as error:
        load_blueprints().get("python/fastapo")
    assert "python/fastapi" in error.value.hint
