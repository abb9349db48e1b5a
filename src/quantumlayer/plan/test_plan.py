"""The test plan: which check proves which requirement, at which level, and what no check could reach."""

from collections import defaultdict
from collections.abc import Mapping

from quantumlayer.plan.scenario import Scenario, Value


class Unreached(Value):
    """A goal for which no scenario was found. Its requirements stay unverified unless they are empty."""

    goal: str
    reason: str
    requirements: tuple[str, ...] = ()


class TestPlan(Value):
    """Scenarios in the order in which they are played, and the goals that none of them reaches."""

    __test__ = False

    scenarios: tuple[Scenario, ...] = ()
    unreached: tuple[Unreached, ...] = ()

    def proofs(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Requirement → (scenario id, level) of all checks that name it."""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for scenario in self.scenarios:
            for requirement in scenario.requirements:
                found[requirement].append((scenario.id, scenario.level))
        return {key: tuple(value) for key, value in sorted(found.items())}
