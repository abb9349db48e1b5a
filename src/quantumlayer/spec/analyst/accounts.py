"""Whether anyone signs in, who, and with what."""

import re

from quantumlayer.spec.analyst.grammar import Clause
from quantumlayer.spec.analyst.nouns import noun
from quantumlayer.spec.analyst.words import PEOPLE, ROLES, plural, singular, snake
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Auth, Field

_SIGN_IN = re.compile(
    r"\b(?:log ?in|login|sign in|sign up|signs? up|register|registration|authenticat\w+|jwt|(?:token|bearer|basic|password) auth|log into|logged[- ]in|signed[- ]in|passwords?|accounts? for each user|registered (?:users?|members?|customers?|people)|user accounts)\b"
)


_OWN = re.compile(
    r"\b(?:(?:only|just) (?:see|view|read|edit|change|access|manage|delete)?\s?(?:their|his|her) own|their own|his own|her own|only (?:the|its|their) (?:owner|author|creator)|private|visible only to (?:the|its|their)|only visible to (?:the|its|their)|my own|own (?:tasks|notes|data|entries|records))\b"
)


_KEY = re.compile(r"\bapi[- ]?keys?\b|\bx-api-key\b|\baccess keys?\b")


def find_sign_in(texts: list[tuple[Clause, str]], heads: list[str], world: World) -> None:
    """Note the clauses that only make sense where somebody signs in, or has a key."""
    world.deciders = _deciders([text for _, text in texts])
    everything = " ".join(text for _, text in texts)
    # Where registrations are spoken of and nobody logs in, people register for something.
    entered = re.search(r"\bregistrations\b", everything) and not re.search(
        r"\b(?:log(?:ged)?[- ]?in|sign(?:ed)?[- ]?in|login|passwords?|accounts?)\b", everything
    )
    for clause, text in texts:
        if clause.id in world.no_cues:
            continue
        if _KEY.search(text):
            world.api_key_cues.append(clause.id)
        elif (
            (
                _SIGN_IN.search(text)
                and not (
                    entered
                    and re.match(
                        r"(?:people|guests|visitors|customers|participants|attendees|persons) (?:can |may )?register with\b",
                        text,
                    )
                )
                and not re.search(
                    r"\b(?:no|without|not need(?: any)?|do not need|no need for) (?:authentication|login|auth|accounts|registration|users|sign[- ]?up|to log in)",
                    text,
                )
                and not re.search(
                    r"\bregister (?:for|a|an|new|the|their)\b|registration (?:number|plate|date|fee)|^(?:[a-z']+ )*(?!user |account |member |customer |self-)[a-z']+ registration$",
                    text,
                )
            )
            or _OWN.search(text)
            or _role_bound(text, world.deciders)
            or re.match(r"(?:my|private) ", text)
        ):
            world.auth_cues.append(clause.id)
    for head in heads:
        if re.match(r"private\b|personal\b.*\bfor users", head, re.I):
            world.auth_cues.append(texts[0][0].id if texts else "R1")


_DECIDES = r"(?:approv|confirm|reject|declin|accept|verif|validat|authori[sz]|endors|review|inspect|certif|sign)"
_MAKES = r"(?:create|add|write|post|submit|open|send|make|place|record|enter|upload|register|log|draft|ask|report|raise|file|offer|request|propose|suggest|publish|sell|host|organi[sz]e|book|borrow|rent|reserve|order|buy|apply|join|sign up)"
# People who come to what a text is about for their own sake: what they decide, they decide on their own things.
_PARTIES = frozenset(("user", "member", "customer", "client", "guest", "visitor", "reader", "person", "owner", "author", "creator", "organizer", "organiser", "seller", "buyer", "requester", "applicant", "sender", "recipient", "student", "patient", "friend", "opponent", "assignee", "tenant", "parent", "child", "partner", "colleague", "player", "neighbour", "neighbor"))  # fmt: skip


_DECIDED_BY = re.compile(rf"\b{_DECIDES}\w*ed by (?:an? |the )(?P<a>[a-z_]+)(?: (?P<b>[a-z_]+))?")
_DECIDER = re.compile(
    rf"^(?:an? |the |only |each )?(?P<w>[a-z_]+) (?:can |may |must |should )?(?:also )?{_DECIDES}(?:e|y|ies|es|s)?\b"
)
_NO_KIND = ("other", "another", "different", "assigned", "responsible", "same")


