"""`make run` hands the request on as it was typed."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "text", ['He said "hi" and it\'s $5', "a `touch made` and $(touch run) ${HOME} # no \\n", "- tasks\n- users"]
)
def test_the_request_is_text_to_make_and_to_the_shell(tmp_path, text):
    ql = tmp_path / "ql"
    ql.write_text("#!/bin/sh\nfor word do printf '%s\\0' \"$word\"; done\n")
    ql.chmod(0o755)
    stamp = tmp_path / "stamp"
    stamp.touch()
    command = ["make", "-s", "run", f"BIN={tmp_path}", f"STAMP={stamp}", f"PROMPT={text}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"generate\0--\0{text}\0"
    assert not (ROOT / "made").exists()
