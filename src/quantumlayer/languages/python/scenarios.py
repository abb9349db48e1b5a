"""Prints scenarios as the steps of Python tests."""

import re
from typing import Any

from quantumlayer.blueprint.view.scenarios import CAPTURE, ScenarioNames, query_texts, reference, signs_in
from quantumlayer.blueprint.view.scenarios import scenario_names as neutral_names
from quantumlayer.languages.python.names import variable
from quantumlayer.languages.python.text import comment, literal
from quantumlayer.plan.scenario import Account, Scenario, Step
from quantumlayer.spec.routes import ADMIN

_RESERVED = ("api", "clock", "ANY", "Api", "ADMINISTRATOR", "assert_matches")
_LONG_TEXT = 60


def scenario_names(scenario: Scenario) -> ScenarioNames:
    """Names for one scenario, the same each time."""
    return neutral_names(scenario, _RESERVED, variable)


def printed_account(account: Account, names: ScenarioNames, auth: Any, spec: Any) -> str:
    """The lines that open an account and sign it in."""
    saved, headers = names.saved[account.alias], names.actors[account.alias]
    fields = _value(account.registration, names)
    if "password" not in auth.spec.methods:
        path = next(op.route.path for op in auth.account.operations if op.kind == "create")
        call = f'api.call("POST", {literal(path)}, status=201, json={fields})'
        if account.alias not in names.calling:
            return _indented([f"{saved} = {call}" if account.alias in names.used else call])
        return _indented([f"{saved} = {call}", f'{headers} = {{"x-api-key": {saved}["api_key"]}}'])
    identifier, password = account.registration[auth.spec.identifier], account.registration["password"]
    sign_in = f"{headers} = api.sign_in({literal(identifier)}, {literal(password)})"
    needed = account.alias in names.used or bool(account.roles)
    if ADMIN in account.roles and account.alias not in names.calling and account.alias not in names.used:
        return ""
    if ADMIN in account.roles:
        lines = [f"{headers} = api.sign_in(*ADMINISTRATOR)"]
        if account.alias in names.used:
            lines.append(f'{saved} = api.call("GET", "/auth/me", status=200, actor={headers})')
        return _indented(lines)
    register = f'api.call("POST", "/auth/register", status=201, json={fields})'
    lines = [f"{saved} = {register}" if needed else register]
    if account.alias in names.calling:
        lines.append(sign_in)
    if account.roles:
        lines.append(f"api.grant({saved}, {literal(list(account.roles))})")
    return _indented(lines)


def printed_step(step: Step, names: ScenarioNames) -> str:
    """The lines of one call and what is expected of it."""
    lines = [comment(step.note)] if step.note else []
    signed = _signs_in(step, names)
    if step.advance:
        lines.append(f"clock.advance({step.advance})")
    arguments = [literal(step.method), _path(step.path, names)]
    if step.parallel > 1:
        statuses = list(step.statuses) or [step.status] * step.parallel
        bodies = [f"bodies={_value(step.variants, names)}"] if step.variants else []
        request = _request(step.model_copy(update={"body": None}) if bodies else step, names)
        lines.append(
            f"api.call_at_once({', '.join([str(step.parallel), *arguments, f'statuses={statuses}', *bodies, *request])})"
        )
        return _indented(lines)
    call = f"api.call({', '.join([*arguments, f'status={step.status}', *_request(step, names)])})"
    kept = step.save if step.save in names.used or signed else None
    if step.expect is None:
        lines.append(f"{names.saved[kept]} = {call}" if kept else call)
        return _indented([*lines, *signed])
    target = names.saved[kept] if kept else "answer"
    lines += [f"{target} = {call}", f"assert_matches({target}, {_value(step.expect, names)})"]
    return _indented([*lines, *signed])


def _signs_in(step: Step, names: ScenarioNames) -> list[str]:
    """The line that keeps the token or key of an answer, where somebody calls with it later."""
    alias, by_token = signs_in(step) or ("", False)
    headers = names.actors.get(alias)
    if not headers:
        return []
    saved = names.saved[step.save or ""]
    if by_token:
        return [f'{headers} = {{"authorization": f"Bearer {{{saved}[\'access_token\']}}"}}']
    return [f'{headers} = {{"x-api-key": {saved}["api_key"]}}']


def _request(step: Step, names: ScenarioNames) -> list[str]:
    found = []
    if step.actor:
        found.append(f"actor={names.actors.get(step.actor) or names.actors[step.actor]}")
    if step.query:
        found.append(f"params={_value(query_texts(step.query), names)}")
    if step.raw_body is not None:
        encoded = literal(step.raw_body) if step.raw_body.isprintable() else repr(step.raw_body)
        found.append(f'content={encoded}.encode("utf-8", "surrogatepass")')
    elif step.body is not None:
        found.append(f"json={_value(step.body, names)}")
    if step.headers:
        found.append(f"headers={_value(step.headers, names)}")
    return found


def _path(path: str, names: ScenarioNames) -> str:
    if not CAPTURE.search(path):
        return literal(path)
    text = literal(CAPTURE.sub(lambda found: f"\0{found[1]}\1", path).replace("{", "{{").replace("}", "}}"))
    text = text.replace("\\u0000", "\0").replace("\\u0001", "\1")
    return "f" + re.sub("\0([^\1]*)\1", lambda found: "{" + _lookup(found[1], names).replace('"', "'") + "}", text)


def _lookup(path: str, names: ScenarioNames) -> str:
    alias, *members = path.split(".")
    return names.saved[alias] + "".join(f"[{part}]" if part.isdigit() else f"[{literal(part)}]" for part in members)


def _value(value: Any, names: ScenarioNames) -> str:
    match reference(value):
        case ("$ref", path):
            return _lookup(path, names)
        case ("$now", seconds):
            return f"api.moment({seconds})" if seconds else "api.moment()"
        case ("$today", days):
            return f"api.day({days})" if days else "api.day()"
        case ("$any", _):
            return "ANY"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {_value(v, names)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item, names) for item in value) + "]"
    if isinstance(value, str) and len(value) > _LONG_TEXT and len(set(value[:-1])) == 1:
        return f"{literal(value[0])} * {len(value) - 1} + {literal(value[-1])}"
    return literal(value)


def _indented(lines: list[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
