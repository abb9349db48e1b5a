"""Sentences that ask for nothing: titles, greetings, thanks, what the business is. They are shown as context, not as requirements."""

import re

from quantumlayer.spec.analyst.subjects import has_subject_and_verb
from quantumlayer.spec.analyst.words import words_of

_KINDS = "board|hub|directory|wiki|diary|journal|calendar|gallery|clone|exchange|network|dashboard|crm|erp|scheduler|api|app|application|system|service|platform|site|website|tool|tracker|backend|database|software|program|blog|desk|shop|store|portal|registry|manager|ledger|shortener|planner|list|forum|marketplace|booking|inventory|ticketing|notes|readings|approval|catalog|catalogue|library|crm|erp|cms|pim|hrm|thing|something|solution|mvp|prototype|module|microservice"
_CHATTER = re.compile(
    r"^(?:(?:thanks?|thank you|many thanks|please|hi|hello|hey|cheers|dear|good (?:morning|afternoon|evening)|best(?: regards| wishes)?|kind regards|regards|sincerely|yours|greetings|ciao)\b[^.]{0,60}"
    r"|(?:i|we) (?:would like|want|need|am|are|have) (?:to (?:have|build)|you to|an? (?:app|api|application|system|tool|service|website)).{0,40}"
    r"|(?:that is|that's|this is) (?:it|all|about it|everything).*|(?:keep it|make it|it should be) (?:simple|small|fast|nice|easy)(?:,? please)?|nothing (?:fancy|else)(?: needed| please)?"
    r"|(?:let me know|feel free to ask|any questions|looking forward|talk soon|see you|have a (?:nice|good|great) \w+|what do you think|does that make sense|hope (?:that|this) (?:helps|makes sense)|can you do (?:that|this|it)|could you (?:do|build|make) (?:that|this|it)|is that possible)\b.*"
    r"|(?:from|to|cc|bcc|subject|date|sent|on|re|fwd?):? .{0,40}(?:@|wrote:?$|\d{4}).{0,60}|(?:from|to|cc|subject|sent): .{1,80}|-- ?\w*.{0,40}|>.{0,10})$",
    re.I,
)
_TITLE = re.compile(rf"^(?!\w+ing (?:an? |the )\w+ (?:also |automatically )?\w+s )(?!(?:report|show|list|print|export|search|filter|sort|count|calculate|compute|display|get)s?\b)(?!.*\b(?:per|by|below|above)\b)(?:(?:please |can you |could you |let us |let's )*(?:build|create|make|write|develop|design|implement|give me|i want|i need|i'd like|i would like|we want|we need|we'd like|generate|set up|code|program|we are building|i am building|we are looking for|i am looking for|following up on .{{1,40}}: (?:we|i) need)\b )?(?:me |us |to (?:build|have|create|make) )?(?:an? |the |my |our )?(?:[\w'/-]+ ){{0,5}}?(?:{_KINDS})(?: (?:for|of|to) (?:an? |the |my |our |managing |tracking )*[\w' -]{{1,50}})?$", re.I)  # fmt: skip
_FINITE = re.compile(
    r"\b(?:can|cannot|may|must|should|will|has|have|is|are|not|with|never|no|only|cannot|who|that|which|where)\b", re.I
)
_BACKGROUND = re.compile(
    r"^(?:(?:we|i) (?:are|am|run|own|operate|used to|currently|work|do|organi[sz]e|started|bought|founded|lead|teach|live|have been|had|was|were|just|recently|still)\b"
    r"|(?:our|my) (?:company|shop|club|team|school|business|organi[sz]ation|office|family|boss|customers?|clients?|current|old|existing)\b.{0,80}\b(?:is|are|was|were|wants?|needs?|asked|has been|uses?|used)\b"
    r"|it (?:is|was|has been) (?:a bit of|currently|now|very|quite|really|all|a mess|annoying|hard|difficult|painful|time)\b|(?:right now|currently|at the moment|today|until now|so far|nowadays|these days|at present)\b"
    r"|(?:following up|as (?:discussed|agreed|mentioned)|per our|regarding|about|re:|fyi|btw|by the way|long story short|here is|here are|below is|below are|see below|the idea is|the goal is|the purpose is|background:?|context:?|this is|that is why|the reason is|requirements?:?$)\b)",
    re.I,
)


def is_context(text: str, *, first: bool = False) -> bool:
    """Whether the words are a title, a greeting or the like; the `first` words of a request may be a short title of any kind."""
    if text.startswith("crud for "):
        return False
    if first and len(text.split()) <= 2 and not re.search(r"[:,(]", text):
        return True
    if (
        first
        and len(text.split()) <= 4
        and not _FINITE.search(text)
        and not re.search(r"[:,(]", text)
        and not has_subject_and_verb(text)
    ):
        return True
    titled = _TITLE.match(text) and not _FINITE.search(text) and not has_subject_and_verb(text)
    return bool(_CHATTER.match(text) or titled)


