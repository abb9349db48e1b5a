"""Runs that wait for a person, by the real commands."""

import json
import time

import pytest

TEXT = "Books have a title. Members can borrow at most 3 books. Members can borrow at most 5 books."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--interactive",), "standard input is none"),
        (("--elsewhere",), "belongs to --interactive"),
        (("--interactive", "--yes"), "--yes does not"),
        (("--interactive", "--elsewhere", "--answer-within", "40d"), "30 days"),
    ],
)
def test_what_cannot_be_asked_starts_nothing(ql, words, told):
    found = ql("generate", TEXT, *words, text="")
    assert found.returncode == 2 and told in found.stderr and not ql.home.exists()


@pytest.mark.matrix
def test_another_person_answers_approves_and_rejects(warm, tmp_path):
    running = warm.start("generate", TEXT, "--interactive", "--elsewhere", "--no-preview", "--json")

    def pending(document):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = [one for one in json.loads(warm("pending", "--json").stdout) if one["document"] == document]
            if found:
                return found[0]
            assert running.poll() is None, running.communicate()
        raise AssertionError(f"{document} never waited")

    run = pending("frd")["run_id"]
    assert "Q1" in warm("pending", run).stdout
    odd = warm("answer", run, "R3")
    assert odd.returncode == 2 and "Q1=TEXT" in odd.stderr
    answered = warm("answer", run, "q1=R3", "--by", "ada")
    assert answered.returncode == 0 and "0 open questions" in answered.stdout, answered.stderr
    document = warm("pending", run, "--document").stdout
    changed = tmp_path / "frd.yaml"
    changed.write_text(document.replace("Books have a title", "Books have a title and a price"))
    assert warm("edit", run, changed, "--by", "ada").returncode == 0
    assert warm("approve", run, "--drop", "0000").returncode == 2
    assert warm("approve", run).returncode == 0
    assert "price" in json.loads(warm("pending", pending("spec")["run_id"], "--json").stdout)["text"]
    assert warm("reject", run, "--reason", "too expensive", "--by", "bob").returncode == 0
    out, errors = running.communicate(timeout=60)
    assert running.returncode == 130 and json.loads(out)["status"] == "cancelled"
    assert "bob rejected the specification: too expensive" in errors
    assert warm("approve", run).returncode == 2
