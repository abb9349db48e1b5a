"""What generated code imports and declares beside an entity's own class and variable, no entity may be called."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from quantumlayer.blueprint.load import load_blueprints
from quantumlayer.blueprint.render import render
from quantumlayer.catalog.adapters import family
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.spec.yaml_form import load_spec

FOLDER = Path(__file__).parent.parent / "specs"
SPECS = ("blog", "library")
# Where the classes of entities, or variables with their rows, are written.
FOLDERS = {
    "python": ("app/models/", "app/services/", "app/rules/", "app/policies", "app/reports"),
    "typescript": ("src/services/", "src/rules/", "src/tables/", "src/policies", "src/reports"),
    "go": ("internal/service/", "internal/store/", "internal/api/", "internal/rules/"),
}
IMPORTED = {
    "python": re.compile(r"^(?:from [\w.]+ )?import (\([^)]*\)|[^\n]+)$", re.MULTILINE),
    "typescript": re.compile(r"^import ([^;]*?) from", re.MULTILINE),
    "go": re.compile(r'^\t(?:\w+ )?"([^"]+)"', re.MULTILINE),
}
DECLARED = {
    "python": re.compile(r"^(?:async )?(?:def|class) (\w+)", re.MULTILINE),
    "typescript": re.compile(r"^(?:export )?(?:async )?(?:function|type|interface|const) (\w+)", re.MULTILINE),
    "go": re.compile(r"^(?:type|const|var) (\w+)", re.MULTILINE),
}


def written(language: str, text: str) -> Iterator[str]:
    yield from DECLARED[language].findall(text)
    for clause in IMPORTED[language].findall(text):
        if language == "go":
            yield [part for part in clause.split("/") if not re.fullmatch(r"v\d+", part)][-1]
        else:
            yield from (part.split()[-1].partition(".")[0] for part in re.split(r"[,{}()]", clause) if part.strip())


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


@pytest.mark.parametrize("stack", ["python/fastapi", "python/litestar", "typescript/fastify", "go/chi"])
def test_no_entity_takes_a_name_that_the_code_beside_it_uses(stack: str) -> None:
    blueprint, language = load_blueprints().get(stack), stack.partition("/")[0]
    adapter = family("languages").load(language)()
    names = import_module(f"quantumlayer.languages.{language}.names")
    found: set[str] = set()
    for name in SPECS:
        spec = load_spec((FOLDER / f"{name}.yaml").read_text("utf-8"))
        own = {word for name, entity in spec.entities.items() for word in (name, entity.plural or "", *entity.operations)}
        words = {part.removesuffix("s") for name in (*own, *spec.reports) for part in name.split("_")}
        tree = render(spec, make_plan(spec, blueprint, "blueprint", adapter), blueprint, adapter)
        for path, content in tree.files.items():
            if path.startswith(FOLDERS[language]):
                texts = (name for name in written(language, content.decode()) if name[0] != "_")
                found |= {name for name in texts if not words & {part.removesuffix("s") for part in snake(name).split("_")}}
    assert len(found) > 10
    variables = {name for name in found if name == names.NAMING.variable(snake(name))}
    types = (
        {name for name in found if name == names.NAMING.type(snake(name))} if language != "go" else set()
    )  # model.Name there
    assert not variables | types
