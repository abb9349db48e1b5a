"""What every activity does around its one function: announce itself, load drops, beat, store drops, report."""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from quantumlayer import __version__
from quantumlayer.account.values import Call
from quantumlayer.errors import BudgetExceeded, Bug, EnvironmentError_, QuantumLayerError, UserError
from quantumlayer.pipeline.codecs import decode, encode
from quantumlayer.pipeline.values import Outcome, Problem, StageStatus, Task
from quantumlayer.ports.store import Blobs, Drop, Producer
from quantumlayer.stores.digests import digest_of
from quantumlayer.stores.keep import keep_drop
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.values import EventKind
from quantumlayer.telemetry import logs

log = logging.getLogger("quantumlayer.pipeline")
BEAT_SECONDS = 0.4
FINISHED = "finished"
T = TypeVar("T")
_PRESENT: ContextVar["Desk | None"] = ContextVar("desk", default=None)


class NotRun(Exception):
    """The stage has nothing to do, or not what it needs; its text is the reason."""


@dataclass
class Desk:
    """One stage at work. `status` and `reason` are what the stage says of its result."""

    task: Task
    blobs: Blobs
    metadata: Metadata
    began: float = field(default_factory=time.monotonic)
    status: StageStatus = "passed"
    reason: str = ""
    drops: dict[str, str] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def has(self, kind: str) -> bool:
        """Whether an earlier stage made such a drop."""
        return kind in self.task.inputs

    async def load(self, kind: str, type_: type[T]) -> T:
        """The value of an earlier stage's drop. Raises `NotRun` when there is none."""
        if kind not in self.task.inputs:
            raise NotRun(f"there is no {kind.replace('_', ' ')} to work on")
        return await self.load_drop(self.task.inputs[kind], type_)

    async def load_drop(self, drop: str, type_: type[T]) -> T:
        """The value of that drop, from which everything that is saved hereafter is made."""
        value = await asyncio.to_thread(decode, await self.blobs.get(drop), type_)
        if drop not in self.used:
            self.used.append(drop)
        return value

    async def save(
        self, kind: str, value: object, *, blueprint: str | None = None, digest: str | None = None, **metadata: Any
    ) -> str:
        """Stores the value as a drop of this stage, made from all that was loaded so far."""
        content, media_type = await asyncio.to_thread(encode, value)
        order = self.task.order
        drop = Drop(
            id=await asyncio.to_thread(digest_of, content),
            run=order.run,
            stage=self.task.stage,
            kind=kind,
            version=0,
            parents=tuple(self.used),
            created_at=datetime.now(UTC),
            producer=Producer(
                component=self.task.stage,
                version=__version__,
                blueprint=blueprint,
                digest=digest,
                model=", ".join(self.models) or None,
            ),
            size=len(content),
            media_type=media_type,
            metadata=metadata,
        )
        await keep_drop(self.metadata, self.blobs, content, drop, order.owner)
        self.drops[kind] = drop.id
        return drop.id

    async def tell(self, key: str, kind: EventKind, data: dict[str, Any]) -> None:
        """Adds an event of this stage; the same key twice is one event."""
        await self.tell_all({key: data}, kind)

    async def tell_all(self, told: Mapping[str, dict[str, Any]], kind: EventKind) -> None:
        """Adds events of one kind at once, their data by their keys."""
        order = self.task.order
        keyed = {event_key(self.task, key): data for key, data in told.items()}
        await self.metadata.add_events(order.run, keyed, kind, order.owner)

    async def heard(self, call: Call) -> None:
        """A call to a model ended: it is told live, and whoever answered is named as a maker of this stage's drops."""
        if call.outcome == "answered" and call.model not in self.models:
            self.models.append(call.model)
        data = call.model_dump(mode="json", exclude={"run"})
        await self.tell(f"model/{call.at.isoformat()}/{self.next_number()}", "model_call", data)

    async def said(self, model: str, text: str) -> None:
        """A handful of what a model is saying, told live."""
        data = {"stage": self.task.stage, "model": model, "text": text}
        await self.tell(f"said/{self.began:.3f}/{self.next_number()}", "model_text", data)

    def logger(self) -> Callable[[str], None]:
        """A function that any thread may call with a line of text; each becomes an event."""
        loop, numbers = asyncio.get_running_loop(), itertools.count(1)

        def write(text: str) -> None:
            line = self.tell(f"log/{next(numbers)}", "log", {"stage": self.task.stage, "message": text})
            asyncio.run_coroutine_threadsafe(line, loop)

        return write

    def next_number(self) -> int:
        """1, 2, … for keys of events that come several times."""
        return next(self.numbers)

    def fail(self, reason: str) -> None:
        """The stage did its work, and what it looked at does not hold."""
        self.status, self.reason = "failed", reason

    def outcome(self) -> Outcome:
        """How it ended."""
        seconds = round(time.monotonic() - self.began, 3)
        return Outcome(stage=self.task.stage, status=self.status, seconds=seconds, drops=self.drops, reason=self.reason)


