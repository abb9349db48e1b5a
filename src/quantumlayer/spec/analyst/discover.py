"""The first reading: which nouns are entities, who acts, and whether anyone signs in."""

import re
from collections.abc import Mapping

from quantumlayer.spec.analyst.accounts import find_accounts, find_sign_in
from quantumlayer.spec.analyst.draft_field import looks_like_field
from quantumlayer.spec.analyst.fields import read_item, split_list, type_of
from quantumlayer.spec.analyst.grammar import Clause
from quantumlayer.spec.analyst.nouns import STOP, noun
from quantumlayer.spec.analyst.words import LEXICON, PEOPLE, RECORDS, ROLES, is_plural, plural, singular, verb_base, words_of
from quantumlayer.spec.analyst.world import World

_DET = r"(?:(?:an?|the|each|every|all|any|our|my|some|their|his|her|its|many|several|multiple|other|own|new|your) )*"
_NOUN = r"[a-z][a-z'-]*(?: [a-z][a-z'-]*){0,2}?"
_SUBJECT = re.compile(rf"^{_DET}(?P<n>{_NOUN}) (?:(?:can|may|must|should|will|cannot|also|always|shall) )*(?P<v>has|have|contains?|includes?|consists? of|belongs? to|is|are|can|cannot|may|must|should|goes|moves|starts|expires?|never|be|needs?|stores?|carr(?:y|ies)|records?|comprises?|gets?)\b(?P<rest>.*)$")  # fmt: skip
_WITH = re.compile(rf"(?:^|\b(?:{'|'.join(('a', 'an', 'the', 'of', 'for', 'track', 'manage', 'store', 'keep', 'log', 'record', 'have', 'has', 'are', 'is', 'create', 'write', 'post', 'submit', 'open', 'send', 'add', 'list', 'with'))})\s){_DET}(?P<n>{_NOUN}),? (?:with|having|that have|which have|that has|containing|including|consisting of) (?P<rest>.+)$")  # fmt: skip
_ORGANISATIONS = words_of("organisations")
_WEAK = frozenset(["the", "a", "an", "our", "their", "my", "each", "every", "all"])
_ACTS = re.compile(
    rf"^{_DET}(?P<s>{_NOUN}) (?:(?:can|may|must|should|will|want to|can also|may also|are able to|is able to) )?(?P<v>[a-z]+(?: (?:in|out|up|on))?) (?P<o>.+)$"
)


