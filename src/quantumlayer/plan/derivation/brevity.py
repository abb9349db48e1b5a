"""Says nothing twice: what a step expects is named where an earlier answer holds it, and left out where it was said before."""

import json
from typing import Any

from quantumlayer.plan.placeholders import ref
from quantumlayer.plan.scenario import Scenario, Step


class Brevity:
    """Shortens the scenarios of one plan, in their order."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def shortened(self, scenario: Scenario) -> Scenario:
        """The same calls. A row that still is as an earlier answer showed it is expected as `{"$ref": alias}`; a preparing call
        whose answer only repeats its body, as in an earlier scenario, expects no more than its status. A note stands once."""
        rows: dict[str, Any] = {}
        steps: list[Step] = []
        note = ""
        for number, step in enumerate(scenario.steps, 1):
            if step.advance:
                rows.clear()
            if step.method != "GET":
                for alias in [a for a in rows if f"{{{a}." in step.path]:
                    del rows[alias]
            expect = _named(step.expect, rows)
            if step.save and isinstance(step.expect, dict) and step.parallel == 1:
                rows[step.save] = step.expect
                if step.method == "POST" and not self._new(step) and number < len(scenario.steps):
                    expect = None
            steps.append(step.model_copy(update={"expect": expect, "note": step.note if step.note != note else ""}))
            note = step.note
        return scenario.model_copy(update={"steps": tuple(steps)})

    def _new(self, step: Step) -> bool:
        sent = step.body if isinstance(step.body, dict) else {}
        shown = {k: "=" if k in sent and sent[k] == v else v for k, v in step.expect.items() if k != "id"}
        text = json.dumps([step.path, sorted(sent), shown], sort_keys=True)
        if text in self._said:
            return False
        self._said.add(text)
        return True


def _named(value: Any, rows: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        alias = next((a for a, row in rows.items() if row == value and row.get("id") == ref(f"{a}.id")), None)
        return ref(alias) if alias else {key: _named(inner, rows) for key, inner in value.items()}
    return [_named(inner, rows) for inner in value] if isinstance(value, list) else value
