"""Packages that a model names: hostile lines, and lists resolved against a real index on loopback in the real sandbox."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.errors import EnvironmentError_
from quantumlayer.evidence.advisories import OsvFolder
from quantumlayer.evidence.chosen_packages import Packages
from quantumlayer.languages.go.modules import GoModules
from quantumlayer.languages.python.pypi import PyPI, read_lock
from quantumlayer.languages.typescript.npm import Npm
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox
from tests.evidence.test_dependencies import NOW, PYTHON, H, index

HOSTILE = [
    "--index-url http://127.0.0.1:1/simple", "-r /etc/passwd", "-e .", "--extra-index-url=http://x/ flask", 
    "flask --hash=sha256:00",
    "flask -i http://127.0.0.1/", "flask @ http://127.0.0.1/flask.whl", "git+https://example.com/x.git", "file:///etc/passwd",
    "http://127.0.0.1/x.tgz", "/etc/passwd", "../secret", "./local", "flask; python_version > '3'", "flask\x00", "flask\u202e",
    "fl\u0430sk", "npm:evil@1.0.0", "left@npm:evil@1.0.0", "left@file:../x", "left@git+ssh://x/y", "left@http://x/y.tgz",
    "left@github:user/repo", "user/repo", "@scope", "@/x", "@a/b/c", "$(reboot)", "flask && id", "`id`", "left@latest || id",
    "-mod=mod", "example.com/../x", "example.com/m@upgrade", "example.com/m => ../x", "replace example.com/m => ./x",
    "flask\tid",
    "flask==1.0\\", "a" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("ecosystem", [PyPI(), Npm(), GoModules()], ids=lambda e: e.name)
@pytest.mark.parametrize("line", HOSTILE)
def test_a_line_that_is_no_plain_package_is_refused(ecosystem, line):
    wishes, findings = ecosystem.read_wishes(line.encode())
    assert not wishes and findings and all(f.severity == "high" for f in findings), wishes


@pytest.mark.parametrize(
    ("ecosystem", "text", "names"),
    [
        (PyPI(), "# web\nFlask>=3,<4  # the framework\n\npsycopg[binary]\n", ["flask<4,>=3", "psycopg[binary]"]),
        (Npm(), "express@^5.1.0\n@types/express@5\nbetter-sqlite3", ["express^5.1.0", "@types/express5", "better-sqlite3"]),
        (
            GoModules(),
            "github.com/go-chi/chi/v5@v5.2.1\nmodernc.org/sqlite",
            ["github.com/go-chi/chi/v5v5.2.1", "modernc.org/sqlite"],
        ),
    ],
    ids=["python", "npm", "go"],
)
def test_plain_packages_are_read(ecosystem, text, names):
    wishes, findings = ecosystem.read_wishes(text.encode())
    assert not findings and sorted(w.name + w.range for w in wishes) == sorted(names)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_raising(content):
    for ecosystem in (PyPI(), Npm(), GoModules()):
        wishes, findings = ecosystem.read_wishes(content)
        assert all(w.name.isprintable() and " " not in w.name and not w.name.startswith("-") for w in wishes)
        assert wishes or findings or not content.decode("ascii").replace("\0", "x").strip() or b"#" in content


def test_too_many_packages_and_the_same_twice_are_refused():
    assert PyPI().read_wishes(b"\n".join(b"p%d" % n for n in range(41)))[1]
    assert PyPI().read_wishes(b"Left-Pad\nleft_pad")[1]


def advisories(folder, *names):
    place = folder / "osv" / "PyPI"
    place.mkdir(parents=True)
    for name in (*names, "somebody-else"):
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "versions": ["1.0"]}]
        (place / f"{name}.json").write_text(json.dumps({"id": f"MAL-{name}", "affected": affected}))
    return OsvFolder(folder / "osv")


async def resolved(tmp_path, monkeypatch, text, source, now=NOW, reviewed=b"", preferred=None):
    async with index() as (url, asked):
        monkeypatch.setenv("UV_DEFAULT_INDEX", url)
        pins, _ = read_lock({"requirements.txt": reviewed})
        base = {"requirements.txt": reviewed if preferred is None else preferred}
        packages = Packages(PYTHON, BubblewrapSandbox(), pins, base, tmp_path / "cache", source, lambda: now)
        return await packages.resolve(text), asked


async def test_a_package_that_exists_is_old_and_clean_is_pinned_with_its_hash(tmp_path, monkeypatch):
    found, _ = await resolved(tmp_path, monkeypatch, b"settled\n", advisories(tmp_path))
    assert not found.problems
    ((pin,), wrong) = read_lock(found.files)
    assert (pin.name, pin.version, wrong) == ("settled", "1.0", ()) and pin.hashes


@pytest.mark.parametrize("text", [b"setled", b"fresh", b"settled>=2"], ids=["typosquat", "too new", "no such version"])
async def test_what_is_not_there_or_too_new_is_refused_with_a_reason(tmp_path, monkeypatch, text):
    found, _ = await resolved(tmp_path, monkeypatch, text, advisories(tmp_path))
    assert not found.files and text.decode().partition(">")[0] in found.problems[0]


async def test_a_package_made_to_harm_is_refused(tmp_path, monkeypatch):
    found, _ = await resolved(tmp_path, monkeypatch, b"settled", advisories(tmp_path, "settled"))
    assert not found.files and "MAL-settled" in found.problems[0]


async def test_without_advisories_what_nobody_reviewed_is_not_taken(tmp_path, monkeypatch):
    with pytest.raises(EnvironmentError_, match="QL_OSV names none"):
        await resolved(tmp_path, monkeypatch, b"settled", None)


async def test_what_a_blueprint_pins_needs_no_further_check(tmp_path, monkeypatch):
    first, _ = await resolved(tmp_path, monkeypatch, b"settled", advisories(tmp_path))
    found, _ = await resolved(tmp_path, monkeypatch, b"settled", None, reviewed=first.files["requirements.txt"])
    assert found.files and not found.problems
    other = f"settled==1.0 --hash=sha256:{H}\n".encode()
    with pytest.raises(EnvironmentError_):
        await resolved(tmp_path, monkeypatch, b"settled", None, reviewed=other, preferred=b"")


async def test_what_a_blueprint_pins_may_be_young(tmp_path, monkeypatch):
    later, _ = await resolved(tmp_path, monkeypatch, b"fresh", advisories(tmp_path), now=NOW + timedelta(days=30))
    found, _ = await resolved(tmp_path, monkeypatch, b"fresh", None, reviewed=later.files["requirements.txt"])
    assert found.files and not found.problems


async def test_hostile_lines_reach_no_registry(tmp_path, monkeypatch):
    found, asked = await resolved(tmp_path, monkeypatch, b"settled\n--index-url http://127.0.0.1:1\n", advisories(tmp_path))
    assert found.problems and not asked


async def test_the_age_is_that_of_the_moment_of_asking(tmp_path, monkeypatch):
    found, _ = await resolved(tmp_path, monkeypatch, b"fresh", advisories(tmp_path), now=NOW + timedelta(days=30))
    assert found.files and not found.problems
