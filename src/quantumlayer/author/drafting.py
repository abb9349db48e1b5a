"""Author `auto`: a model drafts what the built-in analyst could not read, held to the schema, the types and every clause."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from quantumlayer.answer.data import read_json
from quantumlayer.answer.values import Refusal
from quantumlayer.author.asking import ask_whole
from quantumlayer.author.completing import completed
from quantumlayer.author.prompts import DATA_RULE, data
from quantumlayer.errors import BudgetExceeded, UserError
from quantumlayer.ports.llm import Answer, Gateway, Prompt
from quantumlayer.spec.frd import Frd, FrdRequirement
from quantumlayer.spec.schema import spec_schema
from quantumlayer.spec.values import Field, Spec
from quantumlayer.spec.yaml_form import dump_spec, load_spec

CALLS = 3
_SYSTEM = f"""You turn the requirements of a small web service into its specification, as JSON that follows the schema.
Expressions are CEL, type-checked: self is the row, actor the caller, input the operation's input, now and today the time.
What may be null is guarded (self.due == null || self.due > today). days(n), sum, size, filter, exists, double(x) are there.
What no expression can say (parsing, pricing tables, scoring, schedules) becomes an entry of `units`: a pure function with
description, input, returns and several examples, called in the default of a field that is writable: never. Every requirement
that an element makes true is named in its `satisfies`. Keep the ids and texts of all requirements. Where one cannot be
expressed at all, give it understood: false and a reason. {DATA_RULE} Answer with the JSON object alone."""


@dataclass(frozen=True)
class Drafted:
    """The spec, the questions that it leaves open, and the calls that it took. `problem` says why the model's was not taken."""

    spec: Spec
    questions: tuple[str, ...] = ()
    calls: int = 0
    problem: str = ""


async def draft(gateway: Gateway, frd: Frd, known: Spec | None) -> Drafted:
    """The spec of the requirements; `known` is what the built-in analyst made of them, None where it found nothing to build.

    Where it understood everything no model is asked. What it did understand stays as it read it, the draft completes it, and
    the differences are questions. A draft that breaks the schema, a type, a name, or leaves a clause out goes back, at most
    `CALLS` times; then the analyst's reading stays as it is, with what it did not understand unmet.

    Raises what the gateway raises (an exceeded budget only where there is no reading), and `UserError` where there is neither
    a reading nor a draft.
    """
    if known is not None and all(requirement.understood for requirement in known.requirements):
        return Drafted(known)
    prompt, problem = _prompt(frd, known), ""
    for number in range(1, CALLS + 1):
        try:
            answer = await ask_whole(gateway, "analyst", prompt if not problem else _again(prompt, problem))
        except BudgetExceeded as error:
            if known is None:
                raise
            return Drafted(known, calls=number - 1, problem=f"no model completed it: {error.message}")
        try:
            spec = _read(answer, frd)
            whole = spec if known is None else _accounted(completed(known, spec), frd)
        except (Refusal, UserError) as error:
            problem = error.message
            continue
        return Drafted(whole, tuple(_questions(spec, known)), number)
    if known is None:
        raise UserError(
            f"neither the built-in analyst nor the model made a specification of the request: {problem[:500]}",
            hint="say what there is and what belongs to it, or name a stronger model for the role analyst",
        )
    return Drafted(known, calls=CALLS, problem=f"the model's draft was refused {CALLS} times, last: {problem[:500]}")


def _prompt(frd: Frd, known: Spec | None) -> Prompt:
    lines = [line for r in frd.requirements for line in _lines(r)]
    parts = [f"Requirements of {frd.name}:\n{data(chr(10).join(lines))}"]
    if known is not None:
        open_ = [f"{r.id}: {r.reason or 'not understood'}" for r in known.requirements if not r.understood]
        parts.append(
            f"What is understood so far and stays; add what is missing, each with `satisfies`:\n{data(dump_spec(known))}"
        )
        parts.append("What is missing in it:\n" + data("\n".join(open_)))
    return Prompt(system=_SYSTEM, text="\n\n".join(parts), schema=spec_schema(), max_tokens=8192)


