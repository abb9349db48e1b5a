"""Text of a stranger as Markdown that stays text: no markup, links, HTML or table cells grow out of a name."""

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#!|~$&^])")
_LINE_START = re.compile(r"^(\d*)([.)=+-])")


def text(value: str) -> str:
    """One line of plain text. Unprintable characters and line breaks become spaces."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return _LINE_START.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", flat))


def code(value: str) -> str:
    """An inline code span, whatever back-ticks the value holds; a `|` is escaped, so that it can stand in a table."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    if not flat:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}".replace("|", "\\|")


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table; cells are Markdown already, made by `text` and `code`."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def block(language: str, content: str) -> str:
    """A fenced block that its content cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{content.rstrip()}\n{fence}\n"


def anchor(heading: str) -> str:
    """The fragment that code hosts give to a heading of ASCII words."""
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")
