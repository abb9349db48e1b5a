"""The form of a spec that people read, edit and pass back: YAML (JSON is a subset), described in `docs/spec.md`."""

from dataclasses import replace
from io import StringIO
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from quantumlayer.errors import UserError
from quantumlayer.spec.check import checked
from quantumlayer.spec.problems import Path, Problem, SpecError, nearest
from quantumlayer.spec.shorthand import compress, expand
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_nodes import Located, read_yaml

_WIDTH = 120
_FLOW_WIDTH = 96
_MOST_PROBLEMS = 100


def load_spec(text: str | bytes, source: str = "spec") -> Spec:
    """The checked spec that a YAML or JSON text holds; `source` names it in messages.

    Raises `SpecError` listing every mistake with its line, or another `UserError` where the text cannot be read at all.
    """
    located = read_yaml(text, source)
    if not isinstance(located.data, dict):
        raise UserError(
            f"{source} is not a spec: a mapping is wanted", hint="it starts like `name: …`, `entities: …`", source=source
        )
    data = expand(located.data)
    try:
        return checked(Spec.model_validate(data))
    except ValidationError as error:
        problems = [_shape_problem(details) for details in error.errors(include_url=False)[:_MOST_PROBLEMS]]
    except SpecError as error:
        problems = list(error.problems)
    raise SpecError([_placed(problem, located) for problem in problems], source)


def dump_spec(spec: Spec) -> str:
    """The spec as YAML: only what differs from the defaults, in the order of `spec.values`, with the shorthands."""
    data = compress(spec.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    yaml.dump(_styled({"version": spec.version, **data}, 0), out)
    return out.getvalue()


def _styled(part: Any, depth: int) -> Any:
    """Small leaves on one line, the rest as blocks."""
    if isinstance(part, dict):
        styled = CommentedMap((key, _styled(value, depth + 1)) for key, value in part.items())
    elif isinstance(part, list):
        styled = CommentedSeq(_styled(item, depth + 1) for item in part)
    else:
        return DoubleQuotedScalarString(part) if isinstance(part, str) and _needs_quotes(part) else part
    flat = not any(isinstance(inner, dict | list) and _has_inner(inner) for inner in _values(part))
    if depth > 1 and flat and len(repr(part)) <= _FLOW_WIDTH:
        styled.fa.set_flow_style()
    return styled


def _needs_quotes(text: str) -> bool:
    """Where the emitter's own judgement does not survive a round trip."""
    return not text.isprintable() or text[:1] == "?" or text != text.strip()


def _has_inner(part: dict[str, Any] | list[Any]) -> bool:
    return any(isinstance(inner, dict | list) for inner in _values(part))


def _values(part: dict[str, Any] | list[Any]) -> list[Any]:
    return list(part.values()) if isinstance(part, dict) else part


def _placed(problem: Problem, located: Located) -> Problem:
    line, column = located.position(_as_written(problem.path, located.data))
    return replace(problem, file_line=line, file_column=column)


def _as_written(path: Path, data: Any) -> Path:
    """The path before the shorthands were written out: requirements may be a mapping in the file."""
    if (
        path[:1] == ("requirements",)
        and len(path) > 1
        and isinstance(path[1], int)
        and isinstance(data.get("requirements"), dict)
    ):
        return ("requirements", [*data["requirements"]][path[1]])
    return path


def _shape_problem(details: Any) -> Problem:
    path = tuple(part for part in details["loc"] if part != "[key]")
    kind, message = details["type"], details["msg"]
    if kind == "extra_forbidden":
        model = _model_at(path[:-1])
        return Problem(path, f"unknown member «{path[-1]}»", nearest(str(path[-1]), _members(model)) if model else "")
    if kind == "missing":
        return Problem(path, "this is missing")
    if kind == "literal_error":
        return Problem(path, f"«{details['input']}» is not known here", f"one of {details['ctx']['expected']}")
    if kind == "string_pattern_mismatch":
        hint = "names are lower case letters, digits and _, beginning with a letter" if "a-z" in message else ""
        return Problem(path, f"«{details['input']}» is not a valid name", hint or message)
    if kind == "string_type" and isinstance(details["input"], int | float | bool):
        return Problem(path, "a text is wanted", f'quote it: "{details["input"]}"')
    return Problem(path, message[:1].lower() + message[1:])


def _members(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(path: Path) -> type[BaseModel] | None:
    """The model whose members stand at a path, found by following the annotations."""
    current: Any = Spec
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            named = {field.alias or name: field for name, field in current.model_fields.items()}
            current = named[part].annotation if part in named else None
        else:
            inner = [a for a in get_args(current) if a is not Ellipsis and a is not type(None)]
            current = inner[-1] if inner else None
        optional = [a for a in get_args(current) if isinstance(a, type) and issubclass(a, BaseModel)]
        if len(get_args(current)) == 2 and type(None) in get_args(current) and optional:
            current = optional[0]
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None
