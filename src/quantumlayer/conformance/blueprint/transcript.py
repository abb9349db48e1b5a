"""What an application of one stack answers to the judge, written down so that it can be held against another stack's.

The judge sends the same requests to every stack: its scenarios come from the specification, its random moves from a seed. What
an application draws by itself is replaced: ids by the model's, instants, tokens and random codes by their kind.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from quantumlayer.evidence.judge import App, Budget, judge
from quantumlayer.evidence.judge.identities import Identities
from quantumlayer.evidence.judge.lockstep import Exchange, Lockstep
from quantumlayer.evidence.judge.transport import Answer, Call, Connection
from quantumlayer.plan.scenario import Step
from quantumlayer.plan.shapes import ID, OPAQUE, RANDOM, Shape
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.spec.surface import endpoints
from quantumlayer.spec.values import Spec

ALWAYS = "always there"
UNLIMITED = 3600.0
CONTRACT_HEADERS = ("content-type", "location", "allow", "www-authenticate", "retry-after", "cache-control")
_PARAMETER = re.compile(r"\{[^{}]+\}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Heard:
    """One answer. `about` is the check that it belongs to; `off` where it is not what the model answers, `raced` where several
    calls were sent at once: what follows in the same check is then no longer comparable."""

    about: str
    request: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    off: bool = False
    raced: bool = False


@dataclass(frozen=True)
class Transcript:
    """All answers of one application in order, and how each check of the judge ended (status, message)."""

    heard: tuple[Heard, ...]
    checks: Mapping[str, tuple[str, str]]

    def dump(self) -> str:
        """As JSON."""
        return json.dumps({"heard": [asdict(one) for one in self.heard], "checks": self.checks})

    @classmethod
    def load(cls, text: str) -> "Transcript":
        """What `dump` wrote. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        data = json.loads(text)
        checks = {name: (str(status), str(message)) for name, (status, message) in data["checks"].items()}
        return cls(tuple(Heard(**one) for one in data["heard"]), checks)


async def recorded(app: App, spec: Spec, plan: TestPlan, seed: int, operations: int) -> Transcript:
    """A whole judgement of an application that can be reset, `operations` random requests long."""
    heard: list[Heard] = []

    def listen(lockstep: Lockstep, exchange: Exchange) -> None:
        heard.append(_heard(lockstep, exchange))

    assert app.reset is not None
    heard += await asyncio.to_thread(_always_there, spec, app.url)
    fresh = replace(app, url=await app.reset())
    budget = Budget(operations=operations, random=UNLIMITED, shrink=0)
    evidence = await judge(spec, fresh, plan, seed=seed, budget=budget, listen=listen)
    return Transcript(tuple(heard), {check.id: (check.status, check.message) for check in evidence.checks})


def _heard(lockstep: Lockstep, exchange: Exchange) -> Heard:
    step, got = exchange.step, exchange.got
    off = bool(exchange.differences)
    told = _told(step).replace(lockstep.admin[1], "<password>") if lockstep.admin else _told(step)
    if step.parallel > 1:
        return Heard(lockstep.about, told, 0, {}, exchange.text.rpartition("→ ")[2], off, raced=True)
    shape = lockstep.shapes.of(exchange.route) if exchange.route else {}
    identities = lockstep.comparison.identities
    body = _body(shape, got, identities)
    return Heard(lockstep.about, told, got.status, _headers(got, body), body, off)


def _told(step: Step) -> str:
    """The step before its placeholders are filled in, which is the same for every application."""
    parts = [f"[{step.advance} s later]" if step.advance else "", step.method, step.path]
    parts += [json.dumps(step.query, sort_keys=True) if step.query else "", f"as {step.actor}" if step.actor else ""]
    parts += [json.dumps(step.headers) if step.headers else ""]
    parts += [step.raw_body or "" if step.body is None else json.dumps(step.body, ensure_ascii=False)]
    parts += [f"× {step.parallel}" if step.parallel > 1 else ""]
    return " ".join(part for part in parts if part)


def _headers(got: Answer, body: Any) -> dict[str, str]:
    found = {name: got.headers[name] for name in CONTRACT_HEADERS if name in got.headers}
    if "content-type" in found:
        found["content-type"] = got.media_type
    if "allow" in found:
        found["allow"] = ", ".join(sorted(method.strip() for method in found["allow"].split(",")))
    if "location" in found and isinstance(got.body, dict) and isinstance(body, dict) and "id" in body:
        base, slash, last = found["location"].rpartition("/")
        found["location"] = f"{base}{slash}{body['id']}" if last == str(got.body["id"]) else found["location"]
    return found


def _body(shape: Shape, got: Answer, identities: Identities) -> Any:
    if got.broken:
        return {"broken": got.broken}
    if got.body is None:
        return got.raw.decode(errors="replace")[:200] or None
    if isinstance(got.body, dict) and isinstance(got.body.get("items"), list):
        return {**_neutral({}, got.body, identities), "items": [_neutral(shape, i, identities) for i in got.body["items"]]}
    return _neutral(shape, got.body, identities)


def _neutral(shape: Shape, value: Any, identities: Identities, member: str = "") -> Any:
    """Without what the application drew by itself."""
    kind, name = shape.get(member, ("", ""))
    if value is None:
        return None
    if kind in (OPAQUE, RANDOM):
        return f"<{kind}>"
    if kind == ID:
        return [identities.model(name, one) for one in value] if isinstance(value, list) else identities.model(name, value)
    if isinstance(value, dict):
        return {key: _neutral(shape, inner, identities, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_neutral({}, inner, identities) for inner in value]
    if isinstance(value, str):
        return _INSTANT.sub("<instant>", value)
    return value


def _described(document: Any) -> Any:
    """Which calls an OpenAPI document describes, with their successes: all else in it is each stack's own."""
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        return document
    found: dict[str, Any] = {}
    for path, item in sorted(document["paths"].items()):
        for method, operation in sorted(item.items() if isinstance(item, dict) else ()):
            if not isinstance(operation, dict):
                continue
            good = sorted(status for status in operation.get("responses", {}) if status < "4")
            found[f"{method.upper()} {_PARAMETER.sub('{}', path)}"] = good
    return found


def _always_there(spec: Spec, url: str) -> list[Heard]:
    """What does not depend on rows: documents, unknown paths and methods, with a slash too many, a body that is none."""
    known = endpoints(spec)
    paths = dict.fromkeys(_PARAMETER.sub("1", path) for _, path in known)
    posts = [path for method, path in known if method == "POST" and "{" not in path]
    calls = [Call("GET", path) for path in ("/health", "/openapi.json", "/no-such-path", "/")]
    calls += [Call("GET", f"{path}/") for path in paths] + [Call("TRACE", path) for path in paths]
    calls += [Call("POST", path, body=body) for path in posts for body in (b"{", b"[]", b"\xff", b"")]
    connection, heard = Connection(url), []
    try:
        for call in calls:
            got = connection.send(call)
            body = _described(got.body) if call.path == "/openapi.json" else _body({}, got, Identities())
            request = f"{call.method} {call.target} {call.body.decode('latin-1') if call.body else ''}".rstrip()
            heard.append(Heard(ALWAYS, request, got.status, _headers(got, body), body))
    finally:
        connection.close()
    return heard
