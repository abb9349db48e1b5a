"""Calls that somebody claims are answered wrongly: put to the application and to the reference model, and compared."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from quantumlayer.evidence.judge.app import App
from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.model import SystemClock, model_of
from quantumlayer.spec.values import Spec

SECONDS = 10.0
MOST_BODY = 100_000
# Every service answers it, and no specification speaks of it: nothing can be said about it.
UNSPOKEN = "/metrics"


@dataclass(frozen=True)
class Asked:
    """One call; `body` is JSON, None for no body."""

    method: str
    path: str
    body: Any = None


async def difference(app: App, spec: Spec, calls: Sequence[Asked]) -> str:
    """The first call whose status is another one than the specification's; empty where all are the same.

    The application begins on a fresh database, as the model does. Raises what `app.reset` raises.
    """
    url = (await app.reset() if app.reset is not None else app.url).rstrip("/")
    model = model_of(spec, SystemClock(), app.admin)
    async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as http:
        for call in calls:
            body = b"" if call.body is None else json.dumps(call.body).encode()[:MOST_BODY]
            headers = {"content-type": "application/json"} if body else {}
            place = urlsplit(call.path)
            if place.path.rstrip("/") == UNSPOKEN:
                continue
            wanted = model.handle(HttpRequest(call.method, place.path, dict(parse_qsl(place.query)), headers, body)).status
            try:
                found: object = (await http.request(call.method, url + call.path, content=body, headers=headers)).status_code
            except httpx.HTTPError as error:
                found = type(error).__name__
            if found != wanted:
                return f"{call.method} {call.path} is answered {found}, and the specification wants {wanted}"
    return ""
