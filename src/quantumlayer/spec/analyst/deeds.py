"""What is done with records, whoever does it: `users can create, edit and delete tasks`, `POST /tasks - create a task`."""

import re
from typing import Any

from quantumlayer.spec.analyst.attributes import KNOWN
from quantumlayer.spec.analyst.fields import split_list
from quantumlayer.spec.analyst.grammar import Clause, entity, rule
from quantumlayer.spec.analyst.words import PEOPLE, RECORDS, is_plural, plural, singular
from quantumlayer.spec.analyst.world import World, state_of_verb

_OPERATIONS = {
    "create": "create|add|enter|insert|post|register|save|make",
    "read": "read|view|see|get|fetch|retrieve|open|show|look at",
    "list": "list|browse|view all|see all|get all|list all|fetch all|retrieve all|read all|show all",
    "update": "update|edit|change|modify|rename|adjust|correct|replace|patch|partially update",
    "delete": "delete|remove|erase",
}
_OPERATION = {verb: name for name, verbs in _OPERATIONS.items() for verb in verbs.split("|")}
_OPERATION |= dict.fromkeys(("manage", "maintain", "administer"), "create update delete read list")
_VERB = rf"(?:{'|'.join(sorted(_OPERATION, key=len, reverse=True))})"
_MAY = r"(?:can(?: also| then)?|may(?: also)?|should be able to|must be able to|shall be able to|(?:is|are) able to|need to|want to|would like to|have to be able to)"
_PERSONS = r"(?:the |all |any |every |each )?(?:users?|people|anyone|anybody|everyone|everybody|clients?|consumers?|customers? of the api)"
_NOBODY = (
    rf"(?:(?:you|we|i|one) (?:{_MAY} )?|(?:it|this) (?:is|should be|must be|has to be) possible to |(?:the )?(?:ability|option|possibility) to "
    rf"|(?:the |an? )?(?:rest )?(?:app|api|system|application|service|endpoints?|it) (?:{_MAY} |(?:should |must |can |will )?(?:let|allow|enable|support)s? (?:(?:me|us|you|one|{_PERSONS}) )?(?:to )?)|endpoints? (?:to|for) |ways? to |an? (?:page|form|screen) to )"
)
_THING = r"(?:(?:an?|the|all|any|new|existing|single|individual|one|some|of|each|every|specific|multiple) )*(?P<e>[a-z]+(?:[ -][a-z]+)?)(?: (?:by|with|using) (?:its |their |the |an? )?ids?| details)?"
_CRUD = re.compile(rf"(?P<v>{_VERB})(?: {_THING})?")
_MARK = re.compile(rf"(?:mark|flag) {_THING} as (?P<s>[a-z]+)")
_ACTS = {"complete": "completed", "finish": "finished", "archive": "archived", "publish": "published", "cancel": "cancelled"}
_ACTS |= {"close": "closed", "reopen": "reopened", "approve": "approved", "reject": "rejected"}
_ACT = re.compile(rf"(?P<v>{'|'.join(_ACTS)})(?: {_THING})?")
_ANYBODY = re.compile(rf"(?:{_NOBODY})?(?P<deeds>.+)")
_PERSON = re.compile(rf"{_PERSONS} (?:{_MAY} )?(?P<deeds>.+)")
_THEM = ("them", "it", "those")
_DONE = {"create": "created", "read": "read", "list": "listed", "update": "changed", "delete": "deleted"}
_AND = re.compile(r", and |, | and | & | or |/")
_OWNED = re.compile(r"\b(?:my|our|their|his|her|own|your)\b")
# Where people are known by name, what they do is theirs.
_KNOWN = re.compile(
    r"\b(?:sign(?:s|ed)?[ -]?(?:up|in)|log(?:s|ged)?[ -]?(?:in|on)|registers?|registered|registration|accounts?|passwords?|authenticat\w+|roles?|admins?|administrators?|managers?"
    r"|permissions?|own|owns|owned|owners?|users? (?:has|have|with|belongs?|is|are)|users? ?[:(]|each user|every user|per user)\b",
    re.I,
)
_ENDPOINT = re.compile(
    r"`?(?P<m>get|post|put|patch|delete)`? `?/(?P<p>[a-z][\w-]*)(?P<one>/(?:\{\w+\}|:\w+|<\w+>))?(?P<deed>/[a-z][\w-]*)?(?:\?(?P<q>[\w=&{},.*-]+))?`?/?(?: ?(?:-|:|–|->|→|=>) ?(?P<said>.+))?",
    re.I,
)
_METHODS = {"post": "create", "put": "update", "patch": "update", "delete": "delete"}


