"""From an answer to JSON that follows a schema."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from jsonschema import Draft202012Validator

from quantumlayer.answer.blocks import blocks, without_thought
from quantumlayer.answer.values import Refusal
from quantumlayer.answer.vet import whole_text
from quantumlayer.ports.llm import Answer

MAX_DEPTH = 60
_SHOWN = 20


def read_json(answer: Answer, schema: Mapping[str, Any]) -> Any:
    """The JSON value, alone, in a fenced block or amid prose; exactly one. Raises `Refusal` naming what breaks the schema."""
    text = without_thought(whole_text(answer))
    value = _value(text, cut=answer.finish == "length")
    if _depth(value) > MAX_DEPTH:
        raise Refusal("schema", f"the JSON is nested more than {MAX_DEPTH} deep")
    problems = sorted(Draft202012Validator(schema).iter_errors(value), key=lambda e: list(map(str, e.absolute_path)))
    if problems:
        lines = (f"- {'.'.join(map(str, p.absolute_path)) or 'the object'}: {p.message[:200]}" for p in problems[:_SHOWN])
        raise Refusal("schema", "the JSON does not follow the schema:\n" + "\n".join(lines))
    return value


def _value(text: str, *, cut: bool) -> Any:
    candidates, problem = list(_candidates(text)), ""
    for candidate in candidates:
        try:
            return json.loads(candidate, parse_constant=_no_constant, object_pairs_hook=_no_twins)
        except RecursionError as error:
            raise Refusal("schema", f"the JSON is nested more than {MAX_DEPTH} deep") from error
        except json.JSONDecodeError as error:
            problem = f"line {error.lineno}, column {error.colno}: {error.msg}"
        except ValueError as error:
            raise Refusal("not_json", f"the JSON holds what no JSON holds: {error}") from error
    if not candidates:
        raise Refusal("not_json", "the answer holds no JSON: answer with the object alone")
    if cut or _open(candidates[-1]):
        raise Refusal("truncated", "the JSON breaks off")
    raise Refusal("not_json", f"the answer is no JSON: {problem}")


def _candidates(text: str) -> Iterator[str]:
    """Texts that could be the value: blocks that say so, the whole, from the first bracket to the last."""
    found = [b for b in blocks(text) if b.language in ("json", "") and b.text.strip()[:1] in ("{", "[")]
    if len(found) > 1 and len({b.text for b in found}) > 1:
        raise Refusal("ambiguous", f"the answer holds {len(found)} blocks of JSON: send one")
    if found:
        yield found[0].text
        return
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if starts:
        ends = max(text.rfind("}"), text.rfind("]"))
        yield text[min(starts) : ends + 1] if ends > min(starts) else text[min(starts) :]


def _open(text: str) -> bool:
    """Whether more brackets are opened than closed outside of strings."""
    depth, quoted, escaped = 0, False, False
    for character in text:
        if quoted:
            quoted, escaped = escaped or character != '"', not escaped and character == "\\"
        elif character == '"':
            quoted = True
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
    return quoted or depth > 0


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(part, dict | list):
            waiting += [(inner, depth + 1) for inner in (part.values() if isinstance(part, dict) else part)]
    return deepest


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member is there twice")
    return found