def discover(clauses: list[Clause], heads: list[str], world: World) -> None:
    """Fill the world with the entities, actors and accounts that the clauses speak of."""
    texts = [(c, c.match.lower()) for c in clauses]
    find_sign_in(texts, heads, world)
    found: dict[str, str] = {}
    for clause, text in texts:
        for one in _declared(text):
            found.setdefault(one, clause.id)
        for one in re.findall(r"\b(?:in|at|on|for|from|to|by|with) one of (?:our|their) ([a-z]+s)\b", clause.text.lower()):
            found.setdefault(noun(one) or singular(one), clause.id)
    for clause, text in texts:
        for one in _spoken_of(text, [t for _, t in texts if t != text]):
            found.setdefault(one, clause.id)
    for clause, text in texts:
        for one in _acted(text, found):
            found.setdefault(one, clause.id)
    everything = " ".join(t for _, t in texts)
    for clause, text in texts:
        for one in _events(text, everything):
            found.setdefault(one, clause.id)
    for clause, text in texts:
        for one in _mentioned(text, found):
            found.setdefault(one, clause.id)
    # `60%`, `100 spots`, `played on a date`: values are no kinds of records
    for one in [
        o
        for o in found
        if re.fullmatch(r"n_\d+|quantity|date|time|day|hour|month|year|name|number|price|title|text|their|theirs", o)
    ]:
        if re.match("n_|their", one) or not any(
            re.match(rf"(?:an? |each |every |the )?{one}s? (?:has|have|belongs?)\b", t) for _, t in texts
        ):
            del found[one]
    for one in [o for o in found if "_" in o]:
        head, _, tail = one.partition("_")
        if tail in found and head not in found and re.search(rf"\b(?:states?|status(?:es)?)\b[^.]*\b{head}\b", everything):
            del found[one]
    for one in [o for o in found if any(w.endswith(f"_{o}") and w.removesuffix(f"_{o}") in found for w in found)]:
        # `order items (product, quantity)`: the items of orders, and no others
        if not any(re.match(rf"(?:(?:an?|each|every|the) )?{one}s? (?:has|have|with|belongs?|:|\()", t) for _, t in texts):
            del found[one]
    for one in [o for o in found if verb_base(o) and any(c.endswith(f"_{o}") for c in found)]:
        if not any(
            re.search(rf"\b{one}s? (?:has|have|with|:|\()", t) and not re.search(rf"\w+ {one}s? (?:has|have|with)", t)
            for _, t in texts
        ):
            del found[one]
    for one in [o for o in found if any(c.endswith(f"_{o}") for c in found)]:
        own = any(re.search(rf"\bown {one}(?:s|es)?\b|\bown {re.escape(plural(one))}\b", t) for _, t in texts)
        if own and not any(re.search(rf"(?:^|\b(?:an?|each|every|the) ){one}s? (?:has|have|with)\b", t) for _, t in texts):
            del found[one]
    for one in [o for o in found if _only_counted(o, texts)]:
        del found[one]
    aliases: dict[str, str] = {}
    for one in [o for o in found if o.count("_") > 1 and o.rsplit("_", 1)[-1] not in found]:
        last = one.rsplit("_", 1)[-1]
        if any(re.match(rf"(?:an? |each |every |the |show |list )?{re.escape(plural(last))}\b", t) for _, t in texts):
            found[last] = found.pop(one)
            aliases |= {form.replace("_", " "): last for form in (one, plural(one))}
    declared = {one for _, t in texts for one in _declared(t)}
    for one in [o for o in found if o not in declared]:
        whole = [c for c in found if c.endswith(f"_{one}") and c in declared]
        if len(whole) == 1 and one not in PEOPLE:
            del found[one]
    for deed, thing in (_asked_for([t for _, t in texts], found) | _booked(texts, found)).items():
        found.pop(deed, None)
        aliases |= {form.replace("_", " "): thing for form in (deed, plural(deed))}
    for one in [o for o in found if o in world.called or _begins_known(o, everything, world)]:
        del found[one]
    for one, by in found.items():
        if not _is_actor_only(one, texts, world, found):
            world.add(one.replace("_", " "), by)
    world.surface |= {form: one for form, one in aliases.items() if one in world.entities}
    find_accounts(texts, world, found)
    world.deciders = frozenset(d for d in world.deciders if d not in world.entities)


_DEEDS = frozenset(noun for nouns in LEXICON["events"].values() for noun in nouns.split())


def _only_counted(one: str, texts: list[tuple[Clause, str]]) -> bool:
    """Whether such things only are a number that something has: `variety, number of packets, harvest year`."""
    many = re.escape(plural(one.replace("_", " ")))
    listed = re.compile(rf"(?:[:,(]|\band|\bwith|\bhas|\bhave)(?: an?| the)? number of {many}(?=[,;)]|$| and\b)")
    counted = one not in _DEEDS and one not in PEOPLE and any(listed.search(t) for _, t in texts)
    return counted and not any(one in _declared(t) or re.search(rf"number of {many} per\b", t) for _, t in texts)


def _begins_known(one: str, everything: str, world: World) -> bool:
    """Whether the word only stands at the beginning of what a file declares: the `leave` of `leave requests`."""
    known = [e for e in world.entities.values() if e.declared and e.name.startswith(f"{one}_")]
    rests = {form.removeprefix(f"{one}_").replace("_", " ") for e in known for form in (e.name, e.plural)}
    ends = "|".join(map(re.escape, rests))
    return bool(rests) and one not in world.entities and not re.search(rf"\b{one}s?\b(?! (?:{ends})\b)", everything)


def _booked(texts: list[tuple[Clause, str]], found: Mapping[str, str]) -> dict[str, str]:
    """`clients book a session with an artist`: the booking is the session."""
    said = " ".join(dict.fromkeys(c.text.lower() for c, _ in texts))
    things = re.findall(r"\bbooks? an? ([a-z]+) with (?:an?|the) ([a-z]+)", said)
    things = [thing for thing, person in things if person in PEOPLE | words_of("credited")]
    return {"booking": things[0]} if len(things) == 1 and things[0] in found and things[0] != "booking" else {}


