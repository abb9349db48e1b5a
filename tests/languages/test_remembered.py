"""A formatter that remembers gives what the formatter gives, and asks it once for each file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.languages import remembered
from quantumlayer.languages.python.tidy import tidy
from quantumlayer.languages.remembered import Remembered

FILES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from([b"", b"x", b"y"]))


def shouting(files, *context):
    return {path: content.upper() + repr((path, context)).encode() for path, content in files.items()}


@given(st.lists(st.tuples(FILES, st.sampled_from([(), (1,), (2,)]))))
def test_every_answer_is_the_formatters_own(calls):
    asked = []

    def counting(files, *context):
        asked.extend((path, content, context) for path, content in files.items())
        return shouting(files, *context)

    known = Remembered(counting)
    for files, context in calls:
        assert known(files, *context) == shouting(files, *context)
    assert len(asked) == len(set(asked))


def test_it_forgets_before_it_grows_without_end(monkeypatch):
    monkeypatch.setattr(remembered, "MOST", 3)
    known = Remembered(shouting)
    for number in range(10):
        assert known({"a": b"%d" % number}) == shouting({"a": b"%d" % number})
        assert len(known._known) <= 3


def test_nothing_is_remembered_of_a_formatter_that_failed():
    answers = iter([OSError("no room"), None])

    def failing(files):
        if error := next(answers):
            raise error
        return dict(files)

    known = Remembered(failing)
    with pytest.raises(OSError, match="no room"):
        known({"a": b"x"})
    assert known({"a": b"x"}) == {"a": b"x"}


def test_a_project_s_own_modules_are_told_from_others_though_they_are_remembered():
    content = b"import helpers\nimport sqlalchemy\n\nx = helpers, sqlalchemy\n"
    assert tidy({"app/a.py": content})["app/a.py"] == content
    own = tidy({"app/a.py": content, "helpers.py": b""})["app/a.py"]
    assert own == b"import sqlalchemy\n\nimport helpers\n\nx = helpers, sqlalchemy\n"
    assert tidy({"app/a.py": content, "helpers.py": b"x = 1\n"})["app/a.py"] == own
