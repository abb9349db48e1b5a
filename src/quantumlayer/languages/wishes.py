"""A list of packages, one a line, as a model writes it: whatever is no plain name with a range of versions is refused."""

from collections.abc import Callable

from quantumlayer.ports.ecosystem import WISHES, Wish
from quantumlayer.ports.scanner import Finding

MAX_WISHES = 40
MAX_LINE = 200


def wishes_of(content: bytes, read: Callable[[str, int], Wish]) -> tuple[tuple[Wish, ...], tuple[Finding, ...]]:
    """The wishes of a text and what is wrong with it. `read` takes a line and its number, and raises `ValueError`."""
    wishes: dict[str, Wish] = {}
    findings = []
    try:
        lines = content.decode("ascii").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        return (), (_wrong("names of packages are ASCII", 1),)
    for number, line in enumerate(lines, 1):
        text = line if line.strip() == "" else line.partition(" #")[0].strip()
        if not text.strip() or text.startswith("#"):
            continue
        try:
            if len(text) > MAX_LINE or not text.isprintable():
                raise ValueError("this is no name of a package")
            wish = read(text, number)
            if wish.name in wishes:
                raise ValueError(f"{wish.name} is there twice")
            wishes[wish.name] = wish
        except ValueError as error:
            findings.append(_wrong(f"{text[:60]!r}: {error}", number))
    if len(wishes) > MAX_WISHES:
        findings.append(_wrong(f"{len(wishes)} packages are more than {MAX_WISHES}", 1))
    return tuple(wishes.values()), tuple(findings)


def _wrong(message: str, line: int) -> Finding:
    return Finding("package", "high", message, WISHES, line)
