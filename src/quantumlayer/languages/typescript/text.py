"""Text of a request as TypeScript source that cannot become code: literals, comments, SQL inside templates."""

import json
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from quantumlayer.blueprint.view.prose import sentence, wrapped

_UNPRINTABLE = re.compile(
    r"[^\x20-\x7e\u00a1-\u167f\u1681-\u1fff\u2030-\u205e\u2070-\u2fff\u3001-\ud7ff\uf900-\ufdcf\ufe10-\ufefe\uff01-\uffef]"
)
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def literal(value: Any) -> str:
    """A constant as TypeScript writes it, strings in double quotes."""
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return f"new Decimal({quoted(str(value))})"
    if isinstance(value, dict):
        members = ", ".join(f"{member(k)}: {literal(v)}" for k, v in value.items())
        return f"{{ {members} }}" if members else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(literal(v) for v in value)}]"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return repr(value)
    raise TypeError(f"no TypeScript literal for {type(value).__name__}")


def member(name: str) -> str:
    """The name of a property in an object literal."""
    if name == "__proto__":
        return '["__proto__"]'
    return name if _NAME.fullmatch(name) else quoted(name)


@lru_cache(maxsize=4096)
def quoted(value: str) -> str:
    """A string literal."""
    return _escaped(json.dumps(value, ensure_ascii=False))


def _escaped(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: "".join(f"\\u{unit:04x}" for unit in _units(found[0])), text)


def _units(character: str) -> list[int]:
    code = ord(character)
    return [code] if code < 0x10000 else [0xD800 + ((code - 0x10000) >> 10), 0xDC00 + ((code - 0x10000) & 0x3FF)]


def sql_text(value: str) -> str:
    """A string constant of SQL, as it stands inside a template literal."""
    inner = value.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${").replace("'", "''")
    return f"'{_escaped(inner)}'"


def prose(value: str) -> str:
    """One line of plain words: no line breaks, ends of comments, back-slashes or unprintable characters."""
    flat = " ".join(_UNPRINTABLE.sub(" ", value).split())
    return flat.replace("\\", "/").replace("*/", "* /").replace("@", "at ")


def doc(value: str, indent: int = 0) -> str:
    """A JSDoc comment; ends in a full stop."""
    lines = wrapped(sentence(prose(value)), 110 - indent)
    if len(lines) == 1:
        return f"/** {lines[0]} */"
    pad = " " * indent
    return "/**\n" + "".join(f"{pad} * {line}\n" for line in lines) + f"{pad} */"


def comment(value: str, indent: int = 2) -> str:
    """A comment of one or more lines, without the first line's indentation."""
    return f"\n{' ' * indent}".join(f"// {line}" for line in wrapped(prose(value), 110 - indent))