# What people do as a rule, with no row of it changing: `neighbours share tools`.
HABITS = frozenset(("share", "swap", "trade", "exchange", "love", "enjoy", "use", "play"))
_HABIT = re.compile(rf"^(?:[a-z]+ )?[a-z]+s (?:{'|'.join(HABITS)})(?: (?:their|old|used))?(?: [a-z]+)? [a-z]+s$", re.I)


def is_habit(text: str) -> bool:
    """Whether the words, as the first of a request, only tell what people do in general."""
    return bool(_HABIT.match(text))


_THING = r"(?:[\w'’-]+ ){0,5}?[\w'’-]+"
# Who wants what sort of thing, with none of its rules: `our office wants to digitise its register`
_WISH = tuple(
    re.compile(p, re.I)
    for p in (
        rf"(?:can|could) (?:you|we|i) (?:please )?(?:make|build|create|get|have|develop|set up|program)(?: me| us)? (?:an? |the )?(?:[\w-]+ ){{0,3}}?(?:{_KINDS})(?: (?:for|to manage|to track) {_THING}(?: (?:at|in|of) {_THING})?)?\??",
        rf"(?:.{{0,40}}?, )?(?:we|i) (?:urgently |really |just |also )*(?:need|want|would like|are looking for|am looking for) (?:something|anything|an? (?:[\w-]+ ){{0,3}}?(?:{_KINDS}))(?: (?:that|which) helps)?(?: (?:to replace|for|to manage|to organi[sz]e|{_THING} with)(?: {_THING}){{0,2}})?",
        rf"(?:an? |the |our |my )?(?:[\w'’-]+ ){{0,5}}?[\w'’-]+ (?:wants?|needs?|would like|has|have|must|are trying|is trying)(?: to)? (?:digiti[sz]e|moderni[sz]e|simplify|improve|document|replace|organi[sz]e) (?:its|our|their|the|all)? ?{_THING}",
        rf"(?:[a-z ]+ can |we |i )?(?:need to |want to |must |have to )?(?:keep an eye on|keep track of|get an overview of|stay on top of) (?:our |my |the |all )*{_THING}(?: in our \w+)?",
        rf"(?:we|i) (?:manage|look after|sell|rent out|lend out|serve|maintain|offer|place) {_THING}(?: (?:for|in|at|to) {_THING})?",
        rf"(?:the|this|our) (?:{_KINDS}) (?:is|will be|should be|can be|is to be) used by {_THING}(?: of {_THING})?",
        rf"(?:i need|we need|an?) (?:[\w-]+ ){{0,4}}?(?:{_KINDS}) (?:that|which) (?:helps?|supports?) {_THING} (?:with|to manage) {_THING}",
    )
)
_RULED = re.compile(r"\b(?:per|by|that|which|are|only|not|never|with|where|when|if|each|every|who|until|\d+)\b", re.I)


def is_wish(text: str) -> bool:
    """Whether words that the grammar could not read only tell who wants an application, and of what sort."""
    bare = re.sub(r"\b(?:used by|helps? .+ with)\b", "", text, flags=re.I)
    return not _RULED.search(bare) and any(p.fullmatch(text.strip(" .?!")) for p in _WISH)


def is_background(text: str) -> bool:
    """Whether words that the grammar could not read only tell of the situation. Asked last: it must not hide a requirement."""
    return bool(_BACKGROUND.match(text)) and not re.search(
        r"\b(?:must|should|cannot|can|may|need|needs|want|wants|never|only|has to|have to|shall|would like)\b", text, re.I
    )


_COUNT = r"\d+|two|three|four|five|six|seven|eight|nine|ten|twelve|several|a few|a dozen"

# `our choir has about 60 singers`, `physiotherapy practice with 4 therapists`: how large the organisation is
_SIZE = re.compile(
    rf"^(?:an? |the |our |my )?(?:[\w'-]+ ){{0,3}}?(?:{'|'.join(words_of('organisations'))}) (?:(?:has|have|with|of|for) )(?:about |around |over |some |roughly )?(?:{_COUNT}) [a-z]+(?: [a-z]+)?$",
    re.I,
)


def is_aside(text: str) -> bool:
    """Background that cannot name what is to be kept, so that it is left out before anything is looked for."""
    return (
        _SIZE.match(text) is not None
        or is_background(text)
        and not re.search(
            r"[:(]|\b(?:with|has|have|keep|track|store|record)\b",
            re.sub(rf"\bwith (?:(?:about|around|over|some|only) )?(?:(?:{_COUNT}) )?\w+(?: \w+)?$", "", text),
            re.I,
        )
    )
