"""A planted fault either fits exactly or is refused."""

import pytest

from quantumlayer.files.patch import PatchError, patched
from quantumlayer.files.values import tree

SOURCE = tree({"app/limits.py": "LIMIT = 5\n\n\ndef check(count):\n    return count <= LIMIT\n", "other.py": "x = 1\n"})
PATCH = """--- a/app/limits.py
+++ b/app/limits.py
@@ -4,2 +4,2 @@
 def check(count):
-    return count <= LIMIT
+    return count < LIMIT
"""


def test_a_patch_changes_its_lines_and_nothing_else() -> None:
    changed = patched(SOURCE, PATCH)
    assert b"count < LIMIT" in changed.files["app/limits.py"]
    assert changed.files["other.py"] == SOURCE.files["other.py"]


@pytest.mark.parametrize(
    "wrong",
    [PATCH.replace("limits.py", "missing.py"), PATCH.replace("<= LIMIT", "<= MAXIMUM"), "", "--- a/x\n+++ b/x\n"],
)
def test_a_patch_that_does_not_fit_is_refused(wrong: str) -> None:
    with pytest.raises(PatchError):
        patched(SOURCE, wrong)