_KEEP = r"(?:manag(?:e|es|ing)|track(?:s|ing)?|stor(?:e|es|ing)|keep(?:s|ing)?(?: track of)?|handl(?:e|es|ing)|organi[sz](?:e|es|ing)|catalog(?:ue|s|ing)?|record(?:s|ing)?|collect(?:s|ing)?|maintain(?:s|ing)?|sav(?:e|es|ing)|log(?:s|ging)?)"
_APPLICATION = r"(?:(?:web|rest|crud|json|http|mobile|todo)[ -])?(?:api|app|application|service|microservice|backend|system|platform|website|site|tool|program|software|server|database)s?"
# `Create a simple REST API for managing books with …`: all before the books only says that an application is wanted.
_FRAME = re.compile(
    rf"(?:(?:please|can you|could you|i|we|would like|want|need|'d like|you|to|let's|help|build|create|make|write|develop|design|generate|implement|set up|program|give|get|have|me|us) )*"
    rf"(?:an? |the |my |our )?(?:(?:simple|small|basic|tiny|little|minimal|rest|restful|json|http|web|crud|internal|online|new|backend|full|complete|nice|straightforward|lightweight) )*(?:[a-z-]+ (?:management |tracking |booking )?)??{_APPLICATION}"
    rf"(?: (?:for|to|of)(?: {_KEEP})?| (?:that|which) (?:(?:can|will|should) )?(?:{_KEEP}|(?:lets?|allows?|enables?) (?:you|me|us|people|users|everyone) (?:to )?{_KEEP})| with (?:full |basic )?crud(?: operations| endpoints)? (?:for|on)|:)"
    rf" (?:(?:my|our|the|all|some|all the) )*(?P<rest>[a-z]+(?: [a-z]+)?(?: with |: | \(| having | that have | where each ).+)",
    re.I,
)
# `Contacts app: name, phone`, `customer database with name and email`
_NAMED = re.compile(
    rf"(?:(?:please|build|create|make|me|an?|the|my|our|simple|small|i|we|want|need|rest) )*(?P<n>[a-z]+(?: [a-z]+)??) {_APPLICATION}(?P<how>:| with| of| storing| containing) (?P<rest>[^.:()]+)",
    re.I,
)
# `a blog API with posts and comments`
_KINDS = re.compile(
    rf"(?:[\w'-]+ ){{0,6}}?{_APPLICATION} (?:with|for|of|to manage|managing|for managing) (?P<rest>[a-z]+s(?:(?:, | and |, and | & )[a-z]+s)+)",
    re.I,
)
# `a simple notes app`, `student management system`
_ONE_KIND = re.compile(
    rf"(?:(?:please|build|create|make|write|i|we|want|need|me|us|an?|the|my|our|simple|small|basic|new) )*(?P<n>[a-z]+?)s?(?: (?:management|manager|tracking|tracker|keeping|registration|crud))*(?: {_APPLICATION})?",
    re.I,
)


_SENTENCE = re.compile(r"\b(?:with|has|have|can|may|is|are|per|once|where|who|which|that|each|every)\b", re.I)
_COMMON = frozenset(
    [
        "todo",
        "task",
        "project",
        "product",
        "customer",
        "contact",
        "recipe",
        "movie",
        "song",
        "album",
        "bookmark",
        "event",
        "expense",
        "invoice",
        "employee",
        "room",
        "car",
        "vehicle",
        "pet",
        "animal",
        "item",
        "asset",
        "course",
        "lesson",
        "exercise",
        "workout",
        "habit",
        "goal",
        "idea",
        "poll",
        "job",
        "article",
        "document",
        "photo",
        "place",
        "location",
        "restaurant",
        "country",
        "city",
        "device",
        "sensor",
        "account",
        "transaction",
        "payment",
        "subscription",
        "coupon",
        "supplier",
        "warehouse",
        "inventory",
        "category",
        "tag",
        "user",
    ]
)


def unframed(text: str) -> str:
    """What an application is to keep, of a sentence that begins with what sort of application is wanted."""
    bare = text.strip(" .")
    if (kinds := _KINDS.fullmatch(bare)) and {singular(one) for one in split_list(kinds["rest"])} - KNOWN:
        return f"crud for {kinds['rest']}"
    named = _NAMED.fullmatch(bare)
    told = split_list(named["rest"]) if named else []
    # Behind a colon there are the values of one record; behind `with`, kinds of records may be meant too.
    if named and _SENTENCE.search(named["rest"]):
        return text
    if named and len(told) > 1 and (named["how"] == ":" or not any(is_plural(one.split()[-1]) for one in told)):
        return f"{named['n'] if is_plural(named['n']) else plural(named['n'])}: {named['rest']}"
    found = _FRAME.fullmatch(bare)
    return found["rest"] if found else text


