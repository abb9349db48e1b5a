"""Planted faults: a blueprint's own mistakes on purpose, each of which the judge must catch.

`faults/NAME.patch` is a unified diff of the rendered sources, below header lines `title: …` and `spec: NAME`, which names the
reference spec that it is tried on: `faults/specs/NAME.yaml`, or the one of that name that comes with the suite.
"""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.blueprint.render import render
from quantumlayer.conformance.blueprint.specs import reference_spec
from quantumlayer.errors import UserError
from quantumlayer.evidence.application import NotServing, unpacked
from quantumlayer.evidence.judge import Budget, judge
from quantumlayer.evidence.live_application import live
from quantumlayer.evidence.values import Check, Evidence
from quantumlayer.files.patch import patched
from quantumlayer.files.values import FileTree
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.ports.language import Language
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.spec.values import Spec

BUDGET = Budget(operations=1500, random=20.0, shrink=10.0, failures=1)
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Fault:
    """One planted mistake. `spec` names the reference spec, `patch` is the diff."""

    name: str
    title: str
    spec: str
    patch: str


@dataclass(frozen=True)
class FaultResult:
    """What became of a fault. `caught` is None for the unchanged application, whose `by` must then be empty.

    `by` names the checks that failed, `summary` is the first one's message, `counterexample` its steps.
    """

    name: str
    title: str
    spec: str
    caught: bool | None
    by: tuple[str, ...] = ()
    summary: str = ""
    counterexample: str = ""
    seconds: float = 0.0

    @property
    def right(self) -> bool:
        """A fault was caught, or the unchanged application passed."""
        return not self.by if self.caught is None else self.caught


def faults_of(blueprint: LoadedBlueprint) -> tuple[Fault, ...]:
    """The planted faults of a blueprint, by name. Raises `UserError` for one without title or spec."""
    return tuple(_fault(path) for path in blueprint.below("faults").values() if path.suffix == ".patch")


def _fault(path: Path) -> Fault:
    head, mark, rest = path.read_text(encoding="utf-8").partition("--- ")
    parts = (line.lstrip("# ").partition(":") for line in head.splitlines())
    header = {key.strip().lower(): value.strip() for key, colon, value in parts if colon}
    if not mark or "title" not in header or "spec" not in header:
        raise UserError(f"{path}: a fault begins with title: and spec:, then a unified diff", path=str(path))
    return Fault(path.stem, header["title"], header["spec"], mark + rest)


@dataclass
class FaultTrial:
    """Everything that trying the faults of one blueprint needs. `home` holds the caches of installed dependencies."""

    blueprint: LoadedBlueprint
    language: Language
    sandbox: Sandbox
    home: Path

    async def try_all(self, only: tuple[str, ...] = (), progress: Progress = lambda text: None) -> AsyncIterator[FaultResult]:
        """First each reference spec as it is rendered, which must pass; then each fault on its spec."""
        faults = [f for f in faults_of(self.blueprint) if not only or f.name in only]
        if not faults:
            known = ", ".join(f.name for f in faults_of(self.blueprint)) or "none"
            raise UserError(f"no such fault in {self.blueprint.value.id}", hint=f"there are: {known}")
        prepared: dict[str, tuple[Spec, TestPlan, FileTree]] = {}
        for name in sorted({f.spec for f in faults}):
            progress(f"{name} without a fault")
            prepared[name] = self._prepared(name)
            yield await self._tried(Fault("", "no fault", name, ""), *prepared[name])
        for fault in faults:
            progress(fault.title)
            spec, plan, tree = prepared[fault.spec]
            yield await self._tried(fault, spec, plan, patched(tree, fault.patch))

    def _prepared(self, name: str) -> tuple[Spec, TestPlan, FileTree]:
        spec = reference_spec(self.blueprint, name)
        plan = make_plan(spec, self.blueprint, "blueprint", self.language)
        return spec, plan_tests(spec, plan), render(spec, plan, self.blueprint, self.language, part="source")

    async def _tried(self, fault: Fault, spec: Spec, plan: TestPlan, tree: FileTree) -> FaultResult:
        began = time.perf_counter()
        evidence = await self._evidence(spec, plan, tree)
        failed = evidence.failed()
        return FaultResult(
            name=fault.name,
            title=fault.title,
            spec=fault.spec,
            caught=bool(failed) if fault.patch else None,
            by=tuple(c.id for c in failed),
            summary=failed[0].message if failed else "",
            counterexample=failed[0].counterexample if failed else "",
            seconds=time.perf_counter() - began,
        )

    async def _evidence(self, spec: Spec, plan: TestPlan, tree: FileTree) -> Evidence:
        async with unpacked(tree, self.blueprint.value, self.language, self.sandbox, self.home) as application:
            checks = [await application.install()]
            if checks[0].status == "passed":
                checks += await application.build()
            if any(c.status != "passed" for c in checks):
                return Evidence(checks=tuple(checks))
            try:
                async with live(application, spec) as app:
                    return await judge(spec, app, plan, budget=BUDGET)
            except NotServing as error:
                title, message = "the application starts", error.message
                return Evidence(checks=(Check(id="start", title=title, level="build", status="failed", message=message),))
