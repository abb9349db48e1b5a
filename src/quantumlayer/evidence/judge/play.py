"""Plays scenarios in lockstep: on one database as long as that does not change what they show, else on a fresh one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from quantumlayer.evidence.judge.app import Handle
from quantumlayer.evidence.judge.lockstep import Exchange, Lockstep, Pair
from quantumlayer.evidence.values import Check
from quantumlayer.plan.placeholders import Unsaved
from quantumlayer.plan.scenario import Account, Scenario
from quantumlayer.plan.session import LOGIN, opening_steps
from quantumlayer.plan.surface_client import Inexpressible
from quantumlayer.spec.routes import ADMIN, slug
from quantumlayer.spec.values import Spec


@dataclass
class Player:
    """After `most` failures the rest is not played. `dirty`: the application and the model may no longer hold the same rows."""

    spec: Spec
    handle: Handle
    lockstep: Lockstep
    most: int = 12
    dirty: bool = False
    failures: int = 0
    _pool: dict[str, Pair] = field(default_factory=dict)

    def play(self, scenario: Scenario) -> Check:
        """The check that a scenario is. Never raises for what the application does."""
        started = time.perf_counter()
        self.lockstep.about = scenario.id
        if any(s.advance for s in scenario.steps) and not self.handle.can_restart:
            return self._check(scenario, "not_run", started, "the application's clock cannot be moved here (it needs restarts)")
        if self.failures >= self.most:
            return self._check(scenario, "not_run", started, f"not played after {self.failures} failed checks")
        if self.handle.admin is None and any(account.roles for account in scenario.accounts):
            return self._check(scenario, "not_run", started, "it needs the administrator's identifier and password (--admin)")
        try:
            pair = self._prepared(scenario)
        except Inexpressible as reason:
            self.dirty = True
            said = f"clients have no request for it: {reason}"
            return self._check(scenario.model_copy(update={"requirements": ()}), "not_run", started, said)
        if isinstance(pair, str):
            return self._check(scenario, "not_run", started, pair)
        if isinstance(pair, Exchange):
            return self._failed(scenario, started, [pair])
        try:
            return self._steps(scenario, pair, started)
        except Inexpressible as reason:
            self.dirty = True
            said = f"clients have no request for it: {reason}"
            return self._check(scenario.model_copy(update={"requirements": ()}), "not_run", started, said)

    def _steps(self, scenario: Scenario, pair: Pair, started: float) -> Check:
        exchanges: list[Exchange] = []
        for step in scenario.steps:
            if step.advance:
                offset = self.handle.offset + step.advance
                self.handle.restart(offset)
                self.lockstep.moved(self.handle.url, offset)
            exchange = self.lockstep.take(pair, step)
            exchanges.append(exchange)
            if exchange.differences:
                return self._failed(scenario, started, exchanges)
            if exchange.own != step.status and step.parallel == 1:
                reason = f"the model answers {exchange.own} instead of {step.status} at step {len(exchanges)}"
                return self._check(scenario, "not_run", started, f"{reason}: rows of others are in the way")
        return self._check(scenario, "passed", started)

    # preparation

    def _prepared(self, scenario: Scenario) -> Pair | Exchange | str:
        """A conversation with the accounts open, on a database where the scenario shows what it is meant to show."""
        if self.lockstep.partial:
            self.lockstep.forget()
            self._pool.clear()
        elif self.dirty or (self.handle.offset and not any(s.advance for s in scenario.steps)):
            self.renew()
        shared = self._may_share(scenario)
        pair: Pair | Exchange | str = "nothing was tried"
        for fresh_database in (False, True):
            if fresh_database:
                if not self.handle.can_reset:
                    break
                self.renew()
            for pooled in (True, False) if shared else (False,):
                pair = self.opened(scenario, pooled)
                if isinstance(pair, Exchange):
                    return pair
                if self._rehearsed(scenario, pair):
                    return pair
        if self.lockstep.partial:
            return pair
        return "rows of earlier checks are in the way, and the database cannot be renewed"

    def renew(self) -> None:
        """A fresh database where that can be had, else only an empty model that looks at nothing but its own rows."""
        if self.handle.can_reset:
            self.handle.reset()
        else:
            self.lockstep.partial = True
        self.lockstep.moved(self.handle.url, self.handle.offset)
        self.lockstep.forget()
        self._pool.clear()
        self.dirty = False

    def _may_share(self, scenario: Scenario) -> bool:
        """Whether the scenario leaves its accounts as they were, so that the next may use them."""
        auth = self.spec.auth
        if auth is None or scenario.goal.startswith("auth"):
            return False
        base = f"/{slug(self.spec.entities[auth.entity].plural)}"
        return not any(s.method != "GET" and s.path.startswith((base, "/auth")) for s in scenario.steps)

    def opened(self, scenario: Scenario, pooled: bool = False) -> Pair | Exchange:
        """A conversation with the scenario's accounts open, or the exchange that went wrong."""
        pair = self.lockstep.pair()
        for account in scenario.accounts:
            key = f"{account.alias}:{','.join(account.roles)}"
            if (pooled or ADMIN in account.roles) and key in self._pool:
                _adopt(pair, self._pool[key], account)
                continue
            for step in opening_steps(self.spec, _administrator(account, self.lockstep)):
                exchange = self.lockstep.take(pair, step)
                if exchange.differences:
                    return exchange
            if pooled or ADMIN in account.roles:
                self._pool[key] = pair.copy()
        return pair

    def _rehearsed(self, scenario: Scenario, pair: Pair) -> bool:
        """Whether the model alone, from here, answers with the statuses that the scenario is about."""
        model, session = self.lockstep.model.copy(), pair.model.copy()
        moment = self.lockstep.clock.moment
        offset = 0
        try:
            for step in scenario.steps:
                offset += step.advance
                self.lockstep._moment(time.time() + offset)
                answers = [model.handle(session.request(call)) for call in step.calls]
                wanted = list(step.statuses) if step.parallel > 1 else [step.status]
                if sorted(a.status for a in answers) != wanted:
                    return False
                if answers[0].status < 400:
                    session.learn(step, answers[0].body)
        except (Unsaved, KeyError):
            return False
        finally:
            self.lockstep.clock.moment = moment
        return True

    # outcomes

    def passed(self, scenario: Scenario, seconds: float) -> Check:
        """The check of a scenario that went as planned."""
        return self._check(scenario, "passed", time.perf_counter() - seconds)

    def _failed(self, scenario: Scenario, started: float, exchanges: Sequence[Exchange]) -> Check:
        last = exchanges[-1]
        if self.lockstep.partial and last.got.status == 409 and last.expected.status < 400:
            reason = "refused with 409 beside rows that the judge did not make; an empty database would tell more"
            return self._check(scenario, "not_run", started, reason)
        self.dirty = True
        self.failures += 1
        return self._check(scenario, "failed", started, summary(exchanges), counterexample(exchanges, self._log(last)))

    def _log(self, exchange: Exchange) -> str:
        return self.handle.log_tail() if exchange.got.broken or exchange.got.status >= 500 else ""

    def _check(self, scenario: Scenario, status: str, started: float, message: str = "", steps: str = "") -> Check:
        return Check(
            id=scenario.id,
            title=scenario.title,
            level=scenario.level,
            status=status,  # type: ignore[arg-type]
            requirements=scenario.requirements,
            seconds=time.perf_counter() - started,
            message=message,
            counterexample=steps,
        )


