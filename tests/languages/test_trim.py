"""What nothing spells is taken out of a rendered project, and nothing else."""

import pytest

from quantumlayer.catalog.adapters import family
from quantumlayer.ports.language import Language

PYTHON = b'''"""Values."""

import re
from typing import Annotated, overload

from app.other import helper

_FORM = re.compile(r"[a-z]+")
Code = Annotated[
    str,
    "short",
]


def _checked(value: str) -> str:
    return value if _FORM.fullmatch(value) else ""


def lonely() -> str:
    """Calls others, is called by none."""
    return _checked("x")


@overload
def twice(value: int) -> int: ...


@overload
def twice(value: str) -> str: ...


def twice(value: int | str) -> int | str:
    return value * 2


@route("/x")
def routed() -> None:
    pass


def upgrade() -> None:
    print(needed())


def needed() -> int:
    return 1


class Tested:
    """Only the tests use it."""

    size = 1
'''

GO = b"""package x

import "strings"

// Lonely calls others.
// It is called by none.
func Lonely[T any](a T) string {
	return trimmed("Needed")
}

func trimmed(s string) string { return strings.TrimSpace(s) }

// Needed is.
func Needed() int { return 1 }

type T struct{}

func (t T) MarshalJSON() ([]byte, error) { return nil, nil }

func (t T) unused() int {
	return 2
}

func main() {
	println(Needed())
}
"""

TYPESCRIPT = b"""import { helper } from "./other.js";

const FORM = /[a-z]+/;

/** A number. */
export function number(value: string): string {
  return FORM.test(value) ? value : "";
}

export function rounded(value: number): number;
export function rounded(value: null): null;
export function rounded(value: number | null): number | null {
  return value;
}

export interface Lonely {
  size: number;
}

export const Shape = wire({
  a: 1,
});
export type Shape = ReturnType<typeof Shape>;

/** "Lonely" and rounded are named here only in words. */
export async function up(): Promise<void> {
  const size: number = needed();
}

function needed(): number {
  return 1;
}
"""


def loaded(language: str) -> Language:
    return family("languages").load(language)()


def trimmed(language: str, path: str, text: bytes, *beside: bytes) -> str:
    return loaded(language).trim({path: text}, beside)[path].decode()


def test_python_keeps_what_is_called_decorated_or_tested() -> None:
    left = trimmed("python", "app/x.py", PYTHON, b"assert Tested.size")
    for gone in ("_FORM", "Code", "_checked", "lonely", "twice", "@overload"):
        assert gone not in left
    for kept in ("routed", "upgrade", "needed", "class Tested"):
        assert kept in left


def test_go_takes_a_function_with_its_comment_and_leaves_what_the_library_calls() -> None:
    left = trimmed("go", "x.go", GO)
    assert "called by none" not in left and "trimmed" not in left and "unused" not in left
    assert "func Needed" in left and "MarshalJSON" in left and "func main" in left


def test_typescript_words_types_and_imports_call_nothing() -> None:
    left = trimmed("typescript", "src/x.ts", TYPESCRIPT)
    for gone in ("FORM", "A number", "function rounded", "interface Lonely", "Shape"):
        assert gone not in left
    assert "function up" in left and "function needed" in left


@pytest.mark.parametrize(
    ("language", "path", "text"), [("python", "x.py", PYTHON), ("go", "x.go", GO), ("typescript", "x.ts", TYPESCRIPT)]
)
def test_nothing_is_left_to_take_and_other_files_stay(language: str, path: str, text: bytes) -> None:
    once = loaded(language).trim({path: text, "README.md": text}, ())
    assert once["README.md"] == text
    assert loaded(language).trim(once, ()) == once
