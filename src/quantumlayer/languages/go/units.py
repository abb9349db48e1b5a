"""Units in Go: their signatures, how a call is printed, and the program that tries their examples. Each is its own package."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from quantumlayer.languages.examples import answered, printed
from quantumlayer.languages.go import names
from quantumlayer.languages.go.text import literal
from quantumlayer.languages.go.tidy import tidy
from quantumlayer.ports.language import UnitText
from quantumlayer.spec.check_units import typed
from quantumlayer.spec.values import Spec, Unit

TYPES = {
    "string": "string", "integer": "int64", "number": "float64", "decimal": "decimal.Decimal", "boolean": "bool",
    "date": "time.Time",
}  # fmt: skip
_IMPORTS = {"decimal": 'import "github.com/shopspring/decimal"', "date": 'import "time" // a day is its midnight in UTC'}
_TRIAL = "cmd/quantumtrial/main.go"
# What is compiled already, linked into a folder that new results can be added to.
_WARM = (
    'mkdir -p .cache && cp -rs "$PWD/.go/build" "$PWD/.go/staticcheck" .cache/ && rm -f .cache/build/trim.txt'
    " && date +%s > .cache/build/trim.txt"
)
_PROGRAM = """package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	unit "app/{folder}"
)

func tell(told map[string]any) {{
	line, err := json.Marshal(told)
	if err != nil {{
		line, _ = json.Marshal(map[string]any{{"error": err.Error()}})
	}}
	fmt.Printf("\\n%s\\n", line)
}}

func try(call func() any) {{
	defer func() {{
		if problem := recover(); problem != nil {{
			tell(map[string]any{{"error": fmt.Sprint(problem)}})
		}}
	}}()
	found := call()
	told := map[string]any{{"type": fmt.Sprintf("%T", found), "answer": found}}
	switch known := found.(type) {{
	case decimal.Decimal:
		told["answer"] = known.String()
	case time.Time:
		told["answer"] = known.Format(time.DateOnly)
	}}
	tell(told)
}}

func main() {{
{calls}
}}
"""


@dataclass(frozen=True)
class UnitView:
    """A unit as templates need it: where it stands, and its examples as printed arguments and what differs from the answer."""

    name: str
    module: str
    function: str
    alias: str
    examples: tuple[tuple[str, str, str], ...]


def unit_views(spec: Spec) -> tuple[UnitView, ...]:
    """All units, in the spec's order."""
    return tuple(
        UnitView(name, names.module(name), names.exported(name), alias(name), tuple(_differences(unit)))
        for name, unit in spec.units.items()
    )


def alias(name: str) -> str:
    """Under which a file that calls the unit knows its package; no other name starts so."""
    return f"unit{names.exported(name)}"


def call(name: str, unit: Unit, arguments: list[str]) -> str:
    """A call from the application, whose days are of another type."""
    given = (f"{text}.Time()" if kind == "date" else text for text, kind in zip(arguments, unit.input.values(), strict=True))
    text = f"{alias(name)}.{names.exported(name)}({', '.join(given)})"
    return f"value.DateOf({text})" if unit.returns == "date" else text


class GoUnits:
    """See `ports.language.Units`."""

    def text(self, name: str, unit: Unit, path: str) -> UnitText:
        function, folder = names.exported(name), str(PurePosixPath(path).parent)
        parameters = ", ".join(f"{names.local(key)} {TYPES[kind]}" for key, kind in unit.input.items())
        imports = [line for kind, line in _IMPORTS.items() if kind in (*unit.input.values(), unit.returns)]
        signature = f"func {function}({parameters}) {TYPES[unit.returns]} {{"
        calls = "\n".join(f"\ttry(func() any {{ return unit.{function}({given}) }})" for given, _ in printed(unit, _literal))
        program = _PROGRAM.format(folder=folder, calls=calls)
        return UnitText(
            names.module(name),
            function,
            "\n\n".join(["package unit", *imports, signature]),
            tuple(f"{function}({given}) == {answer}" for given, answer in printed(unit, _literal)),
            tidy({_TRIAL: program.encode()}),
            run=("bin/quantumtrial",),
            build=(("sh", "-c", _WARM), ("go", "build", "-o", "bin/quantumtrial", "./cmd/quantumtrial")),
            checks=(("go", "vet", f"./{folder}"), (".go/bin/staticcheck", f"./{folder}")),
        )

    def value(self, answer: Mapping[str, Any], kind: str) -> Any:
        return answered(answer, kind, TYPES[kind])


def _differences(unit: Unit) -> list[tuple[str, str, str]]:
    """Arguments, the answer, and the condition under which `found` is another one."""
    method = unit.returns in ("decimal", "date")
    return [(g, a, f"!found.Equal({a})" if method else f"found != {a}") for g, a in printed(unit, _literal)]


def _literal(value: Any, kind: str) -> str:
    known = typed(value, kind)
    if isinstance(known, date):
        return f"time.Date({known.year}, {known.month}, {known.day}, 0, 0, 0, 0, time.UTC)"
    return literal(known)
