"""Locks checked against a real index on loopback by the real client in the real sandbox."""

import hashlib
import io
import json
import zipfile
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from aiohttp import web
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from quantumlayer.evidence.dependencies import lock
from quantumlayer.evidence.sbom import to_sbom
from quantumlayer.files.values import FileTree
from quantumlayer.languages.python.pypi import PyPI, licences, read_lock
from quantumlayer.ports.ecosystem import Pin
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox

PYTHON = SimpleNamespace(name="python", ecosystem=PyPI(), conventions=SimpleNamespace(lock_files=("requirements.txt",)))
NOW = datetime(2026, 11, 22, tzinfo=UTC)
OLD, NEW = "2026-01-05T10:00:00Z", "2026-11-20T10:00:00Z"
H = "a" * 64


def wheel(name: str, version: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        folder = f"{name}-{version}.dist-info"
        archive.writestr(f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{folder}/RECORD", "")
    return out.getvalue()


WHEELS = {name: wheel(name, "1.0") for name in ("settled", "fresh")}
UPLOADED = {"settled": OLD, "fresh": NEW}


def digest(name: str) -> str:
    return hashlib.sha256(WHEELS[name]).hexdigest()


@asynccontextmanager
async def index():
    """A package index with the JSON form of the simple API; yields its address and the paths that were asked for."""
    asked = []

    async def project(request):
        asked.append(request.path)
        name = request.match_info["name"]
        if name not in WHEELS:
            raise web.HTTPNotFound
        file = {
            "filename": f"{name}-1.0-py3-none-any.whl",
            "url": f"/files/{name}-1.0-py3-none-any.whl",
            "hashes": {"sha256": digest(name)},
            "upload-time": UPLOADED[name],
        }
        body = {"meta": {"api-version": "1.1"}, "name": name, "files": [file], "versions": ["1.0"]}
        return web.Response(text=json.dumps(body), content_type="application/vnd.pypi.simple.v1+json")

    async def download(request):
        return web.Response(body=WHEELS[request.match_info["file"].partition("-")[0]])

    application = web.Application()
    application.router.add_get("/simple/{name}/", project)
    application.router.add_get("/files/{file}", download)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/simple", asked
    finally:
        await runner.cleanup()


async def locked(tmp_path, text: str, installed=None):
    tree = FileTree({"requirements.txt": text.encode()})
    return await lock(
        tree, PYTHON, BubblewrapSandbox(), name="App", cache=tmp_path / "cache", installed=installed, now=lambda: NOW
    )


def by_name(result):
    return {scan.scanner: scan for scan in result.scans}


async def test_age_is_what_the_index_says_and_asked_for_once(tmp_path, monkeypatch):
    text = "".join(f"{n}==1.0 \\\n    --hash=sha256:{digest(n)}\n" for n in WHEELS)
    async with index() as (url, asked):
        monkeypatch.setenv("UV_DEFAULT_INDEX", url)
        registry = by_name(await locked(tmp_path, text))["registry"]
        assert registry.status == "ran" and registry.files == 2
        assert [(f.rule, f.line) for f in registry.findings] == [("too-new", 3)]
        assert "2 days" not in registry.findings[0].message and "fresh 1.0 is 1 days old" in registry.findings[0].message
        before = len(asked)
        assert by_name(await locked(tmp_path, text))["registry"] == registry
        assert len(asked) == before


@pytest.mark.parametrize("pin", [f"missing==1.0 --hash=sha256:{H}", f"settled==2.0 --hash=sha256:{H}"])
async def test_what_the_index_does_not_have_is_named(tmp_path, monkeypatch, pin):
    async with index() as (url, _):
        monkeypatch.setenv("UV_DEFAULT_INDEX", url)
        registry = by_name(await locked(tmp_path, pin))["registry"]
    assert [(f.rule, f.severity) for f in registry.findings] == [("not-in-registry", "high")]
    assert pin.split("==")[0] in registry.findings[0].message and "127.0.0.1" not in registry.findings[0].message


async def test_a_hash_that_the_index_does_not_have_is_found_every_time(tmp_path, monkeypatch):
    async with index() as (url, _):
        monkeypatch.setenv("UV_DEFAULT_INDEX", url)
        for _ in range(2):
            registry = by_name(await locked(tmp_path, f"settled==1.0 --hash=sha256:{H}"))["registry"]
            assert [(f.rule, f.severity) for f in registry.findings] == [("hash-unknown", "high")]


async def test_an_index_out_of_reach_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    registry = by_name(await locked(tmp_path, f"settled==1.0 --hash=sha256:{H}"))["registry"]
    assert registry.status == "not_run" and registry.reason


def test_a_lock_holds_exact_hashed_packages_only():
    text = (
        "# a comment\n--index-url https://example.com/simple\n-e .\nplain\nopen>=1.0\nstar==1.*\nnohash==1.0\n"
        f"direct @ https://example.com/x.whl --hash=sha256:{H}\n!!!\nGood_Name[extra]==1.0 ; python_version > '3' \\\n"
        f"  --hash=sha256:{H} \\\n  --hash=sha256:{'b' * 64}  # via x\n"
    )
    pins, findings = read_lock({"requirements.txt": text.encode()})
    assert pins == (Pin("good-name", "1.0", (f"sha256:{H}", "sha256:" + "b" * 64), "requirements.txt", 10),)
    assert [(f.rule, f.line) for f in findings] == [
        ("lock-option", 2),
        ("lock-option", 3),
        ("lock-open", 4),
        ("lock-open", 5),
        ("lock-open", 6),
        ("lock-no-hash", 7),
        ("lock-address", 8),
        ("lock-syntax", 9),
    ]
    assert {f.severity for f in findings} == {"high"}
    assert "example.com" not in str(findings)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"\\\n\\\n", b"a==1 \\", b"-" * 10_000])
