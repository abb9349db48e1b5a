"""`ql pending`, `ql answer`, `ql edit`, `ql approve`, `ql reject`: decisions on runs that wait for a person."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.follow import Desk, open_desk
from quantumlayer.cli.inputs import read_text
from quantumlayer.cli.runs import Json, RunId
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.errors import UserError
from quantumlayer.pipeline.approval.decide import awaited, decide, document_text, waiting
from quantumlayer.pipeline.approval.values import Act, Awaited, Reply
from quantumlayer.pipeline.client import connect
from quantumlayer.server.service import ensure_service
from quantumlayer.stores.values import Run

By = Annotated[str | None, typer.Option(help="Whose decision it is, for the audit trail; else the user of this machine.")]
Of = Annotated[str | None, typer.Option("--drop", help="Only if this document (the beginning of its digest) waits.")]


def pending(
    run_id: Annotated[str | None, typer.Argument(metavar="RUN", help="The id of a run; all that wait, without.")] = None,
    document: Annotated[bool, typer.Option("--document", help="Print the document that waits, in the form to edit.")] = False,
    json: Json = False,
) -> None:
    """Show what waits for a person: questions, and documents to be approved."""
    if run_id is None:
        found = run(_all())
        if json:
            print_data([{"run_id": one.id} | waits.model_dump(mode="json") for one, waits in found])
            return
        rows = [(one.id, w.document, f"{len(w.questions)}", f"{w.until:%Y-%m-%d %H:%M:%S}", one.title) for one, w in found]
        print_table(("run", "waits", "questions", "until (UTC)", "request"), rows, "no run waits for anybody")
        return
    one, waits, text = run(_one(run_id))
    if json:
        print_data({"run_id": one.id} | waits.model_dump(mode="json") | {"text": text})
    elif document:
        print(text, end="")
    else:
        print(shown(one, waits, text))


def answer(
    run_id: RunId,
    answers: Annotated[
        list[str],
        typer.Argument(metavar="Q1=TEXT", help="`keep` leaves it as it is, `drop` leaves an unclear requirement out."),
    ],
    by: By = None,
    drop: Of = None,
) -> None:
    """Answer open questions of a run; its requirements are drafted anew."""
    pairs = [text.partition("=") for text in answers]
    if odd := [key for key, equals, _ in pairs if not equals]:
        raise UserError(f"{odd[0]!r} is no answer", hint="write answers as Q1=TEXT")
    _decide(run_id, "answered", by, drop, Reply(answers={key.strip().upper(): value for key, _, value in pairs}))


def edit(
    run_id: RunId,
    file: Annotated[Path, typer.Argument(help="The document in the form of `ql pending RUN --document`; - is standard input.")],
    by: By = None,
    drop: Of = None,
) -> None:
    """Put another version of the document that waits in its place."""
    _decide(run_id, "edited", by, drop, Reply(text=read_text(file)))


def approve(run_id: RunId, by: By = None, drop: Of = None) -> None:
    """Approve the document that waits; the run goes on."""
    _decide(run_id, "approved", by, drop)


def reject(
    run_id: RunId,
    reason: Annotated[str, typer.Option(help="Why, for the audit trail.")] = "",
    by: By = None,
    drop: Of = None,
) -> None:
    """Reject the document that waits; the run ends."""
    _decide(run_id, "rejected", by, drop, Reply(reason=reason) if reason else None)


def user() -> str:
    """Who sits at this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "local"


def shown(one: Run, waits: Awaited, text: str) -> str:
    """What a person needs to decide."""
    lines = [
        f"{one.id} waits for a decision on its {waits.document} {waits.drop[:12]} until {waits.until:%Y-%m-%d %H:%M:%S} UTC"
    ]
    lines += ["", text.rstrip()]
    if waits.questions:
        lines += ["", *(f"{q.id}: {q.text}" + (f" ({q.reason})" if q.reason else "") for q in waits.questions)]
        lines += ["", f"answer with: ql answer {one.id} {waits.questions[0].id}=TEXT"]
    return "\n".join([*lines, f"then: ql approve {one.id}, or ql edit {one.id} FILE, or ql reject {one.id}"])


async def _all() -> list[tuple[Run, Awaited]]:
    desk = await open_desk()
    found = [(one, await awaited(desk.runs, one)) for one in await desk.metadata.unfinished()]
    return [(one, waits) for one, waits in found if waits is not None]


async def _one(run_id: str) -> tuple[Run, Awaited, str]:
    desk = await open_desk()
    found = await desk.runs.find(run_id)
    waits = await waiting(desk.runs, found)
    return found, waits, await document_text(desk.runs, waits)


def _decide(run_id: str, act: Act, by: str | None, drop: str | None, reply: Reply | None = None) -> None:
    found, before, after = run(_decided(run_id, act, (by or user()).strip()[:200] or user(), drop, reply))
    print(f"{act}: {before.document} {before.drop[:12]} of {found.id}")
    if after is not None:
        print(
            f"waits now: {after.document} {after.drop[:12]}, {len(after.questions)} open questions; see ql pending {found.id}"
        )


async def _decided(
    run_id: str, act: Act, by: str, drop: str | None, reply: Reply | None
) -> tuple[Run, Awaited, Awaited | None]:
    desk = await open_desk()
    found = await desk.runs.find(run_id)
    waits = await waiting(desk.runs, found)
    if drop is not None and not waits.drop.startswith(drop):
        raise UserError(f"not {drop} waits, but {waits.drop[:12]}", hint=f"look at it: ql pending {found.id}")
    return found, waits, await send(desk, found, waits, act, by, reply)


async def send(desk: Desk, one: Run, waits: Awaited, act: Act, by: str, reply: Reply | None = None) -> Awaited | None:
    """Carries the decision out with the service of this machine, started where it does not run."""
    service = await ensure_service(desk.home, busy=True)
    client = await connect(service.temporal)
    await desk.runs.start(client, one)
    return await decide(desk.runs, client, one, waits, act, by, reply)
