"""The judge: holds a running application against a spec, whoever wrote it."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from quantumlayer.evidence.judge.app import App, Handle
from quantumlayer.evidence.judge.contract import contract_checks
from quantumlayer.evidence.judge.lockstep import Listener, Lockstep
from quantumlayer.evidence.judge.play import Player
from quantumlayer.evidence.judge.random_testing import RandomTester
from quantumlayer.evidence.judge.timeline import play_side_by_side
from quantumlayer.evidence.judge.transport import Call, Connection
from quantumlayer.evidence.values import Check, Evidence
from quantumlayer.plan.plan_tests import plan_races, plan_tests
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.spec.values import Spec

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Budget:
    """Random testing ends after `operations` requests or `random` seconds; `shrink` seconds go to shortening what it finds.

    After `failures` failed checks the rest is not played.
    """

    operations: int = 400
    random: float = 10.0
    shrink: float = 15.0
    failures: int = 12


RACES = 3
THOROUGH = Budget(operations=20_000, random=60.0, shrink=60.0)


async def judge(
    spec: Spec,
    app: App,
    test_plan: TestPlan | None = None,
    *,
    seed: int = 0,
    budget: Budget = Budget(),
    progress: Progress = lambda text: None,
    listen: Listener = lambda lockstep, exchange: None,
) -> Evidence:
    """All checks of the plan, then random testing, against an application that runs at `app.url`.

    Nothing that the application does makes this raise; failures of the keeper's own `reset` and `restart` do (they raise
    whatever they raise). `progress` and `listen`, which is told of every exchange, are called from another thread.
    """
    loop = asyncio.get_running_loop()
    trial = Trial(spec, Handle(app, loop), test_plan, seed, budget, progress, listen)
    return await asyncio.to_thread(trial.run)


@dataclass
class Trial:
    """One judgement, in a thread of its own."""

    spec: Spec
    handle: Handle
    test_plan: TestPlan | None
    seed: int
    budget: Budget
    progress: Progress
    listen: Listener

    def run(self) -> Evidence:
        """Plays everything and gathers the checks."""
        unreachable = self._unreachable()
        if unreachable:
            return Evidence(checks=(unreachable,))
        partial = self._inhabited()
        if partial:
            self.test_plan = plan_tests(self.spec, salt=int(time.time()) % 100_000)
        plan = self.test_plan or plan_tests(self.spec)
        lockstep = Lockstep(self.spec, self.handle.url, self.handle.admin, partial=partial, listen=self.listen)
        player = Player(self.spec, self.handle, lockstep, self.budget.failures)
        checks: list[Check] = [*contract_checks(self.spec, self.handle.url)]
        ordered = [s for level in ("acceptance", "concurrency") for s in plan.scenarios if s.level == level]
        for number, scenario in enumerate(ordered, 1):
            self.progress(f"check {number} of {len(plan.scenarios)}: {scenario.title}")
            checks.append(player.play(scenario))
        races = {s.goal: s.id for s in ordered if s.level == "concurrency"}
        if races and not partial:
            checks = self._raced_again(player, checks, races)
        timed = [s for s in plan.scenarios if s.level == "time"]
        self.progress(f"{len(timed)} checks about the passage of time")
        checks += play_side_by_side(player, timed)
        if player.failures >= self.budget.failures:
            return Evidence(checks=(*checks, *self._stored(lockstep), *self._unreached(plan, set())))
        if player.dirty or self.handle.offset or lockstep.partial:
            player.renew()
        tester = RandomTester(
            self.spec,
            self.handle,
            lockstep,
            self.seed,
            budget=self.budget.random,
            enough=self.budget.operations,
            shrink_budget=self.budget.shrink,
            report=self.progress,
        )
        self.progress("random testing against the reference model")
        lockstep.about = "random"
        checks.append(tester.run())
        checks += self._stored(lockstep)
        checks += self._unreached(plan, tester.reached)
        checks += self._ended()
        lockstep.connection.close()
        return Evidence(checks=tuple(checks))

    def _raced_again(self, player: Player, checks: list[Check], races: dict[str, str]) -> list[Check]:
        """The checks, those of calls at once played in further rounds with other values: a race shows by chance.

        `races` are the ids of those checks by their goals.
        """
        for salt in range(1, RACES):
            for scenario in plan_races(self.spec, salt):
                if scenario.goal in races and player.failures < self.budget.failures:
                    again = player.play(scenario.model_copy(update={"id": races[scenario.goal]}))
                    checks = [again if c.id == again.id and c.status == "passed" else c for c in checks]
        return checks

    def _unreachable(self) -> Check | None:
        connection = Connection(self.handle.url)
        answer = connection.send(Call("GET", "/health"))
        connection.close()
        if not answer.broken or answer.status:
            return None
        return Check(
            id="contract:health",
            title="The application answers",
            level="contract",
            status="failed",
            message=f"{self.handle.url}: {answer.broken}",
        )

    def _inhabited(self) -> bool:
        """Whether the database already holds rows that the judge did not make, as far as anyone may look."""
        probe = Lockstep(self.spec, self.handle.url, self.handle.admin)
        try:
            for route in probe.routes:
                if route.kind == "list" and route.access.anonymous and probe.holds_rows(route):
                    if self.handle.can_reset:
                        self.handle.reset()
                        return False
                    return True
        finally:
            probe.connection.close()
        return not self.handle.can_reset and self.spec.auth is not None

    def _stored(self, lockstep: Lockstep) -> list[Check]:
        """No file of the database may hold a password as it was sent."""
        path = self.handle.database()
        secrets = [s.encode() for s in lockstep.comparison.secrets if len(s) >= 8 and not re.fullmatch(r"x+", s)]
        if path is None or not secrets or self.spec.auth is None:
            return []
        started = time.perf_counter()
        content = b"".join(p.read_bytes() for p in (path, path.with_name(path.name + "-wal")) if p.is_file())
        leaked = sum(1 for s in secrets if s in content)
        return [
            Check(
                id="stored-passwords",
                title="No password is stored as it was sent",
                level="contract",
                status="failed" if leaked else "passed",
                requirements=self.spec.auth.satisfies,
                seconds=time.perf_counter() - started,
                message=f"{leaked} of {len(secrets)} passwords stand in the database as plain text" if leaked else "",
            )
        ]

    def _ended(self) -> list[Check]:
        """The application stops when it is told to, and says that all is well."""
        started = time.perf_counter()
        ending = self.handle.stop()
        if ending is None:
            return []
        return [
            Check(
                id="contract:sigterm",
                title="SIGTERM ends the application with exit code 0",
                level="contract",
                status="failed" if ending else "passed",
                seconds=time.perf_counter() - started,
                message=ending,
            )
        ]

    def _unreached(self, plan: TestPlan, reached: set[str]) -> list[Check]:
        """What no scenario reaches counts as not run, unless random testing came by and all was well."""
        return [
            Check(
                id=f"unreached:{u.goal}",
                title=u.goal,
                level="acceptance",
                status="not_run",
                requirements=u.requirements,
                message=u.reason,
            )
            for u in plan.unreached
            if u.goal not in reached
        ]
