"""Prints scenarios as the steps of TypeScript tests (node:test)."""

from collections.abc import Sequence
from typing import Any

from quantumlayer.blueprint.view.names import lower_camel
from quantumlayer.blueprint.view.scenarios import ScenarioNames, captures
from quantumlayer.blueprint.view.scenarios import scenario_names as neutral_names
from quantumlayer.languages.scenarios import Given, ScenarioPrinter
from quantumlayer.languages.typescript.names import variable
from quantumlayer.languages.typescript.text import comment, literal, member
from quantumlayer.plan.scenario import Scenario

_RESERVED = ("api", "clock", "ANY", "Api", "ADMINISTRATOR", "assertMatches", "exact", "test", "answer", "withApi")
_LARGEST = 2**53 - 1


def scenario_names(scenario: Scenario) -> ScenarioNames:
    """Names for one scenario, the same each time."""
    return neutral_names(scenario, _RESERVED, variable, lower_camel)


def printed_scenario(scenario: Scenario, names: ScenarioNames, auth: Any) -> str:
    """The body of the test."""
    return _Printer(names, auth).printed(scenario)


class _Printer(ScenarioPrinter):
    def printed(self, scenario: Scenario) -> str:
        lines = super().printed(scenario)
        # Who signs in again gets new headers in the same variable.
        for headers in self.names.actors.values():
            first, *again = lines.split(f"{self.indent}const {headers} = ")
            if len(again) > 1:
                declared = f"{self.indent}let {headers}: Record<string, string> = "
                lines = f"{first}{declared}" + f"{self.indent}{headers} = ".join(again)
        return lines

    def comment(self, text: str) -> str:
        return comment(text)

    def done(self, call: str) -> str:
        return f"{call};"

    def kept(self, name: str, expression: str) -> str:
        return f"const {name} = {expression};"

    def matched(self, answer: str, expected: str) -> str:
        return f"assertMatches({answer}, {expected});"

    def called_at_once(self, method: str, path: str, statuses: Sequence[int], bodies: Sequence[str], given: Given) -> str:
        given_bodies = [f"bodies: {self.array(bodies)}"] if bodies else []
        options = ", ".join([f"statuses: {list(statuses)}", *given_bodies, *_members(given)])
        return f"await api.callAtOnce({len(statuses)}, {literal(method)}, {path}, {{ {options} }});"

    def advanced(self, seconds: int) -> str:
        return f"api.advance({seconds});"

    def granted(self, account: str, roles: Sequence[str]) -> str:
        return f"await api.grant({account}, {literal(list(roles))});"

    def call(self, method: str, path: str, status: int, given: Given) -> str:
        return f"await api.call({literal(method)}, {path}, {{ {', '.join([f'status: {status}', *_members(given)])} }})"

    def signed_in(self, identifier: str, password: str) -> str:
        return f"await api.signIn({identifier}, {password})"

    def administrator(self) -> str:
        return "await api.signIn(...ADMINISTRATOR)"

    def token_headers(self, answer: str) -> str:
        return f"{{ authorization: `Bearer ${{{answer}.access_token}}` }}"

    def key_headers(self, answer: str) -> str:
        return f'{{ "x-api-key": {answer}.api_key }}'

    def path(self, path: str) -> str:
        pieces = list(captures(path))
        if not any(captured for _, captured in pieces):
            return literal(path)
        return "`" + "".join(f"${{{self.lookup(text)}}}" if captured else _template(text) for text, captured in pieces) + "`"

    def lookup(self, path: str) -> str:
        alias, *members = path.split(".")
        return self.names.saved[alias] + "".join(f"[{part}]" if part.isdigit() else _member(part) for part in members)

    def object(self, members: dict[str, str]) -> str:
        return "{ " + ", ".join(f"{member(key)}: {value}" for key, value in members.items()) + " }" if members else "{}"

    def repeated(self, letter: str, times: int, last: str) -> str:
        if last == letter:
            return f"{literal(letter)}.repeat({times + 1})"
        return f"`${{{literal(letter)}.repeat({times})}}{_template(last)}`"

    def raw(self, text: str) -> str:
        return literal(text)

    def literal(self, value: Any) -> str:
        if isinstance(value, float) and value == int(value) or isinstance(value, int) and abs(value) > _LARGEST:
            return f'exact("{value!r}")'
        return literal(value)


def _members(given: Given) -> list[str]:
    return [f"{name}: {expression}" for name, expression in given.present().items()]


def _template(text: str) -> str:
    inner = literal(text)[1:-1].replace('\\"', '"')
    return inner.replace("`", "\\`").replace("${", "\\${")


def _member(name: str) -> str:
    written = member(name)
    return f".{written}" if written == name else f"[{literal(name)}]"
