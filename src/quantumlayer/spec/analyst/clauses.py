"""Statements → clauses: the unit that a person would number. Pronouns and shared subjects are supplied for matching."""

import re
from dataclasses import dataclass

from quantumlayer.spec.analyst.deeds import unframed
from quantumlayer.spec.analyst.discover import listed, named_only
from quantumlayer.spec.analyst.leads import with_lead
from quantumlayer.spec.analyst.subjects import IMPERATIVE, MODAL, has_subject_and_verb, subject_of
from quantumlayer.spec.analyst.words import (
    ABSTRACT,
    PEOPLE,
    expand,
    plural,
    snake,
    verb_base,
    words_of,
)

_HEAD = re.compile(r"^(?P<head>[^:()]{2,80}?)(?::\s| [-–—])\s*(?P<rest>.+)$", re.S)
_PREDICATE = re.compile(
    rf"^(?:{MODAL}|(?:is|are|was|were|has|have|does|do) (?:not |never |only |also |automatically )?(?:\w+ed\b|\w+en\b|due\b|visible|refused|sold|lost|kept|hidden|allowed|able|unique|required|optional|limited|in\b|at\b|a\b|an\b|public|private|for\b|returned|read-only|full|over|no\b|negative)|(?:belongs?|goes|moves?|has|have|starts?) (?:to|from|as|through|an?|one|many|the|at most|up to|\w+ed)\b|never\b|only \w+s? (?:can|may)|then (?:is|are)\b)",
    re.I,
)
_PRONOUN = re.compile(r"^(?:it|they|he|she|this|these|that|those)\b(?! (?:way|is why))", re.I)


@dataclass(frozen=True)
class Part:
    """A clause as written, and as to be matched."""

    text: str
    match: str
    head: str = ""


_STORY = re.compile(
    r"^as an? (?P<role>[\w -]+?),? i (?:(?:want|need|would like|should be able|can|must be able|am able|only|may)(?: to)?(?: be able to)? |(?!am\b|was\b|have\b|had\b|think\b|wish\b|do\b))(?P<rest>.+)$",
    re.I,
)


_STORIES = re.compile(r"^(?:user )?stories: +(?=as an? )", re.I)


def _plain_story(text: str) -> str:
    """`As a member I want to borrow books so that …` → `members can borrow books`."""
    text = _STORIES.sub("", text)
    found = _STORY.match(text)
    if not found:
        return text
    last = found["role"].split()[-1].lower()
    who = plural(last) if last in PEOPLE | words_of("credited") else "users"
    rest = re.sub(r",? (?:so that|so i|in order to|because) .*$", "", found["rest"], flags=re.I)
    only = " only" if re.search(r"\bi only\b", text[: found.start("rest")], re.I) else ""
    return f"{who} can{only} " + re.sub(r"\bmy\b", "their", rest, flags=re.I)


# `observations: telescope, starts at, ends at` is a list, whatever verbs its members hold
_LISTED = re.compile(
    rf"^(?:an? |each |every )?[a-z][\w-]*(?: [\w-]+)?: (?!.*\b(?:{MODAL}|is|are|has|have|goes|must|only|who|which|that)\b)[^:;]+,[^:;]+$",
    re.I,
)
# `Statistics: average grade per exam`
_REPORT = re.compile(r"(?:reports?|statistics|stats|analytics|overview|summary|evaluation|dashboard)", re.I)
_PER = re.compile(r"(?!show|list|report)[\w -]+ (?:per|by|for each|of each)\b", re.I)
# a value told of by a question: `how long it takes` is a duration
_ASKED_FOR = tuple(
    (
        re.compile(rf"(?<=[,(] )(?:and )?{said}(?=,| and\b| &| \(| in \w+,|\)|$)|(?<= and ){said}(?=,| and\b| \(|\)|$)", re.I),
        noun,
    )
    for said, noun in (
        (r"how long (?:it|they|this|one) (?:takes?|lasts?|is|are)", "a duration"),
        (r"how much (?:it|they|this|one) (?:costs?|is|are)", "a price"),
        (r"how much (?:it|they|this|one) weighs?", "a weight"),
        (r"how old (?:it|they|he|she) (?:is|are)", "an age"),
        (r"how many (?:of them )?(?:there are|we have|are left|are in stock)", "a quantity"),
        (r"what (?:it|they|this|one) (?:is|are) called", "a name"),
        (r"what (?:it|they|this|one) costs?", "a price"),
        (r"what (?:i|we|you|they|he|she) paid(?: for (?:it|them))?", "a price paid"),
        (
            r"where (?:it|they|this|one) (?:is|are|happens?|takes? place|(?:is|are|was|were) (?:found|kept|stored|located))",
            "a place",
        ),
        (r"when (?:it|they|this|one) (?:is|are|happens?|takes? place|starts?|begins?)", "a start time"),
        (r"when (?:it|they|this|one) ends?", "an end time"),
    )
)


