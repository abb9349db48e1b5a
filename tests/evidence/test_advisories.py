"""Advisories in OSV's form: from a folder of dumps, and from a real server on loopback that speaks its API."""

import json
import zipfile
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from quantumlayer.errors import UserError
from quantumlayer.evidence.advisories import OsvApi, OsvFolder, Unreachable, configured_advisories
from quantumlayer.languages.go.modules import GoModules
from quantumlayer.languages.python.pypi import PyPI
from quantumlayer.languages.typescript.npm import Npm
from quantumlayer.ports.ecosystem import Pin


def pin(name: str, version: str) -> Pin:
    return Pin(name, version, (), "lock", 1)


def record(identity="GHSA-1", name="left", ecosystem="PyPI", **affected):
    package = {"name": name, "ecosystem": ecosystem}
    return {"id": identity, "summary": "bad", "affected": [{"package": package, **affected}]}


def between(*events, kind="ECOSYSTEM"):
    return {"ranges": [{"type": kind, "events": [dict([event]) for event in events]}]}


def dump(folder: Path, ecosystem: str, *records: dict, zipped=False) -> OsvFolder:
    place = folder / ecosystem
    place.mkdir()
    if zipped:
        with zipfile.ZipFile(place / "all.zip", "w") as archive:
            for each in records:
                archive.writestr(f"{each['id']}.json", json.dumps(each))
    else:
        for each in records:
            (place / f"{each['id']}.json").write_text(json.dumps(each))
    return OsvFolder(folder)


async def ids(source, pins, ecosystem):
    return {key: [a.id for a in found] for key, found in (await source.about(pins, ecosystem)).items()}


@pytest.mark.parametrize("zipped", [False, True])
async def test_a_range_holds_from_its_beginning_up_to_its_mend(tmp_path, zipped):
    ranged = record(**between(("introduced", "1.0"), ("fixed", "1.9"), ("introduced", "2.0"), ("last_affected", "2.1")))
    source = dump(tmp_path, "PyPI", ranged, zipped=zipped)
    versions = ["0.9", "1.0rc1", "1.0", "1.8.9", "1.9", "1.10", "2.0", "2.1", "2.1.1"]
    found = await ids(source, [pin("left", v) for v in versions], PyPI())
    assert list(found) == ["left@1.0", "left@1.8.9", "left@2.0", "left@2.1"]


async def test_listed_versions_hold_and_names_are_those_of_the_ecosystem(tmp_path):
    source = dump(tmp_path, "PyPI", record(name="Left_Pad.x", versions=["1.0"]), record("GHSA-2", name="left-pad-x-more"))
    assert await ids(source, [pin("left-pad-x", "1.0"), pin("left-pad-x", "1.1")], PyPI()) == {"left-pad-x@1.0": ["GHSA-1"]}


async def test_a_package_made_to_harm_is_critical_in_every_version(tmp_path):
    source = dump(tmp_path, "npm", record("MAL-1", "@evil/left", "npm", **between(("introduced", "0"), kind="SEMVER")))
    (found,) = (await source.about([pin("@evil/left", "9.9.9-beta.1"), pin("left", "1.0.0")], Npm())).items()
    assert found[0] == "@evil/left@9.9.9-beta.1" and found[1][0].severity == "critical"


async def test_versions_of_go_are_compared_without_their_v(tmp_path):
    bounds = between(("introduced", "0"), ("fixed", "0.0.0-20240101000000-abcdefabcdef"), kind="SEMVER")
    source = dump(tmp_path, "Go", record("GO-1", "example.com/m", "Go", **bounds))
    pins = [pin("example.com/m", "v0.0.0-20230101000000-abcdefabcdef"), pin("example.com/m", "v1.0.0")]
    assert list(await ids(source, pins, GoModules())) == ["example.com/m@v0.0.0-20230101000000-abcdefabcdef"]