def only_kind(text: str) -> str:
    """What the whole request is about, where it says no more than `a notes app`."""
    found = _ONE_KIND.fullmatch(text.strip(" ."))
    name = found["n"].lower() if found and text.strip(" .").lower() != found["n"].lower() else ""
    return f"crud for {plural(name)}" if name in RECORDS | PEOPLE | _COMMON else text


def known_people(everything: str) -> bool:
    """Whether the request speaks of people who sign in, or of users as records."""
    return bool(_KNOWN.search(everything))


def plain_deed(text: str, known: bool) -> str:
    """The clause as `crud of tasks: create, update`, where it says no more than that; `known`: people sign in, so that
    what they do is told of them and not of anybody.
    """
    if endpoint := _ENDPOINT.fullmatch(text.strip(" .")):
        return _of_endpoint(endpoint, text, known)
    low = text.lower().strip(" .")
    said = (None if known else _PERSON.fullmatch(low)) or _ANYBODY.fullmatch(low)
    deeds = None if said is None or _OWNED.search(low) else _deeds(_AND.split(said["deeds"]))
    return "; ".join(deeds) if deeds else text


def is_deed(match: str) -> bool:
    """Whether the words are those that `plain_deed` puts in the place of a clause's own."""
    return match.startswith("crud of ")


def _deeds(pieces: list[str]) -> list[str] | None:
    """Each deed as a clause; what has no object of its own has that of the next, `them` is what came before."""
    read: list[tuple[re.Match[str], str]] = []
    for piece in pieces:
        found = _MARK.fullmatch(piece) or _CRUD.fullmatch(piece) or _ACT.fullmatch(piece)
        if found is None:
            return None
        noun = (found["e"] or "").replace("-", " ")
        before = read[-1][1] if read else ""
        read.append((found, before if noun in _THEM else noun))
    operations: dict[str, str] = {}
    others, noun = [], ""
    for found, named in reversed(read):
        noun = named or ("they" if (found["e"] or "") in _THEM else noun)
        if not noun:
            return None
        if "s" in found.groupdict():
            others.append(f"{noun} can be marked as {found['s']}")
        elif found["v"] in _ACTS:
            others.append(f"{noun} can be {_ACTS[found['v']]}")
        else:
            if noun == "they":
                others += [f"they can be {_DONE[name]}" for name in _OPERATION[found["v"]].split()]
                continue
            operations[noun] = f"{_OPERATION[found['v']]} {operations.get(noun, '')}"
    crud = [f"crud of {one}: {', '.join(dict.fromkeys(told.split()))}" for one, told in reversed(operations.items())]
    return [*crud, *reversed(others)]


def _of_endpoint(m: re.Match[str], text: str, known: bool) -> str:
    """What an endpoint says that an application of ours has at that path; the text as it is of any other."""
    noun, method = re.sub(r"[-_]", " ", m["p"]).lower(), m["m"].lower()
    said = "" if (m["said"] or "").lower() in _OPERATION else m["said"] or ""
    deed = (m["deed"] or "")[1:].replace("-", " ").lower()
    if said and (plain := plain_deed(said, known)) != said:
        return plain
    if (
        deed
        and method == "post"
        and m["one"]
        and (not said or re.fullmatch(rf"{deed}s? (?:(?:an?|the) )?\w+(?: \w+)?", said.lower()))
    ):
        return f"{noun} can be {state_of_verb(deed)}"
    if said or deed:
        return said or text
    if m["q"]:
        names = [part.partition("=")[0] for part in m["q"].split("&")]
        return f"list {noun} filtered by {' and '.join(names)}" if method == "get" and not m["one"] else text
    if (method == "post") == bool(m["one"]) and method != "get":
        return text
    return f"crud of {noun}: {_METHODS.get(method) or ('read' if m['one'] else 'list')}"


@rule
def keeps(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`crud of tasks: create, update`"""
    target = entity(world, m, "e")
    if target is None or world.is_account(target):
        return None
    for name in m["vs"].split(", "):
        operation = target.operation(name)
        target.update(name, satisfies=tuple(dict.fromkeys([*operation.satisfies, clause.id])))
    if not world.auth and re.search(rf"\b{_PERSONS} {_MAY} ", clause.text, re.I):
        world.ask("Do users sign in? Now whoever reaches the application may do all of it.")
    return True
