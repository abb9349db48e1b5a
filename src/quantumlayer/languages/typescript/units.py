"""Units in TypeScript: their signatures, how a call is printed, and the program that tries their examples."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from quantumlayer.blueprint.view.names import lower_camel
from quantumlayer.languages.typescript import names
from quantumlayer.languages.typescript.text import literal
from quantumlayer.ports.language import UnitText
from quantumlayer.spec.check_units import typed
from quantumlayer.spec.values import Spec, Unit

TYPES = {
    "string": "string", "integer": "number", "number": "number", "decimal": "Decimal", "boolean": "boolean", "date": "string",
}  # fmt: skip
# Types alone say too little of these.
_NOTES = {
    "integer": "// whole numbers are numbers without a fraction",
    "date": '// days are texts: "2026-01-31"',
    "decimal": 'import { Decimal } from "decimal.js";',
}
_TRIAL, _CONFIG, _BUILT = "quantum-trial.ts", "quantum-trial.json", "trial"
_PROGRAM = """import {{ Decimal }} from "decimal.js";
import {{ {function} }} from "./{module}.js";

const calls: (() => unknown)[] = [{calls}];
for (const call of calls) {{
  try {{
    const found = call();
    const [type, answer] = found instanceof Decimal ? ["Decimal", found.toFixed()] : [typeof found, found];
    console.log("\\n" + JSON.stringify({{ type, answer }}));
  }} catch (error) {{
    console.log("\\n" + JSON.stringify({{ error: String(error) }}));
  }}
}}
"""


@dataclass(frozen=True)
class UnitView:
    """A unit as templates need it: where it stands, and its examples as printed arguments and answer."""

    name: str
    module: str
    function: str
    alias: str
    examples: tuple[tuple[str, str], ...]


def unit_views(spec: Spec) -> tuple[UnitView, ...]:
    """All units, in the spec's order."""
    return tuple(
        UnitView(name, names.module(name), names.variable(name), alias(name), _examples(unit))
        for name, unit in spec.units.items()
    )


def alias(name: str) -> str:
    """Under which a module that calls the unit knows it; no other name starts so."""
    return lower_camel(f"unit_{name}")


class TypeScriptUnits:
    """See `ports.language.Units`."""

    def text(self, name: str, unit: Unit, path: str) -> UnitText:
        function = names.variable(name)
        parameters = ", ".join(f"{names.variable(key)}: {TYPES[kind]}" for key, kind in unit.input.items())
        notes = [note for kind, note in _NOTES.items() if kind in (*unit.input.values(), unit.returns)]
        signature = f"export function {function}({parameters}): {TYPES[unit.returns]} {{"
        calls = ", ".join(f"() => {function}({arguments})" for arguments, _ in _examples(unit))
        program = _PROGRAM.format(function=function, module=path.removesuffix(".ts"), calls=calls)
        config = {
            "extends": "./tsconfig.json",
            "compilerOptions": {"outDir": _BUILT, "sourceMap": False, "noEmitOnError": True},
            "include": [path, _TRIAL],
        }
        return UnitText(
            names.module(name),
            function,
            "\n".join([*notes, *([""] if notes else []), signature]),
            tuple(f"{function}({arguments}) === {answer}" for arguments, answer in _examples(unit)),
            {_TRIAL: program.encode(), _CONFIG: json.dumps(config).encode()},
            run=("node", f"{_BUILT}/{_TRIAL.removesuffix('.ts')}.js"),
            build=(("node_modules/.bin/tsc", "-p", _CONFIG),),
            checks=(("node_modules/.bin/biome", "ci", "--error-on-warnings", path),),
        )

    def value(self, answer: Mapping[str, Any], kind: str) -> Any:
        found = answer.get("answer")
        if answer.get("type") != TYPES[kind]:
            raise ValueError(f"{json.dumps(found)} of type {answer.get('type')}, not {TYPES[kind]}")
        try:
            if kind == "integer" and isinstance(found, float) and found.is_integer():
                return int(found)
            return Decimal(str(found)) if kind == "decimal" else typed(found, kind)
        except InvalidOperation as error:
            raise ValueError(f"{found!r} is no decimal") from error


def _examples(unit: Unit) -> tuple[tuple[str, str], ...]:
    return tuple(
        (
            ", ".join(_literal(example.given[key], kind) for key, kind in unit.input.items()),
            _literal(example.answer, unit.returns),
        )
        for example in unit.examples
    )


def _literal(value: Any, kind: str) -> str:
    known = typed(value, kind)
    return literal(known.isoformat() if isinstance(known, date) else known)
