"""The application and the reference model, driven with the same requests and compared after each."""

import re
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from quantumlayer.evidence.judge.compare import Comparison, seconds
from quantumlayer.evidence.judge.identities import Identities
from quantumlayer.evidence.judge.transport import Answer, Call, Connection, at_once
from quantumlayer.plan.placeholders import mark
from quantumlayer.plan.route_matching import route_of
from quantumlayer.plan.scenario import Step
from quantumlayer.plan.session import Session
from quantumlayer.plan.shapes import Shapes
from quantumlayer.spec.http import HttpRequest, HttpResponse
from quantumlayer.spec.model import ReferenceModel
from quantumlayer.spec.routes import Route, routes
from quantumlayer.spec.values import Spec

MODEL_ADMIN = ("root@example.com", "Root-Passw0rd")


_CLOCK = re.compile(r"\b(now|today)\b")


@dataclass
class JudgeClock:
    """The model's clock: real time plus the application's offset, held still during a request."""

    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Pair:
    """The two sides of one conversation."""

    model: Session
    app: Session

    def copy(self) -> "Pair":
        """Independent of this one."""
        return Pair(self.model.copy(), self.app.copy())


@dataclass(frozen=True)
class Exchange:
    """One step as it went: what both answered and how they differ. `text` is the step as a person reads it."""

    step: Step
    route: Route | None
    expected: HttpResponse
    got: Answer
    differences: tuple[str, ...]
    text: str


