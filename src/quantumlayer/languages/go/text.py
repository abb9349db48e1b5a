"""Text of a request as Go and SQL source that cannot become code: literals, comments, queries with their arguments."""

import json
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from quantumlayer.blueprint.view.prose import wrapped

_UNPRINTABLE = re.compile(r"[^\x20-\x7e\u00a1-\ud7ff\ue000-\ufdcf\ufe00-\ufffd]|\u00ad")
_ARGUMENT = re.compile("\x01([^\x01\x02]*)\x02")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_ .@/+-]{0,60}")


def literal(value: Any) -> str:
    """A constant as Go writes it."""
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):
        return decimal(value)
    if isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value):
        return f"[]string{{{', '.join(literal(v) for v in value)}}}"
    raise TypeError(f"no Go literal for {type(value).__name__}")


def decimal(value: Decimal) -> str:
    """An exact decimal."""
    if value == value.to_integral_value() and abs(value) < 10**15:
        return f"decimal.NewFromInt({int(value)})"
    return f'decimal.RequireFromString("{value}")'


@lru_cache(maxsize=4096)
def _quoted(value: str) -> str:
    plain = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda m: _escape(ord(m[0])), plain) if _UNPRINTABLE.search(plain) else plain


def _escape(code: int) -> str:
    if 0xD800 <= code <= 0xDFFF:
        return "\\ufffd"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def pattern(value: str) -> str:
    """A regular expression, raw where it can be."""
    raw = "`" not in value and not _UNPRINTABLE.search(value)
    return f"`{value}`" if raw else literal(value)


def prose(value: str) -> str:
    """One line of plain words: no line breaks, no unprintable characters."""
    return " ".join(_UNPRINTABLE.sub(" ", value).split())


def comment(value: str, indent: int = 0) -> str:
    """A comment of one or more lines, without the first line's indentation."""
    pad = "\t" * indent
    return f"\n{pad}".join(f"// {line}" for line in wrapped(prose(value), 110)) or "//"


def argument(text: str) -> str:
    """A Go value inside SQL: a placeholder in the text, an argument beside it."""
    return f"\x01{text}\x02"


def sql_literal(value: Any) -> str:
    """A constant in SQL; unusual text becomes an argument."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, Decimal)):
        return str(value)
    if _PLAIN_WORD.fullmatch(value):
        return f"'{value}'"
    return argument(literal(value))


def sql_quoted(value: str) -> str:
    """Any text as a constant in SQL that stands in a raw Go string."""
    doubled = value.replace("'", "''").replace("`", '` + "`" + `')
    return f"'{doubled}'"


def statement(sql: str) -> str:
    """The Go arguments of a query: its text with placeholders, then what stands for them in order."""
    arguments = _ARGUMENT.findall(sql)
    return ", ".join([f"`{laid_out(_ARGUMENT.sub('?', sql))}`", *arguments])


def laid_out(sql: str) -> str:
    """A long statement on several lines: a line for each clause and each condition of the outermost query."""
    if len(sql) <= 90:
        return sql
    parts, depth, start, index = [], 0, 0, 0
    while index < len(sql):
        character = sql[index]
        if character in "'\"":
            index = sql.index(character, index + 1)
        depth += (character == "(") - (character == ")")
        if depth == 0 and character == " " and re.match(r" (FROM|WHERE|AND|ORDER BY|GROUP BY|LIMIT|LEFT JOIN) ", sql[index:]):
            parts.append(sql[start:index])
            start = index + 1
        index += 1
    parts.append(sql[start:])
    return "\n\t\t".join(parts)


def sql_text(sql: str) -> str:
    """A part of a statement, placeholders for its arguments."""
    return _ARGUMENT.sub("?", sql)


def sql_arguments(sql: str) -> str:
    """The arguments of a part of a statement, in order."""
    return ", ".join(_ARGUMENT.findall(sql))