def _asked_for(texts: list[str], found: Mapping[str, str]) -> dict[str, str]:
    """`employees request vacation`: the request is the vacation, unless requests have values of their own."""
    asked: dict[str, str] = {}
    for text in texts:
        for m in re.finditer(r"\b[a-z]+s (?:can |may )?(?P<v>request|claim) (?:an? |the )?(?P<n>[a-z]+)\b", text):
            thing = singular(m["n"])
            own = any(re.search(rf"\b{m['v']}s? (?:has|have|with|:|\()", t) for t in texts)
            if thing in found and not own:
                asked[m["v"]] = thing
    return asked


def _declared(text: str) -> list[str]:
    """`each task has …`, `events with …`, `task: …`, `bookmarks api with …`, `x belongs to y`."""
    nouns = re.findall(r"\b(?:his|her|their|my) own (?:private |personal )?([a-z]+)", text)
    nouns_told: list[str] = named_only(text)
    if nouns_told:
        return nouns_told
    if (m := _SUBJECT.match(text)) and m["v"] in ("has", "have", "contains", "contain", "includes", "include", "consists of", "belongs to", "belong to", "stores", "store", "carries", "carry", "comprises", "record", "records", "needs", "need", "gets", "get"):  # fmt: skip
        told = re.match(r"(?:each|every|an?|the) ", text) is not None or is_plural(m["n"].split()[-1])
        if (
            told
            and m["v"] in ("has", "have", "contains", "contain", "belongs to", "belong to")
            and not re.match(
                r"(?:the |an? )?(?:app|application|api|system|platform|site|we|it|they|user interface|database|backend)$",
                m["n"],
            )
            and (m["n"] != "service" or enumerates_fields(m["rest"]))
            and (sure := noun(m["n"], told=True))
        ):
            nouns_told.append(sure)
        asks = m["v"] in ("need", "needs") and m["n"].split()[-1] in _ORGANISATIONS
        if not asks and not (m["v"] in ("get", "gets") and re.match(r" [a-z]+(?:ed|en|wn|ld|nt)\b", m["rest"])):
            nouns += [m["n"]]
        if m["v"].startswith("belong"):
            nouns += [re.sub(r"^.*? to ", "", f" to {m['rest'].strip()}").split(" and ")[0]]
        if (
            m["v"] in ("has", "have")
            and (inner := re.match(r" (?:an?|one) ([a-z]+(?: [a-z]+)?) with (an? .+)$", m["rest"]))
            and enumerates_fields(inner[2])
        ):
            nouns.append(inner[1])
        if m["v"] in ("has", "have") and (
            many := re.match(
                r" (?:many|several|multiple|one or more|zero or more|any number of) ([a-z ]+?)(?: with .*| \(.*)?$", m["rest"]
            )
        ):
            nouns += list(split_list(many[1]))
    if m := re.match(
        rf"^{_DET}(?P<n>{_NOUN}) (?:of|for) {_DET}(?P<p>{_NOUN}) (?:has|have|records?|contains?|includes?|needs?|with|consists? of)\b",
        text,
    ):
        nouns_told += [one for n in (m["n"], m["p"]) if is_plural(n.split()[-1]) and (one := noun(n, told=True))]
        nouns += [m["n"], m["p"]]
    nouns_told += _lying(text)
    nouns_told += listed(text)
    done = _without_doer(text) != text
    text = _without_doer(text)
    for m in _WITH.finditer(text):
        # What somebody was said to do stands before the whole name: `students submit print jobs with …`.
        last = m["n"] if done and m.start("n") == 0 else m["n"].split()[-1]
        if is_plural(last) and enumerates_fields(m["rest"]) and (one := noun(last, told=True)):
            nouns_told.append(one)
        nouns.append(
            re.sub(
                r"^.*\b(?:track|manage|store|of|for|log|write|submit|open|send|add|create|post|have|list|are|is) ", "", m["n"]
            )
        )
    if m := re.match(
        r"^(?:(?:create|build|make|write|i need|i want|we need|need|want|a|an|the|simple|small|rest|crud|basic|me|please|give|json)\s)*(?P<n>[a-z-]+(?: [a-z-]+)?) (?:api|app|crud|service|backend|tracker|manager|list|database|catalog|catalogue|registry|directory|inventory)(?: app| api)? (?:with|storing|for|having|that stores|of|holding|tracking|where each(?: one)? has) ",
        text,
    ):
        nouns.append(m["n"])
        # `a to-do list with subtasks`: what a kind of record consists of, where it is no known value
        nouns += [one for one in split_list(text[m.end() :]) if is_plural(one) and " " not in one and not looks_like_field(one)]
    if m := re.match(rf"^{_DET}(?P<n>{_NOUN})(?: fields| attributes| properties)?: \w", text):
        nouns.append(m["n"])
    if m := re.match(rf"^{_DET}(?P<n>{_NOUN}) \((?:\w|[ ,-])+,", text):
        nouns.append(m["n"])
    if m := re.search(
        r"\b(?:is|are) (?:given|held|run|taught|organized|organised|grouped|planted|kept|hosted|performed|shown) (?:in|at|on) (?P<n>[a-z]+s)$",
        text,
    ):
        nouns.append(m["n"])
    if m := re.search(r"\b(?:stored|kept|held|located) in (?:an? |several )?(?P<n>[a-z]+)(?:,|$)", text):
        nouns.append(m["n"])
    if m := re.search(rf"\b(?:for|of|about) each (?P<n>{_NOUN})(?:,|$| we| i| store| record)", text):
        nouns.append(m["n"])
    if m := re.search(
        r"\b(?:crud|manage|management|manages|managing|track|tracks|tracking(?= (?:of|my|our|the|all)\b))(?: for| of| my| our| the)? (?!(?:has|have|is|are|belongs?|contains?|with|of|in|on|from|for)\b)(?P<n>[a-z ,]+?)(?:\.|$| with| and (?:see|show|report|list))",
        text,
    ):
        nouns += split_list(m["n"])
    for m in re.finditer(
        r"\b(?:track|manage|collect|store|record|log|keep|save|register|organize|catalog|catalogue)(?:ing|s)? (?:track of )?(?:my |our |the |all |some |their )*(?P<n>[a-z]+(?: [a-z]+)?): \w",
        text,
    ):
        nouns.append(re.sub(rf"^(?:{'|'.join(PEOPLE)}) ", "", m["n"]))
    if m := re.match(r"^(?P<n>[a-z]+s) (?:with|having) [a-z]", text):
        nouns.append(m["n"])
    for m in re.finditer(r"\b(?:many|several|one or more|multiple) (?P<n>[a-z]+(?: [a-z]+)?) with (?:an? |the )", text):
        nouns.append(m["n"])
    return [*nouns_told, *(one for n in nouns if (one := noun(n)) and not _is_verbish(one))]


