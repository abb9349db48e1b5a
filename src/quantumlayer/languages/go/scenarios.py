"""Prints scenarios as the steps of Go tests."""

from typing import Any

from quantumlayer.blueprint.view.scenarios import ScenarioNames, captures, query_texts, reference, signs_in
from quantumlayer.blueprint.view.scenarios import scenario_names as neutral_names
from quantumlayer.languages.go.names import exported, local
from quantumlayer.languages.go.text import comment, literal
from quantumlayer.plan.scenario import Account, Scenario, Step
from quantumlayer.spec.routes import ADMIN

_RESERVED = (
    "anything",
    "answer",
    "api",
    "at",
    "path",
    "list",
    "headers",
    "object",
    "matches",
    "t",
    "request",
    "administrator",
    "newAPI",
)
_LONG_TEXT = 60


def scenario_names(scenario: Scenario) -> ScenarioNames:
    """Names for one scenario, the same each time."""
    return neutral_names(scenario, _RESERVED, local, local)


def test_name(names: ScenarioNames) -> str:
    """The name of the test's function."""
    return "T" + exported(names.function)[1:]


def printed_account(account: Account, names: ScenarioNames, auth: Any, spec: Any) -> str:
    """The lines that open an account and sign it in."""
    saved, headers = names.saved[account.alias], names.actors[account.alias]
    used, calling = account.alias in names.used, account.alias in names.calling
    fields = _value(account.registration, names)
    if "password" not in auth.spec.methods:
        path = next(op.route.path for op in auth.account.operations if op.kind == "create")
        call = f'api.call("POST", {literal(path)}, 201, request{{body: {fields}}})'
        if not calling:
            return _lines([f"{saved} := {call}" if used else call])
        return _lines([f"{saved} := {call}", f'{headers} := headers{{"X-API-Key": at({saved}, "api_key")}}'])
    if ADMIN in account.roles:
        lines = [f"{headers} := api.SignIn(administrator[0], administrator[1])"] if calling or used else []
        if used:
            lines.append(f'{saved} := api.call("GET", "/auth/me", 200, request{{actor: {headers}}})')
        return _lines(lines)
    register = f'api.call("POST", "/auth/register", 201, request{{body: {fields}}})'
    lines = [f"{saved} := {register}" if used or account.roles else register]
    if calling:
        identifier, password = account.registration[auth.spec.identifier], account.registration["password"]
        lines.append(f"{headers} := api.SignIn({literal(identifier)}, {literal(password)})")
    if account.roles:
        lines.append(f"api.Grant({saved}, {', '.join(literal(role) for role in account.roles)})")
    return _lines(lines)


def printed_step(step: Step, names: ScenarioNames, declared: set[str]) -> str:
    """The lines of one call and what is expected of it. `declared` holds the variables that there are already."""
    lines = [comment(step.note, 1)] if step.note else []
    signed = _signs_in(step, names, declared)
    if step.advance:
        lines.append(f"api.app.Clock.Advance({step.advance} * time.Second)")
    arguments = [literal(step.method), _path(step.path, names)]
    if step.parallel > 1:
        statuses = ", ".join(str(s) for s in list(step.statuses) or [step.status] * step.parallel)
        bodies = [_value(v, names) for v in step.variants]
        one = _request(step.model_copy(update={"body": None}) if bodies else step, names)
        given = f"[]any{{{', '.join(bodies)}}}" if bodies else "nil"
        lines.append(f"api.CallAtOnce({step.parallel}, {', '.join(arguments)}, []int{{{statuses}}}, {given}, {one})")
        return _lines(lines)
    call = f"api.call({', '.join([*arguments, str(step.status), _request(step, names)])})"
    kept = names.saved[step.save] if step.save and (step.save in names.used or signed) else ""
    if kept:
        call = f"{kept} {'=' if kept in declared else ':='} {call}"
        declared.add(kept)
    if step.expect is None:
        return _lines([*lines, call, *signed])
    if kept:
        return _lines([*lines, call, f"api.matches({kept}, {_value(step.expect, names)})", *signed])
    return _lines([*lines, f"api.matches({call}, {_value(step.expect, names)})", *signed])


def used_variables(scenario: Scenario, names: ScenarioNames) -> set[str]:
    """The variables that the accounts of a scenario declare."""
    found = set()
    for account in scenario.accounts:
        found |= {names.saved[account.alias], names.actors[account.alias]}
    return found


def _signs_in(step: Step, names: ScenarioNames, declared: set[str]) -> list[str]:
    """The line that keeps the token or key of an answer, where somebody calls with it later."""
    alias, by_token = signs_in(step) or ("", False)
    headers = names.actors.get(alias)
    if not headers or alias not in names.calling:
        return []
    saved, sign = names.saved[step.save or ""], "=" if headers in declared else ":="
    declared.add(headers)
    if by_token:
        return [f'{headers} {sign} headers{{"Authorization": "Bearer " + at({saved}, "access_token")}}']
    return [f'{headers} {sign} headers{{"X-API-Key": at({saved}, "api_key")}}']


def _request(step: Step, names: ScenarioNames) -> str:
    found = []
    if step.actor:
        found.append(f"actor: {names.actors[step.actor]}")
    if step.query:
        found.append(f"query: {_value(query_texts(step.query), names)}")
    if step.raw_body is not None:
        found.append(f"raw: {_bytes(step.raw_body)}")
    elif step.body is not None:
        found.append(f"body: {_value(step.body, names)}")
    if step.headers:
        pairs = ", ".join(f"{literal(k)}: {_value(v, names)}" for k, v in step.headers.items())
        found.append(f"headers: headers{{{pairs}}}")
    return f"request{{{', '.join(found)}}}"


def _bytes(text: str) -> str:
    raw = text.encode("utf-8", "surrogatepass")
    if all(0x20 <= b < 0x7F for b in raw):
        return literal(text)
    return '"' + "".join(chr(b) if 0x20 <= b < 0x7F and chr(b) not in '"\\' else f"\\x{b:02x}" for b in raw) + '"'


def _path(path: str, names: ScenarioNames) -> str:
    pieces = [_lookup(piece, names, as_text=True) if is_reference else literal(piece) for piece, is_reference in captures(path)]
    return " + ".join(pieces) or '""'


def _lookup(path: str, names: ScenarioNames, as_text: bool = False) -> str:
    alias, *members = path.split(".")
    parts = ", ".join([names.saved[alias], *(literal(member) for member in members)])
    return f"{'at' if as_text else 'value'}({parts})"


def _value(value: Any, names: ScenarioNames) -> str:
    match reference(value):
        case ("$ref", path):
            return _lookup(path, names)
        case ("$now", seconds):
            return f"api.Moment({seconds or 0})"
        case ("$today", days):
            return f"api.Day({days or 0})"
        case ("$any", _):
            return "anything"
    if isinstance(value, dict):
        return "object{" + ", ".join(f"{literal(k)}: {_value(v, names)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "list{" + ", ".join(_value(item, names) for item in value) + "}"
    if isinstance(value, str) and len(value) > _LONG_TEXT and len(set(value[:-1])) == 1:
        return f"strings.Repeat({literal(value[0])}, {len(value) - 1}) + {literal(value[-1])}"
    return literal(value)


def _lines(lines: list[str]) -> str:
    return "\n".join(f"\t{line}" for line in lines)
