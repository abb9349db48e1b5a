"""The first reading: which nouns are entities, who acts, and whether anyone signs in."""

import re

from quantumlayer.spec.analyst.declare import looks_like_field
from quantumlayer.spec.analyst.fields import split_list
from quantumlayer.spec.analyst.grammar import Clause
from quantumlayer.spec.analyst.words import ABSTRACT, LEXICON, PEOPLE, ROLES, is_plural, singular, snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Auth, Field

_DET = r"(?:(?:an?|the|each|every|all|any|our|my|some|their|his|her|its|many|several|multiple|other|own|new|your) )*"
_NOUN = r"[a-z][a-z'-]*(?: [a-z][a-z'-]*){0,2}?"
_STOP = frozenset(["which", "that", "who", "whose", "when", "where", "what", "how", "why", "if", "and", "or", "but", "not", "only", "can", "may", "must", "should", "is", "are", "be", "has", "have", "with", "for", "from", "to", "of", "in", "on", "at", "by", "as", "it", "they", "them", "he", "she", "we", "i", "you", "one", "everything", "anything", "something", "nothing", "anyone", "everyone", "nobody", "somebody", "there", "here", "this", "these", "those", "overdue", "then", "them", "us", "others", "other", "both", "more", "most", "least", "many", "much", "few", "new", "up", "out", "than", "before", "after", "until", "while", "per", "into", "about", "between", "under", "over", "above", "below", "between", "same", "latest", "late", "first", "last", "next", "once", "twice", "again"])  # fmt: skip
_SUBJECT = re.compile(rf"^{_DET}(?P<n>{_NOUN}) (?:(?:can|may|must|should|will|cannot|also|always|shall) )*(?P<v>has|have|contains?|includes?|consists? of|belongs? to|is|are|can|cannot|may|must|should|goes|moves|starts|expires?|never|be|needs?|stores?|carr(?:y|ies)|records?|comprises?|gets?)\b(?P<rest>.*)$")  # fmt: skip
_WITH = re.compile(rf"(?:^|\b(?:{'|'.join(('a', 'an', 'the', 'of', 'for', 'track', 'manage', 'store', 'keep', 'log', 'record', 'have', 'has', 'are', 'is', 'create', 'write', 'post', 'submit', 'open', 'send', 'add', 'list', 'with'))})\s){_DET}(?P<n>{_NOUN}),? (?:with|having|that have|which have|that has|containing|including|consisting of) (?P<rest>.+)$")  # fmt: skip
_ACTS = re.compile(
    rf"^{_DET}(?P<s>{_NOUN}) (?:(?:can|may|must|should|will|want to|can also|may also|are able to|is able to) )?(?P<v>[a-z]+(?: (?:in|out|up|on))?) (?P<o>.+)$"
)
_SIGN_IN = re.compile(
    r"\b(?:log ?in|login|sign in|sign up|signs? up|register|registration|authenticat\w+|log into|logged[- ]in|signed[- ]in|passwords?|accounts? for each user|user accounts)\b"
)
_OWN = re.compile(
    r"\b(?:(?:only|just) (?:see|view|read|edit|change|access|manage|delete)?\s?(?:their|his|her) own|their own|his own|her own|only (?:the|its|their) (?:owner|author|creator)|private|visible only to (?:the|its|their)|only visible to (?:the|its|their)|my own|own (?:tasks|notes|data|entries|records))\b"
)
_KEY = re.compile(r"\bapi[- ]?keys?\b|\bx-api-key\b|\baccess keys?\b")
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


def noun(text: str, *, told: bool = False) -> str | None:
    """The singular noun of a phrase if it may be an entity; what is `told` of by `each … has` may be any noun."""
    words = [
        w
        for w in text.lower().replace("'s", "").split()
        if w not in ("the", "a", "an", "each", "every", "own", "their", "new", "existing")
    ]
    while words and (words[0] in ("public", "private", "simple", "small", "basic", "overdue", "open", "closed", "urgent", "late", "published", "active", "available", "approved", "only", "completed", "cancelled", "expired", "finished", "unpaid", "paid") or (words[0].endswith("ed") and verb_base(words[0]) and len(words) > 1)):  # fmt: skip
        words = words[1:]
    if len(words) == 1 and words[0].endswith("ed") and verb_base(words[0]):
        return None
    if re.match(r"(?:an? |the )?\w+ing (?:an?|the|each) ", text.lower()):
        return None
    if not words or len(words) > 3 or any(w in _STOP for w in words):
        return None
    one = snake(singular(" ".join(words)))
    if told and one and len(one) > 1:
        return one
    if not one or one in ABSTRACT or one in _GENERIC or one.split("_")[-1] in ABSTRACT or len(one) < 2:
        return None
    return one