# `patients lie in beds`, `each bed is in a room`
_LYING = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<a>[a-z]+(?: [a-z]+)?s) (?:lie|live|sit|stand|sleep|stay|hang|grow|are kept|are stored|are located) (?:in|on|at) (?P<b>[a-z]+(?: [a-z]+)?s)",
        r"(?:each|every|an?|one) (?P<a>[a-z]+(?: [a-z]+)?) (?:is|lies|lives|sits|stands|sleeps|stays|hangs|grows|is kept|is stored|is located) (?:in|on|at) (?:an?|one|exactly one) (?P<b>[a-z]+(?: [a-z]+)?)",
    )
)


def _lying(text: str) -> list[str]:
    """What lies somewhere, and where."""
    told = next((m for p in _LYING if (m := p.fullmatch(text))), None)
    found = [noun(told[k], told=True) for k in "ab"] if told else []
    # `a dog is in a good mood`: half of a pair says nothing.
    return [one for one in found if one] if all(found) else []


def _spoken_of(text: str, others: list[str]) -> list[str]:
    """`a survey has a title and questions`, where another clause tells of questions: they are records of their own."""
    m = _SUBJECT.match(text)
    if m is None or m["v"] not in ("has", "have", "contains", "contain"):
        return []
    items = [re.sub(rf"^{_DET}", "", piece.strip()) for piece in split_list(m["rest"])]
    spoken = [i for i in items if re.fullmatch("[a-z]+", i) and is_plural(i)]
    tells = r"(?:has|have|belongs?|consists?|contains?|(?:is|are) either|(?:can|may) (?!not|only)[a-z]+)\b"
    return [
        one
        for i in spoken
        if any(
            re.match(
                rf"(?:(?:an?|each|every|the) )?(?:{i}|{re.escape(singular(i))}) {tells}(?! (?:optional|required|unique|lower|sorted|kept|stored|at most|limited))",
                t,
            )
            for t in others
        )
        and (one := noun(i))
    ]