def event_key(task: Task, key: str) -> str:
    """Under which a stage tells an event of its present execution."""
    return f"{task.order.execution}/{task.stage}/{key}"


def present_desk() -> Desk | None:
    """The stage on whose behalf this task works."""
    return _PRESENT.get()


@contextlib.asynccontextmanager
async def at_desk(task: Task, blobs: Blobs, metadata: Metadata) -> AsyncIterator[Desk]:
    """Runs a stage's body: events before and after, heartbeats meanwhile, errors as typed failures that nobody retries."""
    async with beside_desk(task, blobs, metadata) as desk:
        await desk.tell("started", "stage_started", {"stage": task.stage})
        try:
            yield desk
        except NotRun as reason:
            desk.status, desk.reason = "not_run", str(reason)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            desk.status, desk.reason = "failed", problem_of(error).message
            await _tell_end(desk)
            raise
        await _tell_end(desk)


@contextlib.asynccontextmanager
async def beside_desk(task: Task, blobs: Blobs, metadata: Metadata) -> AsyncIterator[Desk]:
    """Runs what belongs to a stage but is not its one function, with heartbeats and typed failures, and tells nothing of it."""
    desk = Desk(task, blobs, metadata)
    _PRESENT.set(desk)
    with logs.about(run=task.order.run, stage=task.stage), typed_failures():
        async with heartbeats():
            yield desk


async def _tell_end(desk: Desk) -> None:
    await desk.tell(FINISHED, "stage_finished", desk.outcome().model_dump(mode="json"))


@contextlib.asynccontextmanager
async def heartbeats() -> AsyncIterator[None]:
    """Tells Temporal that the activity lives, which is also how a cancellation reaches it."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()


@contextlib.contextmanager
def typed_failures() -> Any:
    """Turns any exception into a failure with a `Problem` as its detail, which is not retried."""
    try:
        yield
    except asyncio.CancelledError:
        raise
    except Exception as error:
        _fail(error)


def _fail(error: Exception) -> NoReturn:
    problem = problem_of(error)
    if not isinstance(error, UserError):
        log.error("%s: %s", problem.type, problem.message, exc_info=error)
    raise ApplicationError(problem.message, problem.model_dump(), type=problem.type, non_retryable=True) from error


def problem_of(error: Exception) -> Problem:
    """The error as a value. One that is not ours is a bug, told with its type."""
    if isinstance(error, QuantumLayerError):
        family = next(c for c in (UserError, EnvironmentError_, Bug, BudgetExceeded, QuantumLayerError) if isinstance(error, c))
        return Problem(type=family.__name__, message=error.message, hint=error.hint, exit_code=error.exit_code)
    return Problem(
        type=type(error).__name__,
        message=f"internal error: {type(error).__name__}: {error}",
        hint="this is a bug in QuantumLayer; the worker's log holds the trace",
    )
