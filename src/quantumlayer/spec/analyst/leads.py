"""What stands below a heading or a line that ends with a colon, said with the words above it."""

import re

from quantumlayer.spec.analyst.entries import apart, as_entry
from quantumlayer.spec.analyst.fields import type_of
from quantumlayer.spec.analyst.subjects import IMPERATIVE, MODAL, has_subject_and_verb
from quantumlayer.spec.analyst.words import PEOPLE, ROLES, is_plural, plural, singular, snake, verb_base

_OF_ALL = re.compile(r"(?:can|cannot|can't|may|must|should|are|have)\b", re.I)
_OF_EACH = re.compile(r"(?:has|is|belongs|contains|consists|goes|starts|ends|expires|needs|requires)\b", re.I)
_TIED = re.compile(r"(?:assigned|linked|related|connected|attached) to\b", re.I)
_SIGNS_IN = re.compile(r"(?:register|sign ?up|sign ?in|log ?in)\b", re.I)


def with_lead(text: str, lead: str) -> str:
    """A bullet under `Asset:` or `Each asset has:` says what an asset has, unless it is a sentence of its own."""
    lead = re.sub(
        r"^(?:the |an? |each |every )?(.+?)(?:'s)?(?: fields| attributes| properties)?$", r"\1", lead.strip(" :"), flags=re.I
    )
    if lead and len(lead.split()) <= 3 and (entry := as_entry(text)):
        entry, bound = apart(entry)
        return f"each {singular(lead)} has {entry}" + (f"; {bound}" if bound else "")
    if re.fullmatch(rf"{re.escape(lead)} [a-z]+", text.strip(" ."), re.I) and type_of(snake(text))[0]:
        # `order date` under `Order` is no command
        return f"each {lead} has a {text}"
    if lead and len(lead.split()) <= 2 and (told := _told_of(text, lead)):
        return told
    if (
        not lead
        or len(lead.split()) > 6
        or has_subject_and_verb(text)
        or re.match(r"[a-z][a-z -]*s with\b", text)
        or IMPERATIVE.match(text)
        or re.search(rf"\b(?:{MODAL}|is|are|has|have)\b", text, re.I)
    ):
        return text
    if re.search(r"\b(?:has|have|with|contains?|includes?|stores?)(?: the following)?$", lead, re.I):
        return f"{lead} {text}"
    if len(lead.split()) <= 2 and not re.search(
        r"requirements|features|rules|notes|overview|goals?|scope|entities|endpoints|stories|details|functional", lead, re.I
    ):
        return f"each {singular(lead)} has {text}"
    return text


def _told_of(text: str, lead: str) -> str:
    """`belongs to one user` under `Project`, `approve expenses` under `Manager`: the sentence whose subject stands above."""
    one, many = singular(lead.lower()), lead.lower() if is_plural(lead) else plural(lead.lower())
    if many.split()[0] in ("requirements", "features", "rules", "notes"):
        return ""
    if _OF_ALL.match(text):
        return f"{many} {text}"
    if _OF_EACH.match(text):
        return f"each {one} {text}"
    if _TIED.match(text):
        return f"each {one} is {text}"
    if _SIGNS_IN.match(text):
        return f"{many} can {text.replace('/', ' and ')}"
    first, *others = text.split()
    acts = one in PEOPLE | ROLES and others and verb_base(first.lower()) == first.lower()
    acts = acts and not (type_of(snake(text))[0] or others[0].startswith("("))
    return f"{many} can {text}" if acts else ""
