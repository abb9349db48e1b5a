"""What the API takes and gives, with an example of each."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from quantumlayer.delivery.values import Preview
from quantumlayer.pipeline.approval.values import LEAST_PATIENCE, MOST_PATIENCE, PATIENCE
from quantumlayer.pipeline.values import Problem, Report, StageReport
from quantumlayer.ports.store import Drop, RunStatus
from quantumlayer.request.values import MAX_TEXT, FileKind
from quantumlayer.stores.pages import RunLine

RUN = "20260301-120000-0a1b2c3d4e"
DROP = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
PREVIEW = "k5vj3mq2w7x4n6p8r1s9t2u5v8y3z6a2"
PROMPT = "A to-do API: tasks have a title, a due date and a done flag. List tasks filtered by done."
SPEC = """name: todo
requirements:
  R1: Tasks have a title.
entities:
  task:
    plural: tasks
    fields:
      title: string
    operations: {create: {}, read: {}, list: {}, update: {}, delete: {}}
    satisfies: R1
"""
AT = "2026-03-01T12:00:00Z"
WEEK = 7 * 24 * 3600
DROP_EXAMPLE: dict[str, Any] = {
    "id": DROP,
    "run": RUN,
    "stage": "code",
    "kind": "source",
    "version": 1,
    "parents": [],
    "created_at": AT,
    "producer": {"component": "code", "version": "0.2.0", "blueprint": "python/fastapi"},
    "size": 20480,
    "media_type": "application/vnd.quantumlayer.tree+tar+zstd",
    "metadata": {},
}


def _example(value: dict[str, Any], **config: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value]}, **config)


class GivenFile(BaseModel):
    """A file that belongs to the request. Without `kind` it is told by name and content."""

    model_config = _example({"name": "schema.sql", "text": "CREATE TABLE task (id int, title text);"}, extra="forbid")
    name: str = Field(min_length=1, max_length=255)
    text: str
    kind: FileKind | None = None


class GivenImage(BaseModel):
    """A picture of what to build as base64: PNG, JPEG, WebP or GIF."""

    model_config = _example({"name": "board.png", "data": "iVBORw0KGgo="}, extra="forbid")
    name: str = Field(min_length=1, max_length=255)
    data: Base64Bytes


class NewRun(BaseModel):
    """What to build: text, files, pictures. `ttl` is how long the preview lives, `answer_within` how long an `interactive` run
    waits for each decision (`/runs/RUN/awaited`), in seconds.
    """

    model_config = _example({"text": PROMPT, "stack": "python/fastapi", "preview": True, "ttl": 3600}, extra="forbid")
    text: str = Field("", max_length=MAX_TEXT)
    files: list[GivenFile] = Field([], max_length=50)
    images: list[GivenImage] = Field([], max_length=8)
    stack: str | None = Field(None, max_length=100)
    author: Literal["auto", "blueprint", "model"] | None = None
    model: str | None = Field(None, max_length=200)
    preview: bool = True
    ttl: int = Field(3600, ge=1, le=WEEK)
    interactive: bool = False
    answer_within: int = Field(PATIENCE, ge=LEAST_PATIENCE, le=MOST_PATIENCE)


class RunView(BaseModel):
    """A run. `stages` grows while it runs; `report` is there once it has ended, and `problem` where an error ended it."""

    model_config = _example(
        {
            "id": RUN,
            "status": "running",
            "title": PROMPT,
            "stack": "python/fastapi",
            "execution": 1,
            "created_at": AT,
            "finished_at": None,
            "stages": [{"name": "enhance", "status": "passed", "seconds": 0.02, "drop": DROP, "reason": ""}],
            "running": ["frd"],
            "report": None,
            "problem": None,
            "reasons": {},
        }
    )
    id: str
    status: RunStatus
    title: str
    stack: str
    execution: int
    created_at: datetime
    finished_at: datetime | None = None
    stages: list[StageReport] = []
    running: list[str] = []
    report: Report | None = None
    problem: Problem | None = None
    reasons: dict[str, str] = {}


class RunList(BaseModel):
    """A page. `next` is the cursor of the page after it, null on the last one; `total` counts all pages."""

    model_config = _example(
        {
            "items": [
                {
                    "id": RUN,
                    "status": "verified",
                    "title": PROMPT,
                    "stack": "python/fastapi",
                    "execution": 1,
                    "created_at": AT,
                    "finished_at": AT,
                }
            ],
            "total": 1,
            "next": None,
        }
    )
    items: list[RunLine]
    total: int
    next: str | None = None


class Rollback(BaseModel):
    """The drop that becomes current again."""

    model_config = _example({"drop": DROP}, extra="forbid")
    drop: str = Field(pattern="^[0-9a-f]{64}$")


class EventView(BaseModel):
    """Something that happened in a run. Numbers count from 1 without gaps."""

    model_config = _example(
        {"run": RUN, "number": 3, "at": AT, "kind": "stage_started", "data": {"stage": "frd"}}, extra="allow"
    )
    run: str
    number: int
    at: datetime
    kind: str
    data: dict[str, Any]


class EventList(BaseModel):
    """Events in order; `end` says that the run has ended and nothing follows these."""

    items: list[EventView]
    end: bool


class DropList(BaseModel):
    """The drops of a run in the order in which they were made."""

    items: list[Drop]
    total: int


class DropFile(BaseModel):
    """A file of a tree."""

    model_config = _example({"path": "app/main.py", "size": 1200})
    path: str
    size: int


class DropFiles(BaseModel):
    """The files of a tree by path."""

    items: list[DropFile]
    total: int


class FileDiff(BaseModel):
    """How one file changed. `diff` is in the unified format; empty `change` "binary" means bytes that are no text."""

    model_config = _example({"path": "app/main.py", "change": "changed", "diff": "--- a/app/main.py\n+++ b/app/main.py\n"})
    path: str
    change: Literal["added", "removed", "changed", "binary"]
    diff: str


class DropDiff(BaseModel):
    """What changed from one drop to another."""

    items: list[FileDiff]
    total: int


class SpecSummary(BaseModel):
    """A specification that holds together."""

    model_config = _example(
        {"name": "todo", "entities": ["task"], "routes": [{"method": "GET", "path": "/tasks"}], "requirements": 4}
    )
    name: str
    entities: list[str]
    routes: list[dict[str, str]]
    requirements: int


class MockCall(BaseModel):
    """A request to the application that the specification describes."""

    model_config = _example({"method": "POST", "path": "/tasks", "body": {"title": "Buy milk"}}, extra="forbid")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str = Field(min_length=1, max_length=2000, pattern="^/")
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: Any = None


class MockRequest(BaseModel):
    """A specification (YAML or JSON text) and calls that a fresh application answers one after the other."""

    model_config = _example(
        {"spec": SPEC, "calls": [{"method": "POST", "path": "/tasks", "body": {"title": "Buy milk"}}]}, extra="forbid"
    )
    spec: str = Field(min_length=1)
    calls: list[MockCall] = Field(min_length=1, max_length=200)


class MockAnswer(BaseModel):
    """What a correct application answers."""

    model_config = _example({"status": 201, "headers": {}, "body": {"id": 1, "title": "Buy milk"}})
    status: int
    headers: dict[str, str]
    body: Any = None


class MockAnswers(BaseModel):
    """One answer for each call."""

    items: list[MockAnswer]


class Judge(BaseModel):
    """What to hold against what. `url` is a live preview of ours or an address that the operator allowed."""

    model_config = _example(
        {"spec": SPEC, "url": f"http://{PREVIEW}.preview.localhost:8088/", "thorough": False, "seed": 0}, extra="forbid"
    )
    spec: str = Field(min_length=1)
    url: str = Field(min_length=1, max_length=2000)
    admin: str | None = Field(None, max_length=500, description="IDENTIFIER:PASSWORD of its administrator.")
    thorough: bool = False
    seed: int = Field(0, ge=0, le=2**31)


class Judgement(BaseModel):
    """How the application did: each requirement, and each check behind it."""

    model_config = _example(
        {
            "status": "verified",
            "requirements": [{"id": "R1", "text": "Tasks have a title.", "status": "met", "reason": "", "evidence": []}],
            "checks": [{"id": "contract:health", "title": "The application answers", "status": "passed"}],
        }
    )
    status: Literal["verified", "partial", "failed"]
    requirements: list[dict[str, Any]]
    checks: list[dict[str, Any]]


class Administrator(BaseModel):
    """The first administrator of an application that has roles."""

    identifier: str
    password: str


class PreviewView(BaseModel):
    """A running application. `url` is null until the proxy took it on; `message` explains "failed"."""

    model_config = _example(
        {
            "id": PREVIEW,
            "run": RUN,
            "state": "ready",
            "url": f"http://{PREVIEW}.preview.localhost:8088/",
            "created_at": AT,
            "expires_at": "2026-03-01T13:00:00Z",
            "requests": 12,
            "last_request_at": AT,
            "message": "",
            "administrator": None,
        }
    )
    id: str
    run: str
    state: str
    url: str | None = None
    created_at: datetime
    expires_at: datetime
    requests: int
    last_request_at: datetime | None = None
    message: str = ""
    administrator: Administrator | None = None


class PreviewList(BaseModel):
    """Previews, newest first."""

    items: list[PreviewView]
    total: int


class NewPreview(BaseModel):
    """Run the application of this run's capsule for `ttl` seconds."""

    model_config = _example({"run": RUN, "ttl": 3600}, extra="forbid")
    run: str = Field(min_length=1, max_length=128)
    ttl: int = Field(3600, ge=1, le=WEEK)


