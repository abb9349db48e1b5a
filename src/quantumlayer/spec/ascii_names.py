"""Names in other scripts: written in ASCII wherever a spec is read, because code, columns, paths and CEL need it.

`größe` becomes `grosse`, `数量` becomes `shuliang`: one name everywhere, in answers too. Texts (values of enums, messages,
descriptions) stay as they are.
"""

import re
from collections.abc import Mapping
from typing import Any

from anyascii import anyascii
from pydantic_core import PydanticCustomError

_OTHER = re.compile(r"[^A-Za-z0-9_]")
_QUOTED_OR_WORD = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\W\d]\w*""")


def ascii_name(name: Any) -> Any:
    """The name in ASCII. Capitals are left as they are, to be refused like any other."""
    if not isinstance(name, str) or name.isascii():
        return name
    written = _OTHER.sub("", anyascii(name))
    return written.lower() if name == name.lower() else written


def ascii_identifiers(text: Any) -> Any:
    """A CEL text, a path or a sort key with its names in ASCII; what stands in quotes is left alone."""
    if not isinstance(text, str) or text.isascii():
        return text
    return _QUOTED_OR_WORD.sub(lambda found: found[0] if found[0][0] in "\"'" else ascii_name(found[0]), text)


def distinct(named: Any) -> Any:
    """The mapping as it is. Refuses two names that are one in ASCII: the second would silently replace the first."""
    if isinstance(named, Mapping):
        first: dict[Any, Any] = {}
        for name in named:
            if first.setdefault(ascii_name(name), name) != name:
                raise PydanticCustomError(
                    "same_name",
                    "«{one}» and «{other}» are both written «{written}» in ASCII",
                    {"one": first[ascii_name(name)], "other": name, "written": ascii_name(name)},
                )
    return named