def _adopt(pair: Pair, known: Pair, account: Account) -> None:
    for mine, other in ((pair.model, known.model), (pair.app, known.app)):
        for key in (account.alias, account.alias + LOGIN):
            if key in other.saved:
                mine.saved[key] = other.saved[key]
        mine.credentials[account.alias] = other.credentials[account.alias]


def _administrator(account: Account, lockstep: Lockstep) -> Account:
    if ADMIN not in account.roles or lockstep.admin is None:
        return account
    identifier = lockstep.spec.auth.identifier if lockstep.spec.auth else "email"
    registration = {identifier: lockstep.admin[0], "password": lockstep.admin[1]}
    return account.model_copy(update={"registration": registration})


def summary(exchanges: Sequence[Exchange]) -> str:
    """`POST /loans the 6th time: expected 409, got 201`."""
    last = exchanges[-1]
    place = f"{last.step.method} {last.route.path if last.route else last.step.path}"
    times = sum(1 for e in exchanges if e.step.method == last.step.method and e.step.path == last.step.path)
    if times > 1 and last.step.method == "POST":
        place += f" the {ordinal(times)} time"
    if last.step.parallel > 1:
        place += f" {last.step.parallel} times at once"
    note = f" ({last.step.note})" if last.step.note else ""
    return f"{place}{note}: {last.differences[0]}"


def counterexample(exchanges: Sequence[Exchange], log: str = "") -> str:
    """Numbered steps; below the last one, what is wrong with it."""
    lines = [f"{number}. {exchange.text}" for number, exchange in enumerate(exchanges, 1)]
    lines += [f"   {difference}" for difference in exchanges[-1].differences[:5]]
    if log:
        lines += ["", "The application's log ends:", log]
    return "\n".join(lines)


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, …"""
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
