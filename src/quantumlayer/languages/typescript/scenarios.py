"""Prints scenarios as the steps of TypeScript tests (node:test)."""

from typing import Any

from quantumlayer.blueprint.view.names import lower_camel
from quantumlayer.blueprint.view.scenarios import ScenarioNames, captures, query_texts, reference, signs_in
from quantumlayer.blueprint.view.scenarios import scenario_names as neutral_names
from quantumlayer.languages.typescript.names import variable
from quantumlayer.languages.typescript.text import comment, literal, member
from quantumlayer.plan.scenario import Account, Scenario, Step
from quantumlayer.spec.routes import ADMIN

_RESERVED = ("api", "clock", "ANY", "Api", "ADMINISTRATOR", "assertMatches", "exact", "test", "answer", "withApi")
_LONG_TEXT = 60
_LARGEST = 2**53 - 1


def scenario_names(scenario: Scenario) -> ScenarioNames:
    """Names for one scenario, the same each time."""
    return neutral_names(scenario, _RESERVED, variable, lower_camel)


def printed_scenario(scenario: Scenario, names: ScenarioNames, auth: Any, spec: Any) -> str:
    """The body of the test: its accounts, then its steps. Who signs in again gets new headers in the same variable."""
    parts = [printed_account(account, names, auth, spec) for account in scenario.accounts]
    lines = "\n".join([*parts, *(printed_step(step, names) for step in scenario.steps)])
    for headers in names.actors.values():
        first, *again = lines.split(f"    const {headers} = ")
        if len(again) > 1:
            lines = f"{first}    let {headers}: Record<string, string> = " + f"    {headers} = ".join(again)
    return lines


def printed_account(account: Account, names: ScenarioNames, auth: Any, spec: Any) -> str:
    """The lines that open an account and sign it in."""
    saved, headers = names.saved[account.alias], names.actors[account.alias]
    fields = _value(account.registration, names)
    calling, used = account.alias in names.calling, account.alias in names.used
    if "password" not in auth.spec.methods:
        path = next(op.route.path for op in auth.account.operations if op.kind == "create")
        call = f'await api.call("POST", {literal(path)}, {{ status: 201, json: {fields} }});'
        if not calling:
            return _indented([f"const {saved} = {call}" if used else call])
        return _indented([f"const {saved} = {call}", f'const {headers} = {{ "x-api-key": {saved}.api_key }};'])
    if ADMIN in account.roles:
        lines = [f"const {headers} = await api.signIn(...ADMINISTRATOR);"] if calling or used else []
        if used:
            lines.append(f'const {saved} = await api.call("GET", "/auth/me", {{ status: 200, actor: {headers} }});')
        return _indented(lines)
    identifier, password = account.registration[auth.spec.identifier], account.registration["password"]
    register = f'await api.call("POST", "/auth/register", {{ status: 201, json: {fields} }});'
    lines = [f"const {saved} = {register}" if used or account.roles else register]
    if calling:
        lines.append(f"const {headers} = await api.signIn({literal(identifier)}, {literal(password)});")
    if account.roles:
        lines.append(f"await api.grant({saved}, {literal(list(account.roles))});")
    return _indented(lines)


def printed_step(step: Step, names: ScenarioNames) -> str:
    """The lines of one call and what is expected of it."""
    lines = [comment(step.note)] if step.note else []
    signed = _signs_in(step, names)
    if step.advance:
        lines.append(f"api.advance({step.advance});")
    arguments = [literal(step.method), _path(step.path, names)]
    if step.parallel > 1:
        statuses = list(step.statuses) or [step.status] * step.parallel
        bodies = [f"bodies: {_value(step.variants, names)}"] if step.variants else []
        request = _request(step.model_copy(update={"body": None}) if bodies else step, names)
        options = ", ".join([f"statuses: {statuses}", *bodies, *request])
        lines.append(f"await api.callAtOnce({step.parallel}, {', '.join(arguments)}, {{ {options} }});")
        return _indented(lines)
    call = f"await api.call({', '.join(arguments)}, {{ {', '.join([f'status: {step.status}', *_request(step, names)])} }})"
    kept = step.save if step.save in names.used or signed else None
    if kept:
        lines.append(f"const {names.saved[kept]} = {call};")
        if step.expect is not None:
            lines.append(f"assertMatches({names.saved[kept]}, {_value(step.expect, names)});")
    else:
        lines.append(f"assertMatches({call}, {_value(step.expect, names)});" if step.expect is not None else f"{call};")
    return _indented([*lines, *signed])


def _signs_in(step: Step, names: ScenarioNames) -> list[str]:
    """The line that keeps the token or key of an answer, where somebody calls with it later."""
    alias, by_token = signs_in(step) or ("", False)
    headers = names.actors.get(alias)
    if not headers:
        return []
    saved = names.saved[step.save or ""]
    if by_token:
        return [f"const {headers} = {{ authorization: `Bearer ${{{saved}.access_token}}` }};"]
    return [f'const {headers} = {{ "x-api-key": {saved}.api_key }};']


def _request(step: Step, names: ScenarioNames) -> list[str]:
    found = []
    if step.actor:
        found.append(f"actor: {names.actors[step.actor]}")
    if step.query:
        found.append(f"params: {_value(query_texts(step.query), names)}")
    if step.raw_body is not None:
        found.append(f"content: {literal(step.raw_body)}")
    elif step.body is not None:
        found.append(f"json: {_value(step.body, names)}")
    if step.headers:
        found.append(f"headers: {_value(step.headers, names)}")
    return found


def _path(path: str, names: ScenarioNames) -> str:
    pieces = list(captures(path))
    if not any(captured for _, captured in pieces):
        return literal(path)
    return "`" + "".join(f"${{{_lookup(text, names)}}}" if captured else _template(text) for text, captured in pieces) + "`"


def _template(text: str) -> str:
    inner = literal(text)[1:-1].replace('\\"', '"')
    return inner.replace("`", "\\`").replace("${", "\\${")


def _lookup(path: str, names: ScenarioNames) -> str:
    alias, *members = path.split(".")
    return names.saved[alias] + "".join(f"[{part}]" if part.isdigit() else _member(part) for part in members)


def _member(name: str) -> str:
    written = member(name)
    return f".{written}" if written == name else f"[{literal(name)}]"


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
        return "{ " + ", ".join(f"{member(k)}: {_value(v, names)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item, names) for item in value) + "]"
    if isinstance(value, str) and len(value) > _LONG_TEXT and len(set(value[:-1])) == 1:
        if value[-1] == value[0]:
            return f"{literal(value[0])}.repeat({len(value)})"
        return f"`${{{literal(value[0])}.repeat({len(value) - 1})}}{_template(value[-1])}`"
    if isinstance(value, float) and value == int(value) or isinstance(value, int) and abs(value) > _LARGEST:
        return f'exact("{value!r}")'
    return literal(value)


def _indented(lines: list[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