def _deciders(texts: list[str]) -> frozenset[str]:
    """Who confirms, approves or rejects what others make (`confirmed by the priest`), and makes nothing of the like."""
    found = {singular(m["w"]) for t in texts if (m := _DECIDER.match(t))}
    for m in (m for t in texts for m in _DECIDED_BY.finditer(t)):
        last = singular(m["b"] or "")
        found.add(f"{m['a']}_{last}" if last in PEOPLE and m["a"] not in _NO_KIND else singular(m["a"]))
    return frozenset(w for w in found if w in PEOPLE and w not in _PARTIES and w not in ROLES and not _keeps_own(w, texts))


def _only_kept(person: str, people: list[str], texts: list[str], world: World) -> bool:
    """Whether such people are records that others work with: they do nothing themselves, and a role does."""
    word = rf"(?:an? |the |each |every |only |all )?(?:{person}|{re.escape(plural(person))})"
    does = re.compile(
        rf"{word} (?:can|may|cannot|(?!have\b|has\b|is\b|are\b|must\b|with\b|who\b)[a-z]+)\b|.*\b(?:by|if|when|until) {word}\b|.*\btheir own\b|.*\b{person}'s own\b|{word} must (?!be\b|have\b)"
    )
    acts = any(does.match(t) for t in texts)
    return not acts and any(world.is_role(p) for p in people)


def _makes(person: str, texts: list[str]) -> bool:
    """Whether such people make records."""
    return any(re.match(rf"(?:an? |the |each |every )?{person}s? (?:can |may |must )?{_MAKES}\b", t) for t in texts)


def _may(person: str, texts: list[str]) -> bool:
    """Whether such people are told to be able to do something."""
    word = rf"(?:{re.escape(person)}|{re.escape(plural(person))})"
    return any(re.match(rf"(?:an? |the |each |every )?{word} (?:can|may) (?!not\b|be\b|only be\b)", t) for t in texts)


def _keeps_own(person: str, texts: list[str]) -> bool:
    """Whether such people make things themselves, or are kept with values of their own."""
    subject = rf"(?:an? |the |each |every )?{person.replace('_', ' ')}s?"
    does = re.compile(rf"{subject}(?: have| has| with|:| \(| (?:can |may |must |should |also )*{_MAKES})")
    return any(does.match(t) for t in texts)


_ONLY = re.compile(
    r"\bonly (?:an? |the )?([a-z_]+) (?:or (?:an? |the )?\w+ )?(?:can|may|approves?|are allowed|is allowed|\w+s?\b)"
)
_ONLY_BY = re.compile(r"\bonly be \w+ by (?:its |their |the |an? )?([a-z_]+)")
_ROLE = re.compile(
    r"\bno(?:body| one|-one) (?:can |may )?\w+s? (?:their|his|her|his or her) own\b|\b\w+ role\b|\brole of\b|\bwith the role\b"
)
_SUBJECT = re.compile(r"^(?:an? |the )?([a-z_]+) (?:can |may |must |should )?(?:also )?[a-z]+")
_AGENT = re.compile(r"\b(?:by|or) (?:an? |the )?([a-z_]+)")


def _role_bound(text: str, deciders: frozenset[str]) -> bool:
    """`only managers approve`, `nobody approves their own`, `an admin can delete`, `agents close tickets`, `needs the finance role`."""
    agents = [singular(m[1]) for m in _AGENT.finditer(text)]
    decided = {w for m in _DECIDED_BY.finditer(text) for w in (singular(m["a"]), f"{m['a']}_{singular(m['b'] or '')}")}
    return bool(
        any(singular(m[1]) in PEOPLE for m in _ONLY.finditer(text))
        or _ROLE.search(text)
        or (found := _SUBJECT.match(text))
        and singular(found[1]) in ROLES
        or decided & deciders
        or any(singular(m[1]) in PEOPLE for m in _ONLY_BY.finditer(text))
        or any(one in ROLES for one in agents)
    )


