"""Prints scenarios as the steps of Python tests."""

import re
from collections.abc import Sequence
from typing import Any

from quantumlayer.blueprint.view.scenarios import CAPTURE, ScenarioNames
from quantumlayer.blueprint.view.scenarios import scenario_names as neutral_names
from quantumlayer.languages.python.names import variable
from quantumlayer.languages.python.text import comment, literal
from quantumlayer.languages.scenarios import Given, ScenarioPrinter
from quantumlayer.plan.scenario import Scenario

_RESERVED = ("api", "clock", "ANY", "Api", "ADMINISTRATOR", "assert_matches")


def scenario_names(scenario: Scenario) -> ScenarioNames:
    """Names for one scenario, the same each time."""
    return neutral_names(scenario, _RESERVED, variable)


def printed_scenario(scenario: Scenario, names: ScenarioNames, auth: Any) -> str:
    """The body of the test."""
    return _Printer(names, auth).printed(scenario)


class _Printer(ScenarioPrinter):
    def comment(self, text: str) -> str:
        return comment(text)

    def done(self, call: str) -> str:
        return call

    def kept(self, name: str, expression: str) -> str:
        return f"{name} = {expression}"

    def matched(self, answer: str, expected: str) -> str:
        return f"assert_matches({answer}, {expected})"

    def compared(self, call: str, expected: str) -> list[str]:
        return [self.kept("answer", call), self.matched("answer", expected)]

    def called_at_once(self, method: str, path: str, statuses: Sequence[int], bodies: Sequence[str], given: Given) -> str:
        given_bodies = [f"bodies={self.array(bodies)}"] if bodies else []
        words = [str(len(statuses)), literal(method), path, f"statuses={list(statuses)}", *given_bodies, *_keywords(given)]
        return f"api.call_at_once({', '.join(words)})"

    def advanced(self, seconds: int) -> str:
        return f"clock.advance({seconds})"

    def granted(self, account: str, roles: Sequence[str]) -> str:
        return f"api.grant({account}, {literal(list(roles))})"

    def call(self, method: str, path: str, status: int, given: Given) -> str:
        return f"api.call({', '.join([literal(method), path, f'status={status}', *_keywords(given)])})"

    def signed_in(self, identifier: str, password: str) -> str:
        return f"api.sign_in({identifier}, {password})"

    def administrator(self) -> str:
        return "api.sign_in(*ADMINISTRATOR)"

    def token_headers(self, answer: str) -> str:
        return f'{{"authorization": f"Bearer {{{answer}[\'access_token\']}}"}}'

    def key_headers(self, answer: str) -> str:
        return f'{{"x-api-key": {answer}["api_key"]}}'

    def path(self, path: str) -> str:
        if not CAPTURE.search(path):
            return literal(path)
        text = literal(CAPTURE.sub(lambda found: f"\0{found[1]}\1", path).replace("{", "{{").replace("}", "}}"))
        text = text.replace("\\u0000", "\0").replace("\\u0001", "\1")
        return "f" + re.sub("\0([^\1]*)\1", lambda found: "{" + self.lookup(found[1]).replace('"', "'") + "}", text)

    def lookup(self, path: str) -> str:
        alias, *members = path.split(".")
        return self.names.saved[alias] + "".join(f"[{part}]" if part.isdigit() else f"[{literal(part)}]" for part in members)

    def object(self, members: dict[str, str]) -> str:
        return "{" + ", ".join(f"{literal(key)}: {value}" for key, value in members.items()) + "}"

    def repeated(self, letter: str, times: int, last: str) -> str:
        return f"{literal(letter)} * {times} + {literal(last)}"

    def raw(self, text: str) -> str:
        return f'{literal(text) if text.isprintable() else repr(text)}.encode("utf-8", "surrogatepass")'

    def literal(self, value: Any) -> str:
        return literal(value)


def _keywords(given: Given) -> list[str]:
    return [f"{name}={expression}" for name, expression in given.present().items()]