def split_statement(text: str, lead: str = "") -> list[Part]:
    """The clauses of one sentence or bullet."""
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"\b[a-z]{2,}(?:[A-Z][a-z]+)+\b", lambda m: snake(re.sub(r"([A-Z])", r" \1", m[0])).replace("_", " "), text)
    text = re.sub(r"(?<=[a-z]{3})\((?=\w)", " (", re.sub(r"(?<=[a-z)]) \+ (?=[a-z])", " and ", text))
    text = re.sub(r"(?<=\w) - ((?:[\w ]+(?:\([^()]*\))?, )+[\w ]+(?:\([^()]*\))?) -(?=[ ,]|$)", r" (\1)", text)
    for said, noun in _ASKED_FOR:
        text = said.sub(noun, text)
    text = re.sub(r"^((?:an? )?[a-z]+(?: [a-z]+)?) = (?=[^=+*/]*,[^=+*/]*$)", r"\1: ", text.strip(" ."), flags=re.I)
    text = _plain_story(with_lead(unframed(text), lead))
    head, body = _head(expand(text.rstrip(" .!")))
    pieces: list[tuple[int, str]] = []
    for part in _outside(body, r"\s*;\s*"):
        whole = [part] if _LISTED.match(part) else _sentences(part)
        pieces += [(0, p) for p in lists] if len(lists := _declarations(part)) > 1 else enumerate(whole)
    parts, subject = [], ""
    for number_, piece in pieces:
        match = piece.strip(" ,")
        match = re.sub(
            r"^(?:and|but|then|also|so|or|however,?|additionally,?|furthermore,?|moreover,?|finally,?|in addition,?|of course,?|obviously,?|basically,?|please|note that|plus,?) +",
            "",
            match,
            flags=re.I,
        )
        if _REPORT.fullmatch(head) and _PER.match(match):
            match = f"show {match}"
        if subject and (_PREDICATE.match(match) or (number_ and _bare_verb(match))):
            match = f"{re.split(r' (?:of|in|for|on|with|from|at) ', subject)[0]} {match}"
        found = subject_of(match)
        subject = found or subject
        if match:
            parts.append(Part(piece.strip(" ,"), match, "" if parts else head))
    if head and parts:
        parts[0] = Part(f"{head}: {parts[0].text}", parts[0].match, head)
    return parts


def _declarations(text: str) -> list[str]:
    """`books (title, author), members (name, email)`: one piece for each kind of record; empty where it is another sentence."""
    pieces = _outside(text, r",?\s+and\s+|,\s+")
    return (
        [p.strip(" ,") for p in pieces]
        if all(
            re.fullmatch(r"\s*[\w -]+ \(.*\)\s*", p)
            and listed(p + " x")
            or listed(text)
            and re.fullmatch(r"\s*[\w -]+s \(.*\)\s*", p)
            for p in pieces
        )
        else []
    )


def _bare_verb(text: str) -> bool:
    """Whether a piece begins with a verb whose subject stands in the piece before."""
    first, _, rest = re.sub(r"^(?:only|also|then) ", "", text.lower()).partition(" ")
    return verb_base(first) == first and bool(rest) and not re.match(rf"(?:{MODAL}|is|are|has|have|goes)\b", rest)


_TITLED = re.compile(
    r"^(?P<head>(?:(?:please )?(?:build|create|make|write|develop|design|give me|i want|i need|we want|we need|we are building|"
    r"i am building|i'd like) (?:me |us |to (?:build|have) )?)?(?:an? |the |my |our )(?:[\w'-]+ ){0,5}?[\w'-]+?),? "
    r"(?:where|in which|that lets|which lets|that allows|which allows|that let|letting|allowing|to let|so) (?P<rest>.+)$",
    re.I,
)

