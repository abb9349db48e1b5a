"""Frd → Spec: the requirements read into entities, rules and operations; checked before anyone else uses it."""

from quantumlayer.errors import UserError
from quantumlayer.spec.analyst.analyse import Sentence, analyse
from quantumlayer.spec.frd import Frd
from quantumlayer.spec.values import Spec


def draft_spec(frd: Frd) -> Spec:
    """The spec of a requirements document. Raises `UserError` where it asks for nothing that can be built."""
    sentences = tuple(Sentence(r.id, r.text, r.lead, r.hostile) for r in frd.requirements if not r.assumption)
    reading = analyse(frd.name, sentences)
    if reading.spec is None:
        raise UserError(
            "the request names nothing that could be built: no kind of record was found in it",
            hint='say what there is and what belongs to it, for example: "tasks have a title, a due date and a done flag"',
        )
    return reading.spec
