"""The application and the reference model, driven with the same requests and compared after each."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from quantumlayer.evidence.judge.compare import Comparison, seconds
from quantumlayer.evidence.judge.identities import Identities
from quantumlayer.evidence.judge.transport import Answer, Call, Connection, at_once
from quantumlayer.plan.clients import Speaker, client_of
from quantumlayer.plan.clients import told as told_of
from quantumlayer.plan.placeholders import mark
from quantumlayer.plan.route_matching import route_of
from quantumlayer.plan.scenario import Step
from quantumlayer.plan.session import Session
from quantumlayer.plan.shapes import Shapes
from quantumlayer.plan.surface_client import Inexpressible, Sent
from quantumlayer.spec.http import HttpRequest, HttpResponse
from quantumlayer.spec.model import ReferenceModel
from quantumlayer.spec.model.http_errors import not_found
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
    """One step as it went: what both answered and how they differ. `text` is the step as a person reads it, `own` the
    model's status before anything was taken from a path of an imported surface."""

    step: Step
    route: Route | None
    expected: HttpResponse
    got: Answer
    differences: tuple[str, ...]
    text: str
    own: int = 0


Listener = Callable[["Lockstep", Exchange], None]


class Lockstep:
    """`offset` seconds are added to the clock. `exchanges` counts the requests sent to the application.

    `listen` is told of every exchange, `about` is then the id of the check that it belongs to.
    """

    def __init__(
        self,
        spec: Spec,
        url: str,
        admin: tuple[str, str] | None,
        *,
        offset: int = 0,
        partial: bool = False,
        listen: Listener = lambda lockstep, exchange: None,
    ) -> None:
        self.spec, self.routes = spec, routes(spec)
        self.shapes = Shapes(spec)
        self.admin = admin or (MODEL_ADMIN if spec.roles else None)
        self.offset, self.exchanges = offset, 0
        self.connection = Connection(url)
        self.url = url
        self.speaker = Speaker(client_of(spec))
        self.clock = JudgeClock()
        self.partial = partial
        self.listen, self.about = listen, ""
        self._timed = _CLOCK.search(spec.model_dump_json()) is not None
        self.forget()

    def forget(self) -> None:
        """Starts from an empty model, for an application with an empty database."""
        self._moment()
        self.model = ReferenceModel(self.spec, self.clock, admin=self.admin)
        self.comparison = Comparison(
            self.shapes, Identities(self._alive), partial=self.partial, born=self.clock.moment.timestamp()
        )
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
        exchange = self._together(pair, step) if step.parallel > 1 else self._alone(pair, step)
        self.listen(self, exchange)
        return exchange

    def _alone(self, pair: Pair, step: Step) -> Exchange:
        request = pair.model.request(step)
        route = route_of(self.routes, request.method, request.path)
        try:
            wire, sent = self.speaker.request(pair.app, step)
        except Inexpressible as reason:
            if step.method != "GET" or step.save:
                raise
            return self._unsaid(step, route, request, str(reason))
        call = as_call(wire, step)
        self._note(step.body, pair.app.start)
        before = self.model.copy() if self._timed and step.method != "GET" else None
        got = self.connection.send(call)
        self.exchanges += 1
        self._moment(got.sent)
        whole = self.model.handle(request)
        own = whole.status
        whole = self._beneath(sent, request, whole)
        raw = got
        expected, got, differences = self._compared(route, sent, whole, raw)
        if differences and self._timed:
            later = before or self.model
            self._moment(got.received)
            full = later.handle(request)
            own = full.status
            full = self._beneath(sent, request, full)
            second, again, still = self._compared(route, sent, full, raw)
            if not still:
                self.model, expected, got, differences, whole = later, second, again, [], full
        if expected.status < 400 and got.status == expected.status:
            pair.model.learn(step, whole.body)
            pair.app.learn(step, got.body)
        return Exchange(step, route, expected, got, tuple(differences), told(call, step, got), own)

    def holds_rows(self, route: Route) -> bool:
        """Whether a list that anybody may read has items in the application, as far as it tells."""
        pair = self.pair()
        try:
            wire, sent = self.speaker.request(pair.app, Step(method="GET", path=route.path))
        except Inexpressible:
            return False
        got = self._successful(sent, self.connection.send(as_call(wire, Step(method="GET", path=route.path))))
        return got.status == 200 and isinstance(got.body, dict) and bool(got.body.get("total") or got.body.get("items"))

    def _unsaid(self, step: Step, route: Route | None, request: HttpRequest, reason: str) -> Exchange:
        """A read that clients have no request for: only the model takes it, and nothing is compared."""
        self._moment()
        expected = self.model.handle(request)
        text = f"(not sent: {reason})"
        return Exchange(step, route, expected, Answer(status=expected.status), (), text, expected.status)

    def _beneath(self, sent: Sent | None, request: HttpRequest, expected: HttpResponse) -> HttpResponse:
        """Where the path names a row above that does not exist, clients are told so before anything else but 401."""
        above = sent.operation["above"] if sent is not None and sent.operation else {}
        given = {**request.query, **(_members(request.body) if above else {})}
        for member, entity in above.items():
            row = given.get(member)
            known = row is None or self.model.has(entity, int(row) if str(row).isdigit() else row)
            if not known and expected.status != 401:
                return not_found().response()
        return expected

    def _compared(
        self, route: Route | None, sent: Sent | None, expected: HttpResponse, raw: Answer
    ) -> tuple[HttpResponse, Answer, list[str]]:
        """What clients are told of the expected answer, what they got, in the conventional form, and how these differ."""
        if sent is None:
            return expected, raw, self.comparison.differences(route, expected, raw)
        status, body, headers, wrong = self.speaker.heard(sent, raw.status, raw.body, raw.headers, expected)
        got = replace(raw, status=status, body=body, headers=headers, broken=raw.broken or wrong)
        wanted = told_of(sent, expected, body)
        return wanted, got, self.comparison.differences(route, wanted, got)

    def _together(self, pair: Pair, step: Step) -> Exchange:
        """All calls of the step at the same time. The model takes those first that the application accepted, in its order."""
        requests = [pair.model.request(call) for call in step.calls]
        wires = [self.speaker.request(pair.app, call) for call in step.calls]
        calls = [as_call(wire, call) for (wire, _), call in zip(wires, step.calls, strict=True)]
        way = wires[0][1]
        route = route_of(self.routes, requests[0].method, requests[0].path)
        for call in step.calls:
            self._note(call.body, pair.app.start)
        sent = [self._successful(way, answer) for answer in at_once(self.url, calls)]
        self.exchanges += step.parallel
        order = sorted(range(step.parallel), key=lambda i: (sent[i].status >= 400, _id_order(sent[i])))
        answers, expected = [sent[i] for i in order], []
        for number, index in enumerate(order):
            self._moment(max(a.received for a in answers) + number / 1000)
            expected.append(self.model.handle(requests[index]))
        wanted = sorted(e.status if e.status < 400 else self.speaker.outer_status(way, e.status) for e in expected)
        seen = sorted(a.status for a in answers)
        differences = []
        if wanted != seen:
            broken = next((f": {a.broken}" for a in answers if a.broken), "")
            differences.append(f"expected the statuses {counted(wanted)}, got {counted(seen)}{broken}")
        else:
            differences += self._paired(route, way, expected, answers)
        shown = "at once, each with another body" if step.variants else "at once"
        text = f"{told(calls[0], step, None)} × {step.parallel} {shown} → {counted(seen)}"
        return Exchange(step, route, expected[-1], answers[-1], tuple(differences), text)

    def _successful(self, sent: Sent | None, raw: Answer) -> Answer:
        """One of several answers at once, in the conventional form where it is a success."""
        if sent is None or sent.operation is None or raw.status >= 400 or not raw.status:
            return raw
        expected = HttpResponse(sent.operation["inner"]["status"])
        status, body, headers, wrong = self.speaker.heard(sent, raw.status, raw.body, raw.headers, expected)
        return replace(raw, status=status, body=body, headers=headers, broken=raw.broken or wrong)

    def _paired(self, route: Route | None, sent: Sent | None, expected: list[HttpResponse], answers: Any) -> list[str]:
        good = [e for e in expected if e.status < 400]
        mine = sorted((a for a in answers if a.status < 400), key=_id_order)
        if len(good) == 1:
            return self.comparison.differences(route, told_of(sent, good[0], mine[0].body), mine[0])
        kind = route.entity if route and route.kind == "create" else None
        for one, other in zip(good, mine, strict=True):
            if kind and isinstance(one.body, dict) and isinstance(other.body, dict):
                self.comparison.identities.bind(kind, one.body["id"], other.body.get("id"))
        refused = [e for e in expected if e.status >= 400]
        bad = [a for a in answers if a.status >= 400]
        if sent is None:
            found = (
                [self.comparison.differences(route, replace(refused[0], status=a.status), a) for a in bad] if refused else []
            )
        else:
            found = [self._compared(route, sent, refused[0], a)[2] for a in bad] if refused else []
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


def _members(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


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