# `real estate agency: we list properties`
_TELLS = re.compile(r"(?:we|i|they|our|my) [a-z]+", re.I)


def _head(text: str) -> tuple[str, str]:
    """A title before a colon, dash or `where` and the rest; declarations (`Task: title, notes`) keep their colon."""
    titled = _TITLED.match(text)
    if titled and not re.search(rf"\b(?:{MODAL}|has|have|is|are|with)\b", titled["head"], re.I):
        return titled["head"].strip(), re.sub(r"^(?:that )", "", titled["rest"])
    found = _HEAD.match(text)
    if (
        not found
        or "(" in found["head"]
        or re.search(rf"\b(?:{MODAL}|has|have|is|are|with|fields|contains|following|one of|be)\b|,", found["head"], re.I)
    ):
        return "", text
    rest = found["rest"]
    names_thing = found["head"].lower().split()[-1] in ABSTRACT or _TELLS.match(rest) is not None
    first = re.split(r"[,;(]", rest)[0]
    modal = re.search(rf"\b(?:{MODAL}|is|are|has|have)\b", first, re.I)
    declared = re.match(r"^(?:an? |each |the )?[\w-]+(?: [\w-]+)?s (?:with|having|that have)\b", rest, re.I)
    sentence = modal or declared or has_subject_and_verb(first) or IMPERATIVE.match(rest) or listed(rest)
    sentence = (
        sentence
        or _LISTED.match(rest)
        or (_REPORT.fullmatch(found["head"].strip()) and _PER.match(rest))
        or (" " in found["head"].strip() and named_only(rest.lower()))
    )
    return (found["head"].strip(), rest) if names_thing or sentence else ("", text)


def _outside(text: str, divider: str) -> list[str]:
    """Split where the divider stands outside parentheses."""
    masked = re.sub(r"\([^()]*\)", lambda m: "\x01" * len(m[0]), text)
    pieces, last = [], 0
    for found in re.finditer(divider, masked):
        pieces.append(text[last : found.start()])
        last = found.end()
    return [p for p in (*pieces, text[last:]) if p.strip()]


def _sentences(text: str) -> list[str]:
    """Split at `, and`, `, but`, `and` and commas where a new predicate begins."""
    masked = re.sub(r"\([^()]*\)", lambda m: "\x01" * len(m[0]), text)
    if re.match(r"(?:if|when|while|once|as an?|after|before|unless|for (?:each|every))\b", masked, re.I):
        start = masked.find(",") + 1
    else:
        start = 0
    cuts = [0]
    for found in re.finditer(r",?\s+(?:and|but|while|whereas|so(?: that)?|then)\s+(?:also |then |that )?|,\s+", masked):
        if found.start() < start:
            continue
        rest = masked[found.end() :]
        before = masked[cuts[-1] : found.start()]
        if _begins_clause(rest, before, found[0]):
            cuts.append(found.end())
    pieces = [text[a:b] for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]
    return [
        re.sub(r",?\s+(?:and|but|while|whereas|so|then|so that|and also|and then|and that)?\s*$", "", p).strip(" ,")
        for p in pieces
    ]


# `curators add`, of `curators add and edit exhibits`: the object is still to come
_VERB_ONLY = re.compile(
    rf"(?:(?:an?|the|each|every|only) )?[a-z]+(?: {MODAL}(?: only| also)?)? (?P<v>(?!register|log|sign)[a-z]+)", re.I
)


