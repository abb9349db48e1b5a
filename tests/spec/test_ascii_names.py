"""Names in other scripts are written in ASCII wherever a spec is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.spec.ascii_names import ascii_identifiers, ascii_name
from quantumlayer.spec.problems import SpecError
from quantumlayer.spec.yaml_form import dump_spec, load_spec

SPEC = """
name: Größen
entities:
  größe:
    plural: größen
    fields:
      naïve: integer
      数量: {type: integer, value: self.naïve + 1}
      jahreszeit: {type: enum, values: [été, hiver]}
    rules: {groß: {check: 'self.naïve > 0 && self.jahreszeit != "été"', message: zu klein}}
    operations: {create: {}, list: {filters: ["naïve>="], default_sort: [-数量]}, zählen: {path: "/größen/{id}/zählen"}}
"""


def test_one_name_everywhere_and_texts_as_they_are():
    spec = load_spec(SPEC)
    entity = spec.entities["grosse"]
    assert spec.name == "Größen" and entity.plural == "grossen"
    assert list(entity.fields) == ["naive", "shuliang", "jahreszeit"]
    assert entity.fields["shuliang"].value == "self.naive + 1"
    assert entity.fields["jahreszeit"].values == ("été", "hiver")
    assert entity.rules["gross"].check == 'self.naive > 0 && self.jahreszeit != "été"'
    assert entity.operations["list"].filters[0].field == "naive"
    assert entity.operations["list"].default_sort == ("-shuliang",)
    assert entity.operations["zahlen"].path == "/grossen/{id}/zahlen"
    assert load_spec(dump_spec(spec)) == spec


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("naïve: integer", "naïve: integer\n      naive: string", "«naïve» and «naive» are both written «naive»"),
        ("naïve: integer", "Überschrift: string\n      naïve: integer", "«Uberschrift» is not a valid name"),
        ("naïve: integer", "·: string\n      naïve: integer", "is not a valid name"),
        ("    rules:", "    state: {initial: geöffnet, states: [geöffnet]}\n    rules:", "«geöffnet» is not a valid name"),
    ],
)
def test_what_cannot_be_written_is_refused(old: str, new: str, said: str):
    with pytest.raises(SpecError) as refused:
        load_spec(SPEC.replace(old, new, 1))
    assert any(said in problem.message for problem in refused.value.problems)


@given(st.text())
def test_what_is_written_is_ascii_and_stays(name: str):
    written = ascii_name(name)
    assert written.isascii()
    assert ascii_name(written) == written


@given(st.text(alphabet="ab_'\"\\ +.été量", max_size=30))
def test_names_in_expressions_follow_the_names(text: str):
    assert ascii_identifiers(ascii_identifiers(text)) == ascii_identifiers(text)
