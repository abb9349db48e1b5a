"""Where a run's time went, read from its events. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from quantumlayer.stores.values import Event


@dataclass(frozen=True)
class Span:
    """A stage. `begin` and `end` are seconds since the run was asked for; `status` is "running" while it has not ended."""

    stage: str
    begin: float
    end: float
    status: str

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.begin


@dataclass(frozen=True)
class Timing:
    """The last execution of a run, in seconds. `critical` are the stages that the end waited for, from the first to the last.

    `queued` is how long the run waited for its first stage, `idle` how long no stage ran between the first and the last.
    """

    run: str
    total: float
    queued: float
    idle: float
    spans: tuple[Span, ...]
    critical: tuple[str, ...]


def timing(run: str, events: Iterable[Event]) -> Timing:
    """The timing that the events tell; without any spans where no stage has started."""
    current: list[Event] = []
    for event in events:
        current = [event] if event.kind == "run_started" else [*current, event]
    if not current:
        return Timing(run, 0.0, 0.0, 0.0, (), ())
    start, last = current[0].at, current[-1].at
    spans = _spans(current, start, last)
    total = (last - start).total_seconds()
    queued = min((span.begin for span in spans), default=total)
    return Timing(run, total, queued, _idle(spans), spans, _critical(spans))


def _spans(events: list[Event], start: datetime, last: datetime) -> tuple[Span, ...]:
    begun = {e.data["stage"]: e.at for e in events if e.kind == "stage_started"}
    ended = {e.data["stage"]: e for e in events if e.kind == "stage_finished" and e.data["stage"] in begun}
    spans = [
        Span(
            stage=stage,
            begin=(at - start).total_seconds(),
            end=((ended[stage].at if stage in ended else last) - start).total_seconds(),
            status=ended[stage].data["status"] if stage in ended else "running",
        )
        for stage, at in begun.items()
    ]
    return tuple(sorted(spans, key=lambda span: (span.begin, span.end)))


def _idle(spans: tuple[Span, ...]) -> float:
    idle, until = 0.0, spans[0].begin if spans else 0.0
    for span in spans:
        idle += max(0.0, span.begin - until)
        until = max(until, span.end)
    return idle


def _critical(spans: tuple[Span, ...]) -> tuple[str, ...]:
    """Backwards from the stage that ended last: before each comes the one that ended last before it began."""
    path: list[Span] = []
    span = max(spans, key=lambda s: s.end, default=None)
    while span is not None:
        path.append(span)
        before = [s for s in spans if s.end <= path[-1].begin and s not in path]
        span = max(before, key=lambda s: s.end, default=None)
    return tuple(s.stage for s in reversed(path))