class Extension(BaseModel):
    """How long the preview lives from now on, in seconds."""

    model_config = _example({"ttl": 7200}, extra="forbid")
    ttl: int = Field(ge=1, le=WEEK)


class StackView(BaseModel):
    """A stack. `reason` and `mend` say why this machine cannot verify it."""

    model_config = _example(
        {
            "id": "python/fastapi",
            "title": "FastAPI",
            "version": "1.0.0",
            "provides": ["http-api"],
            "toolchain": "3.11.7",
            "verifiable": True,
            "reason": "",
            "mend": "",
        },
        from_attributes=True,
    )
    id: str
    title: str
    version: str
    provides: list[str]
    toolchain: str
    verifiable: bool
    reason: str = ""
    mend: str = ""


class StackList(BaseModel):
    """Every stack, sorted by id."""

    items: list[StackView]
    total: int


class Health(BaseModel):
    """Whether the server lives, or is ready: then every part that it needs is "ok", or says what is wrong."""

    model_config = _example({"status": "ok", "parts": {"database": "ok", "temporal": "ok"}})
    status: Literal["ok", "unavailable"]
    parts: dict[str, str] = {}


class Version(BaseModel):
    """Which release answers, and which versions of the API it serves."""

    model_config = _example({"version": "0.2.0", "api": ["v1"]})
    version: str
    api: list[str]


def preview_view(preview: Preview) -> PreviewView:
    """The preview as its owner sees it: with the administrator's password, which opens nothing but this preview."""
    environment = preview.environment
    return PreviewView(
        id=preview.id,
        run=preview.run,
        state=preview.state if preview.live or preview.state == "revoked" else "expired",
        url=preview.url,
        created_at=preview.created_at,
        expires_at=preview.expires_at,
        requests=preview.requests,
        last_request_at=preview.last_request_at,
        message=preview.message,
        administrator=Administrator(identifier=environment["ADMIN_IDENTIFIER"], password=environment["ADMIN_PASSWORD"])
        if "ADMIN_PASSWORD" in environment
        else None,
    )