class Lockstep:
    """`offset` seconds are added to the clock. `exchanges` counts the requests sent to the application."""

    def __init__(self, spec: Spec, url: str, admin: tuple[str, str] | None, *, offset: int = 0, partial: bool = False) -> None:
        self.spec, self.routes = spec, routes(spec)
        self.shapes = Shapes(spec)
        self.admin = admin or (MODEL_ADMIN if spec.roles else None)
        self.offset, self.exchanges = offset, 0
        self.connection = Connection(url)
        self.url = url
        self.clock = JudgeClock()
        self._moment()
        self.partial = partial
        self._timed = _CLOCK.search(spec.model_dump_json()) is not None
        self.forget()

    def forget(self) -> None:
        """Starts from an empty model, for an application with an empty database."""
        self.model = ReferenceModel(self.spec, self.clock, admin=self.admin)
        self.comparison = Comparison(self.shapes, Identities(self._alive), partial=self.partial)
        if self.admin:
            self.comparison.secrets.add(self.admin[1])

    def _alive(self, kind: str, row: object) -> bool:
        return kind not in self.spec.entities or self.model.has(kind, row)

    def moved(self, url: str, offset: int) -> None:
        """The application now answers at another address or with another clock."""
        self.connection.close()
        self.connection, self.url, self.offset = Connection(url), url, offset

    def pair(self) -> Pair:
        """A new conversation, starting now."""
        start = (datetime.now(UTC) + timedelta(seconds=self.offset)).replace(microsecond=0)
        return Pair(Session(start), Session(start))

    def _moment(self, at: float | None = None) -> None:
        moment = datetime.fromtimestamp(at if at is not None else time.time(), UTC) + timedelta(seconds=self.offset)
        self.clock.moment = moment

    def take(self, pair: Pair, step: Step) -> Exchange:
        """The step on both sides. The model's clock is the time of sending, or of receiving where that explains the answer."""
        if step.parallel > 1:
            return self._together(pair, step)
        request, call = pair.model.request(step), as_call(pair.app.request(step), step)
        route = route_of(self.routes, request.method, request.path)
        self._note(step.body, pair.app.start)
        before = self.model.copy() if self._timed and step.method != "GET" else None
        got = self.connection.send(call)
        self.exchanges += 1
        self._moment(got.sent)
        expected = self.model.handle(request)
        differences = self.comparison.differences(route, expected, got)
        if differences and self._timed:
            later = before or self.model
            self._moment(got.received)
            second = later.handle(request)
            if not self.comparison.differences(route, second, got):
                self.model, expected, differences = later, second, []
        if expected.status < 400 and got.status == expected.status:
            pair.model.learn(step, expected.body)
            pair.app.learn(step, got.body)
        return Exchange(step, route, expected, got, tuple(differences), told(call, step, got))

    def _together(self, pair: Pair, step: Step) -> Exchange:
        """All calls of the step at the same time. The model takes those first that the application accepted, in its order."""
        requests = [pair.model.request(call) for call in step.calls]
        calls = [as_call(pair.app.request(call), call) for call in step.calls]
        route = route_of(self.routes, requests[0].method, requests[0].path)
        for call in step.calls:
            self._note(call.body, pair.app.start)
        sent = at_once(self.url, calls)
        self.exchanges += step.parallel
        order = sorted(range(step.parallel), key=lambda i: (sent[i].status >= 400, _id_order(sent[i])))
        answers, expected = [sent[i] for i in order], []
        for number, index in enumerate(order):
            self._moment(max(a.received for a in answers) + number / 1000)
            expected.append(self.model.handle(requests[index]))
        wanted, seen = sorted(e.status for e in expected), sorted(a.status for a in answers)
        differences = []
        if wanted != seen:
            broken = next((f": {a.broken}" for a in answers if a.broken), "")
            differences.append(f"expected the statuses {counted(wanted)}, got {counted(seen)}{broken}")
        else:
            differences += self._paired(route, expected, answers)
        shown = "at once, each with another body" if step.variants else "at once"
        text = f"{told(calls[0], step, None)} × {step.parallel} {shown} → {counted(seen)}"
        return Exchange(step, route, expected[-1], answers[-1], tuple(differences), text)

    def _paired(self, route: Route | None, expected: list[HttpResponse], answers: Any) -> list[str]:
        good = [e for e in expected if e.status < 400]
        mine = sorted((a for a in answers if a.status < 400), key=_id_order)
        if len(good) == 1:
            return self.comparison.differences(route, good[0], mine[0])
        kind = route.entity if route and route.kind == "create" else None
        for one, other in zip(good, mine, strict=True):
            if kind and isinstance(one.body, dict) and isinstance(other.body, dict):
                self.comparison.identities.bind(kind, one.body["id"], other.body.get("id"))
        refused = [e for e in expected if e.status >= 400]
        bad = [a for a in answers if a.status >= 400]
        found = [self.comparison.differences(route, replace(refused[0], status=a.status), a) for a in bad] if refused else []
        return [d for group in found for d in group][:1]

    def _note(self, body: Any, start: datetime) -> None:
        """Remembers the instants that were sent (they must come back exactly) and the passwords (they must not come back)."""
        if isinstance(body, dict):
            for key, value in body.items():
                if key == "password" and isinstance(value, str) and len(value) >= 8:
                    self.comparison.secrets.add(value)
                elif isinstance(value, str) and "T" in value and (instant := seconds(value)) is not None:
                    self.comparison.sent_instants.add(round(instant, 3))
                elif isinstance(value, dict) and mark(value) == "$now":
                    self.comparison.sent_instants.add(round(start.timestamp() + value["$now"], 3))


def as_call(request: HttpRequest, step: Step) -> Call:
    """The request as it goes over the wire; a call with no body at all sends none."""
    body = request.body or None
    return Call(request.method, quote(request.path, safe="/%:@!$&'()*+,;=~-._"), request.query, request.headers, body)


def told(call: Call, step: Step, got: Answer | None) -> str:
    """The call as a person reads it."""
    who = f" as {step.actor}" if step.actor else ""
    body = call.body.decode(errors="replace") if call.body else ""
    if len(body) > 300:
        body = body[:297] + "…"
    wait = f"[{step.advance} s later] " if step.advance else ""
    answer = f" → {got.status or got.broken}" if got else ""
    return f"{wait}{call.method} {call.target}{who}{' ' + body if body else ''}{answer}"


def counted(statuses: list[int]) -> str:
    """`1 × 201, 7 × 409`."""
    return ", ".join(f"{statuses.count(s)} × {s or 'no answer'}" for s in sorted(set(statuses)))


def _id_order(answer: Answer) -> Any:
    identity = answer.body.get("id") if isinstance(answer.body, dict) else None
    return (not isinstance(identity, int), identity if isinstance(identity, int) else str(identity))
