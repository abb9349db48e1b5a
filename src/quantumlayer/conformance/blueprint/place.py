"""Where a stack is tried, and what its reference specifications become there."""

from dataclasses import dataclass
from pathlib import Path

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.blueprint.render import render
from quantumlayer.blueprint.values import PARTS
from quantumlayer.conformance.blueprint.specs import reference_spec
from quantumlayer.files.values import FileTree
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.ports.language import Language
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Scanner
from quantumlayer.spec.values import Spec


@dataclass(frozen=True)
class Place:
    """Where blueprints are tried. `home` holds what is installed, `scanners` look at Dockerfiles and the like."""

    blueprint: LoadedBlueprint
    language: Language
    sandbox: Sandbox
    home: Path
    scanners: tuple[Scanner, ...] = ()

    def spec(self, name: str) -> Spec:
        """A reference spec by name. Raises `UserError`."""
        return reference_spec(self.blueprint, name)

    def planned(self, spec: Spec) -> TestPlan:
        """Its scenarios, of which the stack's own tests are a part too."""
        return plan_tests(spec, make_plan(spec, self.blueprint, "blueprint", self.language))

    def rendered(self, spec: Spec, plan: TestPlan) -> dict[str, FileTree]:
        """Every part."""
        made = make_plan(spec, self.blueprint, "blueprint", self.language)
        return {
            part: render(spec, made, self.blueprint, self.language, part=part, test_plan=plan if part == "tests" else None)
            for part in PARTS
        }

    def subject(self, name: str) -> "Subject":
        """Everything that a reference spec becomes. Raises `UserError`."""
        spec = self.spec(name)
        plan = self.planned(spec)
        return Subject(spec, plan, self.rendered(spec, plan))


@dataclass(frozen=True)
class Subject:
    """A reference spec, its scenarios, and every part that is rendered of it."""

    spec: Spec
    plan: TestPlan
    parts: dict[str, FileTree]

    @property
    def project(self) -> FileTree:
        """What a developer works on: sources and tests."""
        return self.parts["source"].merged(self.parts["tests"])