def _begins_clause(rest: str, before: str, joiner: str) -> bool:
    bare = _VERB_ONLY.fullmatch(before.strip()) if joiner.strip() in ("and", "or") else None
    following = re.match(r"[a-z]+", rest)
    if (
        bare
        and verb_base(bare["v"])
        and following
        and verb_base(following[0]) in (following[0], following[0].removesuffix("s"))
    ):
        return False
    if re.match(
        r"(?:\w+ed|sent|paid|sold|lent|given|taken)(?: (?:out|in|back|up|off))?(?:$|,| and\b| then\b| or\b| by (?:an?|the) \w+(?:$|,))",
        rest,
    ):
        return False
    if re.match(r"(?:whether|where (?:it|they)|how (?:long|much|many|old)|what (?:it|they|i|we)|when (?:it|they)) ", rest):
        return False
    # `…, and an arrival time are stored`
    if re.fullmatch(r"(?:an?|the) [a-z ]+ (?:is|are) (?:stored|recorded|kept|noted|saved|entered)", rest, re.I):
        return False
    # `the shelf it lies on`
    if re.fullmatch(
        r"(?:the|an?) [a-z]+(?: [a-z]+)? (?:it|they|we|i|he|she) [a-z]+(?: (?:in|on|at|to|for|from|with))?", rest, re.I
    ):
        return False
    if (
        joiner.strip() == "and"
        and re.search(r"\b(?:which|that) (?:cannot|must|is|are|can|may|has)\b[^,]*$", before)
        and re.match(r"(?:is|must be|cannot be|may not be|not)\b", rest)
    ):
        return False
    if re.match(r"(?:[a-z]+ )?[a-z]{3,}s with (?:an? |the |their |[a-z]+(?: [a-z]+)?,)", rest) and re.search(
        r"[a-z]{3,}s with ", before
    ):
        return True
    if "while" in joiner and (re.match(r"(?:it|they)\b", rest, re.I) or re.search(r"\b(?:cannot|not|never|only)\b", before)):
        return False
    if (
        re.search(r"\bbetween [\w.]+$", before)
        or re.search(r"\b(?:if|when|unless|until|whether|because|that|who|where)\b[^,]*$", before, re.I)
        and re.match(r"\s+and|,?\s+and", joiner)
        and not _PREDICATE.match(rest)
    ):
        return False
    if _shared_verb(rest, before, joiner):
        return True
    if "and" in joiner and re.match(r"(?:authenticates?|identif(?:y|ies) (?:itself|themselves)|log in|sign in)\b", rest):
        return bool(re.search(r"\b(?:have|has)\b", before))
    if (
        "and" in joiner
        and IMPERATIVE.match(rest)
        and IMPERATIVE.match(before.strip())
        and re.match(r"\w+ (?:an?|the|all|me|how|number)\b", rest)
        or re.match(r"let (?:me|us|people|users) (?:search|filter|sort|see|list)\b", rest)
    ):
        return True
    if _PREDICATE.match(rest):
        finite = re.search(rf"\b(?:{MODAL}|is|are|has|have)\b", before, re.I) or has_subject_and_verb(before)
        return bool(finite) and not re.match(r"(?:is|are) (?:optional|required|unique)\b", rest)
    if _PRONOUN.match(rest) or re.match(r"(?:only|nobody|no one|no-one|everyone|anyone|others?)\b", rest, re.I):
        return bool(
            re.match(r"(?:\S+ ){1,4}?(?:can|may|must|should|is|are|has|have|need|\w+s|approves?|cannot|see|edit)\b", rest, re.I)
        ) and not re.match(r"others? (?:in|after|within)\b", rest, re.I)
    return bool(re.search(r"\s\w+", before.strip())) and has_subject_and_verb(rest)


def _shared_verb(rest: str, before: str, joiner: str) -> bool:
    """`devices authenticate with a key and send readings`: another verb of the same plural subject, with its own object."""
    objects = r"(?:an?|the|only|their|its|them|each|all|other|\w+s|in|out|up|on)\b"
    found = re.match(rf"^(?:can |may |only |also )*(?P<v>[a-z]+) (?P<o>{objects}.*)", rest, re.I)
    subject = subject_of(before)
    if re.match(r"(?:log|sign) (?:in|out|up)\b", rest):
        return False
    several = re.search(r"\(.*\x01.*\).*|\x01", rest) is not None and re.search(r" and [a-z]+ ", rest) is not None
    if (
        not found
        or not (several or re.search(r"and|then", joiner))
        or verb_base(found["v"]) != found["v"].lower()
        or not subject
    ):
        return False
    settled = re.search(r"\b(?:in|up|out|register|authenticate)$", before.strip()) or (
        len(before.split()) > 2 and not _ends_in_verb(before)
    )
    many = subject.lower().split()[-1].endswith("s") or re.search(r"\b(?:can|may|must|should|to)\b", before)
    return bool(settled and many)


def _ends_in_verb(text: str) -> bool:
    tokens = text.lower().strip(" ,").split()
    last = tokens[-2] if tokens[-1] in ("on", "to", "for", "in") and len(tokens) > 1 else tokens[-1]
    # What has a determiner is a noun: a plant.
    determined = len(tokens) > 1 and tokens[-2] in ("a", "an", "the", "its", "their", "each", "one")
    return verb_base(last) == last and not last.endswith("s") and not determined