def discover(clauses: list[Clause], heads: list[str], world: World) -> None:
    """Fill the world with the entities, actors and accounts that the clauses speak of."""
    texts = [(c, c.match.lower()) for c in clauses]
    _sign_in(texts, heads, world)
    found: dict[str, str] = {}
    for clause, text in texts:
        for one in _declared(text):
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
    for one, by in found.items():
        if not _is_actor_only(one, texts, world, found):
            world.add(one.replace("_", " "), by)
    _accounts(texts, world, found)


def _declared(text: str) -> list[str]:
    """`each task has …`, `events with …`, `task: …`, `bookmarks api with …`, `x belongs to y`."""
    nouns = re.findall(r"\b(?:his|her|their|my) own (?:private |personal )?([a-z]+)", text)
    nouns_told: list[str] = []
    if (m := _SUBJECT.match(text)) and m["v"] in ("has", "have", "contains", "contain", "includes", "include", "consists of", "belongs to", "belong to", "stores", "store", "carries", "carry", "comprises", "record", "records", "needs", "need", "gets", "get"):  # fmt: skip
        told = re.match(r"(?:each|every|an?|the) ", text) is not None or is_plural(m["n"].split()[-1])
        if (
            told
            and m["v"] in ("has", "have", "contains", "contain", "belongs to", "belong to")
            and not re.match(
                r"(?:the |an? )?(?:app|application|api|system|platform|service|site|we|it|they|user interface|database|backend)s?$",
                m["n"],
            )
            and (sure := noun(m["n"], told=True))
        ):
            nouns_told.append(sure)
        nouns += [m["n"]]
        if m["v"].startswith("belong"):
            nouns += [re.sub(r"^.*? to ", "", f" to {m['rest'].strip()}").split(" and ")[0]]
        if m["v"] in ("has", "have") and (
            many := re.match(
                r" (?:many|several|multiple|one or more|zero or more|any number of) ([a-z ]+?)(?: with .*| \(.*)?$", m["rest"]
            )
        ):
            nouns += list(split_list(many[1]))
    text = _without_doer(text)
    for m in _WITH.finditer(text):
        nouns.append(
            re.sub(
                r"^.*\b(?:track|manage|store|of|for|log|write|submit|open|send|add|create|post|have|list|are|is) ", "", m["n"]
            )
        )
    if m := re.match(
        r"^(?:(?:create|build|make|write|i need|i want|we need|need|want|a|an|the|simple|small|rest|crud|basic|me|please|give|json)\s)*(?P<n>[a-z]+(?: [a-z]+)?) (?:api|app|crud|service|backend|tracker|manager|list|database|catalog|catalogue|registry|directory|inventory)(?: app| api)? (?:with|storing|for|having|that stores|of|holding|tracking|where each(?: one)? has) ",
        text,
    ):
        nouns.append(m["n"])
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
        r"\b(?:crud|manage|management|manages|managing|track|tracks|tracking)(?: for| of| my| our| the)? (?P<n>[a-z ,]+?)(?:\.|$| with| and (?:see|show|report|list))",
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


