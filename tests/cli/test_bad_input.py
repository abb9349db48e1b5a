"""Each ends with one clear message, its mend and the right exit code, and nothing is left behind."""

import json

import pytest

DANGLING = """
version: 1
name: Shop
entities:
  order:
    plural: orders
    fields:
      customer: {type: reference, to: nobody}
    operations: {create: {}}
"""
WRONG_RULE = """
version: 1
name: Shop
entities:
  order:
    plural: orders
    fields:
      total: {type: integer}
    rules:
      positive: {check: 'self.total > "none"', message: must be positive}
    operations: {create: {}}
"""


def refused(answer, code, *parts):
    assert answer.returncode == code, answer.stderr
    assert answer.stdout == ""
    assert answer.stderr.count("error: ") == 1 and "hint: " in answer.stderr
    assert "Traceback" not in answer.stderr
    for part in parts:
        assert part in answer.stderr


@pytest.mark.parametrize(
    ("content", "name", "parts"),
    [
        (b"", "a.txt", ["empty"]),
        (b"tasks have a title. " * 52_429, "a.txt", ["characters"]),
        (bytes(range(256)) * 20, "a.txt", ["UTF-8"]),
        (b"tasks\x00have", "a.txt", ["binary"]),
        (b"entities:\n  a: [b\n", "spec.yaml", ["spec.yaml:", "YAML"]),
        (DANGLING.encode(), "spec.yaml", ["entities.order.fields.customer.to", "nobody"]),
        (WRONG_RULE.encode(), "spec.yaml", ["entities.order.rules.positive.check"]),
    ],
    ids=["empty", "1 MB", "binary", "NUL", "YAML", "dangling", "CEL"],
)
def test_a_file_that_cannot_be_a_request(ql, tmp_path, content, name, parts):
    path = tmp_path / name
    path.write_bytes(content)
    refused(ql("generate", "--file", path), 2, *parts)
    assert not ql.home.exists()


def test_an_empty_request_shows_how_to_write_one(ql):
    refused(ql("generate", ""), 2, "ql generate")


def test_out_must_be_empty_and_writable_before_anything_runs(ql, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("mine")
    refused(ql("generate", "Tasks have a title.", "--out", full), 2, "not empty")
    refused(ql("generate", "Tasks have a title.", "--out", full / "mine" / "x"), 2, "cannot write")
    refused(ql("generate", "Tasks have a title.", "--out", "/proc/ql"), 2, "cannot write")
    assert [p.name for p in full.iterdir()] == ["mine"] and not ql.home.exists()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--stack", "fortran/web"), "python/fastapi"),
        (("--author", "model"), "no model is named"),
        (("--model", "anything"), "names no model"),
        (("--ttl", "soon"), "15m"),
        (("--ttl", "90d"), "7 days"),
    ],
)
def test_options_that_cannot_be(ql, words, part):
    refused(ql("generate", "Tasks have a title.", *words), 2, part)


def test_a_stack_that_cannot_carry_an_api_description_names_those_that_can(ql, tmp_path):
    path = tmp_path / "api.yaml"
    path.write_text("openapi: 3.1.0\npaths: {/things: {get: {responses: {200: {description: fine}}}}}\n")
    refused(ql("generate", "--openapi", path, "--stack", "go/chi"), 2, "python/fastapi")
    assert not ql.home.exists()


def test_a_home_that_cannot_be_written_is_an_environment_error(ql, tmp_path):
    (tmp_path / "file").write_text("")
    blocked = type(ql)(tmp_path / "file" / "home")
    refused(blocked("generate", "Tasks have a title."), 4, "QL_HOME")


@pytest.mark.parametrize("command", ["show", "resume", "cancel", "drops"])
def test_an_unknown_run(ql, command):
    refused(ql(command, "20200101"), 2, "ql runs")


def test_a_file_that_is_no_capsule_is_not_valid(ql, tmp_path):
    path = tmp_path / "x.capsule"
    path.write_bytes(b"not a capsule at all" * 100)
    answer = ql("verify", path, "--json")
    assert answer.returncode == 1 and json.loads(answer.stdout)["valid"] is False
    refused(ql("verify", tmp_path / "missing"), 2, "no capsule")


def test_usage_errors_and_help(ql):
    assert ql("frobnicate").returncode == 2
    assert ql("generat").stderr.count("generate") >= 1
    answer = ql("--help")
    assert answer.returncode == 0 and "generate" in answer.stdout
    assert ql("--version").stdout.startswith("ql ")


def test_a_valid_spec_checks_and_its_schema_is_json(ql, tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(DANGLING.replace("to: nobody", "to: order, required: false"))
    assert ql("spec", "check", path).returncode == 0
    assert json.loads(ql("spec", "schema").stdout)["$defs"]


def test_a_request_that_begins_with_a_dash_is_text_and_a_misspelt_option_is_not(ql):
    text = ql("generate", "- what a nice day it is\n- the sun shines")
    assert text.returncode == 2 and "hint: say what there is" in text.stderr
    misspelt = ql("generate", "Tasks have a title.", "--stak=python/fastapi")
    assert misspelt.returncode == 2 and "No such option" in misspelt.stderr
