import json

import pytest

CAPSULE = bytes(range(256)) * 40


@pytest.fixture
async def sealed(api):
    run = await api.add_run()
    drop = await api.add_drop(run, "capsule", CAPSULE, media_type="application/octet-stream", stage="capsule")
    return run, drop


async def test_a_capsule_is_downloaded_whole_in_parts_and_not_again(api, sealed):
    run, drop = sealed
    path = f"/api/v1/runs/{run.id}/capsule"
    whole = await api.http.get(path)
    assert whole.content == CAPSULE and whole.headers["etag"] == f'"{drop.id}"' and whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-disposition"] == f'attachment; filename="{run.id}.capsule"'
    head = await api.http.head(path)
    assert head.content == b"" and head.headers["content-length"] == str(len(CAPSULE))
    assert (await api.http.get(path, headers={"If-None-Match": whole.headers["etag"]})).status_code == 304
    first = await api.http.get(path, headers={"Range": "bytes=0-99"})
    rest = await api.http.get(path, headers={"Range": "bytes=100-", "If-Range": whole.headers["etag"]})
    assert first.status_code == rest.status_code == 206
    assert first.headers["content-range"] == f"bytes 0-99/{len(CAPSULE)}"
    assert first.content + rest.content == CAPSULE


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=-10", 206, CAPSULE[-10:]),
        ("bytes=5-5", 206, CAPSULE[5:6]),
        ("bytes=0-999999999", 206, CAPSULE),
        (f"bytes=-{len(CAPSULE) * 2}", 206, CAPSULE),
        (f"bytes={len(CAPSULE)}-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=5-2", 200, CAPSULE),
        ("bytes=0-1,5-6", 200, CAPSULE),
        ("bytes=-", 200, CAPSULE),
        ("lines=1-2", 200, CAPSULE),
        ("bytes=" + "9" * 400 + "-", 200, CAPSULE),
    ],
)
async def test_ranges_of_every_kind(api, sealed, asked, status, part):
    answer = await api.http.get(f"/api/v1/runs/{sealed[0].id}/capsule", headers={"Range": asked})
    assert answer.status_code == status
    if part is not None:
        assert answer.content == part
    else:
        assert answer.headers["content-range"] == f"bytes */{len(CAPSULE)}"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_part_of_another_version_is_the_whole_of_this_one(api, sealed):
    asked = {"Range": "bytes=0-9", "If-Range": '"another"'}
    answer = await api.http.get(f"/api/v1/runs/{sealed[0].id}/capsule", headers=asked)
    assert answer.status_code == 200 and answer.content == CAPSULE


async def test_drops_tell_their_files_contents_and_differences(api):
    run = await api.add_run()
    old = await api.add_drop(run, "source", {"app/a.py": b"one\ntwo\n", "gone.txt": b"x\n", "bin": b"\0\1"})
    new = await api.add_drop(run, "source", {"app/a.py": b"one\nthree\n", "new.txt": b"y\n", "bin": b"\0\2"})
    assert (await api.http.get(f"/api/v1/drops/{new.id}")).json()["version"] == 2
    files = (await api.http.get(f"/api/v1/drops/{old.id}/files")).json()
    assert {f["path"]: f["size"] for f in files["items"]} == {"app/a.py": 8, "gone.txt": 2, "bin": 2}
    content = await api.http.get(f"/api/v1/drops/{old.id}/content", params={"path": "app/a.py"})
    assert content.content == b"one\ntwo\n" and "sandbox" in content.headers["content-security-policy"]
    diff = (await api.http.get(f"/api/v1/drops/{old.id}/diff/{new.id}")).json()
    changes = {d["path"]: d["change"] for d in diff["items"]}
    assert changes == {"app/a.py": "changed", "gone.txt": "removed", "new.txt": "added", "bin": "binary"}
    assert "-two\n+three\n" in diff["items"][0]["diff"]
    assert (await api.http.get(f"/api/v1/drops/{old.id}/diff/{old.id}")).json() == {"items": [], "total": 0}


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "app/../app/a.py", "..\\a.py", "app", "", "a\0b", "%2e%2e/a.py"]
)
async def test_a_path_leads_to_nothing_but_a_file_of_the_drop(api, path):
    run = await api.add_run()
    drop = await api.add_drop(run, "source", {"app/a.py": b"one\n"})
    answer = await api.http.get(f"/api/v1/drops/{drop.id}/content", params={"path": path})
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "drop", ["0" * 64, "..%2F..%2Fetc%2Fpasswd", "%00", "a" * 65, "g" * 64, "..", "%2e%2e%2f%2e%2e%2fmetadata.db"]
)
async def test_what_is_no_drop_is_told_so(api, drop):
    for path in (f"/api/v1/drops/{drop}", f"/api/v1/drops/{drop}/content"):
        answer = await api.http.get(path)
        assert answer.status_code in (404, 422) and answer.headers["content-type"] == "application/problem+json"


async def test_a_drop_damaged_on_disk_is_refused_and_others_are_unharmed(api):
    run = await api.add_run()
    broken = await api.add_drop(run, "spec", b'{"a": 1}')
    whole = await api.add_drop(run, "plan", b'{"b": 2}')
    path = api.office.blobs.path(broken.id)
    path.chmod(0o644)
    path.write_bytes(b'{"a": 2}')
    answer = await api.http.get(f"/api/v1/drops/{broken.id}/content")
    assert answer.status_code == 503 and "damaged" in answer.json()["detail"]
    assert json.loads((await api.http.get(f"/api/v1/drops/{whole.id}/content")).content) == {"b": 2}


async def test_a_run_without_capsule_says_so(api):
    run = await api.add_run(status="failed")
    answer = await api.http.get(f"/api/v1/runs/{run.id}/capsule")
    assert answer.status_code == 404 and "no capsule" in answer.json()["detail"]
    assert (await api.http.post("/api/v1/previews", json={"run": run.id})).status_code == 409
