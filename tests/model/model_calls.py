"""Builders for tests of the reference model: specs from files or text, calls as short lines."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quantumlayer.spec.http import HttpRequest, HttpResponse
from quantumlayer.spec.model import ManualClock, ReferenceModel
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec

SPECS = Path(__file__).parents[1] / "specs"
START = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
ADMIN = ("root@example.com", "Root-Passw0rd")


def named_spec(name: str) -> Spec:
    return load_spec((SPECS / f"{name}.yaml").read_bytes(), name)


class Client:
    """Talks to a model as one caller; `signed_in` gives another client of the same model."""

    def __init__(self, model: ReferenceModel, clock: ManualClock, headers: dict[str, str] | None = None) -> None:
        self.model, self.clock, self.headers = model, clock, headers or {}

    def __call__(self, line: str, body: Any = None, *, raw: bytes | None = None, **query: Any) -> HttpResponse:
        method, path = line.split()
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        texts = {name: str(value) for name, value in query.items()}
        return self.model.handle(HttpRequest(method, path, texts, self.headers, data))

    def ok(self, line: str, body: Any = None, **query: Any) -> Any:
        answer = self(line, body, **query)
        assert answer.status < 400, (line, answer)
        return answer.body

    def refused(self, line: str, body: Any = None, *, raw: bytes | None = None, **query: Any) -> tuple[int, str]:
        answer = self(line, body, raw=raw, **query)
        assert answer.status >= 400, (line, answer)
        assert answer.body["status"] == answer.status and answer.headers["content-type"] == "application/problem+json"
        return answer.status, answer.cause

    def with_token(self, token: str) -> "Client":
        return Client(self.model, self.clock, {"authorization": f"Bearer {token}"})

    def with_key(self, key: str) -> "Client":
        return Client(self.model, self.clock, {"x-api-key": key})

    def registered(self, password: str = "correct horse", **fields: Any) -> "Client":
        self.ok("POST /auth/register", {**fields, "password": password})
        auth = self.model.spec.auth
        assert auth is not None
        return self.logged_in(fields[auth.identifier], password)

    def logged_in(self, identifier: str, password: str) -> "Client":
        auth = self.model.spec.auth
        assert auth is not None
        answer = self.ok("POST /auth/login", {auth.identifier: identifier, "password": password})
        return self.with_token(answer["access_token"])


def start(spec: Spec | str) -> Client:
    """A fresh model of a spec, or of a file in tests/specs by name, or of YAML text."""
    if isinstance(spec, str):
        spec = load_spec(spec) if "\n" in spec else named_spec(spec)
    clock = ManualClock(START)
    return Client(ReferenceModel(spec, clock, admin=ADMIN if spec.roles else None), clock)