def _without_doer(text: str) -> str:
    """`devices send readings (…)` → `readings (…)`."""
    m = re.match(rf"^{_DET}(?P<s>[a-z]+) (?:(?:can|may|must|should) )?(?P<v>[a-z]+) (?P<rest>.+)$", text)
    doer = m and (is_plural(m["s"]) or m["s"] in PEOPLE or re.match(r"(?:can|may|must|should) ", text[m.end("s") + 1 :]))
    return m["rest"] if m and doer and verb_base(m["v"]) in (m["v"], m["v"].removesuffix("s")) else text


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
    if not m or not verb_base(m["v"].split()[0]) or m["v"].split()[0] in ("is", "are", "has", "have"):
        return []
    subject = noun(m["s"])
    if not subject or (subject.split("_")[-1] not in PEOPLE and subject not in found and not is_plural(m["s"].split()[-1])):
        return []
    objects = []
    clean = re.split(
        r"\b(?:with|by|for|from|in|at|on|to|until|when|if|as|of|per|after|before|between|within|that|which|who|while|through|using|into|against|unless|only|via|under)\b|\(",
        re.sub(rf"^(?:in|out|up|on) |^(?:for|about|to) {_DET}", "", m["o"]),
    )[0]
    if (objective := re.match(r"^(?:on|for|about|to|in) (.+)$", m["o"])) and not clean.strip():
        clean = objective[1]
    for piece in split_list(clean):
        piece = re.sub(rf"^{_DET}", "", piece.strip())
        if (
            (
                piece
                and (one := noun(piece))
                and (is_plural(piece) or piece != m["o"])
                and not looks_like_field(one)
                and not verb_base(piece.split()[0])
            )
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
            and one not in LEXICON["verbs"]["regular"].split()[:0]
            and not re.match(r" (?:optional|required|unique|visible)", m["rest"])
            and one.split("_")[-1] not in ("amount", "number", "total", "date", "time", "field", "rest")
        ):
            tail = one.split("_")[-1]
            nouns.append(tail if tail in found and one != tail else one)
    if m := re.match(r"^(?:public |private )?([a-z]+(?: [a-z]+)?) (?:desk|centre|center)$", text):
        nouns.append(m[1])
    return nouns


def _is_actor_only(one: str, texts: list[tuple[Clause, str]], world: World, found: dict[str, str]) -> bool:
    """Whether a person noun names whoever is signed in rather than rows of their own."""
    if one.split("_")[-1] not in PEOPLE:
        return False
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


def _sign_in(texts: list[tuple[Clause, str]], heads: list[str], world: World) -> None:
    for clause, text in texts:
        if _KEY.search(text):
            world.api_key_cues.append(clause.id)
        elif (
            (
                _SIGN_IN.search(text)
                and not re.search(
                    r"\b(?:no|without|not need(?: any)?|do not need|no need for) (?:authentication|login|auth|accounts|registration|users|sign[- ]?up|to log in)",
                    text,
                )
                and not re.search(r"\bregister (?:for|a|an|new|the|their)\b|registration (?:number|plate|date|fee)", text)
            )
            or _OWN.search(text)
            or _role_bound(text)
            or re.match(r"(?:my|private) ", text)
        ):
            world.auth_cues.append(clause.id)
    for head in heads:
        if re.match(r"private\b|personal\b.*\bfor users", head, re.I):
            world.auth_cues.append(texts[0][0].id if texts else "R1")


def _role_bound(text: str) -> bool:
    """`only managers approve`, `nobody approves their own`, `an admin can delete`, `agents close tickets`, `needs the finance role`."""
    roles = "|".join(sorted(ROLES, key=len, reverse=True))
    people = "|".join(sorted(PEOPLE, key=len, reverse=True))
    return bool(
        re.search(rf"\bonly (?:an? |the )?(?:{people})s? (?:or (?:an? |the )?\w+ )?(?:can|may|approves?|are allowed|is allowed|\w+s?\b)", text)
        or re.search(r"\bno(?:body| one|-one) (?:can |may )?\w+s? (?:their|his|her|his or her) own\b|\b\w+ role\b|\brole of\b|\bwith the role\b", text)
        or re.search(rf"^(?:an? |the )?(?:{roles})s? (?:can |may |must |should )?(?:also )?[a-z]+", text)
        or re.search(rf"\bby (?:an? |the )?(?:{roles})s?\b|\bor (?:an? |the )?(?:{roles})s?\b", text)
    )  # fmt: skip


