"""Own names for `self` and `input` in every entity and operation, so that one CEL environment serves a whole spec.

An environment takes twenty times as long to prepare as a text takes to compile, and a variable has one type in it.
"""

import re
from collections.abc import Iterable, Mapping

from quantumlayer.spec.expression import Type

_SUFFIX = "__of_"
_RENAMED = ("self", "input")
# What only a lexer of CEL could tell apart, or a variable of a macro that has our name.
_UNCLEAR = re.compile(rf"""\\|\"\"\"|'''|{_SUFFIX}|\(\s*({"|".join(_RENAMED)})\s*,""")
_WORD = re.compile(r"[A-Za-z_]\w*")
_TOKEN = re.compile(r"""(?P<other>"[^"\n]*"|'[^'\n]*'|//[^\n]*|\.\s*\w+)|\b(?P<name>[A-Za-z_]\w*)""")


class CelNames:
    """The variables of one environment, `declared`: their types by their names there."""

    def __init__(self, messages: Iterable[str], inputs: Iterable[str], common: Mapping[str, Type]) -> None:
        """`messages` are what `self` may be, `inputs` what `input` may be, `common` what is the same everywhere."""
        own = [("self", Type("entity", entity=name)) for name in messages]
        own += [("input", Type("record", entity=name)) for name in inputs]
        self._names = {pair: f"{pair[0]}{_SUFFIX}{number}" for number, pair in enumerate(own)}
        self._common = dict(common)
        self.declared = self._common | {name: type_ for (_, type_), name in self._names.items()}
        self.meant = {name: pair[0] for pair, name in self._names.items()}

    def renamed(self, text: str, variables: Mapping[str, Type]) -> str | None:
        """The text with the environment's names; None where it must be compiled with its own."""
        known = {name: self._name(name, type_) for name, type_ in variables.items()}
        if None in known.values() or _UNCLEAR.search(text) or self._strangers(variables) & set(_WORD.findall(text)):
            return None
        return _TOKEN.sub(lambda token: known.get(token["name"]) or token[0], text)

    def _strangers(self, variables: Mapping[str, Type]) -> set[str]:
        """What the environment knows and the text may not use."""
        return {*_RENAMED, *self._common} - variables.keys()

    def _name(self, name: str, type_: Type) -> str | None:
        if (name, type_) in self._names:
            return self._names[name, type_]
        same = self._common.get(name)
        return name if same and (same.kind, same.entity) == (type_.kind, type_.entity) else None
