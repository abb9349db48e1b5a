"""What a route does, in a few words: for API descriptions, comments and documents, the same in every stack."""

from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Spec

_FIXED = {
    "register": "Register an account",
    "login": "Log in",
    "logout": "Log out",
    "me": "Show the caller's own account",
    "new_api_key": "Make a new API key",
    "set_roles": "Set the roles of an account",
}
_VERBS = {"create": "Create", "read": "Show", "update": "Change", "delete": "Delete"}


def summary(route: Route, spec: Spec) -> str:
    """Begins with a capital letter and ends without a full stop; the operation's own description where it has one."""
    own = route.operation.description if route.operation else route.report.description if route.report else ""
    if own:
        return own.rstrip(". ")
    if route.kind in _FIXED:
        return _FIXED[route.kind]
    words = route.name.replace("_", " ")
    if route.kind == "report" or not route.entity:
        return f"Report {words}"
    if route.kind == "list":
        plural = spec.entities[route.entity].plural.replace("_", " ")
        return f"List {plural}" if route.name == "list" else f"List {plural}: {words}"
    return f"{_VERBS.get(route.kind, words.capitalize())} {_one(route.entity)}"


def _one(entity: str) -> str:
    return f"{'an' if entity[0] in 'aeiou' else 'a'} {entity.replace('_', ' ')}"