# What somebody is to one row, whoever it is that signs in.
_CALLED = ("assignee", "recipient", "creator", "approver")
_SIGNING = re.compile(r"\b([a-z_]+) (?:can |must |should |may )?(?:register|sign up|log in|sign in|have accounts)")
# Who has something of their own, and nobody else of that kind, signs in.
_OWNING = re.compile(
    r"\b([a-z_]+) (?:(?:can|may|should|must) )?(?:only |just )?(?:see|view|read|access|manage|edit|list|get)s? (?:only |just )?(?:their|his|her) own\b"
)


_BOTH = re.compile(
    r"^(?:both )?([a-z]+) and ([a-z]+) (?:can |may |must |should |have to )?(?:all )?(?:log in|sign in|sign up|register|have accounts)\b"
)


def _one_kind(texts: list[tuple[Clause, str]], account: str, world: World) -> None:
    """`teachers and students sign in`, which a file keeps as two kinds of rows: one of them cannot."""
    for clause, text in texts:
        both = [singular(word) for word in found.groups()] if (found := _BOTH.match(text)) else []
        if len(both) == 2 and account in both and all(w in world.entities and world.entities[w].declared for w in both):
            clause.leftover += [plural(word) for word in both if word != account]
            world.ask(
                f"Only {plural(account)} can sign in, since accounts are rows of one kind: are all of them {plural(account)}?"
            )


def find_accounts(texts: list[tuple[Clause, str]], world: World, found: dict[str, str]) -> None:
    """Choose the entity that signs in, and read people of the text as accounts or roles."""
    named_by = next((m["f"] for _, t in texts if (m := _NAMED_BY.search(t))), "")
    world.signed_in_by = snake(named_by.replace("e-mail", "email").removesuffix(" address").removesuffix(" addresses"))
    given = world.entities.get(world.account or "")
    if given is not None and world.auth is not None:
        people = [one for _, t in texts for one in _people_in(t)]
        world.actors |= {p: given.name for p in people if p != given.name and p not in world.entities}
        if not given.guarded:
            satisfies = tuple(dict.fromkeys([*world.auth.satisfies, *world.auth_cues]))
            world.auth = world.auth.model_copy(update={"satisfies": satisfies})
        return
    if world.api_key_cues and not world.auth_cues:
        _api_key_account(texts, world, found)
        return
    if not world.auth_cues and not world.api_key_cues:
        return
    people = [one for _, t in texts for one in _people_in(t)]
    named = next((p for p in people if p in ("user", "account") and any(re.search(rf"\b{p}s?\b", t) for _, t in texts)), None)
    plain_people = [p for p in people if not world.is_role(p) and p not in _CALLED]
    told = [t for _, t in texts]
    owning = (m for t in told for m in _OWNING.finditer(t))
    keepers = [p for m in owning if (p := singular(m[1])) in plain_people]
    keeping = next((p for p in keepers if p in world.entities), None)
    first = named or keeping or next((p for p in plain_people if p in world.entities), None)
    # Others than those who are kept as records have something of their own.
    first = "user" if keepers and not named and not keeping and first else first
    distinct = set(dict.fromkeys(plain_people))
    signing = (m for _, t in texts for m in _SIGNING.finditer(t))
    registering = next((singular(m[1]) for m in signing if singular(m[1]) in PEOPLE or singular(m[1]) in world.entities), None)
    account = (
        (registering if registering and not named else None)
        or first
        or (next(iter(distinct)) if len(distinct) == 1 and not any(r in ROLES for r in people) else None)
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
        and not (account == registering and account in world.entities and world.entities[account].declared)
    ):
        account = "user"
    if first and first not in (named, keeping, registering, "user") and _only_kept(first, people, told, world):
        # Subscribers have an address, and it is editors who sign in.
        account = "user"
    others = [p for p in distinct if p != account and p not in world.entities]
    chosen = account not in (named, keeping, registering, None)
    if account not in (*_ANYBODY, None) and account not in (named, registering) and any(_may(p, told) for p in others):
        # Pupils ask for leave and parents see it: both sign in.
        account = "user"
    elif chosen and account not in _ANYBODY and any(_makes(p, told) for p in others):
        # Pupils request what tutors give: both sign in.
        account = "user"
    account = account or _with_roles(people, world) or (employees if len(distinct) == 1 else None) or "user"
    if account == "account" and "account" in world.entities and world.entities["account"].fields:
        account = "user"
    by = (world.auth_cues or world.api_key_cues)[0]
    _one_kind(texts, account, world)
    world.add(account, by)
    world.account = account
    for person in dict.fromkeys(people):
        if person != account and person not in world.entities:
            if account not in _ANYBODY and not world.is_role(person) and _is_value(person, told):
                world.mere = world.mere | {person}
            else:
                world.actors[person] = account
    methods = ("password", "api_key") if world.api_key_cues else ("password",)
    world.auth = Auth(entity=account, methods=methods, satisfies=tuple(dict.fromkeys([*world.auth_cues, *world.api_key_cues])))


