"""A recorded conversation with the reference model: the steps so far, and a model in the state that they lead to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from quantumlayer.plan.route_matching import route_of
from quantumlayer.plan.scenario import Account, Step
from quantumlayer.plan.session import Session, opening_steps
from quantumlayer.spec.http import HttpResponse
from quantumlayer.spec.model import ReferenceModel
from quantumlayer.spec.routes import ADMIN, Route, routes
from quantumlayer.spec.values import Spec

START = datetime(2026, 6, 17, 10, 30, tzinfo=UTC)
ADMINISTRATOR = ("root@example.com", "Root-Passw0rd")
TICK = timedelta(milliseconds=25)
PARALLEL_TICK = timedelta(milliseconds=1)


@dataclass
class Clock:
    """A clock that stands where it is put."""

    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Work:
    """How many calls a world and all its forks have made: a measure of effort that is the same on every machine."""

    calls: int = 0


@dataclass(frozen=True)
class Row:
    """A row made by a step: the alias it is saved under, its entity, who made it."""

    alias: str
    entity: str
    actor: str | None


@dataclass
class World:
    """`call` records a step and answers as the model does; `fork` goes on independently from here."""

    spec: Spec
    clock: Clock
    model: ReferenceModel
    session: Session
    moment: datetime
    steps: list[Step] = field(default_factory=list)
    answers: list[HttpResponse] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    tick: timedelta = TICK
    routes: Sequence[Route] = ()
    frozen: bool = False
    work: Work = field(default_factory=Work)

    @classmethod
    def new(cls, spec: Spec, clock: Clock, start: datetime = START, tick: timedelta = TICK) -> "World":
        """An empty world whose scenario starts at `start`; each call takes `tick`."""
        clock.moment = start
        model = ReferenceModel(spec, clock, admin=ADMINISTRATOR if spec.roles else None)
        return cls(spec, clock, model, Session(start), start, tick=tick, routes=routes(spec))

    def fork(self) -> "World":
        """A copy that shares nothing that changes."""
        return World(
            self.spec,
            self.clock,
            self.model.copy(),
            self.session.copy(),
            self.moment,
            list(self.steps),
            list(self.answers),
            dict(self.accounts),
            dict(self.rows),
            self.tick,
            self.routes,
            work=self.work,
        )

    def call(self, step: Step, *, record: bool = True) -> HttpResponse:
        """The model's answer; the step is recorded with its status unless told otherwise."""
        self.moment += self.tick + timedelta(seconds=step.advance)
        self.clock.moment = self.moment
        self.work.calls += step.parallel
        if step.parallel > 1:
            return self._parallel(step)
        answer = self.model.handle(self.session.request(step))
        if answer.status < 400:
            self.session.learn(step, answer.body)
            self._remember(step)
        if record:
            saved = step.save if answer.status < 400 else None
            self.steps.append(step.model_copy(update={"status": answer.status, "save": saved}))
            self.answers.append(answer)
        return answer

    def _parallel(self, step: Step) -> HttpResponse:
        answers = []
        for request in [self.session.request(call) for call in step.calls]:
            self.moment += timedelta(0) if self.frozen else PARALLEL_TICK
            self.clock.moment = self.moment
            answers.append(self.model.handle(request))
        statuses = tuple(sorted(a.status for a in answers))
        self.steps.append(step.model_copy(update={"status": statuses[0], "statuses": statuses}))
        self.answers.append(answers[-1])
        return answers[-1]

    def _remember(self, step: Step) -> None:
        """A saved answer of an operation on an entity is a row of it."""
        if step.save and step.save not in self.rows and isinstance(self.session.saved[step.save], dict):
            route = route_of(self.routes, step.method, step.path)
            if route and route.operation and route.entity and route.kind != "list":
                self.rows[step.save] = Row(step.save, route.entity, step.actor)

    def made(self, alias: str, route: Route, actor: str | None) -> None:
        """Remembers that a step made a row."""
        self.rows[alias] = Row(alias, route.entity or "", actor)

    def alias(self, entity: str) -> str:
        """A name for the next row of an entity: `loan1`, `loan2`, …"""
        number = sum(1 for row in self.rows.values() if row.entity == entity) + 1
        return f"{entity}{number}"

    def open(self, account: Account) -> HttpResponse:
        """Makes and signs in an account. The answer is the first that failed, else the last."""
        if account.roles and ADMIN not in account.roles and ADMIN not in self.accounts:
            self.open(administrator(self.spec))
        answer = HttpResponse(404)
        for step in opening_steps(self.spec, account):
            answer = self.call(step, record=False)
            if answer.status >= 400:
                return answer
        self.accounts[account.alias] = account
        if self.spec.auth:
            self.rows[account.alias] = Row(account.alias, self.spec.auth.entity, None)
        return answer


def administrator(spec: Spec) -> Account:
    """The account that the configuration creates."""
    identifier = spec.auth.identifier if spec.auth else "email"
    registration = {identifier: ADMINISTRATOR[0], "password": ADMINISTRATOR[1]}
    return Account(alias=ADMIN, registration=registration, roles=(ADMIN,))
