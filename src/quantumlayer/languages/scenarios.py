"""What the test of a scenario says, whatever the language: accounts are opened, calls are made, answers are compared."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from quantumlayer.blueprint.view.scenarios import ScenarioNames, query_texts, reference, signs_in
from quantumlayer.plan.scenario import Account, Scenario, Step
from quantumlayer.spec.routes import ADMIN

LONG_TEXT = 60


@dataclass(frozen=True)
class Given:
    """What goes along with a call, as expressions; None where it does not. `content` is a body that is no JSON value."""

    actor: str | None = None
    params: str | None = None
    content: str | None = None
    json: str | None = None
    headers: str | None = None

    def present(self) -> dict[str, str]:
        """What there is, by name, in the order of the fields."""
        return {name: expression for name, expression in vars(self).items() if expression is not None}


class ScenarioPrinter(ABC):
    """Prints one scenario. A language brings the words: expressions, and statements of one line each."""

    indent = "    "
    anything = "ANY"

    def __init__(self, names: ScenarioNames, auth: Any) -> None:
        """`auth` is the view's, which counts only where the scenario has accounts."""
        self.names, self.auth = names, auth

    def printed(self, scenario: Scenario) -> str:
        """The body of the test, indented: its accounts, then its steps."""
        lines = [line for account in scenario.accounts for line in self._opened(account)]
        lines += [line for step in scenario.steps for line in self._played(step)]
        return "\n".join(f"{self.indent}{line}" for line in lines)

    def value(self, value: Any) -> str:
        """Any value of a scenario, with what its placeholders stand for."""
        match reference(value):
            case ("$ref", path):
                return self.lookup(path)
            case ("$now", seconds):
                return self.moment(seconds or 0)
            case ("$today", days):
                return self.day(days or 0)
            case ("$any", _):
                return self.anything
        if isinstance(value, dict):
            return self.object({key: self.value(inner) for key, inner in value.items()})
        if isinstance(value, (list, tuple)):
            return self.array([self.value(item) for item in value])
        if isinstance(value, str) and len(value) > LONG_TEXT and len(set(value[:-1])) == 1:
            return self.repeated(value[0], len(value) - 1, value[-1])
        return self.literal(value)

    # what is said

    def _opened(self, account: Account) -> list[str]:
        saved, headers = self.names.saved[account.alias], self.names.actors[account.alias]
        used, calling = account.alias in self.names.used, account.alias in self.names.calling
        given = Given(json=self.value(account.registration))
        if "password" not in self.auth.spec.methods:
            path = next(operation.route.path for operation in self.auth.account.operations if operation.kind == "create")
            call = self.call("POST", self.literal(path), 201, given)
            lines = [self.kept(saved, call) if used or calling else self.done(call)]
            return [*lines, self.kept(headers, self.key_headers(saved))] if calling else lines
        if ADMIN in account.roles:
            lines = [self.kept(headers, self.administrator())] if calling or used else []
            return (
                [*lines, self.kept(saved, self.call("GET", self.literal("/auth/me"), 200, Given(headers)))] if used else lines
            )
        register = self.call("POST", self.literal("/auth/register"), 201, given)
        lines = [self.kept(saved, register) if used or account.roles else self.done(register)]
        if calling:
            identifier, password = account.registration[self.auth.spec.identifier], account.registration["password"]
            lines.append(self.kept(headers, self.signed_in(self.literal(identifier), self.literal(password))))
        return [*lines, self.granted(saved, account.roles)] if account.roles else lines

    def _played(self, step: Step) -> list[str]:
        lines = [self.comment(step.note)] if step.note else []
        if step.advance:
            lines.append(self.advanced(step.advance))
        path, bodies = self.path(step.path), [self.value(body) for body in step.variants]
        if step.parallel > 1:
            given = self._given(step.model_copy(update={"body": None}) if bodies else step)
            statuses = list(step.statuses) or [step.status] * step.parallel
            return [*lines, self.called_at_once(step.method, path, statuses, bodies, given)]
        call, signed = self.call(step.method, path, step.status, self._given(step)), self._signed(step)
        expected = None if step.expect is None else self.value(step.expect)
        if step.save in self.names.used or signed:
            saved = self.names.saved[step.save or ""]
            lines += [self.kept(saved, call), *([self.matched(saved, expected)] if expected else [])]
        else:
            lines += self.compared(call, expected) if expected else [self.done(call)]
        return [*lines, *signed]

    def _signed(self, step: Step) -> list[str]:
        """The line that keeps the token or key of an answer, where somebody calls with it later."""
        alias, by_token = signs_in(step) or ("", False)
        if alias not in self.names.calling:
            return []
        saved = self.names.saved[step.save or ""]
        return [self.kept(self.names.actors[alias], self.token_headers(saved) if by_token else self.key_headers(saved))]

    def _given(self, step: Step) -> Given:
        has_body = step.raw_body is None and step.body is not None
        return Given(
            actor=self.names.actors[step.actor] if step.actor else None,
            params=self.value(query_texts(step.query)) if step.query else None,
            content=self.raw(step.raw_body) if step.raw_body is not None else None,
            json=self.value(step.body) if has_body else None,
            headers=self.headers({key: self.value(value) for key, value in step.headers.items()}) if step.headers else None,
        )

    # statements

    @abstractmethod
    def comment(self, text: str) -> str:
        """A remark."""

    @abstractmethod
    def done(self, call: str) -> str:
        """A call whose answer nobody needs."""

    @abstractmethod
    def kept(self, name: str, expression: str) -> str:
        """The variable is the expression from here on; it may have been another before."""

    @abstractmethod
    def matched(self, answer: str, expected: str) -> str:
        """The answer is as expected."""

    def compared(self, call: str, expected: str) -> list[str]:
        """The answer of a call, which has no name, is as expected."""
        return [self.matched(call, expected)]

    @abstractmethod
    def called_at_once(self, method: str, path: str, statuses: Sequence[int], bodies: Sequence[str], given: Given) -> str:
        """As many calls at once as there are statuses, the same or one with each of the bodies, answered so in some order."""

    @abstractmethod
    def advanced(self, seconds: int) -> str:
        """The application's clock goes forward."""

    @abstractmethod
    def granted(self, account: str, roles: Sequence[str]) -> str:
        """The administrator gives the account its roles."""

    # expressions

    @abstractmethod
    def call(self, method: str, path: str, status: int, given: Given) -> str:
        """The decoded answer of a call that has this status."""

    @abstractmethod
    def signed_in(self, identifier: str, password: str) -> str:
        """The headers of somebody who logged in."""

    @abstractmethod
    def administrator(self) -> str:
        """The headers of the administrator, who logged in."""

    @abstractmethod
    def token_headers(self, answer: str) -> str:
        """The headers with the token of a login's answer."""

    @abstractmethod
    def key_headers(self, answer: str) -> str:
        """The headers with the API key of an answer."""

    @abstractmethod
    def path(self, path: str) -> str:
        """A path with the ids of saved answers in it."""

    @abstractmethod
    def lookup(self, path: str) -> str:
        """What a saved answer has at `alias.member.0.member`."""

    def moment(self, seconds: int) -> str:
        """The test's beginning and so many seconds."""
        return f"api.moment({seconds or ''})"

    def day(self, days: int) -> str:
        """The test's day and so many days."""
        return f"api.day({days or ''})"

    @abstractmethod
    def object(self, members: dict[str, str]) -> str:
        """A JSON object of expressions."""

    def array(self, items: Sequence[str]) -> str:
        """A JSON array of expressions."""
        return f"[{', '.join(items)}]"

    def headers(self, members: dict[str, str]) -> str:
        """Header lines of expressions."""
        return self.object(members)

    @abstractmethod
    def repeated(self, letter: str, times: int, last: str) -> str:
        """A letter many times, then a last one: what would be a long line."""

    @abstractmethod
    def raw(self, text: str) -> str:
        """The bytes of a body, where a lone surrogate stands for bytes that are no text."""

    @abstractmethod
    def literal(self, value: Any) -> str:
        """A JSON value without placeholders."""
