"""A pattern is not tried where what it asks for to the letter is missing, and is tried wherever it could match."""

import re
import tomllib
from importlib import resources

import pytest

from quantumlayer.spec.analyst.literals import literals


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        (r"(?:the )?due date (?:of \w+ )?is \d+", ("due date ", "is ")),
        (r"it costs? x", ("it cost",)),
        (r"one|two", ()),
        (r"(?!list)(?<=a)only (?P<who>.+?) [a-z|]+ may", ("only ", " may")),
        (r"a\|b\(cd", ("cd",)),
        (r"many{2} things", ("man", " things")),
        (r"(?:one|(?:two|three) )more", ("more",)),
    ],
)
def test_what_stands_outside_groups_is_asked_for(pattern, wanted):
    assert literals(pattern) == wanted


def test_no_rewrite_asks_for_more_than_it_needs():
    """Each rule's example in its comment, where it has one, is still found."""
    text = resources.files("quantumlayer.spec.analyst").joinpath("rewrites.toml").read_text("utf-8")
    rules = [r["pattern"] for r in tomllib.loads(text)["rewrite"] if "{" not in re.sub(r"\{\d+(?:,\d*)?\}", "", r["pattern"])]
    examples = [m.lower() for m in re.findall(r"`([^`]+)`", text)]
    matched = [(p, e) for p in rules for e in examples if re.search(p, e)]
    assert len(matched) > 50
    assert [(p, e) for p, e in matched if not all(part in e for part in literals(p))] == []
