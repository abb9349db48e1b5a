"""The npm ecosystem: what a lock must be, and what installed packages say of their licences."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.languages.typescript.npm import Npm

PINS = Path(__file__).parents[2] / "src/quantumlayer/blueprints/typescript/fastify/pins"
HASH = "sha512-" + "A" * 86 + "=="


def lock(**entry: object) -> dict[str, bytes]:
    packages = {"": {"name": "service"}, "node_modules/@a/b": {"version": "1.0.0", "integrity": HASH, **entry}}
    return {"package-lock.json": json.dumps({"lockfileVersion": 3, "packages": packages}, indent=2).encode()}


def test_the_blueprints_own_lock_is_whole() -> None:
    pins, findings = Npm().read_lock({"package-lock.json": (PINS / "package-lock.json").read_bytes()})
    names = {pin.name: pin for pin in pins}
    assert findings == () and names["fastify"].hashes[0].startswith("sha512:") and not names["fastify"].development
    assert names["typescript"].development and names["fastify"].line > 1
    manifest = json.loads((PINS / "package.json").read_text())
    for name, version in (manifest["dependencies"] | manifest["devDependencies"]).items():
        assert f"{name}@{version}" in {pin.key for pin in pins}


def test_a_pin_has_a_package_url() -> None:
    (pin,), _ = Npm().read_lock(lock())
    assert (pin.key, Npm().purl(pin)) == ("@a/b@1.0.0", "pkg:npm/%40a/b@1.0.0")


@pytest.mark.parametrize(
    ("entry", "rule"),
    [({"resolved": "x://secret"}, "lock-address"), ({"integrity": "sha1-x"}, "lock-no-hash"), ({"version": None}, "lock-open")],
)
def test_what_a_lock_must_not_hold(entry: dict[str, object], rule: str) -> None:
    pins, findings = Npm().read_lock(lock(**entry))
    assert not pins and [(f.rule, f.severity) for f in findings] == [(rule, "high")] and "secret" not in findings[0].message


@given(st.binary(max_size=200))
def test_any_bytes_are_read(content: bytes) -> None:
    pins, findings = Npm().read_lock({"package-lock.json": content})
    assert pins == () and len(findings) == 1


def test_licences(tmp_path: Path) -> None:
    for folder, manifest in {
        "a": {"name": "a", "version": "1", "license": "MIT"},
        "@s/b": {"name": "@s/b", "version": "2", "license": "(MIT OR Apache-2.0)"},
        "a/node_modules/c": {"name": "c", "version": "3", "licenses": [{"type": "ISC"}]},
        "d": {"name": "d", "version": "4"},
    }.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "package.json").write_text(json.dumps(manifest))
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "package.json").write_bytes(b"\xff")
    assert Npm().licences(tmp_path) == {"a@1": "MIT", "@s/b@2": "MIT OR Apache-2.0", "c@3": "ISC", "d@4": None}
