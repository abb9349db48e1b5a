"""Units in Python: their signatures, how a call is printed, and the program that tries their examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from quantumlayer.languages.examples import answered, printed
from quantumlayer.languages.python import names
from quantumlayer.languages.python.text import literal
from quantumlayer.ports.language import UnitText
from quantumlayer.spec.check_units import typed
from quantumlayer.spec.values import Spec, Unit

TYPES = {
    "string": "str", "integer": "int", "number": "float", "decimal": "Decimal", "boolean": "bool", "date": "date",
}  # fmt: skip
_IMPORTS = {"Decimal": "from decimal import Decimal", "date": "from datetime import date"}
_TRIAL = "quantum_trial.py"
_PROGRAM = """import json
from datetime import date
from decimal import Decimal

from {module} import {function}

for given in {cases}:
    try:
        answer = {function}(*given)
        print("\\n" + json.dumps({{"type": type(answer).__name__, "answer": answer}}, default=str))
    except Exception as error:
        print("\\n" + json.dumps({{"error": f"{{type(error).__name__}}: {{error}}"}}))
"""


@dataclass(frozen=True)
class UnitView:
    """A unit as templates need it: where it stands, and its examples as printed arguments and answer."""

    name: str
    module: str
    function: str
    alias: str
    examples: tuple[tuple[str, str], ...]
    spec: Unit


def unit_views(spec: Spec) -> tuple[UnitView, ...]:
    """All units, in the spec's order."""
    return tuple(
        UnitView(name, names.module(name), names.variable(name), alias(name), printed(unit, _literal), unit)
        for name, unit in spec.units.items()
    )


def alias(name: str) -> str:
    """Under which a module that calls the unit knows it; no other name starts so."""
    return f"unit_{names.variable(name)}"


class PythonUnits:
    """See `ports.language.Units`."""

    def text(self, name: str, unit: Unit, path: str) -> UnitText:
        function = names.variable(name)
        parameters = ", ".join(f"{names.variable(key)}: {TYPES[kind]}" for key, kind in unit.input.items())
        used = sorted({_IMPORTS[t] for t in (TYPES[k] for k in (*unit.input.values(), unit.returns)) if t in _IMPORTS})
        signature = f"def {function}({parameters}) -> {TYPES[unit.returns]}:"
        dotted = path.removesuffix(".py").replace("/", ".")
        cases = "[" + ", ".join(f"({arguments},)" for arguments, _ in printed(unit, _literal)) + "]"
        program = _PROGRAM.format(module=dotted, function=function, cases=cases)
        python = ".venv/bin/python"
        return UnitText(
            names.module(name),
            function,
            "\n".join([*used, *([""] if used else []), signature]),
            tuple(f"{function}({arguments}) == {answer}" for arguments, answer in printed(unit, _literal)),
            {_TRIAL: program.encode()},
            run=(python, _TRIAL),
            checks=(
                (".venv/bin/ruff", "check", "--no-cache", "--output-format", "concise", path),
                (python, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", "/dev/null", "--no-error-summary", path),
            ),
        )

    def value(self, answer: Mapping[str, Any], kind: str) -> Any:
        return answered(answer, kind, TYPES[kind])


def _literal(value: Any, kind: str) -> str:
    known = typed(value, kind)
    if isinstance(known, Decimal):
        return f'Decimal("{known}")'
    if isinstance(known, date):
        return f"date({known.year}, {known.month}, {known.day})"
    return literal(known)
