"""Runs that wait for a person: what is awaited, and the decision."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from quantumlayer.pipeline.approval.decide import awaited, decide, document_text
from quantumlayer.pipeline.approval.values import Act, Awaited, Reply
from quantumlayer.server.api.answers import answer
from quantumlayer.server.api.guard import Caller
from quantumlayer.server.api.office import JSON_ONLY, Office, RunId, TheCaller, TheOffice, refusals
from quantumlayer.server.api.problems import Refused
from quantumlayer.spec.questions import Question

router = APIRouter(prefix="/runs", tags=["runs"])
ACTS: dict[str, Act] = {"answer": "answered", "edit": "edited", "approve": "approved", "reject": "rejected"}
_DROP = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_QUESTION = {
    "id": "Q1",
    "text": "R2 and R3 contradict each other (at most 3 and at most 5 books). Which one holds? Now the first one is built.",
    "reason": "",
    "about": ["R2", "R3"],
    "restates": False,
}


class AwaitedView(BaseModel):
    """A document that waits for a decision; all members are null where none does. `text` is its form to edit, as YAML."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "document": "frd",
                    "drop": _DROP,
                    "questions": [_QUESTION],
                    "until": "2026-03-01T13:00:00Z",
                    "text": "name: Library\nrequirements:\n  R1: Books have a title.\n",
                }
            ]
        }
    )
    document: Literal["frd", "spec"] | None = None
    drop: str | None = None
    questions: tuple[Question, ...] = ()
    until: str | None = None
    text: str | None = None


class NewDecision(BaseModel):
    """What to do with the document `drop`, which must be the one that waits. `answers` by question id go with `answer`, the
    whole `text` with `edit`, a `reason` with `reject`.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"act": "answer", "drop": _DROP, "answers": {"Q1": "R3"}}]},
    )
    act: Literal["answer", "edit", "approve", "reject"]
    drop: str = Field(pattern="^[0-9a-f]{64}$")
    answers: dict[str, Annotated[str, StringConstraints(max_length=2000)]] = Field({}, max_length=200)
    text: str | None = Field(None, max_length=400_000)
    reason: str = Field("", max_length=2000)


@router.get("/{run_id}/awaited", response_model=AwaitedView, responses=refusals(404))
async def show_awaited(request: Request, run_id: RunId, office: TheOffice, caller: TheCaller) -> Response:
    """The document that waits for a person, with its open questions."""
    run = await office.run(run_id, caller.owner)
    return answer(request, await _view(office, await awaited(office.runs, run)))


@router.post(
    "/{run_id}/decisions",
    response_model=AwaitedView,
    responses=refusals(400, 404, 409, 413, 415),
    dependencies=[JSON_ONLY],
)
async def decide_run(request: Request, run_id: RunId, wanted: NewDecision, office: TheOffice, caller: TheCaller) -> Response:
    """Answers questions, or edits, approves or rejects the document that waits. The answer is what waits thereafter."""
    run = await office.run(run_id, caller.owner)
    waits = await awaited(office.runs, run)
    if waits is None:
        raise Refused(409, f"the run {run.id} waits for nobody", f"see how it goes: GET /api/v1/runs/{run.id}")
    if waits.drop != wanted.drop:
        raise Refused(409, "the document was changed meanwhile", f"look at it again: GET /api/v1/runs/{run.id}/awaited")
    reply = _reply(wanted)
    client = await office.temporal.client()
    after = await decide(office.runs, client, run, waits, ACTS[wanted.act], _by(caller), reply)
    return answer(request, await _view(office, after))


def _reply(wanted: NewDecision) -> Reply | None:
    """What goes with the act, and nothing else. Raises `Refused` with 422."""
    belongs = {"answer": "answers", "edit": "text", "reject": "reason"}.get(wanted.act)
    given = {name: value for name in ("answers", "text", "reason") if (value := getattr(wanted, name))}
    if odd := given.keys() - {belongs}:
        raise Refused(422, f"{min(odd)} does not go with {wanted.act}", "leave it out")
    if wanted.act in ("answer", "edit") and not given:
        raise Refused(422, f"{belongs} is missing", f"send {belongs} with {wanted.act}")
    return Reply.model_validate(given) if given else None


def _by(caller: Caller) -> str:
    return f"{caller.owner.creator} ({caller.id})"


async def _view(office: Office, waits: Awaited | None) -> AwaitedView:
    if waits is None:
        return AwaitedView()
    data: dict[str, Any] = waits.model_dump(mode="json")
    return AwaitedView.model_validate(data | {"text": await document_text(office.runs, waits)})
