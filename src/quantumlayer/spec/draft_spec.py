"""Frd → Spec: the requirements read into entities, rules and operations."""

import re

from quantumlayer.errors import UserError
from quantumlayer.spec.analyst.analyse import Sentence
from quantumlayer.spec.analyst.foreign import is_foreign
from quantumlayer.spec.analyst.sound import read_soundly
from quantumlayer.spec.analyst.words import LEXICON
from quantumlayer.spec.frd import Frd, FrdRequirement
from quantumlayer.spec.values import Spec


def draft_spec(frd: Frd) -> Spec:
    """The spec of a requirements document, still to be checked. Raises `UserError` where there is nothing to build."""
    own = [r for r in frd.requirements if not r.assumption]
    sentences = tuple(Sentence(r.id, r.text, r.lead, r.hostile, r.given, r.unmet) for r in own)
    if is_foreign(r.text for r in own if not r.given and not r.hostile):
        raise UserError(
            "most words of the request are not English; the built-in analyst reads English",
            hint="write the request in English, or configure a language model with --model",
        )
    given = tuple((r.id, f) for r, f in zip([r for r in own if r.given], frd.files, strict=True))
    reading = read_soundly(frd.name, sentences, given)
    if reading.spec is None:
        raise UserError(
            "the request names nothing that could be built: no kind of record was found in it",
            hint=f'say what there is and what belongs to it, for example: "{_example(own)}"',
        )
    return reading.spec


def _example(asked: list[FrdRequirement]) -> str:
    """A request of the kind that a single word seems to mean; never built by itself."""
    words = re.findall(r"[a-z]+", " ".join(r.text for r in asked).lower().replace("to-do", "todo"))
    return next(
        (LEXICON["examples"][w] for w in words if w in LEXICON["examples"]), "tasks have a title, a due date and a done flag"
    )
