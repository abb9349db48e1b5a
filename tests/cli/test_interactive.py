"""Runs that wait for a person, by the real commands."""

import json
import time

import psutil
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


def waiting(ql, running, document):
    """What waits, once it is that document."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [one for one in json.loads(ql("pending", "--json").stdout) if one["document"] == document]
        if found:
            return found[0]
        assert running.poll() is None, running.communicate()
    raise AssertionError(f"{document} never waited")


@pytest.mark.matrix
def test_a_killed_service_forgets_neither_what_waits_nor_what_was_decided(warm):
    running = warm.start("generate", TEXT, "--interactive", "--elsewhere", "--no-preview", "--json")
    run = waiting(warm, running, "frd")["run_id"]
    running.kill()
    running.wait()
    service = psutil.Process(json.loads((warm.home / "service.json").read_text())["pid"])
    parts = [service, *service.children(recursive=True)]
    for part in parts:
        part.kill()
    psutil.wait_procs(parts, timeout=10)
    assert json.loads(warm("pending", run, "--json").stdout)["document"] == "frd"
    assert warm("approve", run, "--by", "ada").returncode == 0
    again = warm.start("resume", run, "--json")
    assert waiting(warm, again, "spec")["run_id"] == run
    assert warm("reject", run).returncode == 0
    out, _ = again.communicate(timeout=60)
    assert again.returncode == 130 and json.loads(out)["status"] == "cancelled"
    drops = json.loads(warm("drops", run, "--json").stdout)
    assert sorted(d["version"] for d in drops if d["kind"] == "frd") == [1]


@pytest.mark.matrix
def test_another_person_answers_approves_and_rejects(warm, tmp_path):
    running = warm.start("generate", TEXT, "--interactive", "--elsewhere", "--no-preview", "--json")

    def pending(document):
        return waiting(warm, running, document)

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
    spec = tmp_path / "spec.yaml"
    spec.write_text(warm("pending", run, "--document").stdout)
    wrong = warm("edit", run, "-", text=spec.read_text().replace("type: string", "type: strnig"))
    assert wrong.returncode == 2 and "strnig" in wrong.stderr and "did you mean" in wrong.stderr
    spec.write_text(spec.read_text().replace("name: ", "name: Town "))
    edited = warm("edit", run, spec, "--by", "ada")
    assert edited.returncode == 0 and "waits now: spec" in edited.stdout
    assert "name: Town" in warm("pending", run, "--document").stdout
    assert warm("reject", run, "--reason", "too expensive", "--by", "bob").returncode == 0
    out, errors = running.communicate(timeout=60)
    assert running.returncode == 130 and json.loads(out)["status"] == "cancelled"
    assert "bob rejected the specification: too expensive" in errors
    assert warm("approve", run).returncode == 2


@pytest.mark.matrix
def test_an_edited_specification_is_what_is_built(warm, tmp_path):
    out = tmp_path / "out"
    words = ("generate", "Books have a title.", "--interactive", "--elsewhere", "--no-preview", "--json", "--out", out)
    running = warm.start(*words)
    run = waiting(warm, running, "frd")["run_id"]
    assert warm("approve", run).returncode == 0
    waiting(warm, running, "spec")
    text = warm("pending", run, "--document").stdout
    assert text.count("type: string") == 1
    edited = warm("edit", run, "-", "--by", "ada", text=text.replace("type: string", "type: string, max_length: 7"))
    assert edited.returncode == 0, edited.stderr
    assert warm("approve", run, "--by", "bob").returncode == 0
    report, errors = running.communicate(timeout=300)
    assert running.returncode == 0 and json.loads(report)["status"] == "verified", errors
    assert "7" in (out / "app" / "schemas" / "book.py").read_text()
