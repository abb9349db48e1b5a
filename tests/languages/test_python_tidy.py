"""Generated Python is laid out as ruff does, and only what it spells is imported."""

import subprocess

import pytest
from ruff.__main__ import find_ruff_bin

from quantumlayer.languages.python.tidy import tidy

SOURCE = b'''\
"""Docs that spell unused."""
import math
import os.path
import xml.dom as dom, re
from decimal import Decimal as Money, ROUND_HALF_UP
from sqlalchemy import and_, case, func, not_, or_, select, text, true, false, literal, cast, Float, String, BigInteger
from app.models import Order, Ordered, unused
from app.late import (
    first,
    second,
)
x = [select, Money("1"), dom, os.path, second, "Ordered"]
'''


def test_names_that_nothing_spells_are_not_imported():
    told = tidy({"a.py": SOURCE})["a.py"].decode()
    imports = [line for line in told.splitlines() if "import" in line]
    assert imports == [
        "import os.path",
        "import xml.dom as dom",
        "from decimal import Decimal as Money",
        "from sqlalchemy import select",
        "from app.late import second",
    ]
    assert "first" not in told


def test_what_is_imported_again_for_others_stays():
    source = b'from app.a import A, B, C\n\n__all__ = ["A", "B"]\n'
    assert tidy({"app/__init__.py": source})["app/__init__.py"] == b'from app.a import A, B\n\n__all__ = ["A", "B"]\n'


@pytest.mark.parametrize(
    "content",
    [b"", b"import", b"from a import", b"import a,\nb", b"\xff\xfe", b"from . import x\nx()\n", b"import \xc3\xa9t\n"],
)
def test_odd_files_survive(content):
    assert set(tidy({"a.py": content, "b.txt": b"import os\n"})) == {"a.py", "b.txt"}
    assert tidy({"a.py": content, "b.txt": b"import os\n"})["b.txt"] == b"import os\n"


def test_nothing_is_left_for_ruff(tmp_path):
    (tmp_path / "a.py").write_bytes(tidy({"a.py": SOURCE})["a.py"])
    found = subprocess.run([find_ruff_bin(), "check", "--isolated", "--select", "F", str(tmp_path)], capture_output=True)
    assert found.returncode == 0, found.stdout
