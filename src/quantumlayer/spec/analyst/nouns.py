"""Which words may name a kind of record."""

import re

from quantumlayer.spec.analyst.words import ABSTRACT, is_plural, known_english, number, singular, snake, verb_base, words_of

STOP = frozenset(["which", "that", "who", "whose", "when", "where", "what", "how", "why", "if", "and", "or", "but", "not", "only", "can", "may", "must", "should", "is", "are", "be", "has", "have", "with", "for", "from", "to", "of", "in", "on", "at", "by", "as", "it", "they", "them", "he", "she", "we", "i", "you", "one", "everything", "anything", "something", "nothing", "anyone", "everyone", "nobody", "somebody", "there", "here", "this", "these", "those", "theirs", "mine", "ours", "yours", "hers", "overdue", "then", "them", "us", "others", "other", "both", "more", "most", "least", "many", "several", "multiple", "various", "much", "few", "new", "up", "out", "than", "before", "after", "until", "while", "per", "into", "about", "between", "under", "over", "above", "below", "between", "same", "latest", "late", "first", "last", "next", "once", "twice", "again", "without", "within"])  # fmt: skip


_GENERIC = frozenset(
    [
        "system",
        "app",
        "application",
        "api",
        "service",
        "platform",
        "website",
        "site",
        "server",
        "admin",
        "user_interface",
        "database",
        "we",
        "i",
        "everyone",
        "anyone",
        "nobody",
        "tool",
        "software",
        "program",
        "information",
        "data",
        "detail",
        "thing",
        "way",
    ]
)


# `report a child absent`: what somebody is said to be is no part of a name
_ADJECTIVES = frozenset(
    ("absent", "present", "late", "free", "available", "sick", "ill", "ready", "missing", "unable", "busy", "full")
)
_VERBS = ("flag", "mark", "highlight", "hide", "block", "warn", "remind", "count", "sort", "filter", "track", "manage", "store", "keep", "record", "list", "show", "add", "create", "post", "get", "put", "patch", "delete", "update", "save", "handle", "organize", "organise")  # fmt: skip
_NEVER_NOUNS = words_of("nouns", "never")
_SPANS = frozenset(("second", "minute", "hour", "day", "week", "month", "year"))


def noun(text: str, *, told: bool = False) -> str | None:
    """The singular noun of a phrase if it may be an entity; what is `told` of by `each … has` may be any noun."""
    words = [
        w
        for w in text.lower().replace("'s", "").split()
        if w not in ("the", "a", "an", "each", "every", "all", "any", "own", "their", "new", "existing")
    ]
    while len(words) > 1 and words[-1].endswith("ly") and known_english(words[-1][:-2]):
        # How it is done is no part of a name: `log calls anonymously`.
        words = words[:-1]
    while len(words) > 1 and number(words[0]) is not None:
        words = words[1:]
        if singular(words[0]) in _SPANS:
            return None
    while len(words) > 1 and (words[0] in _VERBS or words[0] in ("my", "our", "your", "his", "her")) and is_plural(words[-1]):
        words = words[1:]
    while words and (words[0] in ("public", "private", "simple", "small", "basic", "overdue", "open", "closed", "urgent", "late", "published", "active", "available", "approved", "only", "completed", "cancelled", "expired", "finished", "unpaid", "paid") or (words[0].endswith("ed") and verb_base(words[0]) and len(words) > 1)):  # fmt: skip
        words = words[1:]
    if len(words) == 1 and words[0].endswith("ed") and verb_base(words[0]):
        return None
    if re.match(r"(?:an? |the )?\w+ing (?:an?|the|each) ", text.lower()):
        return None
    if len(words) > 1 and (
        words[-1] in ("sorted", "filtered", "ordered", "grouped", "listed")
        or any(is_plural(w) and verb_base(v) for w, v in zip(words, words[1:], strict=False))
    ):
        return None
    if len(words) > 1 and words[-1] in _ADJECTIVES:
        return None
    if any(re.search(r"\d", w) for w in words):
        return None
    if len(words) > 1 and words[-1].endswith("s") and {words[-1][:-1], verb_base(words[-1])} & _NEVER_NOUNS:
        return None
    if not words or len(words) > 3 or any(w in STOP for w in words):
        return None
    one = snake(singular(" ".join(words)))
    if one in ("status", "state"):
        return None
    if told and one and len(one) > 1:
        return one
    if not one or one in ABSTRACT or one in _GENERIC or one.split("_")[-1] in ABSTRACT or len(one) < 2:
        return None
    return one
