"""Units in TypeScript: their signatures, how a call is printed, and the program that tries their examples."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from quantumlayer.blueprint.view.names import lower_camel
from quantumlayer.languages.examples import answered, printed
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
        UnitView(name, names.module(name), names.variable(name), alias(name), printed(unit, _literal))
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
        calls = ", ".join(f"() => {function}({arguments})" for arguments, _ in printed(unit, _literal))
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
            tuple(f"{function}({arguments}) === {answer}" for arguments, answer in printed(unit, _literal)),
            {_TRIAL: program.encode(), _CONFIG: json.dumps(config).encode()},
            run=("node", f"{_BUILT}/{_TRIAL.removesuffix('.ts')}.js"),
            build=(("node_modules/.bin/tsc", "-p", _CONFIG),),
            checks=(("node_modules/.bin/biome", "ci", "--error-on-warnings", path),),
        )

    def value(self, answer: Mapping[str, Any], kind: str) -> Any:
        found = answer.get("answer")
        if kind == "integer" and answer.get("type") == TYPES[kind] and isinstance(found, float) and found.is_integer():
            return int(found)
        return answered(answer, kind, TYPES[kind])


def _literal(value: Any, kind: str) -> str:
    known = typed(value, kind)
    return literal(known.isoformat() if isinstance(known, date) else known)