def _lines(r: FrdRequirement) -> list[str]:
    """A requirement, with what makes it acceptable where the analyst could not read it."""
    criteria = () if r.understood else r.criteria
    return [f"{r.id}: {r.text}", *(f"  given {c.given}, when {c.when}, then {c.then}" for c in criteria)]


def _again(prompt: Prompt, problem: str) -> Prompt:
    text = f"{prompt.text}\n\nYour last answer was refused:\n{data(problem[:4000])}\nSend the whole object again, mended."
    return Prompt(system=prompt.system, text=text, schema=prompt.schema, max_tokens=prompt.max_tokens)


def _read(answer: Answer, frd: Frd) -> Spec:
    """The checked spec. Raises `Refusal`, `SpecError` or another `UserError`."""
    return _accounted(load_spec(json.dumps(read_json(answer, spec_schema()), ensure_ascii=False), "the answer"), frd)


def _accounted(spec: Spec, frd: Frd) -> Spec:
    """The spec itself, which speaks of every requirement in the user's words. Raises `Refusal`."""
    given, found = {r.id: r.text for r in frd.requirements}, {r.id: r for r in spec.requirements}
    if missing := given.keys() - found.keys():
        raise Refusal("schema", f"these requirements are not accounted for: {', '.join(sorted(missing))}")
    if invented := found.keys() - given.keys():
        raise Refusal("schema", f"there are no such requirements: {', '.join(sorted(invented))}")
    if changed := [key for key, text in given.items() if found[key].text != text]:
        raise Refusal("schema", f"the text of {', '.join(changed)} was changed: keep it as it is")
    proven = set(satisfied(spec))
    assumed = {r.id for r in frd.requirements if r.assumption}
    if idle := [r.id for r in spec.requirements if r.understood and r.id not in proven | assumed]:
        raise Refusal(
            "schema",
            f"no element satisfies {', '.join(idle)}: name them in `satisfies`, or give them understood: false and a reason",
        )
    return spec


def satisfied(spec: Spec) -> Iterator[str]:
    """The requirements that an element of the spec names."""
    waiting: list[object] = [value for name, value in spec if name != "requirements"]
    while waiting:
        part = waiting.pop()
        yield from getattr(part, "satisfies", ())
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, tuple):
            waiting += part
        elif hasattr(part, "model_fields_set"):
            waiting += [value for _, value in part]  # type: ignore[attr-defined]


def _questions(spec: Spec, known: Spec | None) -> Iterator[str]:
    """Where the two readings differ in what the analyst had understood, and what the model made up by itself."""
    for name, unit in spec.units.items():
        shown = "; ".join(f"{json.dumps(e.given)} gives {json.dumps(e.answer)}" for e in unit.examples)
        yield f"The examples of {name} were made up by a model. Are they right? {shown}"
    for name, entity in known.entities.items() if known else ():
        if name not in spec.entities:
            yield f"The analyst read that there are {entity.plural}; the model did not. Are there?"
            continue
        for key, field in entity.fields.items():
            other = spec.entities[name].fields.get(key)
            if other is None:
                yield f"The analyst read that a {name} has «{key}»; the model did not. Has it?"
            elif difference := _difference(field, other):
                yield f"{name}.{key}: the analyst read {difference[0]}, the model {difference[1]}. Which is right?"
        for key in entity.rules.keys() - spec.entities[name].rules.keys():
            yield f"The analyst read a rule of {name}: {entity.rules[key].message} The model did not. Does it hold?"


def _difference(first: Field, second: Field) -> tuple[str, str] | None:
    """The first attribute in which two readings of a field differ, with both values."""
    for attribute in ("type", "required", "unique", "min", "max", "values", "to", "default", "value"):
        one, two = getattr(first, attribute), getattr(second, attribute)
        if one != two:
            return f"{attribute} {one}", f"{attribute} {two}"
    return None
