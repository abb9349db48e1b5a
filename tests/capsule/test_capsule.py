import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from securesystemslib.dsse import Envelope

from quantumlayer.capsule.keys import Signer, public_key, public_pem, read_public_key, signing_key
from quantumlayer.capsule.provenance import canonical, sign, statement
from quantumlayer.capsule.seal import MANIFEST, PROVENANCE, Parts, seal, trailer
from quantumlayer.capsule.values import BlueprintRef, DropRef, Facts, Manifest, Scores
from quantumlayer.capsule.verify import Tampered, unpack, verify
from quantumlayer.capsule.write_capsule import DRAFTS, write_capsule
from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.evidence.values import Check, Evidence, RequirementResult
from quantumlayer.files.archive import BrokenArchive, pack
from quantumlayer.files.archive import unpack as unpack_tree
from quantumlayer.files.values import FileTree, tree
from quantumlayer.ports.scanner import Finding, Scan

KEY = Signer.generate_ed25519()
CHECK = Check(id="a1", title="it works", level="acceptance", status="passed", requirements=("R1",))
FAILED = {"id": "b", "level": "unit", "status": "failed", "requirements": ()}
EVIDENCE = Evidence(checks=(CHECK,), coverage=0.9)
MET = RequirementResult(id="R1", text="It works.", status="met", evidence=("a1",))
SCANS = (Scan("bandit", "1", "ran", kind="sast"), Scan("detect-secrets", "1", "ran", kind="secrets"))
PARTS = Parts(
    source=tree(
        {"app/main.py": "print('hi')\n", "Makefile": "run:\n\tpython app/main.py\n", "run.sh": "#!/bin/sh\n"}, ["run.sh"]
    ),
    acceptance=tree({"scenarios.json": "[]\n"}),
    evidence=tree(
        {
            "evidence.json": EVIDENCE.model_dump_json(),
            "requirements.json": f"[{MET.model_dump_json()}]",
            "scans.json": TypeAdapter(tuple[Scan, ...]).dump_json(SCANS).decode(),
        }
    ),
    docs=tree({f"{'long-name' * 12}.md": "# Long\n"}),
    infrastructure=tree({"Dockerfile": "FROM scratch\n"}),
    sbom=b'{"bomFormat":"CycloneDX","specVersion":"1.6"}\n',
)
FACTS = Facts(
    name="Notes",
    run="run-1",
    status="verified",
    stack="python/fastapi",
    author="blueprint",
    spec_digest="ab" * 32,
    blueprint=BlueprintRef(id="python/fastapi", version="1.0", digest="cd" * 32),
    commands={"run": (("make", "run"),)},
    requirements=(MET,),
    scores=Scores(qa=100, security="A+"),
    coverage=0.9,
    drops=(DropRef(id="ef" * 32, stage="code", kind="source"),),
)
SEALED = seal(PARTS, FACTS, KEY)


@pytest.fixture
def write(tmp_path):
    def written(content: bytes) -> Path:
        path = tmp_path / "app.capsule"
        path.write_bytes(content)
        return path

    return written


def resealed(change, key=KEY) -> bytes:
    """The capsule with its files changed by `change(files)`, packed and digested anew, as an attacker without the key would."""
    held = unpack_tree(SEALED[:-40])
    files = dict(held.files)
    change(files)
    archive = pack(FileTree(files, held.executable & files.keys()))
    return archive + trailer(archive)


def failure(path: Path, key=None) -> str:
    found = verify(path, key)
    assert not found.valid
    return next(c.message for c in found.checks if not c.passed)


def test_equal_inputs_give_equal_bytes_and_verify(write):
    assert seal(PARTS, FACTS, KEY) == SEALED
    found = verify(write(SEALED))
    assert found.valid and not found.trusted and found.keyid == KEY.public_key.keyid
    assert [c.name for c in found.checks] == [
        "digest",
        "archive",
        "layout",
        "manifest",
        "key",
        "signature",
        "provenance",
        "files",
        "source",
        "evidence",
    ]
    assert found.manifest and found.manifest.drops == FACTS.drops
    assert verify(write(SEALED), KEY.public_key).trusted


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(SEALED) - 1), flip=st.integers(1, 255))
def test_any_changed_byte_is_found(write, place, flip):
    changed = bytearray(SEALED)
    changed[place] ^= flip
    assert not verify(write(bytes(changed))).valid


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(SEALED) - 41), flip=st.integers(1, 255), key=st.sampled_from([None, KEY.public_key]))
def test_a_changed_byte_under_a_new_digest_changes_no_file(write, place, flip, key):
    changed = bytearray(SEALED[:-40])
    changed[place] ^= flip
    found = verify(write(bytes(changed) + trailer(bytes(changed))), key)
    assert not found.valid or unpack_tree(bytes(changed)) == unpack_tree(SEALED[:-40])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=300), st.integers(0, len(SEALED) - 1).map(lambda n: SEALED[:n])))
def test_garbage_and_truncation_are_findings(write, content):
    assert not verify(write(content)).valid


