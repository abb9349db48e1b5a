"""How far a repair came, kept as drops, so that a killed worker's successor goes on from there and pays for nothing twice."""

from dataclasses import asdict

from quantumlayer.author.values import Failed, Progress, Trial
from quantumlayer.files.values import FileTree
from quantumlayer.pipeline.values import Value
from quantumlayer.pipeline.workbench import Desk
from quantumlayer.ports.llm import Answer

KIND, BEST = "attempts", "attempted"


class Tried(Value):
    """The best trial; `made` is the id of its tree."""

    made: str
    passed: tuple[str, ...]
    failed: tuple[Failed, ...]


class Kept(Value):
    """See `author.values.Progress`."""

    attempts: int
    best: Tried | None
    wrong: Failed | None
    answer: Answer | None
    seen: dict[str, int]
    models: list[str]
    tokens: int
    usd: float
    seconds: float


async def keep_progress(desk: Desk, progress: Progress[FileTree]) -> None:
    """Makes it what a later attempt of the stage starts from."""
    best = progress.best
    tried = None
    if best is not None:
        made = await desk.save(BEST, best.made)
        tried = Tried(made=made, passed=tuple(sorted(best.passed)), failed=best.failed)
    # asdict() would take the tree apart.
    facts = asdict(Progress(**{**vars(progress), "best": None})) | {"best": tried}
    await desk.save(KIND, Kept.model_validate(facts), execution=desk.task.order.execution)


async def kept_progress(desk: Desk) -> Progress[FileTree] | None:
    """What an attempt of this stage kept before its worker was lost; None for the first one of this execution."""
    run, execution = desk.task.order.run, desk.task.order.execution
    drops = [d for d in await desk.metadata.drops(run, current=True) if (d.stage, d.kind) == (desk.task.stage, KIND)]
    if not drops or drops[-1].metadata.get("execution") != execution:
        return None
    kept = await desk.load_drop(drops[-1].id, Kept)
    tried = kept.best
    best = tried and Trial(await desk.load_drop(tried.made, FileTree), frozenset(tried.passed), tried.failed)
    return Progress(**{**dict(kept), "best": best})
