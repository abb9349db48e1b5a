"""A reading that checks: a clause whose elements would break the spec is listed as not understood, with the reason."""

from dataclasses import replace
from functools import lru_cache, partial

from quantumlayer.errors import UserError
from quantumlayer.request.values import SourceFile
from quantumlayer.spec.analyst.analyse import Reading, Sentence, analyse
from quantumlayer.spec.analyst.world import World
from quantumlayer.spec.check import checked
from quantumlayer.spec.importers.read import read_files

Given = tuple[tuple[str, SourceFile], ...]
_ATTEMPTS = 3


@lru_cache(maxsize=16)
def read_soundly(name: str, sentences: tuple[Sentence, ...], given: Given = ()) -> Reading:
    """The reading of sentences and files. Clauses that cannot be part of a sound spec are set aside, one after the other.

    Raises `UserError` where the spec is not sound even so.
    """
    for _ in range(_ATTEMPTS):
        found = _try(name, sentences, given)
        if isinstance(found, Reading):
            return found
        sentences = _without_culprit(name, sentences, given, found)
    return _read(name, sentences, given)


def _read(name: str, sentences: tuple[Sentence, ...], given: Given) -> Reading:
    reading = analyse(name, sentences, partial(_declared, given))
    if reading.spec is not None:
        checked(reading.spec)
    return reading


def _declared(given: Given) -> World:
    """What the files declare, to be filled by one reading."""
    imported = read_files(given)
    return imported.world if imported else World()


def _try(name: str, sentences: tuple[Sentence, ...], given: Given) -> Reading | Exception:
    try:
        return _read(name, sentences, given)
    except (UserError, ValueError, KeyError, TypeError, AttributeError, StopIteration, IndexError) as error:
        return error


def _without_culprit(name: str, sentences: tuple[Sentence, ...], given: Given, failure: Exception) -> tuple[Sentence, ...]:
    """The sentences with the one set aside without which the rest is sound."""
    told = failure.message if isinstance(failure, UserError) else "it cannot be expressed together with the rest"
    for position in reversed(range(len(sentences))):
        one = sentences[position]
        if one.given or one.unmet or one.hostile:
            continue
        tried = (*sentences[:position], replace(one, unmet=f"not understood: {told}"), *sentences[position + 1 :])
        if isinstance(_try(name, tried, given), Reading):
            return tried
    raise failure
