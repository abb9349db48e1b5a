"""One environment for a whole spec compiles what an environment of its own compiles for each text."""

from pathlib import Path

import pytest

from quantumlayer.spec.cel import CelError, Dialect, row, scope
from quantumlayer.spec.cel_names import CelNames
from quantumlayer.spec.compiled import Walker
from quantumlayer.spec.values import Auth, Entity, Field, Operation, Spec
from quantumlayer.spec.yaml_form import load_spec

SPECS = sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))
SPEC = Spec(
    name="Notes",
    auth=Auth(entity="account"),
    entities={
        "account": Entity(
            plural="accounts", fields={"email": Field(type="string", unique=True)}, operations={"read": Operation()}
        ),
        "note": Entity(
            plural="notes",
            fields={"text": Field(type="string"), "other": Field(type="reference", to="note", required=False)},
            operations={"read": Operation()},
        ),
    },
)


def without_sharing(spec):
    dialect = Dialect(spec)
    dialect._names = CelNames((), (), {})
    return dialect


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_all_texts_of_a_spec_mean_the_same(path):
    spec = load_spec(path.read_text("utf-8"))
    shared, own = Walker(spec), Walker(spec)
    own.dialect = without_sharing(spec)
    shared.run()
    own.run()
    assert shared.found == own.found != {}
    assert len(shared.dialect._environments) <= len(own.dialect._environments)


@pytest.mark.parametrize(
    "text",
    [
        "self.text == 'self'",
        'self.text != "self.text" && self.text != "it\'s"',
        r"self.text == '\'self'",
        "self.notes.exists(self, self.text == 'x')",
        "self.notes.exists(n, n.text == self.text)",
        "self . text == 'x' // of self",
        "self.text == r'self'",
        "self.text == '''self'''",
        "self.other != null && self.other.text == self.text",
    ],
)
def test_odd_texts_mean_the_same(text):
    variables = scope(self=row("note"))
    assert Dialect(SPEC).compile(text, variables) == without_sharing(SPEC).compile(text, variables)


@pytest.mark.parametrize(
    "text",
    [
        "actor.email == 'x'",
        "self.other.text == 'x'",
        "self.txt == 'x'",
        "true)||(true",
        "self.text ==",
        "self__of_1.text == 'x'",
    ],
)
def test_mistakes_are_told_in_the_words_of_the_text(text):
    variables = scope(self=row("note"))
    with pytest.raises(CelError) as shared:
        Dialect(SPEC).compile(text, variables)
    with pytest.raises(CelError) as own:
        without_sharing(SPEC).compile(text, variables)
    assert str(shared.value) == str(own.value)
    assert (shared.value.line, shared.value.column) == (own.value.line, own.value.column)