def listed(text: str) -> list[str]:
    """Nouns with their fields in parentheses, anywhere: `apiaries (name, location) contain hives (number, queen year)`."""
    text = text.lower()
    found: list[tuple[str, str]] = []
    for m in re.finditer(r"(?P<n>[a-z][a-z'-]*(?: [a-z][a-z'-]*){0,2}) \((?P<f>[^()]*(?:\([^()]*\)[^()]*)*)\)", text):
        words = m["n"].split()
        starts = [i + 1 for i, w in enumerate(words[:-1]) if w in STOP or w in _WEAK or verb_base(w) or is_plural(w)]
        name = " ".join(words[max(starts, default=0) :])
        if is_plural(name) and (not looks_like_field(name) or _all_fields(m["f"])) and (one := noun(name, told=True)):
            found.append((one, m["f"]))
    nouns = frozenset(one for one, _ in found) if len(found) > 1 else frozenset()
    return [one for one, inside in found if enumerates_fields(inside, nouns)]


def _all_fields(text: str) -> bool:
    """Whether a list names nothing but fields: `ingredients (name, amount, unit)` are records of their own."""
    items = [read_item(piece) for piece in split_list(text)]
    return len(items) > 1 and all(i.name and type_of(i.name)[0] is not None for i in items)


def named_only(text: str) -> list[str]:
    """`kanban board with boards, columns and cards`, `crud for plants, suppliers`: kinds of records and nothing else."""
    m = re.match(
        rf"^(?:(?:[a-z' -]{{0,60}}?\b)?(?:with|for|of|manag\w+|track\w*|handl\w+|about|containing|crud)(?: for| of)? )?(?P<l>{_DET}[a-z]+s(?: [a-z]+s)?(?:(?:, | and |, and | & ){_DET}[a-z]+(?: [a-z]+)?)+)$",
        text,
    )
    if not m or re.match(r"(?:lists?|reports?|shows?|filter|sort|search)\b", text):
        return []
    items = [re.sub(rf"^{_DET}", "", piece) for piece in split_list(m["l"])]
    # What stands alone may hold a name that elsewhere is a value: `art gallery: artists, artworks and sales`.
    fieldlike = [i for i in items if looks_like_field(i)]
    if not all(is_plural(i) for i in items) or len(fieldlike) > (len(items) // 3 if m.start("l") == 0 else 0):
        return []
    return [one for i in items if (one := noun(i, told=True))]


def enumerates_fields(text: str, nouns: frozenset[str] = frozenset()) -> bool:
    """Whether at least half of the items of a list are known as names of fields, constrained like them, or among `nouns`."""
    items = [read_item(piece) for piece in split_list(text)]
    known = [i for i in items if i.attributes or i.type or i.name in nouns or (i.name and type_of(i.name)[0] is not None)]
    return len(items) > 1 and 2 * len(known) >= len(items)


def _without_doer(text: str) -> str:
    """`devices send readings (…)` → `readings (…)`."""
    m = re.match(rf"^{_DET}(?P<s>[a-z]+) (?:(?:can|may|must|should) )?(?P<v>[a-z]+) (?P<rest>.+)$", text)
    doer = m and (is_plural(m["s"]) or m["s"] in PEOPLE or re.match(r"(?:can|may|must|should) ", text[m.end("s") + 1 :]))
    if m is None or m["v"] in ("have", "has"):
        return text
    return m["rest"] if doer and verb_base(m["v"]) in (m["v"], m["v"].removesuffix("s")) else text


def _is_verbish(one: str) -> bool:
    return verb_base(one.split("_")[0]) is not None and len(one.split("_")) > 2


def _acted(text: str, found: dict[str, str]) -> list[str]:
    """`members borrow books`: the doer and the object of a known verb; `X can have Y`."""
    text = re.sub(
        r"^as an? ([a-z ]+?),? i (?:want|need|would like|should be able|can|must be able)(?: to)?(?: be able to)? ",
        lambda m: f"{m[1]}s ",
        text,
    )
    text = re.sub(r",? so that .*$|,? in order to .*$", "", text)
    m = _ACTS.match(text)
    if not m or not verb_base(m["v"].split()[0]) or m["v"].split()[0] in ("is", "are", "has", "have", "be"):
        return []
    if re.match(r"(?:and|or) ", m["o"]):
        return []
    subject = noun(m["s"])
    if not subject or (subject.split("_")[-1] not in PEOPLE and subject not in found and not is_plural(m["s"].split()[-1])):
        return []
    objects = []
    # Tools are what an application may be called, unless they are borrowed.
    taken = verb_base(m["v"].split()[0]) in ("borrow", "rent", "lend", "reserve", "return", "buy", "sell")
    clean = re.split(
        r"\b(?:with|by|for|from|in|at|on|to|until|when|if|as|of|per|after|before|between|within|that|which|who|while|through|using|into|against|unless|only|via|under)\b|\(",
        re.sub(rf"^(?:in|out|up|on|off|down|back|over|away) |^(?:for|about|to) {_DET}", "", m["o"]),
    )[0]
    if (objective := re.match(r"^(?:on|for|about|to|in) (.+)$", m["o"])) and not clean.strip():
        clean = objective[1]
    if verb_base(m["v"].split()[0]) in ("become", "go", "stay", "remain"):
        # What something becomes is a state of it.
        return [subject]
    for piece in split_list(clean):
        determined = re.match(r"(?:an?|the|each|every) ", piece.strip()) is not None
        piece = re.sub(rf"^{_DET}", "", piece.strip())
        if (
            (
                piece
                and (one := noun(piece))
                and (is_plural(piece) or piece != m["o"])
                and (
                    not (looks_like_field(one) or looks_like_field(piece) and one not in PEOPLE)
                    or ((is_plural(piece) or determined) and one.split("_")[-1] in RECORDS)
                )
                and (not verb_base(piece.split()[0]) or ((is_plural(piece) or determined) and one in RECORDS))
            )
            or taken
            and is_plural(piece)
            and (piece == m["o"] or noun(piece) is None)
            and (one := noun(piece, told=True))
            or piece
            and (one := noun(piece))
            and is_plural(piece)
            and one in found
        ):
            objects.append(one)
    return [subject, *objects]


def _events(text: str, everything: str) -> list[str]:
    """The record of a deed (`candidates apply to jobs` → application) where the request names it."""
    m = _ACTS.match(text)
    verb = verb_base(m["v"].split()[0]) if m else None
    key = m["v"].replace(" ", "_") if m and m["v"].replace(" ", "_") in LEXICON["events"] else verb
    if m is None or key is None or singular(m["s"].split()[-1]) not in PEOPLE and not is_plural(m["s"].split()[-1]):
        return []
    nouns = LEXICON["events"].get(key, "").split()
    return next(
        (
            [n]
            for n in nouns
            if re.search(rf"\b{n.replace('_', ' ')}s?\b", everything.replace(text, text[m.end("v") :] if m else text))
        ),
        [],
    )


def _mentioned(text: str, found: dict[str, str]) -> list[str]:
    """Subjects of rules (`A loan is due …`), and the records of verbs whose noun is named."""
    nouns = []
    m = _SUBJECT.match(text)
    if m and m["v"] in (
        "is",
        "are",
        "can",
        "cannot",
        "may",
        "must",
        "should",
        "goes",
        "moves",
        "starts",
        "never",
        "expire",
        "expires",
    ):
        one = noun(m["n"])
        plural_or_det = is_plural(m["n"].split()[-1]) or re.match(r"(?:an?|each|every) ", text)
        if (
            one
            and plural_or_det
            and not looks_like_field(one)
            and not re.match(r" (?:optional|required|unique|visible)", m["rest"])
            and one.split("_")[-1] not in ("amount", "number", "total", "date", "time", "field", "rest")
        ):
            tail = one.split("_")[-1]
            nouns.append(tail if tail in found and one != tail and not verb_base(tail) else one)
    if m := re.match(r"^(?:public |private )?([a-z]+(?: [a-z]+)?) (?:desk|centre|center)$", text):
        nouns.append(m[1])
    return nouns


def _is_actor_only(one: str, texts: list[tuple[Clause, str]], world: World, found: dict[str, str]) -> bool:
    """Whether a person noun names whoever is signed in rather than rows of their own."""
    if one.split("_")[-1] not in PEOPLE:
        return False
    if one == "person" and not any(one in _declared(t) for _, t in texts):
        return True
    owns_fields = any(
        one in _declared(t)
        and not re.match(
            rf"^(?:an? |the |each )?{one.replace('_', ' ')}s? (?:has|have) (?:at most|up to|no more|an? (?:role|account))", t
        )
        for _, t in texts
    )
    if world.auth_cues or world.api_key_cues:
        return not owns_fields or one in ROLES
    return False
