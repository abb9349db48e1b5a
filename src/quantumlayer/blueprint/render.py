"""From a spec to files: pure and byte-reproducible. Templates are compiled once per process."""

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from quantumlayer.blueprint.load import BlueprintError, LoadedBlueprint
from quantumlayer.blueprint.paths import Template, features, outputs
from quantumlayer.blueprint.values import Part
from quantumlayer.errors import Bug
from quantumlayer.files.values import FileTree
from quantumlayer.plan.values import Plan
from quantumlayer.ports.language import Language
from quantumlayer.spec.routes import routes
from quantumlayer.spec.values import Spec

_EXECUTABLE = frozenset({".sh"})


def render(
    spec: Spec,
    plan: Plan,
    blueprint: LoadedBlueprint,
    language: Language,
    *,
    part: Part = "source",
    test_plan: Any = None,
) -> FileTree:
    """The files of one part; a template that renders to nothing makes no file.

    `test_plan` (only for the tests) has the scenarios to print.

    Raises `BlueprintError` naming template and line where a template fails, `Bug` where the language is another one.
    """
    if language.name != blueprint.value.language:
        raise Bug(f"{blueprint.value.id} needs the language {blueprint.value.language}, not {language.name}")
    entities, common = _model(spec, language, blueprint.value.query_layer)
    values = {**common, "plan": plan, "blueprint": blueprint.value, "parameters": plan.parameters, "test_plan": test_plan}
    environment = _environment(blueprint.folder, language)
    files: dict[str, bytes] = {}
    for path, template, entity in outputs(blueprint, spec, part, language):
        if template.rendered:
            shown = {**values, "entity": entities[entity]} if entity else values
            if text := _rendered(environment, blueprint.folder, template, shown).strip():
                files[path] = f"{text}\n".encode()
        else:
            files[path] = _content(blueprint.folder / "templates" / template.part / template.source)
    if part == "source":
        files |= {p.relative_to(blueprint.folder / "pins").as_posix(): _content(p) for p in _pins(blueprint.folder)}
    executable = frozenset(path for path in files if Path(path).suffix in _EXECUTABLE)
    return FileTree(language.tidy(files), executable)


def _rendered(environment: ImmutableSandboxedEnvironment, folder: Path, template: Template, values: Mapping[str, Any]) -> str:
    name = f"{template.part}/{template.source}"
    try:
        return environment.get_template(name).render(values)
    except TemplateSyntaxError as error:
        raise BlueprintError(f"template: {error.message}", folder / "templates" / name, error.lineno) from error
    except TemplateError as error:
        raise BlueprintError(f"template: {error}", folder / "templates" / name, _line(error, name)) from error


def _line(error: BaseException, name: str) -> int:
    """The template's line in the traceback of a failed rendering."""
    line, trace = 1, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename.endswith(name):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


@lru_cache(maxsize=8)
def _cached_model(spec_json: str, language: Language, query_layer: str) -> tuple[dict[str, Any], dict[str, Any]]:
    spec = Spec.model_validate_json(spec_json)
    view = dict(language.view(spec, query_layer))
    entities = {entity.name: entity for entity in view["entities"]}
    texts = {requirement.id: requirement.text for requirement in spec.requirements}
    return entities, {**view, "spec": spec, "features": features(spec), "routes": routes(spec), "requirement_texts": texts}


def _model(spec: Spec, language: Language, query_layer: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return _cached_model(spec.model_dump_json(by_alias=True), language, query_layer)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, which asks only for the type of an object and the name of the attribute: answered once for each pair."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._safe: dict[tuple[type, str], bool] = {}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        key = (type(obj), attr)
        if key not in self._safe:
            self._safe[key] = super().is_safe_attribute(obj, attr, value)
        return self._safe[key]


@cache
def _environment(folder: Path, language: Language) -> ImmutableSandboxedEnvironment:
    environment = _Environment(
        auto_reload=False,
        loader=FileSystemLoader(folder / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(language.filters())
    environment.filters["dense"] = _dense
    environment.globals["fail"] = _fail
    return environment


def _dense(text: str) -> str:
    """Without empty lines; the language's formatter puts those back that belong between definitions."""
    return "\n".join(line for line in text.split("\n") if line.strip()) + "\n"


def _fail(message: str) -> NoReturn:
    raise TemplateError(message)


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


@cache
def _pins(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(p for p in (folder / "pins").rglob("*") if p.is_file()))
