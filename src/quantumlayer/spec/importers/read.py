"""Any structured file → what it declares, the kind told by name and content."""

import re
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module

from quantumlayer.request.values import SourceFile
from quantumlayer.spec.importers.tables import Import, ImportError_
from quantumlayer.spec.importers.unsound import take_out, unsound
from quantumlayer.spec.problems import Problem
from quantumlayer.spec.values import Field

# By name, so that a library that only one kind of file needs is loaded with the first such file.
_READERS = {
    "openapi": "openapi:import_openapi",
    "sql": "sql:import_sql",
    "mermaid": "diagrams:import_mermaid",
    "plantuml": "diagrams:import_plantuml",
    "drawio": "drawio:import_drawio",
    "graphql": "graphql:import_graphql",
    "csv": "csv_sample:import_csv",
}
_SUFFIXES = {"sql": "sql", "ddl": "sql", "mmd": "mermaid", "mermaid": "mermaid", "puml": "plantuml", "plantuml": "plantuml", "drawio": "drawio", "graphql": "graphql", "graphqls": "graphql", "gql": "graphql", "csv": "csv", "tsv": "csv"}  # fmt: skip


def kind_of(file: SourceFile) -> str | None:
    """The kind of a file; None where nothing tells. A file given as a schema, and so as SQL, may be any kind of schema."""
    if file.kind in _READERS and file.kind != "sql":
        return file.kind
    return _told(file) or file.kind


def _told(file: SourceFile) -> str | None:
    """The kind that name or content tell."""
    suffix = file.name.rsplit(".", 1)[-1].lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    head = file.text[:5000]
    for pattern, kind in (
        (r"^\s*[{]?\s*\"?(?:openapi|swagger)\"?\s*:", "openapi"),
        (r"\"(?:openapi|swagger)\"\s*:", "openapi"),
        (r"^\s*create\s+table\b", "sql"),
        (r"^\s*(?:erDiagram|stateDiagram|classDiagram)", "mermaid"),
        (r"^\s*@startuml", "plantuml"),
        (r"<(?:mxfile|mxGraphModel)\b", "drawio"),
        (r"^\s*type\s+\w+[^{\n]*\{", "graphql"),
    ):
        if re.search(pattern, head, re.I | re.M):
            return kind
    return None


def read_file(file: SourceFile, by: str) -> Import:
    """What the file declares. Raises `ImportError_` naming file, line and mend."""
    kind = kind_of(file)
    if kind is None:
        raise ImportError_(
            file.name,
            None,
            "what this file holds cannot be told",
            "pass OpenAPI, SQL DDL, Mermaid, PlantUML, draw.io, GraphQL SDL or CSV",
        )
    result = _reader(kind)(file.name, file.text, by)
    if kind != "openapi":
        for problem in _problems(kind, (file,), by):
            take_out(problem, result)
    for draft in list(result.world.entities.values()):
        if re.fullmatch(r"[A-Za-z]+(?: [A-Za-z]+){0,2}", draft.description):
            result.world.call(draft, draft.description)
    return result


@lru_cache(maxsize=16)
def _problems(kind: str, files: tuple[SourceFile], by: str) -> tuple[Problem, ...]:
    """What of the one file no specification can hold. It is found once: a file is read several times on its way."""
    return tuple(unsound(_reader(kind)(files[0].name, files[0].text, by), by))


def _reader(kind: str) -> Callable[[str, str, str], Import]:
    module, _, function = _READERS[kind].partition(":")
    return getattr(import_module(f"{__package__}.{module}"), function)


def names_rows(file: SourceFile) -> bool:
    """Whether a file declares keys of rows that are no plain numbers. Raises `ImportError_`."""
    return kind_of(file) in _READERS and any(entity.id for entity in read_file(file, "R1").world.entities.values())


def read_files(files: tuple[tuple[str, SourceFile], ...]) -> Import | None:
    """All files (requirement id, file) as one; a later file adds to what earlier ones declare. None without files."""
    whole: Import | None = None
    for by, file in files:
        one = read_file(file, by)
        if whole is None:
            whole = one
            continue
        for name, draft in one.world.entities.items():
            known = whole.entity(name, by)
            known.fields = {**known.fields, **draft.fields}
            known.id = known.id or draft.id
            known.unique += draft.unique
            known.rules |= draft.rules
            known.state = known.state or draft.state
            known.operations |= draft.operations
        whole.unmet += one.unmet
        whole.world.auth = whole.world.auth or one.world.auth
        whole.world.account = whole.world.account or one.world.account
        whole.world.finish = whole.world.finish or one.world.finish
        whole.world.pending |= one.world.pending
        whole.world.later += one.world.later
        for text in one.world.assumptions:
            whole.world.assume(text)
        whole.world.reports |= one.world.reports
        whole.world.questions += one.world.questions
        whole.world.called |= one.world.called
        whole.world.surface |= {form: name for form, name in one.world.surface.items() if form not in whole.world.surface}
    if whole is not None and len(files) > 1:
        _refer(whole, [name for by, file in files if kind_of(file) == "csv" for name in read_file(file, by).world.entities])
    return whole


def _refer(whole: Import, samples: list[str]) -> None:
    """Columns of samples that are named after rows of another file (`customer_id`) refer to them."""
    for draft in (whole.world.entities[name] for name in samples):
        for name, field in list(draft.fields.items()):
            target = whole.world.entities.get(name.removesuffix("_id")) if name.endswith("_id") else None
            if target is None or target is draft or field.type not in ("integer", "string"):
                continue
            kept = {"required": field.required, "satisfies": field.satisfies}
            draft.fields = {(target.name if n == name else n): f for n, f in draft.fields.items()}
            draft.fields[target.name] = Field(type="reference", to=target.name, **kept)
            whole.world.assume(
                f"The {name.replace('_', ' ')} of {draft.plural.replace('_', ' ')} names one of {target.plural.replace('_', ' ')}."
            )
