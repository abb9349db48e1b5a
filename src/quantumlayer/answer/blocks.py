"""The fenced blocks of an answer, each with the file name that the text around it gives."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

_NAME = r"(?P<name>[^\s`'\"*:()<>|]*[^\s`'\"*:()<>|/]\.[A-Za-z][A-Za-z0-9]{0,9})"
_IN_INFO = re.compile(rf"(?:^|\s|:|(?:title|file|filename|path)=[\"']?){_NAME}[\"']?\s*$")
_IN_HEADING = re.compile(rf"^(?:\W*(?:file|filename|path|datei|fichier)\W*:)?[\s`*#\"'(]*{_NAME}[\s`*:\"')]*$", re.IGNORECASE)
_IN_COMMENT = re.compile(rf"^(?:#|//|--|/\*)\s*(?:file(?:name)?:|path:)?\s*{_NAME}\s*(?:\*/)?$", re.IGNORECASE)
_THOUGHT = re.compile(r"\A\s*<(think|thinking|reasoning)>.*?</\1>", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block. `language` is the first word of its info string, lower case; `name` the file it claims to be, or "".

    `closed` is false for a block that the text ends within.
    """

    language: str
    name: str
    text: str
    closed: bool


def without_thought(text: str) -> str:
    """The answer without the reasoning that some models put before it."""
    return _THOUGHT.sub("", text, count=1)


@cache
def _reader() -> MarkdownIt:
    """Reads blocks alone: what stands inside a paragraph is of no interest, and slow to read where it is hostile."""
    reader = MarkdownIt("commonmark", {"maxNesting": 20})
    reader.core.ruler.enableOnly(["normalize", "block"])
    return reader


def blocks(text: str) -> tuple[Block, ...]:
    """All fenced blocks, in order."""
    return tuple(_blocks(text))


def _blocks(text: str) -> Iterator[Block]:
    lines = text.splitlines()
    heading = ""
    for token in _reader().parse(text):
        if token.type == "inline":
            heading = token.content.strip().splitlines()[-1] if token.content.strip() else ""
        elif token.type == "fence":
            info = token.info.strip()
            language = re.split(r"[\s:{]", info, maxsplit=1)[0].lower()
            yield Block(
                language if "." not in language else "", _name(info, heading, token), token.content, _closed(token, lines)
            )
            heading = ""


def _name(info: str, heading: str, token: Token) -> str:
    first = token.content.lstrip().partition("\n")[0].strip()
    for pattern, place in ((_IN_INFO, info), (_IN_HEADING, heading), (_IN_COMMENT, first)):
        if found := pattern.search(place):
            return found["name"]
    return ""


def _closed(token: Token, lines: list[str]) -> bool:
    if not token.map:
        return True
    last = lines[token.map[1] - 1].strip().lstrip("> ") if token.map[1] <= len(lines) else ""
    return token.map[1] - token.map[0] > 1 and last.startswith(token.markup) and not last.strip(token.markup[0])