async def test_withdrawn_advisories_and_those_of_other_ecosystems_do_not_count(tmp_path):
    withdrawn = record(versions=["1.0"]) | {"withdrawn": "2026-01-01T00:00:00Z"}
    source = dump(tmp_path, "PyPI", withdrawn, record("GHSA-2", ecosystem="npm", versions=["1.0"]))
    assert await ids(source, [pin("left", "1.0")], PyPI()) == {}


async def test_what_has_no_order_is_held_to_be_affected(tmp_path):
    source = dump(tmp_path, "npm", record(ecosystem="npm", **between(("introduced", "0"), ("fixed", "1.0.0"), kind="SEMVER")))
    assert list(await ids(source, [pin("left", "not-a-version")], Npm())) == ["left@not-a-version"]


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff", b'{"id": 1, "affected": 5, "x": "left"}', b'{"x": "left"', b"[" * 20000 + b'"left"']
)
async def test_a_damaged_record_makes_the_dump_unreachable_and_never_clean(tmp_path, content):
    source = dump(tmp_path, "PyPI")
    (tmp_path / "PyPI" / "a.json").write_bytes(content or b'"left"')
    with pytest.raises(Unreachable):
        await source.about([pin("left", "1.0")], PyPI())


async def test_an_empty_folder_is_no_clean_bill(tmp_path):
    for source in (OsvFolder(tmp_path), dump(tmp_path, "PyPI")):
        with pytest.raises(Unreachable):
            await source.about([pin("left", "1.0")], PyPI())


@asynccontextmanager
async def server(answer):
    asked = []

    async def batch(request):
        asked.append(await request.json())
        return await answer(asked)

    application = web.Application()
    application.router.add_post("/v1/querybatch", batch)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield OsvApi(f"http://127.0.0.1:{runner.addresses[0][1]}/"), asked
    finally:
        await runner.cleanup()


async def test_the_api_is_asked_for_names_and_versions_alone_and_its_pages_are_read():
    async def answer(asked):
        if len(asked) == 1:
            return web.json_response({"results": [{"vulns": [{"id": "GO-1"}], "next_page_token": "more"}, {}]})
        return web.json_response({"results": [{"vulns": [{"id": "GO-2"}]}]})

    async with server(answer) as (source, asked):
        found = await ids(source, [pin("example.com/m", "v1.2.3"), pin("example.com/n", "v1.0.0")], GoModules())
    assert found == {"example.com/m@v1.2.3": ["GO-1", "GO-2"]}
    query = {"package": {"name": "example.com/m", "ecosystem": "Go"}, "version": "1.2.3"}
    assert asked[0]["queries"][0] == query and asked[1]["queries"] == [{**query, "page_token": "more"}]


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b'{"results": []}', b'{"results": [5]}', b'{"results": [{"vulns": [{}]}]}']
)
async def test_an_answer_that_cannot_be_read_is_never_a_clean_one(body):
    async def answer(asked):
        return web.Response(body=body, content_type="application/json")

    async with server(answer) as (source, _):
        with pytest.raises(Unreachable):
            await source.about([pin("left", "1.0")], PyPI())


async def test_pages_without_end_end():
    async def answer(asked):
        return web.json_response({"results": [{"next_page_token": "again"}]})

    async with server(answer) as (source, asked):
        with pytest.raises(Unreachable):
            await source.about([pin("left", "1.0")], PyPI())
    assert len(asked) < 100


def test_the_source_is_what_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.delenv("QL_OSV", raising=False)
    assert configured_advisories(tmp_path) is None
    (tmp_path / "osv").mkdir()
    assert configured_advisories(tmp_path) == OsvFolder(tmp_path / "osv")
    monkeypatch.setenv("QL_OSV", "http://127.0.0.1:1")
    assert configured_advisories(tmp_path) == OsvApi("http://127.0.0.1:1")
    monkeypatch.setenv("QL_OSV", str(tmp_path / "nowhere"))
    with pytest.raises(UserError):
        configured_advisories(tmp_path)