def test_odd_locks_do_not_break_the_reader(content):
    read_lock({"requirements.txt": content})


def installed_package(folder, name: str, *lines: str) -> None:
    place = folder / f"lib/python3.12/site-packages/{name}-1.0.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text("\n".join([f"Name: {name}", "Version: 1.0", *lines]) + "\n")


async def test_licences_come_from_what_is_installed(tmp_path):
    installed = tmp_path / "env"
    installed_package(installed, "a", "License-Expression: MIT OR Apache-2.0")
    installed_package(installed, "b", "License: Proprietary, all rights", "Classifier: License :: OSI Approved :: BSD License")
    installed_package(installed, "c", "License: GPL-3.0-or-later")
    installed_package(installed, "d", "License: whatever you like")
    installed_package(installed, "e", "License: " + "x" * 100_000)
    (installed / "lib/python3.12/site-packages/f-1.0.dist-info").mkdir()
    (installed / "lib/python3.12/site-packages/f-1.0.dist-info/METADATA").symlink_to("/etc/passwd")
    assert licences(installed) == {
        "a@1.0": "MIT OR Apache-2.0",
        "b@1.0": "BSD-3-Clause",
        "c@1.0": "GPL-3.0-or-later",
        "d@1.0": None,
        "e@1.0": None,
    }


async def test_every_check_says_whether_it_ran(tmp_path):
    result = by_name(await locked(tmp_path, ""))
    assert result["registry"].status == result["licences"].status == result["advisories"].status == "not_run"
    assert all(s.reason for s in result.values() if s.status == "not_run")


def test_the_sbom_is_strictly_valid_and_reproducible():
    pins = (Pin("a", "1.0", (f"sha256:{H}",), "requirements.txt", 1), Pin("b", "2.0", (f"sha256:{H}",) * 2, "dev.txt", 1, True))
    made = to_sbom("App", pins, {"a@1.0": "MIT"}, PyPI())
    assert made == to_sbom("App", pins, {"a@1.0": "MIT"}, PyPI())
    assert made != to_sbom("App", pins[:1], {"a@1.0": "MIT"}, PyPI())
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made) is None
    a, b = json.loads(made)["components"]
    assert a["purl"] == "pkg:pypi/a@1.0" and a["licenses"] == [{"expression": "MIT"}] and a["hashes"][0]["content"] == H
    assert (a["scope"], b["scope"]) == ("required", "excluded")
