"""What an action of an OpenAPI file does, by its name, its body and its description."""

from typing import Any

from quantumlayer.spec.analyst.words import participle
from quantumlayer.spec.analyst.world import EntityDraft, action_for_state
from quantumlayer.spec.importers.openapi.untold import only_in
from quantumlayer.spec.values import Effect, Field, Guard, Operation, Transition

_DECIDED = frozenset(("approved", "accepted", "rejected", "declined", "refused", "denied", "granted", "confirmed"))


def settled(operation: Operation) -> bool:
    """Whether an action does something."""
    return bool(operation.effects or operation.transition or operation.redirect)


def behaviour(draft: EntityDraft, name: str, inputs: dict[str, Field], text: str, by: str) -> dict[str, Any]:
    """Members of the operation: it leads to the state that it is named after, or sets the fields it takes; then it keeps what
    fields of its name are for (`cancelled_at`, `cancellation_reason`).
    """
    found = _moved(draft, name, inputs, text, by)
    if found:
        kept = {**_stamped(draft, name), **_kept(draft, name, inputs)}
        known = {n for effect in found.get("effects", ()) for n in effect.set}
        if rest := {n: v for n, v in kept.items() if n not in known}:
            found["effects"] = (*found.get("effects", ()), Effect(set=rest))
    return found


def _moved(draft: EntityDraft, name: str, inputs: dict[str, Field], text: str, by: str) -> dict[str, Any]:
    if draft.state:
        goals = [s for s in draft.state.states if s in (name, participle(name)) or action_for_state(s) == name]
        sources = tuple(s for s in draft.state.states if s not in goals)
        # What was decided is not decided again.
        open_ = tuple(s for s in sources if s not in _DECIDED) if goals and goals[0] in _DECIDED else sources
        sources = only_in(text, sources) or open_ or sources
        if goals and sources:
            return {"transition": Transition.model_validate({"from": sources, "to": goals[0]})}
    for key, known in draft.fields.items():
        if known.type == "enum":
            goal = next((v for v in known.values if v.lower() in (name, participle(name))), None)
            if goal:
                return {"effects": (Effect(set={key: f"'{goal}'"}),)}
    flags = (n for n, f in draft.fields.items() if f.type == "boolean" and f.writable == "never" and n in _done(name))
    if flag := next((n for n in flags if draft.fields[n].value is None), None):
        return {"effects": (Effect(set={flag: "true"}),)}
    own = {n: f"input.{n}" for n in inputs if n in draft.fields and draft.fields[n].type == inputs[n].type}
    if own and len(own) == len(inputs) and all(inputs[n].required or not draft.fields[n].required for n in own):
        return {"effects": (Effect(set=own),)}
    if stamps := _stamped(draft, name):
        # What was returned is not returned again.
        first = next(iter(stamps))
        guard = Guard(check=f"self.{first} == null", message=f"already {participle(name)}", satisfies=(by,))
        return {"effects": (Effect(set=stamps),), "guards": {f"not_{participle(name)}": guard}}
    return {}


def _done(name: str) -> set[str]:
    return {participle(name), participle(name).replace("ll", "l"), f"is_{participle(name)}"}


def _stamped(draft: EntityDraft, name: str) -> dict[str, str]:
    """`cancelled_at` of cancelling."""
    done = _done(name)
    clock = {"datetime": "now", "date": "today"}
    stamps = [n for n in draft.fields if n.rpartition("_")[0] in done and n.rpartition("_")[2] in ("at", "on")]
    free = [n for n in stamps if draft.fields[n].writable == "never" and draft.fields[n].type in clock]
    return {n: clock[draft.fields[n].type] for n in free}


def _kept(draft: EntityDraft, name: str, inputs: dict[str, Field]) -> dict[str, str]:
    """What the action takes, in the field of its name, or in the one whose name begins like the action and ends like it."""
    kept = {}
    for taken, asked in inputs.items():
        named = [n for n in draft.fields if n == taken or (n.endswith(f"_{taken}") and n[:4] == name[:4])]
        fitting = [n for n in named if _alike(draft.fields[n], asked)]
        if len(fitting) == 1:
            kept[fitting[0]] = f"input.{taken}"
    return kept


def _alike(field: Field, asked: Field) -> bool:
    texts = {field.type, asked.type} <= {"string", "text"}
    return (field.type == asked.type or texts) and (asked.required or not field.required)


def unstored(draft: EntityDraft, name: str, inputs: dict[str, Field]) -> list[str]:
    """What an action that does something takes and nothing uses."""
    operation = draft.operations[name]
    used = " ".join(value for effect in operation.effects for value in effect.set.values())
    return [n for n in inputs if f"input.{n}" not in used] if settled(operation) else []
