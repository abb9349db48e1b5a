"""Units as each language writes them: legal text, whatever the names and values, and answers that are taken as claims."""

from datetime import date
from decimal import Decimal

import pytest

from quantumlayer.answer.files import read_file
from quantumlayer.answer.values import Refusal, Wanted
from quantumlayer.blueprint.render import render
from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.evidence.semantics import syntax_errors
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.ports.llm import Answer
from quantumlayer.spec.yaml_form import load_spec

STACKS = ("python/fastapi", "python/litestar", "typescript/fastify", "go/chi")
SPEC = load_spec("""
version: 1
name: Terms
requirements: [{id: R1, text: "A term has an end and a fee."}]
entities:
  term:
    plural: terms
    satisfies: [R1]
    fields:
      type: string
      start: date
      weight: {type: decimal}
      open: boolean
      end: {type: date, writable: never, default: "end_of_func(self.start, self.type)"}
      fee: {type: decimal, writable: never, default: "class_fee(self.weight, self.open)"}
    operations: {create: {}, read: {}, list: {}}
units:
  end_of_func:
    description: The last day of a term.
    input: {start: date, type: string}
    returns: date
    examples: [{given: {start: "2026-01-31", type: 'a"; `${x}` \\ b'}, answer: "2026-02-28"}]
  class_fee:
    description: The fee of a term.
    input: {weight: decimal, open: boolean}
    returns: decimal
    examples: [{given: {weight: 1.5, open: true}, answer: 0.1}, {given: {weight: -2, open: false}, answer: 1000000000000}]
    satisfies: [R1]
""")
SOURCES = {
    "python": ("import {}\n\ndef {}() -> None:\n    return None\n", "math", "os", "getattr"),
    "typescript": ('import {{ x }} from "{}";\nexport function {}(): void {{}}\n', "decimal.js", "node:fs", "process"),
    "go": ('package unit\n\nimport "{}"\n\nfunc {}() {{}}\n', "math", "os", "Now"),
}


def adapter(stack):
    return family("languages").load(stack.partition("/")[0])()


@pytest.mark.parametrize("stack", STACKS)
def test_sources_tests_and_trials_parse_and_call_what_is_asked_for(stack, tmp_path):
    language, blueprint = adapter(stack), known_blueprints(tmp_path).get(stack)
    plan = make_plan(SPEC, blueprint, "auto", language)
    grammar = language.conventions.grammar
    for unit in plan.units:
        text = language.units.text(unit.name, SPEC.units[unit.name], unit.path)
        assert text.function in text.signature and len(text.examples) == len(SPEC.units[unit.name].examples)
        for path, content in text.trial.items():
            assert path.endswith(".json") or not syntax_errors(grammar, path, content), content.decode()
    files = {**render(SPEC, plan, blueprint, language).files, **render(SPEC, plan, blueprint, language, part="tests").files}
    assert not [
        path
        for path, text in files.items()
        if path.endswith(language.conventions.suffixes) and syntax_errors(grammar, path, text)
    ]
    assert not set(files) & {unit.path for unit in plan.units}
    examples = [path for path, text in files.items() if "test" in path and b"1000000000000" in text]
    services = [path for path, text in files.items() if "service" in path and b"unit" in text.lower()]
    assert examples and services, "the examples are tests, and a service calls the units"


@pytest.mark.parametrize("stack", STACKS)
def test_each_unit_has_a_file_of_its_own_that_the_stack_lets_models_write(stack, tmp_path):
    language, blueprint = adapter(stack), known_blueprints(tmp_path).get(stack)
    paths = [unit.path for unit in make_plan(SPEC, blueprint, "auto", language).units]
    assert len(set(paths)) == 2 and all("*" not in path and path.endswith(language.conventions.suffixes) for path in paths)


@pytest.mark.parametrize("stack", ["python/fastapi", "typescript/fastify", "go/chi"])
def test_what_reaches_the_machine_is_refused_before_it_is_tried(stack):
    language = adapter(stack)
    conventions = language.conventions
    source, pure, impure, word = SOURCES[language.name]
    wanted = Wanted("x/unit", conventions.grammar, ("work",), frozenset(conventions.pure_modules), conventions.impure_names)

    def read(module, more=""):
        answer = Answer(f"```{language.name}\n{source.format(module, 'work')}{more}```", "stop", "m", 1, 1)
        return read_file(answer, wanted)

    assert b"work" in read(pure)
    with pytest.raises(Refusal, match="may not use"):
        read(impure)
    calls = {"python": f"x = {word}\n", "typescript": f"const y = {word};\n", "go": f"var y = time.{word}\n"}
    with pytest.raises(Refusal, match="arguments alone"):
        read(pure, calls[language.name])


CLAIMS = [
    ("python/fastapi", "integer", {"type": "int", "answer": 3}, 3),
    ("python/fastapi", "integer", {"type": "bool", "answer": True}, None),
    ("python/fastapi", "date", {"type": "date", "answer": "2026-01-31"}, date(2026, 1, 31)),
    ("typescript/fastify", "integer", {"type": "number", "answer": 3}, 3),
    ("typescript/fastify", "integer", {"type": "number", "answer": 3.5}, None),
    ("typescript/fastify", "integer", {"type": "string", "answer": "3"}, None),
    ("typescript/fastify", "number", {"type": "number", "answer": 3}, 3.0),
    ("typescript/fastify", "number", {"type": "number", "answer": None}, None),
    ("typescript/fastify", "decimal", {"type": "Decimal", "answer": "0.10"}, Decimal("0.10")),
    ("typescript/fastify", "decimal", {"type": "number", "answer": 0.1}, None),
    ("typescript/fastify", "date", {"type": "string", "answer": "2026-01-32"}, None),
    ("typescript/fastify", "boolean", {"type": "object", "answer": None}, None),
    ("go/chi", "integer", {"type": "int64", "answer": 3}, 3),
    ("go/chi", "integer", {"type": "int", "answer": 3}, None),
    ("go/chi", "decimal", {"type": "decimal.Decimal", "answer": "0.1"}, Decimal("0.1")),
    ("go/chi", "decimal", {"type": "decimal.Decimal", "answer": "many"}, None),
    ("go/chi", "date", {"type": "time.Time", "answer": "2026-01-31"}, date(2026, 1, 31)),
    ("go/chi", "string", {"type": "string", "answer": ["a"]}, None),
]


@pytest.mark.parametrize(("stack", "kind", "claim", "value"), CLAIMS)
def test_a_claimed_answer_is_of_the_unit_s_type_or_none(stack, kind, claim, value):
    units = adapter(stack).units
    if value is None:
        with pytest.raises(ValueError, match="."):
            units.value(claim, kind)
    else:
        found = units.value(claim, kind)
        assert found == value and type(found) is type(value)
