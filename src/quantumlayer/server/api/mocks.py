"""Applications served from the reference model: what a run will build, seconds after its specification is there."""

import asyncio
import json
from collections import OrderedDict
from dataclasses import dataclass

from quantumlayer.server.api.problems import Refused
from quantumlayer.server.api.views import MockAnswer, MockCall
from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.model.clock import SystemClock
from quantumlayer.spec.model.reference import ReferenceModel
from quantumlayer.spec.values import Spec

KEPT = 32
MOST_BYTES = 32 * 1024 * 1024


@dataclass
class Mock:
    """One application with its rows, in memory. `taken` counts the bytes that were sent to it."""

    model: ReferenceModel
    taken: int = 0


class Mocks:
    """The mocks that were used last, by run and drop of the specification. A restart of the server begins them anew."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Mock] = OrderedDict()

    async def of(self, key: tuple[str, str], spec: Spec) -> Mock:
        """The mock of that run, made where there is none."""
        if key not in self._kept:
            made = Mock(await asyncio.to_thread(ReferenceModel, spec, SystemClock()))
            self._kept.setdefault(key, made)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def forget(self, run: str) -> None:
        """Deletes the rows of the run's mock."""
        for key in [key for key in self._kept if key[0] == run]:
            del self._kept[key]


def ask(mock: Mock, request: HttpRequest) -> MockAnswer:
    """What the model answers. Raises `Refused` when so much was sent to it that it must begin anew."""
    mock.taken += len(request.body)
    if mock.taken > MOST_BYTES:
        raise Refused(409, "this mock has taken in too much", "empty it with: DELETE /api/v1/runs/RUN/mock")
    found = mock.model.handle(request)
    return MockAnswer(status=found.status, headers=dict(found.headers), body=found.body)


def play(spec: Spec, calls: list[MockCall], admin: tuple[str, str] | None = None) -> list[MockAnswer]:
    """The calls one after the other against a fresh application."""
    mock = Mock(ReferenceModel(spec, SystemClock(), admin=admin))
    return [ask(mock, _request(call)) for call in calls]


def _request(call: MockCall) -> HttpRequest:
    body = b"" if call.body is None else json.dumps(call.body).encode()
    headers = {name.lower(): value for name, value in call.headers.items()}
    if body:
        headers.setdefault("content-type", "application/json")
    return HttpRequest(call.method, call.path, call.query, headers, body)
