"""Spec to file tree (check, plan, render) for 20 entities: target under 100 ms. Usage: python benchmarks/render.py [RUNS]"""

import sys
import time

from table import median, show

from quantumlayer.blueprint.load import load_blueprints
from quantumlayer.blueprint.render import render
from quantumlayer.catalog.adapters import family
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.spec.check import checked
from quantumlayer.spec.values import Auth, Entity, Field, Filter, Operation, Rule, Spec, StateMachine, Transition

TARGET_MS = 100
STACK = "python/fastapi"
ENTITIES = 20


def entity(number: int) -> Entity:
    """An entity with ten fields, a rule, a state machine, a reference to the one before it and all operations."""
    fields = {
        "title": Field(type="string", unique=True),
        "notes": Field(type="text", required=False),
        "amount": Field(type="decimal", min=0),
        "count": Field(type="integer", min=0, default="0"),
        "done": Field(type="boolean", default="false"),
        "due": Field(type="date", required=False),
        "at": Field(type="datetime", default="now"),
        "kind": Field(type="enum", values=("a", "b", "c"), default="'a'"),
        "tags": Field(type="strings", default="[]"),
    }
    if number:
        fields["parent"] = Field(type="reference", to=f"thing{number - 1}", required=False, on_delete="set_null")
    operations = {verb: Operation() for verb in ("create", "read", "update", "delete")}
    operations["list"] = Operation(
        filters=(Filter(field="kind"), Filter(field="amount", op="gte")), sort=("title", "amount"), search=("title", "notes")
    )
    operations["close"] = Operation(transition=Transition(from_states=("open",), to="closed"))
    return Entity(
        plural=f"thing{number}s",
        fields=fields,
        state=StateMachine(initial="open", states=("open", "closed")),
        rules={"enough": Rule(check="self.amount >= 1.0 || self.count == 0", message="too little", status=422)},
        operations=operations,
    )


def big_spec() -> Spec:
    """A valid specification with twenty entities and accounts."""
    account = Entity(
        plural="accounts",
        fields={"email": Field(type="string", format="email", unique=True)},
        operations={"read": Operation()},
    )
    entities = {f"thing{number}": entity(number) for number in range(ENTITIES - 1)}
    return Spec(name="Benchmark", auth=Auth(entity="account"), entities={"account": account, **entities})


def main() -> None:
    """Measures and prints."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    blueprint = load_blueprints().get(STACK)
    language = family("languages").load(blueprint.value.language)()
    times: dict[str, list[float]] = {"check": [], "plan": [], "render": []}
    files = 0
    for _ in range(runs + 1):
        steps = [time.perf_counter()]
        spec = checked(big_spec())
        steps.append(time.perf_counter())
        plan = make_plan(spec, blueprint, "blueprint", language)
        steps.append(time.perf_counter())
        trees = [render(spec, plan, blueprint, language, part=part) for part in ("source", "docs", "infrastructure")]
        steps.append(time.perf_counter())
        files = sum(len(tree.files) for tree in trees)
        for name, began, ended in zip(times, steps, steps[1:], strict=False):
            times[name].append((ended - began) * 1000)
    # The first round also compiles the templates.
    rows = [(name, values[0], median(values[1:])) for name, values in times.items()]
    rows.append(("spec to file tree", sum(row[1] for row in rows[1:]), sum(row[2] for row in rows[1:])))
    show(
        f"{STACK}, {ENTITIES} entities, {files} files (target {TARGET_MS} ms)",
        ["step", "first ms", f"median of {runs} ms"],
        rows,
    )


if __name__ == "__main__":
    main()
