"""What Prometheus reads: derived from the database that all parts share, so that it holds for every worker on every machine."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from quantumlayer.delivery.registry import Registry
from quantumlayer.delivery.values import LIVE, PreviewState
from quantumlayer.server.api.feeds import Feeds
from quantumlayer.server.api.model_metrics import ModelCalls
from quantumlayer.stores.pages import Ended, Pages
from quantumlayer.stores.spending import SqlBook

PREFIX = "/api/v1"
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATUSES = ("running", "verified", "partial", "failed", "cancelled")
PREVIEW_STATES = get_args(PreviewState)
RUN_BUCKETS = (5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800, 3600)
STAGE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 900)
QUEUE_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)
# Writers' clocks differ and commits come late: what ended shortly before the last look is looked at again.
OVERLAP = timedelta(seconds=60)


class Metrics:
    """Counts what has ended since this server started; gauges tell the present."""

    def __init__(self, pages: Pages, previews: Registry, feeds: Feeds, book: SqlBook) -> None:
        self._pages, self._previews, self._feeds, self._book = pages, previews, feeds, book
        self._since = self._started = datetime.now(UTC)
        self._counted: dict[tuple[str, int], datetime] = {}
        self.registry = registry = CollectorRegistry()
        self.run_seconds = Histogram(
            "ql_run_seconds", "From the start of a run to its end.", ["status", "stack"], buckets=RUN_BUCKETS, registry=registry
        )
        self.queue_seconds = Histogram(
            "ql_run_queue_seconds", "From asking for a run to its first stage.", buckets=QUEUE_BUCKETS, registry=registry
        )
        self.stage_seconds = Histogram(
            "ql_stage_seconds", "Duration of stages.", ["stage", "status"], buckets=STAGE_BUCKETS, registry=registry
        )
        self.sandbox_failures = Counter(
            "ql_sandbox_failures", "Commands that a sandbox ended or could not run.", ["outcome"], registry=registry
        )
        self.model_calls = ModelCalls()
        registry.register(self.model_calls)
        self.runs = Gauge("ql_runs", "Runs by status.", ["status"], registry=registry)
        self.waiting = Gauge("ql_runs_waiting", "Runs of which no stage has begun: the depth of the queue.", registry=registry)
        self.previews = Gauge("ql_previews", "Previews by state.", ["state"], registry=registry)
        self.listeners = Gauge("ql_event_listeners", "Who follows events now.", registry=registry)
        self.requests = Histogram(
            "ql_api_request_seconds", "Requests to this API.", ["method", "route", "status"], registry=registry
        )

    async def text(self) -> bytes:
        """All of it in Prometheus's text format. Raises `EnvironmentError_` when the database does not answer."""
        await self._count_ended()
        statuses = await self._pages.statuses()
        for status in STATUSES:
            self.runs.labels(status).set(statuses.get(status, 0))
        self.waiting.set(await self._pages.waiting())
        states = [preview.state if preview.live else "expired" for preview in await self._previews.all(*LIVE)]
        for state in PREVIEW_STATES[:3]:
            self.previews.labels(state).set(states.count(state))
        self.listeners.set(self._feeds.listeners)
        self.model_calls.totals = await self._book.totals()
        return generate_latest(self.registry)

    def count_request(self, scope: Mapping[str, Any], status: int, began: float) -> None:
        """One request, by its route and not by its path, of which there are endless ones."""
        route = getattr(scope.get("route"), "path", None)
        # The framework tells the path within the router only.
        whole = "none" if route is None else f"{PREFIX}{route}" if scope["path"].startswith(PREFIX) else route
        self.requests.labels(scope["method"], whole, str(status)).observe(time.perf_counter() - began)

    async def _count_ended(self) -> None:
        now = datetime.now(UTC)
        for ended in await self._pages.ended_since(max(self._started, self._since - OVERLAP)):
            if (ended.run, ended.execution) not in self._counted:
                self._counted[ended.run, ended.execution] = now
                self._count(ended)
        self._since = now
        kept = now - 3 * OVERLAP
        self._counted = {key: at for key, at in self._counted.items() if at > kept}

    def _count(self, ended: Ended) -> None:
        self.run_seconds.labels(ended.status, ended.stack).observe(ended.seconds)
        for stage in ended.stages:
            if stage["status"] in ("passed", "failed"):
                self.stage_seconds.labels(stage["name"], stage["status"]).observe(stage["seconds"])
        if ended.queued is not None:
            self.queue_seconds.observe(ended.queued)
        for outcome in ended.sandbox_failures:
            self.sandbox_failures.labels(outcome).inc()
