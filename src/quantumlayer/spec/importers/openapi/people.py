"""Who signs in, by an OpenAPI file: the operations that register, log in and out, and show the caller."""

import re
from dataclasses import dataclass, field

from quantumlayer.spec.importers.openapi.document import Document, Json
from quantumlayer.spec.importers.openapi.operations import Op, entity_name
from quantumlayer.spec.importers.tables import identifier

_LOGIN = re.compile(r"log-?in|sign-?in|sessions?|tokens?|auth(enticate)?", re.I)
_REGISTER = re.compile(r"register|registration|sign-?up", re.I)
_LOGOUT = re.compile(r"log-?out|sign-?out", re.I)
_ME = re.compile(r"me|self|current|whoami|user|profile|account", re.I)
_GROUPING = re.compile(r"auth|authentication|account|accounts|identity|oauth", re.I)
_IDENTIFIERS = ("email", "username", "user_name", "login", "name", "identifier")
TOKENS = ("token", "access_token", "jwt", "auth_token", "id_token")
SECRETS = ("password", *TOKENS)
_SCHEME = re.compile(r"(?:^|['\"`:]) *([A-Z][A-Za-z]+) +[xX<{\[$][^ ]*['\"`]? *$", re.M)


@dataclass
class People:
    """`entity` are the accounts. `roles` tells what each operation does: `login`, `register`, `me`, `change`, `leave`, `logout`."""

    entity: str
    identifier: str
    roles: dict[str, Op] = field(default_factory=dict)

    @property
    def shown(self) -> list[Op]:
        """The operations that answer an account."""
        return [op for name, op in self.roles.items() if name != "logout" and op.answer.kind == "row"]

    @property
    def taken(self) -> list[Op]:
        """The operations that take members of an account."""
        return [self.roles[name] for name in ("register", "change") if name in self.roles]


def people(operations: list[Op]) -> People | None:
    """None where nobody can log in by the file. Marks the operations it takes as used."""
    login = next((op for op in operations if _is_login(op)), None)
    if login is None:
        return None
    members = {identifier(k) for k in login.body.properties}
    named = next((n for n in _IDENTIFIERS if n in members), "") or next(iter(sorted(members - {"password"})), "email")
    found = People(_account(login, operations), named, {"login": login})
    for op in operations:
        name = _role(op, login, found.entity)
        if name and name not in found.roles:
            found.roles[name] = op
    for op in found.roles.values():
        op.used = True
    return found


def _is_login(op: Op) -> bool:
    members = {identifier(k) for k in op.body.properties}
    return op.method == "POST" and "password" in members and len(members) <= 3 and bool(_LOGIN.fullmatch(op.last))


def _account(login: Op, operations: list[Op]) -> str:
    if login.answer.kind == "row" and login.answer.envelope:
        return entity_name(login.answer.envelope[-1])
    if len(login.chain) > 1 and login.chain[0][0] and not _GROUPING.fullmatch(login.chain[0][0]):
        return entity_name(login.chain[0][0])
    register = next((op for op in operations if _registers(op, login, "")), None)
    if register and register.answer.component:
        name = entity_name(register.answer.component)
        if name not in ("token", "auth", "session"):
            return name
    return "user"


def _registers(op: Op, login: Op, account: str) -> bool:
    has_password = "password" in {identifier(k) for k in op.body.properties}
    named = bool(_REGISTER.fullmatch(op.last)) or (len(op.chain) == 1 and entity_name(op.last) in (account, "user", "account"))
    return op is not login and op.method == "POST" and has_password and named


def _role(op: Op, login: Op, account: str) -> str | None:
    if _registers(op, login, account):
        return "register"
    if op.method in ("POST", "DELETE") and _LOGOUT.fullmatch(op.last):
        return "logout"
    if any(key for _, key in op.chain) or not op.signed_in:
        return None
    if not _ME.fullmatch(op.last) and op.last != account:
        return None
    return {"GET": "me", "PUT": "change", "PATCH": "change", "DELETE": "leave"}.get(op.method)


def scheme(document: Document) -> tuple[str, str] | None:
    """How callers prove who they are: (`password`, what precedes the token) or (`api_key`, the header); None where nobody does."""
    components = document.data.get("components") or {}
    found: list[Json] = [document.follow(node) for node in (components.get("securitySchemes") or {}).values()]
    for one in found:
        if one.get("type") == "http" and str(one.get("scheme", "")).lower() == "bearer":
            return "password", "Bearer"
        if one.get("type") == "apiKey" and str(one.get("name", "")).lower() == "authorization":
            said = _SCHEME.search(str(one.get("description", "")))
            return "password", said[1] if said else ""
        if one.get("type") == "apiKey" and one.get("in") == "header":
            return "api_key", str(one.get("name"))
        if one.get("type") in ("oauth2", "openIdConnect", "http"):
            return "password", "Bearer"
    return None
