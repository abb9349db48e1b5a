"""The text of an OpenAPI file as data: references followed, `allOf` merged, mistakes named with file, line and mend."""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from quantumlayer.spec.importers.tables import ImportError_

Json = dict[str, Any]
_DEEPEST = 50


@lru_cache(maxsize=4)
def load(name: str, text: str) -> Json:
    """The document of a YAML or JSON text, not to be changed: it is remembered. Raises `ImportError_` with the line."""
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
    except json.JSONDecodeError as error:
        raise ImportError_(name, error.lineno, f"invalid JSON: {error.msg}", "mend the JSON at this line") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ImportError_(name, line, f"invalid YAML: {error.problem}", "mend the YAML at this line") from None
    except RecursionError:
        raise ImportError_(name, None, "it is nested too deeply", "give nested values definitions of their own") from None
    except (YAMLError, ValueError) as error:
        raise ImportError_(name, None, f"invalid YAML: {error}", "mend the YAML") from None
    if not isinstance(document, dict):
        raise ImportError_(name, 1, "the file holds no object", "pass an OpenAPI document")
    return document


def _yaml(text: str) -> Any:
    """The quick parser does not know all of YAML 1.2 (`[{url: https://…}]`): what it refuses, the other one decides."""
    try:
        return YAML(typ="safe").load(text)
    except MarkedYAMLError:
        return YAML(typ="safe", pure=True).load(text)


@dataclass
class Document:
    """A loaded document. `name` and `text` are for messages."""

    name: str
    text: str
    data: Json

    @classmethod
    def read(cls, name: str, text: str) -> "Document":
        """Raises `ImportError_` for Swagger 2.0, other versions, and documents without paths."""
        found = cls(name, text, load(name, text))
        if "swagger" in found.data:
            version = found.data["swagger"]
            raise found.error(
                f"this is Swagger {version}", "convert it to OpenAPI 3, for example with `npx swagger2openapi`", "swagger"
            )
        version = str(found.data.get("openapi", ""))
        if not re.match(r"3\.[01]", version):
            said = f"the OpenAPI version is {version or 'missing'}"
            raise found.error(said, "pass a document with `openapi: 3.0.x` or `3.1.x`", "openapi")
        if not isinstance(found.data.get("paths"), dict) or not found.data["paths"]:
            raise found.error("the document has no paths", "declare at least one path with an operation", "paths")
        return found

    def error(self, message: str, hint: str, near: str = "") -> ImportError_:
        """A mistake in the file, at the first line that holds `near`."""
        at = self.text.find(near) if near else -1
        return ImportError_(self.name, self.text.count("\n", 0, at) + 1 if at >= 0 else None, message, hint)

    def follow(self, node: Any, seen: tuple[str, ...] = ()) -> Json:
        """The node itself, or what it refers to. Raises `ImportError_` for remote and missing references."""
        if not isinstance(node, dict) or "$ref" not in node:
            return node if isinstance(node, dict) else {}
        reference = str(node["$ref"])
        if not reference.startswith("#/"):
            mend = "bundle the file first, for example with `redocly bundle`"
            raise self.error(f"the reference {reference!r} points outside the file", mend, reference)
        if reference in seen:
            raise self.error(f"the reference {reference!r} leads back to itself", "let it name a definition", reference)
        target: Any = self.data
        for part in reference[2:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, dict) or part not in target:
                mend = f"add {reference[2:]} or mend the reference"
                raise self.error(f"the reference {reference!r} has no target", mend, reference)
            target = target[part]
        return self.follow(target, (*seen, reference))

    def schema(self, node: Any, depth: int = 0) -> Json:
        """A schema with its `allOf` parts merged, and of `oneOf` or `anyOf` with null the other. Raises `ImportError_`."""
        if depth > _DEEPEST:
            raise self.error("schemas contain each other through allOf", "take the circle out of allOf", "allOf")
        schema = dict(self.follow(node))
        for word in ("oneOf", "anyOf"):
            choices = schema.get(word)
            if isinstance(choices, list) and "properties" not in schema:
                real = [c for c in choices if self.follow(c).get("type") != "null"]
                if len(real) == 1:
                    return {**self.schema(real[0], depth + 1), **({"nullable": True} if len(choices) > 1 else {})}
        for part in schema.pop("allOf", None) or ():
            other = self.schema(part, depth + 1)
            schema = {
                **other,
                **schema,
                "properties": {**other.get("properties", {}), **_mapping(schema.get("properties"))},
                "required": [*other.get("required", []), *_list(schema.get("required"))],
            }
        schema["properties"] = _mapping(schema.get("properties"))
        schema["required"] = _list(schema.get("required"))
        return schema

    def component(self, node: Any) -> str | None:
        """The name of the component that a node refers to, also through an array."""
        if isinstance(node, dict):
            if "$ref" in node:
                return str(node["$ref"]).rsplit("/", 1)[-1]
            if "items" in node:
                return self.component(node["items"])
        return None

    def check_references(self) -> None:
        """Every reference in the file has a target in the file. Raises `ImportError_`."""
        waiting: list[Any] = [self.data]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                if isinstance(part.get("$ref"), str):
                    self.follow(part)
                waiting.extend(v for k, v in part.items() if k not in ("example", "examples"))
            elif isinstance(part, list):
                waiting.extend(part)


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
