"""Hostile YAML to plain data with the place of every part: limited, no aliases, no tags, no duplicate keys."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from quantumlayer.errors import UserError
from quantumlayer.spec.problems import Path

MAX_BYTES = 400_000
MAX_DEPTH = 40
_TAG = "tag:yaml.org,2002:"
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Located:
    """Plain data and where each part stands: `positions[path]` is (line, column), from 1."""

    data: Any
    positions: Mapping[Path, tuple[int, int]]

    def position(self, path: Path) -> tuple[int, int]:
        """Where the part stands, or the nearest part around it; (0, 0) if unknown."""
        while path not in self.positions and path:
            path = path[:-1]
        return self.positions.get(path, (0, 0))


def read_yaml(text: str | bytes, source: str) -> Located:
    """Parse YAML 1.2 (JSON included). Raises `UserError` with line and column."""
    node = _compose(_decode(text, source), source)
    positions: dict[Path, tuple[int, int]] = {}
    return Located(_Reader(source, positions).read(node, ()), positions)


def _decode(text: str | bytes, source: str) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise UserError(f"{source} is too large ({size} bytes)", hint=f"a spec has at most {MAX_BYTES} bytes", source=source)
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            message = f"{source} is not text: byte {error.start} is not UTF-8"
            raise UserError(message, hint="give a YAML or JSON file in UTF-8", source=source) from None
    if not text.strip():
        raise UserError(
            f"{source} is empty", hint="a spec needs at least a name and one entity: see docs/spec.md", source=source
        )
    return text


def _bracket_depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}" and depth:
            depth -= 1
    return deepest


def _compose(text: str, source: str) -> Node:
    if _bracket_depth(text) > 5 * MAX_DEPTH:
        # the parser would need minutes to find out
        raise UserError(f"{source} is nested too deeply", hint=f"at most {MAX_DEPTH} levels", source=source)
    try:
        return YAML(typ="safe", pure=True).compose(text)
    except RecursionError:
        raise UserError(f"{source} is nested too deeply", hint=f"at most {MAX_DEPTH} levels", source=source) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        message = f"{source}:{line}:{column}: not valid YAML: {error.problem or error.context}"
        hint = "quote a text that holds { } [ ] : # & * ! | > ' \" % @"
        raise UserError(message, hint=hint, source=source, line=line, column=column) from None
    except YAMLError as error:
        message = f"{source} is not valid YAML: {str(error).splitlines()[0]}"
        raise UserError(message, hint="remove control characters", source=source) from None


class _Reader:
    def __init__(self, source: str, positions: dict[Path, tuple[int, int]]) -> None:
        self.source, self.positions = source, positions
        self.seen: set[int] = set()

    def read(self, node: Node | None, path: Path) -> Any:
        if node is None:
            raise UserError(f"{self.source} is empty", hint="see docs/spec.md", source=self.source)
        if id(node) in self.seen:
            raise self._error(node, "anchors and aliases are not supported", "write the part out where it is needed")
        self.seen.add(id(node))
        if len(path) > MAX_DEPTH:
            raise self._error(node, "nested too deeply", f"at most {MAX_DEPTH} levels")
        self.positions.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if not isinstance(node, ScalarNode) and str(node.tag) not in (f"{_TAG}map", f"{_TAG}seq"):
            raise self._error(node, f"the tag {node.tag} is not supported", "write plain YAML")
        match node:
            case MappingNode():
                return self._mapping(node, path)
            case SequenceNode():
                return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
            case _:
                return self._scalar(node)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self._error(key_node, "a key must be a simple text", "quote it")
            key = key_node.value
            if key in found:
                raise self._error(key_node, f"the key «{key}» is there twice", "remove one of them")
            self.positions[(*path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            found[key] = self.read(value_node, (*path, key))
        return found

    def _scalar(self, node: Node) -> Any:
        tag, text = str(node.tag).removeprefix(_TAG), node.value
        try:
            match tag:
                case "null":
                    return None
                case "bool":
                    return _BOOLEANS[text.lower()]
                case "int":
                    text = text.replace("_", "")
                    return int(text, 0) if text.lstrip("+-").lower().startswith(("0x", "0o", "0b")) else int(text)
                case "float":
                    value = float(text.replace(".inf", "inf").replace(".nan", "nan"))
                    if not math.isfinite(value):
                        raise self._error(node, f"«{text}» is not a finite number", "leave the bound out")
                    return value
                case "str" | "timestamp":
                    return text
        except (ValueError, KeyError):
            return text
        raise self._error(node, f"the tag {node.tag} is not supported", "write plain YAML")

    def _error(self, node: Node, message: str, hint: str) -> UserError:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        text = f"{self.source}:{line}:{column}: {message}"
        return UserError(text, hint=hint, source=self.source, line=line, column=column)
