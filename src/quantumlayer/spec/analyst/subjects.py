"""Who does what: the subject before a finite verb, and commands, which have none."""

import re

from quantumlayer.spec.analyst.words import verb_base

MODAL = r"(?:can|cannot|may|must|should|shall|will|could)\b"
IMPERATIVE = re.compile(
    r"^(?:please )?(?:list|show|report|search|filter|sort|find|browse|display|get|provide|let|allow|add|support|include|return|export|order|track|manage|store|keep|record|use|count|calculate|compute|see|give|prevent|reject|refuse|require|ensure|make sure|do not|don't|never|mark|send|view)\b",
    re.I,
)


def subject_of(text: str) -> str:
    """The words before the first finite verb, if they look like a subject."""
    found = re.match(
        rf"^(?P<s>(?:(?:an?|the|each|every|all|any|no|only) )?(?:[\w'@-]+ ){{1,7}}?)(?:{MODAL}|(?:is|are|has|have|was|were|belongs?|goes|needs?)\b|never\b|does not|do not)",
        text,
        re.I,
    )
    if found and not re.match(r"(?:if|when|once|while|after|until|unless)\b", text, re.I):
        return found["s"].strip()
    for noun_ in (r"[a-z]+ [a-z]+s", r"[\w'@-]+s?"):
        found = re.match(rf"^(?P<s>(?:(?:an?|the|each|every|all) )?{noun_}) (?P<v>[a-z]+)\b", text, re.I)
        if found and verb_base(found["v"]):
            break
    if not found or not verb_base(found["v"]):
        return ""
    noun = found["s"].split()[-1].lower()
    determined = re.match(r"(?:an?|the|each|every|all) ", found["s"], re.I)
    return found["s"] if determined or noun.endswith("s") or not verb_base(noun) else ""


def has_subject_and_verb(text: str) -> bool:
    """Whether a finite verb follows a subject of a few words; a relative clause may stand between."""
    tokens = [t.strip(".,").lower() for t in text.split()]
    determined = bool(tokens) and tokens[0] in (
        "a",
        "an",
        "the",
        "each",
        "every",
        "all",
        "its",
        "their",
        "no",
        "any",
        "overdue",
        "late",
    )
    subject = tokens[1:] if determined else tokens
    if not subject or subject[0] in ("which", "that", "who", "whose", "both", "to", "of", "by", "with", "in", "on", "for"):
        return False
    relative = False
    commas = [t.endswith(",") for t in text.split()][1 if determined else 0 :]
    for position, token in enumerate(subject[1:7], 1):
        if any(commas[:position]):
            return False
        if re.fullmatch(rf"{MODAL}|is|are|has|have|was|were|does|do|belongs?|cannot|never", token):
            if not relative:
                return True
            relative = False
        elif token in ("that", "which", "who"):
            relative = True
        elif token in ("with", "and", "or", "by", "of", "to", "for", "from", "a", "an", "the", "in", "at", "per"):
            return False
        elif relative and token in ("starts", "begins", "defaults", "stays", "remains"):
            relative = False
        elif _agrees(subject[:position], token, determined):
            return True
    return False


def _agrees(subject: list[str], verb: str, determined: bool) -> bool:
    base = verb_base(verb)
    if (
        base is None
        or (verb != base and verb.endswith(("ing", "ed")))
        or verb in ("notes", "status", "address", "tags", "items", "set", "rates", "fines", "measures")
    ):
        return False
    if verb.endswith("s") and base != verb:
        return determined or not subject[-1].endswith("s")
    if verb in ("need", "require", "must", "cost") and subject[0].endswith("s"):
        return True
    if verb in ("need", "require", "cost") and subject[0].endswith("s"):
        return True
    return subject[-1].endswith("s") and not verb_base(subject[0]) and len(subject) <= 2 and base == verb
