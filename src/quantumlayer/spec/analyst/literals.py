"""What a regular expression asks for to the letter, found without compiling it."""

import re
from functools import lru_cache

_TOKEN = re.compile(r"\\.|\[[^\]]*\]|\{[^}]*\}|\(\?P<\w+>|\(\?<?[:=!]|[()|?*+.^$]|[^\\\[{()|?*+.^$]+")


@lru_cache(maxsize=1024)
def literals(text: str) -> tuple[str, ...]:
    """What stands outside all groups of a pattern and so in all that it matches: looking for it is quicker than compiling."""
    found, current, depth = [], "", 0
    for token in _TOKEN.findall(text):
        if token == "|" and not depth:
            return ()
        if token[0] not in "\\[{()|?*+.^$" and not depth:
            current += token
            continue
        found.append(current[:-1] if token in "?*+" or re.match(r"\{\d", token) else current)
        current = ""
        depth += (token[0] == "(") - (token == ")")
    return tuple(part for part in (*found, current) if len(part.strip()) > 1)
