"""Text of a request as Python source that cannot become code: literals, docstrings, comments."""

import json
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from quantumlayer.blueprint.view.prose import sentence, wrapped

_UNPRINTABLE = re.compile(r"[^\x20-\x7e\u00a1-\ud7ff\ue000-\ufdcf\ufe00-\ufffd]")


def literal(value: Any) -> str:
    """A constant as Python writes it, strings in double quotes."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Decimal):
        return f"Decimal({_quoted(str(value))})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(literal(v) for v in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    raise TypeError(f"no Python literal for {type(value).__name__}")


@lru_cache(maxsize=4096)
def _quoted(value: str) -> str:
    plain = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda m: _escape(ord(m[0])), plain) if _UNPRINTABLE.search(plain) else plain


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def prose(value: str) -> str:
    """One line of plain words: no line breaks, quotes of docstrings, back-slashes or unprintable characters."""
    flat = " ".join(_UNPRINTABLE.sub(" ", value).split())
    return flat.replace("\\", "/").replace('"""', "'''").rstrip('"')


def docstring(value: str, indent: int = 4) -> str:
    """A docstring, quotes included, its later lines indented; ends in a full stop."""
    lines = wrapped(sentence(prose(value)), 110 - indent)
    if len(lines) == 1:
        return f'"""{lines[0]}"""'
    pad = " " * indent
    body = "\n".join(f"{pad}{line}" for line in lines[1:])
    return f'"""{lines[0]}\n{body}\n{pad}"""'


def comment(value: str, indent: int = 4) -> str:
    """A comment of one or more lines, without the first line's indentation."""
    return f"\n{' ' * indent}".join(f"# {line}" for line in wrapped(prose(value), 112 - indent))