@pytest.mark.parametrize("tail", [b"\0", b"\n", SEALED, zstandard.compress(b"more")])
def test_trailing_bytes_are_found(write, tail):
    assert not verify(write(SEALED + tail)).valid
    longer = SEALED[:-40] + tail
    assert not verify(write(longer + trailer(longer))).valid


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda f: f.update({"source/app/main.py": b"print('evil')\n"}), "changed after signing: source/app/main.py"),
        (lambda f: f.pop("source/app/main.py"), "changed after signing: source/app/main.py"),
        (lambda f: f.update({"source/more.py": b""}), "changed after signing: source/more.py"),
        (lambda f: f.update({"extra.txt": b""}), "does not belong"),
        (lambda f: f.pop(MANIFEST), "manifest.json is missing"),
        (lambda f: f.update({MANIFEST: f[MANIFEST].replace(b"verified", b"partial")}), "manifest.json"),
        (lambda f: f.update({MANIFEST: f[MANIFEST] + b" "}), "not in the form"),
        (lambda f: f.update({PROVENANCE: f[PROVENANCE] * 2}), "Extra data"),
        (lambda f: f.update({PROVENANCE: b"{}"}), "payload"),
    ],
)
def test_files_changed_without_the_key_are_named(write, change, word):
    assert word in failure(write(resealed(change)))


def test_another_key_is_reported_as_such(write):
    other = Signer.generate_ed25519()
    assert "signed by another key" in failure(write(seal(PARTS, FACTS, other)), KEY.public_key)

    def forge(files):
        manifest = Manifest.model_validate_json(files[MANIFEST])
        held = {p: c for p, c in files.items() if p != PROVENANCE}
        files[PROVENANCE] = sign(statement(manifest, held), other)

    assert "signature does not hold" in failure(write(resealed(forge)))


@pytest.mark.parametrize(
    ("facts", "evidence", "word"),
    [
        ({"scores": Scores(qa=99, security="A+")}, {}, "claims QA 99"),
        ({"scores": Scores(qa=100, security="A")}, {}, "security A, the evidence gives QA 100, security A+"),
        ({"coverage": 1.0}, {}, "coverage"),
        ({"requirements": ()}, {}, "requirements are not those"),
        ({}, {"evidence.json": None}, "evidence.json is missing"),
        ({}, {"evidence.json": b"{"}, "JSON"),
        ({}, {"evidence.json": Evidence(coverage=0.9).model_dump_json().encode()}, "R1 names other checks"),
        (
            {"scores": Scores(qa=70, security="A+")},
            {"evidence.json": EVIDENCE.model_copy(update={"checks": (CHECK.model_copy(update={"status": "failed"}),)})},
            "R1 is claimed to be met",
        ),
        (
            {"scores": Scores(qa=85, security="A+")},
            {"evidence.json": EVIDENCE.model_copy(update={"checks": (CHECK, CHECK.model_copy(update=FAILED))})},
            "claims to be verified",
        ),
        ({}, {"scans.json": (replace(SCANS[0], findings=(Finding("r", "high", "m", "p", 1),)), SCANS[1])}, "security C"),
    ],
)
def test_claims_without_evidence_are_found_even_when_sealed_with_the_key(write, facts, evidence, word):
    files = dict(PARTS.evidence.files)
    for name, value in evidence.items():
        del files[name]
        if value is not None:
            files[name] = value if isinstance(value, bytes) else TypeAdapter(type(value)).dump_json(value)
    lying = seal(replace(PARTS, evidence=FileTree(files)), FACTS.model_copy(update=facts), KEY)
    assert word in failure(write(lying), KEY.public_key)


def test_an_executable_bit_is_part_of_what_was_sealed(write):
    held = unpack_tree(SEALED[:-40])
    archive = pack(FileTree(held.files, frozenset()))
    assert "run.sh is not as the manifest lists it" in failure(write(archive + trailer(archive)))


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return zstandard.ZstdCompressor(write_content_size=True).compress(out.getvalue())