def _accounts(texts: list[tuple[Clause, str]], world: World, found: dict[str, str]) -> None:
    """Choose the entity that signs in, and read people of the text as accounts or roles."""
    if world.api_key_cues and not world.auth_cues:
        _api_key_account(texts, world, found)
        return
    if not world.auth_cues and not world.api_key_cues:
        return
    people = [one for _, t in texts for one in _people_in(t)]
    named = next((p for p in people if p in ("user", "account") and any(re.search(rf"\b{p}s?\b", t) for _, t in texts)), None)
    plain_people = [p for p in people if p not in ROLES]
    first = named or next((p for p in plain_people if p in world.entities), None)
    distinct = set(dict.fromkeys(plain_people))
    registering = next(
        (
            m[1]
            for _, t in texts
            if (
                m := re.search(
                    rf"\b({'|'.join(PEOPLE)})s? (?:can |must |should |may )?(?:register|sign up|log in|sign in|have accounts)",
                    t,
                )
            )
        ),
        None,
    )
    account = (
        first or registering or (next(iter(distinct)) if len(distinct) == 1 and not any(r in ROLES for r in people) else None)
    )
    employees = next(
        (
            p
            for p in plain_people
            if p
            in (
                "employee",
                "member",
                "student",
                "player",
                *(() if any(p in ROLES and p != "admin" for p in people) else ("customer",)),
            )
        ),
        None,
    )
    if (
        account in ("customer", "client", "reader", "visitor", "guest")
        and any(p in ROLES and p != "admin" for p in people)
        and not named
    ):
        account = "user"
    account = account or (employees if len(distinct) == 1 else None) or "user"
    if account == "account" and "account" in world.entities and world.entities["account"].fields:
        account = "user"
    by = (world.auth_cues or world.api_key_cues)[0]
    world.add(account, by)
    world.account = account
    for person in dict.fromkeys(people):
        if person != account and person not in world.entities:
            world.actors[person] = account
    methods = ("password", "api_key") if world.api_key_cues else ("password",)
    world.auth = Auth(entity=account, methods=methods, satisfies=tuple(dict.fromkeys([*world.auth_cues, *world.api_key_cues])))


def _api_key_account(texts: list[tuple[Clause, str]], world: World, found: dict[str, str]) -> None:
    holder = next(
        (
            m[1]
            for _, t in texts
            if (
                m := re.search(
                    r"^(?:each |every |all |the )?([a-z]+(?: [a-z]+)?) (?:can |must |should )?(?:authenticates?|identif(?:y|ies)|are identified|is identified|are authenticated|is authenticated|has an api key|have an api key|have api keys|log in|use)\b",
                    t,
                )
            )
        ),
        None,
    )
    account = noun(holder) if holder else None
    account = account or next((p for _, t in texts for p in _people_in(t)), None) or "client"
    world.add(account.replace("_", " "), world.api_key_cues[0])
    world.account = account
    world.auth = Auth(
        entity=account, methods=("api_key",), identifier="name", registration=False, satisfies=tuple(world.api_key_cues)
    )


def _people_in(text: str) -> list[str]:
    return [
        singular(w)
        for w in re.findall(r"[a-z]+", text)
        if singular(w) in PEOPLE and not re.search(rf"\b(?:an?|the) {w} (?:name|email)\b", text)
    ]


def account_fields(entity: EntityDraft, world: World) -> None:
    """What an account needs to be signed in with."""
    if world.auth is None:
        return
    by = world.auth.satisfies[:1] or ()
    if world.auth.methods == ("api_key",):
        if not any(f.unique and f.type == "string" for f in entity.fields.values()):
            known = entity.fields.get("name")
            if known:
                world.assume(f"The name of a {entity.name} is unique, since it identifies the {entity.name}.")
            entity.fields = {
                "name": (known or Field(type="string", satisfies=by)).model_copy(update={"unique": True}),
                **{k: v for k, v in entity.fields.items() if k != "name"},
            }
        identifier = next(n for n, f in entity.fields.items() if f.unique and f.type == "string")
        world.auth = world.auth.model_copy(update={"identifier": identifier})
        return
    identifier = next((n for n in ("email", "username", "user_name", "login") if n in entity.fields), None)
    if identifier is None:
        identifier = "email"
        marker = world.assume("People sign in with an e-mail address and a password.")
        world.auth = world.auth.model_copy(update={"satisfies": (*world.auth.satisfies, marker)})
        entity.fields = {"email": Field(type="string", format="email", unique=True, satisfies=(*by, marker)), **entity.fields}
    else:
        entity.fields[identifier] = entity.fields[identifier].model_copy(update={"unique": True, "required": True})
    entity.fields.pop("password", None)
    world.auth = world.auth.model_copy(update={"identifier": identifier})
