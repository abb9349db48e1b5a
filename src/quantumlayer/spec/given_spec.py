"""A specification that the user gave as a file: taken as it is, nothing is read into it."""

import re
from collections.abc import Sequence

from quantumlayer.errors import UserError
from quantumlayer.request.values import Brief, SourceFile
from quantumlayer.spec.frd import Frd, FrdRequirement
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec

_ENTITIES = re.compile(r"""^(\s*[{"']?\s*)?["']?entities["']?\s*:""", re.MULTILINE)
_FOREIGN = re.compile(r"""^\s*["']?(openapi|swagger|asyncapi)["']?\s*:""", re.MULTILINE)
_YAML = (".yaml", ".yml")


def given_spec(files: Sequence[SourceFile]) -> Spec | None:
    """The checked spec among the files, None where there is none. Raises `SpecError`, or `UserError` for two of them."""
    specs = [file for file in files if is_spec(file)]
    if len(specs) > 1:
        raise UserError(f"{specs[0].name} and {specs[1].name} are both specifications", hint="give one of them")
    return load_spec(specs[0].text, specs[0].name) if specs else None


def is_spec(file: SourceFile) -> bool:
    """Whether it is a specification of ours: said so, or by name and content. A broken YAML file is one too: it is refused."""
    if file.kind is not None:
        return file.kind == "spec"
    name = file.name.lower()
    if name.endswith(_YAML):
        return _FOREIGN.search(file.text) is None
    return name.endswith(".json") and _ENTITIES.search(file.text) is not None


def frd_of(spec: Spec, brief: Brief) -> Frd:
    """The document of a given spec: its own requirements, numbered as they are."""
    return Frd(
        name=spec.name,
        introduction=spec.description,
        stack=brief.stack,
        stack_reason=brief.stack_reason,
        requirements=tuple(
            FrdRequirement(id=r.id, text=r.text, assumption=r.assumption, understood=r.understood, reason=r.reason)
            for r in spec.requirements
        ),
        non_functional=(f"99 of 100 requests are answered within {spec.latency_p99_ms} ms.",),
        assumptions=brief.assumptions,
        open_questions=brief.open_questions,
        files=brief.files,
    )
