"""Takes out of a rendered project the definitions that nothing in it spells.

Templates bring what an expression could need: readers of every type, a query of each kind. A project keeps what it uses.
A definition stays where its name stands anywhere else, so what is taken out is never missed; a few that could go may stay.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Trim:
    """How a language spells. `definitions` match whole definitions with their comment, named `name`, at the outermost level.

    A match whose group `held` is not empty stays, as do the names in `kept`, which others call. `silent` text spells nothing.
    """

    suffix: str
    definitions: tuple[re.Pattern[str], ...]
    silent: re.Pattern[str]
    kept: frozenset[str]

    def __call__(self, files: Mapping[str, bytes], beside: Collection[bytes] = ()) -> dict[str, bytes]:
        """The same files without definitions that neither they nor the texts `beside` spell."""
        texts = {path: content.decode() for path, content in files.items() if path.endswith(self.suffix)}
        read = {path: _read(self, text) for path, text in texts.items()}
        spelled: Counter[str] = Counter()
        for words, _ in read.values():
            spelled.update(words)
        for content in beside:
            spelled.update(_read(self, content.decode())[0])
        blocks = [(path, block) for path, (_, found) in read.items() for block in found]
        while dead := set(self._unspelled([block for _, block in blocks], spelled)):
            for path, block in blocks:
                if block.name in dead:
                    spelled.subtract(_words(self, block.text))
                    texts[path] = texts[path].replace(block.text, "", 1)
            blocks = [(path, block) for path, block in blocks if block.name not in dead]
        return {**files, **{path: text.encode() for path, text in texts.items() if text != files[path].decode()}}

    def _unspelled(self, blocks: list["_Block"], spelled: Mapping[str, int]) -> Iterator[str]:
        """Names that stand in their own definitions alone. Letters are counted first, which is quick and never too few."""
        most: Counter[str] = Counter()
        for block in blocks:
            most[block.name] += block.text.count(block.name)
        own: Counter[str] = Counter()
        for block in blocks:
            if spelled[block.name] <= most[block.name]:
                own[block.name] += _words(self, block.text)[block.name]
        return (name for name, count in own.items() if spelled[name] == count)


@dataclass(frozen=True)
class _Block:
    name: str
    text: str


@lru_cache(maxsize=2000)
def _read(trim: Trim, text: str) -> tuple[Mapping[str, int], tuple[_Block, ...]]:
    found = (match for pattern in trim.definitions for match in pattern.finditer(text))
    free = (match for match in found if match["name"] not in trim.kept and not match.groupdict().get("held"))
    return _words(trim, text), tuple(_Block(match["name"], match[0]) for match in free)


@lru_cache(maxsize=4000)
def _words(trim: Trim, text: str) -> Counter[str]:
    return Counter(_WORD.findall(trim.silent.sub(" ", text)))