def _with_roles(people: list[str], world: World) -> str | None:
    """Whose rows a file declares with an address of their own and with the roles that sentences speak of."""
    found = [
        entity.name
        for entity in world.entities.values()
        if entity.declared
        and any(f.format == "email" and f.unique and f.required for f in entity.fields.values())
        and any(
            f.type == "enum" and "role" in n and {snake(v) for v in f.values} & set(people) for n, f in entity.fields.items()
        )
    ]
    return found[0] if len(found) == 1 else None


# Accounts of everybody, whatever they are called elsewhere; and people who are somebody to a row.
_ANYBODY = ("user", "account", "person", "employee")
_SOMEBODY = (*_CALLED, "owner", "author", "submitter", "requester", "uploader", "reporter", "organizer", "organiser", "host")


def _is_value(person: str, texts: list[str]) -> bool:
    """Whether such people only stand in lists of what things have, among accounts of another kind: `each class has a trainer`."""
    if person in _SOMEBODY:
        return False
    word = rf"(?:{re.escape(person)}|{re.escape(plural(person))})"
    listed = re.compile(
        rf"\b(?:has|have|with)\b[^;:]*[ ,](?:an? |the |its )?{person}\b(?! (?:can|may|must|should|is|has)\b)|\({word}\b|[(,] ?{word}[,)]"
    )
    return all(listed.search(t) for t in texts if re.search(rf"\b{word}\b", t))


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
    if account and "_" in account and account.split("_")[-1] in found:
        called, account = account, account.split("_")[-1]
        for form in (called, plural(called)):
            world.surface[form.replace("_", " ")] = account
    account = account or ("client" if "client" not in found else "api_client")
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


_NAMED_BY = re.compile(
    r"\b(?:log|sign)s? in (?:with|by|using) (?:their |an? |the |his |her |its )?(?P<f>[a-z][a-z -]*?)(?: and (?:an? |their |the )?password)?$"
)
_IDENTIFIERS = ("email", "username", "user_name", "login")
# What only a file calls so.
_OTHERS = ("mail", "e_mail", "nick", "nickname", "handle")


def _signed_in_by(entity: EntityDraft, world: World) -> str | None:
    """The field that accounts log in with: the one that is named, else an address or a name."""
    said = next((n for n in (world.signed_in_by, *_IDENTIFIERS) if n in entity.fields), None)
    unique = (n for n in _OTHERS if n in entity.fields and entity.fields[n].unique and entity.declared)
    return said or next(unique, None)


def account_fields(entity: EntityDraft, world: World) -> None:
    """What an account needs to be signed in with."""
    if world.auth is None or (entity.guarded and world.auth.identifier in entity.fields):
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
    identifier = _signed_in_by(entity, world)
    if identifier is None:
        identifier = "email"
        marker = world.assume("People sign in with an e-mail address and a password.")
        world.auth = world.auth.model_copy(update={"satisfies": (*world.auth.satisfies, marker)})
        entity.fields = {"email": Field(type="string", format="email", unique=True, satisfies=(*by, marker)), **entity.fields}
    else:
        kept = entity.fields[identifier]
        kept = kept.model_copy(update={"type": "string"} if kept.type == "text" else {})
        entity.fields[identifier] = kept.model_copy(update={"unique": True, "required": True})
    entity.fields.pop("password", None)
    world.auth = world.auth.model_copy(update={"identifier": identifier})
