"""Prints scenarios as the steps of Go tests."""

from collections.abc import Sequence
from typing import Any

from quantumlayer.blueprint.view.scenarios import ScenarioNames, captures
from quantumlayer.blueprint.view.scenarios import scenario_names as neutral_names
from quantumlayer.languages.go.names import exported, local
from quantumlayer.languages.go.text import comment, literal
from quantumlayer.languages.scenarios import Given, ScenarioPrinter
from quantumlayer.plan.scenario import Scenario

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
# Of the helper's `request`, where they are called otherwise.
_FIELDS = {"params": "query", "content": "raw", "json": "body"}


def scenario_names(scenario: Scenario) -> ScenarioNames:
    """Names for one scenario, the same each time."""
    return neutral_names(scenario, _RESERVED, local, local)


def test_name(names: ScenarioNames) -> str:
    """The name of the test's function."""
    return "T" + exported(names.function)[1:]


def printed_scenario(scenario: Scenario, names: ScenarioNames, auth: Any) -> str:
    """The body of the test."""
    return _Printer(names, auth).printed(scenario)


class _Printer(ScenarioPrinter):
    indent = "\t"
    anything = "anything"

    def __init__(self, names: ScenarioNames, auth: Any) -> None:
        super().__init__(names, auth)
        self._declared: set[str] = set()

    def comment(self, text: str) -> str:
        return comment(text, 1)

    def done(self, call: str) -> str:
        return call

    def kept(self, name: str, expression: str) -> str:
        sign = "=" if name in self._declared else ":="
        self._declared.add(name)
        return f"{name} {sign} {expression}"

    def matched(self, answer: str, expected: str) -> str:
        return f"api.matches({answer}, {expected})"

    def called_at_once(self, method: str, path: str, statuses: Sequence[int], bodies: Sequence[str], given: Given) -> str:
        wanted, given_bodies = ", ".join(map(str, statuses)), f"[]any{{{', '.join(bodies)}}}" if bodies else "nil"
        words = (str(len(statuses)), literal(method), path, f"[]int{{{wanted}}}", given_bodies, _request(given))
        return f"api.CallAtOnce({', '.join(words)})"

    def advanced(self, seconds: int) -> str:
        return f"api.app.Clock.Advance({seconds} * time.Second)"

    def granted(self, account: str, roles: Sequence[str]) -> str:
        return f"api.Grant({account}, {', '.join(literal(role) for role in roles)})"

    def call(self, method: str, path: str, status: int, given: Given) -> str:
        return f"api.call({literal(method)}, {path}, {status}, {_request(given)})"

    def signed_in(self, identifier: str, password: str) -> str:
        return f"api.SignIn({identifier}, {password})"

    def administrator(self) -> str:
        return "api.SignIn(administrator[0], administrator[1])"

    def token_headers(self, answer: str) -> str:
        return f'headers{{"Authorization": "Bearer " + at({answer}, "access_token")}}'

    def key_headers(self, answer: str) -> str:
        return f'headers{{"X-API-Key": at({answer}, "api_key")}}'

    def path(self, path: str) -> str:
        pieces = [f"at({self._place(text)})" if captured else literal(text) for text, captured in captures(path)]
        return " + ".join(pieces) or '""'

    def lookup(self, path: str) -> str:
        return f"value({self._place(path)})"

    def _place(self, path: str) -> str:
        alias, *members = path.split(".")
        return ", ".join([self.names.saved[alias], *map(literal, members)])

    def moment(self, seconds: int) -> str:
        return f"api.Moment({seconds})"

    def day(self, days: int) -> str:
        return f"api.Day({days})"

    def object(self, members: dict[str, str]) -> str:
        return f"object{{{_pairs(members)}}}"

    def headers(self, members: dict[str, str]) -> str:
        return f"headers{{{_pairs(members)}}}"

    def array(self, items: Sequence[str]) -> str:
        return f"list{{{', '.join(items)}}}"

    def repeated(self, letter: str, times: int, last: str) -> str:
        return f"strings.Repeat({literal(letter)}, {times}) + {literal(last)}"

    def raw(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogatepass")
        if all(0x20 <= b < 0x7F for b in raw):
            return literal(text)
        return '"' + "".join(chr(b) if 0x20 <= b < 0x7F and chr(b) not in '"\\' else f"\\x{b:02x}" for b in raw) + '"'

    def literal(self, value: Any) -> str:
        return literal(value)


def _pairs(members: dict[str, str]) -> str:
    return ", ".join(f"{literal(key)}: {value}" for key, value in members.items())


def _request(given: Given) -> str:
    return f"request{{{', '.join(f'{_FIELDS.get(name, name)}: {value}' for name, value in given.present().items())}}}"