def member(name: str, **attributes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info


@pytest.mark.parametrize(
    "content",
    [
        tar_of((member("../up"), b"x")),
        tar_of((member("/etc/passwd"), b"x")),
        tar_of((member("a"), b"x"), (member("a"), b"y")),
        tar_of((member("a", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")),
        tar_of((member("a", type=tarfile.LNKTYPE, linkname="b"), b"")),
        tar_of((member("a", type=tarfile.DIRTYPE), b"")),
        tar_of((member("a", type=tarfile.FIFOTYPE), b"")),
        tar_of((member("b"), b"x"), (member("a"), b"y")),
        tar_of((member("a", mtime=1), b"x")),
        tar_of((member("a", uid=1000, uname="me"), b"x")),
        tar_of((member("a", mode=0o4755), b"x")),
        tar_of((member("a", pax_headers={"comment": "hidden"}), b"x")),
        zstandard.ZstdCompressor(write_content_size=False).compress(b"\0" * 10240),
        zstandard.ZstdCompressor(write_content_size=True).compress(b"\0" * (513 * 1024 * 1024)),
        b"",
    ],
)
def test_other_archives_are_refused(content):
    with pytest.raises(BrokenArchive):
        unpack_tree(content)


def test_padding_between_tar_blocks_is_refused():
    plain = bytearray(zstandard.decompress(pack(tree({"a": "x"}))))
    plain[600] = 1
    with pytest.raises(BrokenArchive, match="holds more than its files"):
        unpack_tree(zstandard.compress(bytes(plain)))


names = st.text("abc-._é", min_size=1, max_size=60).filter(lambda n: n.strip(".") == n and n not in (".git", "~"))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.lists(names, min_size=3, max_size=3).map("/".join), st.binary(max_size=700), max_size=6), st.data())
def test_pack_and_unpack_are_inverse(files, data):
    executable = data.draw(st.sets(st.sampled_from(sorted(files)))) if files else set()
    packed = FileTree(files, frozenset(executable))
    assert unpack_tree(pack(packed)) == packed


def test_unpack_writes_all_or_nothing(write, tmp_path):
    out = tmp_path / "out"
    unpack(write(SEALED), out)
    assert (out / "source/app/main.py").read_text() == "print('hi')\n"
    assert (out / "source/run.sh").stat().st_mode & 0o777 == 0o755
    with pytest.raises(UserError, match="not empty"):
        unpack(write(SEALED), out)
    with pytest.raises(Tampered):
        unpack(write(SEALED[:-1]), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_missing_file_and_folder_are_usage_errors(tmp_path):
    for path in (tmp_path, tmp_path / "none.capsule"):
        with pytest.raises(UserError, match="no capsule"):
            verify(path)


def test_write_capsule_leaves_nothing_half_written(tmp_path):
    assert write_capsule(SEALED, tmp_path / "new/app.capsule").read_bytes() == SEALED
    abandoned = tmp_path / "new" / DRAFTS / "0123"
    abandoned.mkdir()
    (abandoned / "app.capsule").write_bytes(SEALED[:100])
    abandoned.with_suffix(".claim").touch()
    assert write_capsule(SEALED, tmp_path / "new/app.capsule").read_bytes() == SEALED
    assert [p.name for p in sorted((tmp_path / "new").rglob("*"))] == [DRAFTS, "app.capsule"]
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentError_):
        write_capsule(SEALED, tmp_path / "file/app.capsule")


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_openssl_verifies_the_envelope(tmp_path):
    envelope = Envelope.from_dict(json.loads(unpack_tree(SEALED[:-40]).files[PROVENANCE]))
    (tmp_path / "key.pem").write_text(public_pem(KEY.public_key))
    (tmp_path / "pae").write_bytes(envelope.pae())
    signature = bytes.fromhex(next(iter(envelope.signatures.values())).signature)
    (tmp_path / "sig").write_bytes(signature)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "pae", "-sigfile", "sig"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    (tmp_path / "pae").write_bytes(envelope.pae() + b"!")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode != 0


@pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is not installed")
def test_tar_reads_a_capsule(write, tmp_path):
    names = subprocess.run(
        ["tar", "--zstd", "-tf", str(write(SEALED))], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "source/app/main.py" in names and MANIFEST in names


def test_statement_names_every_file_by_digest():
    files = unpack_tree(SEALED[:-40]).files
    payload = json.loads(Envelope.from_dict(json.loads(files[PROVENANCE])).payload)
    digests = {s["name"]: s["digest"]["sha256"] for s in payload["subject"]}
    assert digests == {p: hashlib.sha256(c).hexdigest() for p, c in files.items() if p != PROVENANCE}
    assert payload["_type"] == "https://in-toto.io/Statement/v1"
    assert payload["predicateType"] == "https://slsa.dev/provenance/v1"
    assert canonical(payload).decode() == Envelope.from_dict(json.loads(files[PROVENANCE])).payload.decode()


def test_the_key_is_made_once_even_by_many_at_once(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = {key.public_key.keyid for key in pool.map(signing_key, [tmp_path] * 24)}
    assert len(keys) == 1
    folder = tmp_path / "keys"
    assert sorted(p.name for p in folder.iterdir()) == ["signing.pem", "signing.pub.pem"]
    assert (folder / "signing.pem").stat().st_mode & 0o777 == 0o600
    assert read_public_key(folder / "signing.pub.pem").keyid in keys


def test_a_key_that_others_read_or_that_is_damaged_is_refused(tmp_path):
    assert public_key(tmp_path) is None
    signing_key(tmp_path)
    path = tmp_path / "keys/signing.pem"
    path.chmod(0o644)
    with pytest.raises(EnvironmentError_, match="others can read"):
        signing_key(tmp_path)
    path.chmod(0o600)
    path.write_text("nonsense")
    with pytest.raises(EnvironmentError_, match="damaged"):
        signing_key(tmp_path)
    with pytest.raises(UserError, match="public key"):
        read_public_key(path)
