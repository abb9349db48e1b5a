"""The capsule's own values: what its manifest says, and what a verification found."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from quantumlayer.account.values import Used
from quantumlayer.evidence.values import RequirementResult

FORMAT = 1


class Value(BaseModel):
    """Frozen; unknown members are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BlueprintRef(Value):
    """Which blueprint rendered the sources. `digest` is the SHA-256 of its folder, in hex."""

    id: str
    version: str
    digest: str


class DropRef(Value):
    """One step of the lineage: a drop of the run and the drops it was made from."""

    id: str
    stage: str
    kind: str
    parents: tuple[str, ...] = ()


class FileEntry(Value):
    """One file of the capsule. `sha256` in hex, `size` in bytes."""

    path: str
    sha256: str
    size: int
    executable: bool = False


class SigningKey(Value):
    """The public half of the key that signed: raw Ed25519, 32 bytes in hex. `keyid` is derived from it."""

    keyid: str
    public: str
    algorithm: Literal["ed25519"] = "ed25519"


class Scores(Value):
    """See `quantumlayer.evidence.scores`; None where the evidence is missing."""

    qa: int | None = None
    security: str | None = None


class Facts(Value):
    """What the run knows of a capsule before it is sealed. `commands` are lists of argv by name, `lock_digest` is the SHA-256
    of the dependency lock; `usage` are the calls to models by stage, role and model, which took `cost_usd`.
    """

    name: str
    run: str
    status: Literal["verified", "partial"]
    stack: str
    author: Literal["blueprint", "auto", "model"]
    model: str | None = None
    spec_digest: str
    blueprint: BlueprintRef | None = None
    lock_digest: str | None = None
    commands: dict[str, tuple[tuple[str, ...], ...]] = {}
    requirements: tuple[RequirementResult, ...] = ()
    scores: Scores = Scores()
    coverage: float | None = None
    drops: tuple[DropRef, ...] = ()
    cost_usd: float | None = 0.0
    usage: tuple[Used, ...] = ()


class Manifest(Facts):
    """`manifest.json`. `files` lists everything besides it and the provenance; `source_digest` is that of `source/` alone."""

    format: Literal[1] = FORMAT
    producer: str
    source_digest: str
    signing_key: SigningKey
    files: tuple[FileEntry, ...]


class VerificationCheck(Value):
    """One thing that was checked; `message` says what was found."""

    name: str
    passed: bool
    message: str = ""


class Verification(Value):
    """What `verify` found: valid only when every check passed. `trusted`: signed by the key that the caller gave."""

    valid: bool
    checks: tuple[VerificationCheck, ...]
    keyid: str | None = None
    trusted: bool = False
    manifest: Manifest | None = None
