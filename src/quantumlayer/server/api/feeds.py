"""Live events: one look at the database for all listeners of all runs, and nothing that a slow listener could fill up."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from quantumlayer.errors import QuantumLayerError
from quantumlayer.stores.pages import Pages
from quantumlayer.stores.values import Event

log = logging.getLogger("quantumlayer.api")
POLL_SECONDS = 0.1
RECENT = 500
PAGE = 200
RUNS_AT_ONCE = 200


@dataclass(frozen=True)
class Told:
    """An event as it goes over the wire, written down once for all listeners."""

    number: int
    kind: str
    json: str


@dataclass
class Feed:
    """A run that somebody listens to. `recent` are the last events, `end` that the run has ended and all of it is known."""

    run: str
    last: int = 0
    end: bool = False
    recent: deque[Told] = field(default_factory=lambda: deque(maxlen=RECENT))
    listeners: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, told: Sequence[Told], end: bool) -> None:
        """New events in order; wakes everybody who waits."""
        self.recent.extend(told)
        self.last = max(self.last, told[-1].number if told else 0)
        if told or end != self.end:
            self.end = end
            self.news.set()
            self.news = asyncio.Event()

    def after(self, number: int) -> list[Told] | None:
        """At most a page of those above the number; None where the memory does not reach back so far."""
        if number >= self.last:
            return []
        if not self.recent or self.recent[0].number > number + 1:
            return None
        skipped = number + 1 - self.recent[0].number
        return [self.recent[i] for i in range(skipped, min(len(self.recent), skipped + PAGE))]


class Feeds:
    """The feeds of all runs that somebody listens to. Each listener holds its own place and one page at most."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._feeds: dict[str, Feed] = {}
        self._watching: asyncio.Task[None] | None = None

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return sum(feed.listeners for feed in self._feeds.values())

    async def listen(self, run: str, after: int = 0) -> AsyncGenerator[list[Told], None]:
        """The run's events above the number, in order and page by page, until the run has ended and all were given."""
        with self._joined(run) as feed:
            while True:
                news, ended = feed.news, feed.end
                page = feed.after(after)
                if page is None or feed.last == 0:
                    page = await self._stored(run, after)
                if page:
                    after = page[-1].number
                    yield page
                elif ended and after >= feed.last:
                    return
                else:
                    await news.wait()

    async def close(self) -> None:
        """Stops watching."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    @contextlib.contextmanager
    def _joined(self, run: str):
        feed = self._feeds.setdefault(run, Feed(run))
        feed.listeners += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            yield feed
        finally:
            feed.listeners -= 1
            if not feed.listeners:
                del self._feeds[run]

    async def _watch(self) -> None:
        while self._feeds:
            try:
                open_feeds = list(self._feeds.values())
                for start in range(0, len(open_feeds), RUNS_AT_ONCE):
                    await self._look(open_feeds[start : start + RUNS_AT_ONCE])
            except QuantumLayerError as error:
                log.warning("events cannot be read, trying again: %s", error.message)
            await asyncio.sleep(POLL_SECONDS)

    async def _look(self, feeds: Sequence[Feed]) -> None:
        # The end is read first: what was written before the end is then certainly among the events.
        running = await self._pages.running([feed.run for feed in feeds])
        found = await self._pages.events({feed.run: feed.last for feed in feeds}, PAGE * len(feeds))
        whole = len(found) < PAGE * len(feeds)
        by_run: dict[str, list[Told]] = {}
        for event in found:
            by_run.setdefault(event.run, []).append(told(event))
        for feed in feeds:
            feed.take(by_run.get(feed.run, []), whole and feed.run not in running)

    async def _stored(self, run: str, after: int) -> list[Told]:
        return [told(event) for event in await self._pages.events({run: after}, PAGE)]


def told(event: Event) -> Told:
    """The event, written down."""
    return Told(event.number, event.kind, event.model_dump_json())
