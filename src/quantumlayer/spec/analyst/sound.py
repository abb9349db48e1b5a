"""A reading that checks: a clause whose elements would break the spec is listed as not understood, with the reason."""

from collections.abc import Callable
from dataclasses import replace

from quantumlayer.errors import UserError
from quantumlayer.spec.analyst.analyse import Reading, Sentence, analyse
from quantumlayer.spec.analyst.world import World
from quantumlayer.spec.check import checked

Seed = Callable[[], World | None]
_ATTEMPTS = 3


def read_soundly(name: str, sentences: tuple[Sentence, ...], seed: Seed) -> Reading:
    """The reading of the sentences. Clauses that cannot be part of a sound spec are set aside, one after the other.

    Raises `UserError` where the spec is not sound even so.
    """
    for _ in range(_ATTEMPTS):
        failure = _failure(name, sentences, seed)
        if failure is None:
            return analyse(name, sentences, seed())
        sentences = _without_culprit(name, sentences, seed, failure)
    return analyse(name, sentences, seed())


def _failure(name: str, sentences: tuple[Sentence, ...], seed: Seed) -> Exception | None:
    try:
        spec = analyse(name, sentences, seed()).spec
        if spec is not None:
            checked(spec)
    except (UserError, ValueError, KeyError, TypeError, AttributeError, StopIteration, IndexError) as error:
        return error
    return None


def _without_culprit(name: str, sentences: tuple[Sentence, ...], seed: Seed, failure: Exception) -> tuple[Sentence, ...]:
    """The sentences with the one set aside without which the rest is sound."""
    told = failure.message if isinstance(failure, UserError) else "it cannot be expressed together with the rest"
    for position in reversed(range(len(sentences))):
        one = sentences[position]
        if one.given or one.unmet or one.hostile:
            continue
        tried = (*sentences[:position], replace(one, unmet=f"not understood: {told}"), *sentences[position + 1 :])
        if _failure(name, tried, seed) is None:
            return tried
    raise failure
