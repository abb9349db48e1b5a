"""Model-based random testing: a Hypothesis state machine drives the application and the model, and shrinks what differs.

While the two agree, examples run one after the other on the same database, each with rows and salts of its own. After the first
divergence every further example starts from a fresh database, so that what is reported holds by itself.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, HypothesisException
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from quantumlayer.evidence.judge.app import Handle
from quantumlayer.evidence.judge.lockstep import Exchange, Lockstep, Pair
from quantumlayer.evidence.judge.moves import Cast, Moves
from quantumlayer.evidence.judge.play import counterexample, summary
from quantumlayer.evidence.judge.reduce import reduced
from quantumlayer.evidence.values import Check
from quantumlayer.plan.derivation.maker import Maker
from quantumlayer.plan.derivation.world import Clock, World
from quantumlayer.plan.placeholders import Unsaved
from quantumlayer.plan.scenario import Account, Step
from quantumlayer.plan.session import opening_steps
from quantumlayer.plan.surface_client import Inexpressible
from quantumlayer.spec.routes import ADMIN
from quantumlayer.spec.values import Spec

STEPS = 25
BATCH = 8


class Divergence(AssertionError):
    """The application and the model differ."""


@dataclass
class RandomTester:
    """One campaign. Times in seconds; it ends after `enough` requests or the `budget`. `operations` counts requests."""

    spec: Spec
    handle: Handle
    lockstep: Lockstep
    seed: int
    budget: float
    enough: int
    shrink_budget: float = 15.0
    report: Callable[[str], None] = lambda text: None
    operations: int = 0
    seconds: float = 0.0
    reached: set[str] = field(default_factory=set)
    _trace: list[Exchange] = field(default_factory=list)
    _best: list[Exchange] | None = None
    _best_alone: bool = False
    _shrink_until: float = 0.0
    _accounts: Pair | None = None
    _salt: int = 0
    _over: bool = False

    def run(self) -> Check:
        """The check: passed, or failed with the shortest counter-example that was found in time."""
        started = time.perf_counter()
        self._moves = Moves(self.spec)
        if self.lockstep.partial:
            # Earlier judgements left rows behind: their values must not come again.
            self._salt = 10_000_000 + int(time.time()) % 10_000_000
        self._cast_accounts = tuple(a for a in _cast(self.spec) if not a.roles or self.handle.admin)
        until, batch = started + self.budget, 0
        while not self._spent(until) and self._best is None:
            self._campaign(self.seed * 1000 + batch, until)
            batch += 1
        if self._best is not None and self.handle.can_reset and self.shrink_budget > 0:
            until = time.perf_counter() + self.shrink_budget / 2
            shorter = reduced(self._best, self._replay, lambda: time.perf_counter() < until)
            if shorter is not None and (not self._best_alone or len(shorter) < len(self._best)):
                self._best, self._best_alone = shorter, True
        self.seconds = time.perf_counter() - started
        return self._check()

    def _spent(self, until: float) -> bool:
        return self.operations >= self.enough or time.perf_counter() >= until

    def _replay(self, steps: Sequence[Step]) -> list[Exchange] | None:
        """The steps on a fresh database up to the first difference; None where they cannot be taken."""
        self._renew()
        pair, trace = self._conversation(), []
        for step in steps:
            try:
                trace.append(self.lockstep.take(pair, step))
            except (Unsaved, KeyError):
                return None
            self.operations += 1
            if trace[-1].differences:
                break
        return trace

    def _renew(self) -> None:
        self.handle.reset()
        self.lockstep.moved(self.handle.url, 0)
        self.lockstep.forget()
        self._accounts = self._open_accounts()

    def _campaign(self, number: int, until: float) -> None:
        tester = self

        class Machine(RuleBasedStateMachine):
            def __init__(self) -> None:
                super().__init__()
                self.example = tester.begin(until)

            @rule(data=st.data())
            def move(self, data: st.DataObject) -> None:
                if self.example is not None:
                    self.example.move(lambda strategy: data.draw(strategy))

        config = settings(
            max_examples=BATCH,
            stateful_step_count=STEPS,
            database=None,
            deadline=None,
            verbosity=Verbosity.quiet,
            print_blob=False,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=tuple(HealthCheck),  # pyright: ignore[reportArgumentType],
        )
        try:
            run_state_machine_as_test(seed(number)(Machine), settings=config)
        except (Divergence, Flaky, HypothesisException, BaseExceptionGroup):
            # What was found is in `_best`; that Hypothesis saw it only once (Flaky) is said in the report.
            return

    def begin(self, until: float) -> "Example | None":
        """The next example, None when time is up."""
        if self._spent(until) if self._best is None else time.perf_counter() > self._shrink_until:
            return None
        alone = self._best is not None
        if alone:
            if not self.handle.can_reset:
                return None
            self._renew()
        if self._accounts is None:
            self._accounts = self._open_accounts()
        self._salt += 1
        return Example(self, alone, self._conversation(), Cast(self._actors(), self._salt))

    def _conversation(self) -> Pair:
        pair, known = self.lockstep.pair(), self._accounts
        assert known is not None
        for mine, other in ((pair.model, known.model), (pair.app, known.app)):
            mine.saved, mine.credentials = dict(other.saved), dict(other.credentials)
        return pair

    def _actors(self) -> tuple[str | None, ...]:
        return (None, *[a.alias for a in self._cast_accounts]) if self.spec.auth else (None,)

    def _open_accounts(self) -> Pair:
        pair = self.lockstep.pair()
        for account in self._cast_accounts:
            mine = account
            if ADMIN in account.roles and self.lockstep.admin and self.spec.auth:
                registration = {self.spec.auth.identifier: self.lockstep.admin[0], "password": self.lockstep.admin[1]}
                mine = account.model_copy(update={"registration": registration})
            elif self.spec.auth:
                name = self.spec.auth.identifier
                if isinstance(text := account.registration.get(name), str) and "@" in text:
                    # Among rows of others only the clock makes a name that nobody has; elsewhere the same seed names the same.
                    unique = time.time_ns() % 10**9 if self.lockstep.partial else 0
                    salted = text.replace("@", f".{self.seed % 100_000}.{unique}@")
                    mine = account.model_copy(update={"registration": {**account.registration, name: salted}})
            for step in opening_steps(self.spec, mine):
                exchange = self.lockstep.take(pair, step)
                self.operations += 1
                if exchange.differences:
                    self.found([exchange], alone=False)
        return pair

    def found(self, trace: Sequence[Exchange], *, alone: bool) -> None:
        """A divergence: keeps it if it is the first, or shorter and standing by itself."""
        if self._best is None:
            self._shrink_until = time.perf_counter() + self.shrink_budget / 2
            self.report("a divergence was found, shrinking it")
        if self._best is None or (alone and (not self._best_alone or len(trace) < len(self._best))):
            self._best, self._best_alone = list(trace), alone

    def _check(self) -> Check:
        title = f"{self.operations} random requests answered as the model answers them"
        if self._best is None:
            status = "passed" if self.operations else "not_run"
            return Check(
                id="random", title=title, level="random", status=status, seconds=self.seconds, message=f"seed {self.seed}"
            )
        last = self._best[-1]
        requirements = self._requirements(last)
        note = (
            ""
            if self._best_alone
            else "\n(not shrunk: it did not show again from an empty database, or that cannot be had here)"
        )
        return Check(
            id="random",
            title=title,
            level="random",
            status="failed",
            requirements=tuple(dict.fromkeys(requirements)),
            seconds=self.seconds,
            message=summary(self._best) + f" (seed {self.seed})",
            counterexample=counterexample(self._best if self._best_alone else self._best[-40:]) + note,
        )

    def _requirements(self, last: Exchange) -> tuple[str, ...]:
        """What the diverging request was about: the rule or guard that should have spoken, the route, the entity."""
        kind, _, place = last.expected.cause.partition(":")
        parts = place.split(".")
        found: list[str] = []
        if kind == "rule" and len(parts) == 2:
            found += self.spec.entities[parts[0]].rules[parts[1]].satisfies
        elif kind == "guard" and len(parts) == 3:
            found += self.spec.entities[parts[0]].operations[parts[1]].guards[parts[2]].satisfies
        if last.route:
            found += last.route.satisfies
            found += self.spec.entities[last.route.entity].satisfies if last.route.entity else ()
        return tuple(dict.fromkeys(found))


class Example:
    """One run of the machine: its own rows, in one conversation."""

    def __init__(self, tester: RandomTester, alone: bool, pair: Pair, cast: Cast) -> None:
        self._tester, self._alone, self._pair, self._cast = tester, alone, pair, cast
        self._trace: list[Exchange] = []

    def move(self, draw: Callable[[st.SearchStrategy], object]) -> None:
        """Draws a move, makes it on both sides and raises `Divergence` where they differ."""
        tester = self._tester
        step: Step = tester._moves.draw(draw, self._cast)
        try:
            exchange = tester.lockstep.take(self._pair, step)
        except (Unsaved, KeyError, Inexpressible):
            return
        tester.operations += 1
        self._trace.append(exchange)
        if exchange.expected.cause:
            tester.reached.add(exchange.expected.cause)
        if exchange.differences:
            tester.found(self._trace, alone=self._alone)
            raise Divergence(exchange.differences[0])
        if step.save and exchange.expected.status < 400 and exchange.route:
            self._forget_dead()
            self._cast.rows[step.save] = (exchange.route.entity or "", step.actor)

    def _forget_dead(self) -> None:
        """From now on a deleted row may share its id with the new one, so nothing can be said about it any more."""
        saved, model = self._pair.model.saved, self._tester.lockstep.model
        for alias, (entity, _) in list(self._cast.rows.items()):
            if not model.has(entity, saved[alias].get("id")):
                del self._cast.rows[alias]


def _cast(spec: Spec) -> tuple[Account, ...]:
    """Two plain accounts, one per role, the administrator: those that can be made."""
    if spec.auth is None:
        return ()
    world = World.new(spec, Clock())
    maker = Maker(spec, salt=7)
    for alias in [ADMIN] * bool(spec.roles) + ["ada", "bob"] + [r for r in spec.roles if r != ADMIN]:
        try:
            maker.account(world, alias, (alias,) if alias in spec.roles else ())
        except Exception:
            continue
    return tuple(world.accounts.values())
