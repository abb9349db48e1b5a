"""From a spec to files: pure and byte-reproducible. Templates are compiled once, and remembered for the next process."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError, Undefined
from jinja2 import __version__ as jinja_version
from jinja2.bccache import Bucket, FileSystemBytecodeCache
from jinja2.sandbox import ImmutableSandboxedEnvironment

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.blueprint.paths import Template, outputs
from quantumlayer.blueprint.problems import BlueprintError
from quantumlayer.blueprint.template_names import RENDERED, features
from quantumlayer.blueprint.values import Part
from quantumlayer.blueprint.view.names import camel, sql_name
from quantumlayer.blueprint.view.scenarios import administrator
from quantumlayer.errors import Bug
from quantumlayer.files.values import FileTree
from quantumlayer.plan.values import Plan
from quantumlayer.ports.language import Language
from quantumlayer.spec.openapi import openapi
from quantumlayer.spec.routes import routes
from quantumlayer.spec.summary import summary
from quantumlayer.spec.surface import surface_table
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
    environment = _environment(blueprint, language)
    files: dict[str, bytes] = {}
    for path, template, entity in outputs(blueprint, spec, part, language):
        if template.rendered:
            shown = {**values, "entity": entities[entity]} if entity else values
            if text := _rendered(environment, template, shown).strip():
                files[path] = f"{text}\n".encode()
        else:
            files[path] = _content(blueprint, template.path)
    # A function that a model writes, and what it writes alone, may need anything.
    if part == "source" and not (plan.units or blueprint.value.bare):
        files = language.trim(files, _texts_of_tests(blueprint))
    if part == "source":
        files |= {name: _content(blueprint, path) for name, path in blueprint.below("pins").items()}
    executable = frozenset(path for path in files if Path(path).suffix in _EXECUTABLE)
    return FileTree(language.tidy(files), executable)


def _rendered(environment: ImmutableSandboxedEnvironment, template: Template, values: Mapping[str, Any]) -> str:
    name = f"{template.part}/{template.source}"
    try:
        return environment.get_template(name).render(values)
    except TemplateSyntaxError as error:
        raise BlueprintError(f"template: {error.message}", Path(error.filename or template.path), error.lineno) from error
    except Exception as error:  # a template may call anything of the view: whatever it raises is told with its place
        said = str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
        raise BlueprintError(f"template: {said}", *_place(error, template.path)) from error


def _place(error: BaseException, template: Path) -> tuple[Path, int]:
    """The innermost template file in the traceback of a failed rendering, and its line."""
    found, trace = (template, 1), error.__traceback__
    while trace:
        name = trace.tb_frame.f_code.co_filename
        if name.endswith(RENDERED):
            found = (Path(name), trace.tb_lineno)
        trace = trace.tb_next
    return found


@dataclass(frozen=True)
class _Content:
    """A spec as a key: equal where its text is."""

    text: str
    spec: Spec = field(compare=False)


def _model(spec: Spec, language: Language, query_layer: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return _cached_model(_key(spec), language, query_layer)


def _key(spec: Spec) -> _Content:
    return _Content(spec.model_dump_json(by_alias=True), spec)


@lru_cache(maxsize=8)
def _cached_model(content: _Content, language: Language, query_layer: str) -> tuple[dict[str, Any], dict[str, Any]]:
    spec = content.spec
    view = dict(language.view(spec, query_layer))
    entities = {entity.name: entity for entity in view["entities"]}
    texts = {requirement.id: requirement.text for requirement in spec.requirements}
    common: dict[str, Any] = {"features": features(spec), "routes": routes(spec), "requirement_texts": texts}
    if spec.surface:
        common |= {"surface": {**surface_table(spec), "document": openapi(spec)}}
    return entities, {**view, "spec": spec, **common}


class _Layers(BaseLoader):
    """Templates of a blueprint and of those that it extends, by their path below templates/."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        if template not in self._files:
            raise TemplateNotFound(template)
        path = self._files[template]
        return path.read_text("utf-8"), str(path), None


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, whose answer hangs on the type of an object and the name of the attribute: asked once for each pair."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._safe: set[tuple[type, str]] = set()

    def getattr(self, obj: Any, attribute: str) -> Any:
        key = (type(obj), attribute)
        if key in self._safe:
            return getattr(obj, attribute)
        found = super().getattr(obj, attribute)
        if not (isinstance(found, Undefined) or callable(found)) and hasattr(obj, attribute):
            self._safe.add(key)
        return found


class _Compiled(FileSystemBytecodeCache):
    """What earlier processes compiled, which is most of a first rendering. A folder that takes nothing costs time, no more."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


def _compiled() -> _Compiled | None:
    """In a folder for temporary files that nobody else can write to; None where there is no such folder."""
    try:
        return _Compiled(pattern=f"quantumlayer-jinja-{jinja_version}-%s")
    except (OSError, RuntimeError):
        return None


@cache
def _environment(blueprint: LoadedBlueprint, language: Language) -> ImmutableSandboxedEnvironment:
    environment = _Environment(
        auto_reload=False,
        bytecode_cache=_compiled(),
        # Constants would be filtered while compiling, and remembered when the filter is another one.
        optimized=False,
        loader=_Layers(blueprint.below("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    neutral = {
        "administrator": administrator,
        "camel": camel,
        "dense": _dense,
        "openapi_json": _openapi_json,
        "sql_name": sql_name,
        "summary": summary,
    }
    environment.filters.update(neutral | dict(language.filters()))
    environment.globals["fail"] = _fail
    return environment


def _dense(text: str) -> str:
    """Without empty lines; the language's formatter puts those back that belong between definitions."""
    return "\n".join(line for line in text.split("\n") if line.strip()) + "\n"


def _openapi_json(spec: Spec) -> str:
    """The document for `/openapi.json`, for stacks whose framework does not make one itself."""
    return _cached_document(_key(spec))


@lru_cache(maxsize=8)
def _cached_document(content: _Content) -> str:
    return json.dumps(openapi(content.spec), ensure_ascii=False, indent=2)


def _fail(message: str) -> NoReturn:
    raise TemplateError(message)


@cache
def _texts_of_tests(blueprint: LoadedBlueprint) -> tuple[bytes, ...]:
    return tuple(_content(blueprint, path) for path in blueprint.below("templates/tests").values())


@cache
def _content(blueprint: LoadedBlueprint, path: Path) -> bytes:
    return path.read_bytes()
