"""Whether anyone signs in, who, and with what."""

import re

from quantumlayer.spec.analyst.grammar import Clause
from quantumlayer.spec.analyst.nouns import noun
from quantumlayer.spec.analyst.words import PEOPLE, ROLES, plural, singular
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


def _deciders(texts: list[str]) -> frozenset[str]:
    """Who confirms, approves or rejects what others make (`confirmed by the priest`), and makes nothing of the like."""
    people = "|".join(sorted(PEOPLE, key=len, reverse=True))
    one = rf"(?P<w>(?:(?!(?:an?|the|other|another|different|assigned|responsible|same|or|and|by)\b)[a-z]+ )?(?:{people}))s?\b"
    found = {
        singular(m["w"]).replace(" ", "_")
        for t in texts
        for pattern in (
            rf"\b{_DECIDES}\w*ed by (?:an? |the ){one}",
            rf"^(?:an? |the |only |each )?(?P<w>{people})s? (?:can |may |must |should )?(?:also )?{_DECIDES}(?:e|y|ies|es|s)?\b",
        )
        for m in re.finditer(pattern, t)
    }
    return frozenset(
        w
        for w in found
        if w not in _PARTIES
        and w not in ROLES
        and not any(
            re.match(rf"(?:an? |the |each |every )?{w.replace('_', ' ')}s?(?: have| has| with|:| \()", t) for t in texts
        )
        and not any(
            re.match(rf"(?:an? |the |each |every )?{w.replace('_', ' ')}s? (?:can |may |must |should |also )*{_MAKES}", t)
            for t in texts
        )
    )


def _role_bound(text: str, deciders: frozenset[str]) -> bool:
    """`only managers approve`, `nobody approves their own`, `an admin can delete`, `agents close tickets`, `needs the finance role`."""
    roles = "|".join(sorted(ROLES, key=len, reverse=True))
    named = "|".join(sorted((d.replace("_", " ") for d in deciders), key=len, reverse=True))
    people = "|".join(sorted(PEOPLE, key=len, reverse=True))
    return bool(
        re.search(rf"\bonly (?:an? |the )?(?:{people})s? (?:or (?:an? |the )?\w+ )?(?:can|may|approves?|are allowed|is allowed|\w+s?\b)", text)
        or re.search(r"\bno(?:body| one|-one) (?:can |may )?\w+s? (?:their|his|her|his or her) own\b|\b\w+ role\b|\brole of\b|\bwith the role\b", text)
        or re.search(rf"^(?:an? |the )?(?:{roles})s? (?:can |may |must |should )?(?:also )?[a-z]+", text)
        or named and re.search(rf"ed by (?:an? |the )?(?:{named})s?\b", text)
        or re.search(rf"\bby (?:an? |the )?(?:{roles})s?\b|\bor (?:an? |the )?(?:{roles})s?\b", text)
    )  # fmt: skip


def find_accounts(texts: list[tuple[Clause, str]], world: World, found: dict[str, str]) -> None:
    """Choose the entity that signs in, and read people of the text as accounts or roles."""
    given = world.entities.get(world.account or "")
    if given is not None and given.guarded:
        people = [one for _, t in texts for one in _people_in(t)]
        world.actors |= {p: given.name for p in people if p != given.name and p not in world.entities}
        return
    if world.api_key_cues and not world.auth_cues:
        _api_key_account(texts, world, found)
        return
    if not world.auth_cues and not world.api_key_cues:
        return
    people = [one for _, t in texts for one in _people_in(t)]
    named = next((p for p in people if p in ("user", "account") and any(re.search(rf"\b{p}s?\b", t) for _, t in texts)), None)
    plain_people = [p for p in people if not world.is_role(p)]
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
