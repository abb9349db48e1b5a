"""What every application does, whatever its spec: health, metrics, its OpenAPI document, unknown paths and methods."""

import re
import time
from collections.abc import Callable

from quantumlayer.evidence.judge.transport import Answer, Call, Connection
from quantumlayer.evidence.values import Check
from quantumlayer.plan.surface_client import shaped
from quantumlayer.spec.surface import endpoints
from quantumlayer.spec.values import Spec

_PARAMETER = re.compile(r"\{[^{}]+\}")
Verdict = Callable[[Answer], str]


def contract_checks(spec: Spec, url: str) -> tuple[Check, ...]:
    """The checks of docs/http-contract.md under "always there"."""
    known = endpoints(spec)
    first = next((path for _, path in known if "{" not in path), known[0][1])
    taken = {method for method, path in known if path == first}
    other = next(m for m in ("DELETE", "PUT", "PATCH", "POST") if m not in taken)
    wanted: list[tuple[str, str, Call, Verdict]] = [
        ("health", "GET /health says ok", Call("GET", "/health"), _health),
        ("openapi", "GET /openapi.json describes every route", Call("GET", "/openapi.json"), _openapi(spec)),
        ("metrics", "GET /metrics answers Prometheus text", Call("GET", "/metrics"), _metrics),
        ("unknown-path", "An unknown path is 404", Call("GET", "/no-such-path"), _problem(spec, 404)),
        ("method", f"{other} {first} is 405", Call(other, _PARAMETER.sub("1", first)), _problem(spec, 405)),
    ]
    connection = Connection(url)
    try:
        return tuple(_check(connection, *one) for one in wanted)
    finally:
        connection.close()


def _check(connection: Connection, name: str, title: str, call: Call, verdict: Verdict) -> Check:
    started = time.perf_counter()
    answer = connection.send(call)
    message = answer.broken or verdict(answer)
    return Check(
        id=f"contract:{name}",
        title=title,
        level="contract",
        status="failed" if message else "passed",
        seconds=time.perf_counter() - started,
        message=message,
        counterexample=f"1. {call.method} {call.target} → {answer.status or answer.broken}\n   {message}" if message else "",
    )


def _health(answer: Answer) -> str:
    good = answer.status == 200 and isinstance(answer.body, dict) and answer.body.get("status") == "ok"
    return "" if good else f'expected 200 {{"status": "ok"}}, got {answer.status} {answer.raw[:100]!r}'


def _metrics(answer: Answer) -> str:
    if answer.status != 200 or not answer.media_type.startswith("text/plain"):
        return f"expected 200 text/plain, got {answer.status} {answer.media_type}"
    return "" if b"# TYPE" in answer.raw or b"# HELP" in answer.raw else "no metric is described (# TYPE)"


def _openapi(spec: Spec) -> Verdict:
    def verdict(answer: Answer) -> str:
        if answer.status != 200 or not isinstance(answer.body, dict) or not isinstance(answer.body.get("paths"), dict):
            return f"expected 200 and an OpenAPI document, got {answer.status} {answer.raw[:100]!r}"
        known = {
            (method.upper(), _PARAMETER.sub("{}", path))
            for path, item in answer.body["paths"].items()
            if isinstance(item, dict)
            for method in item
        }
        missing = [f"{m} {p}" for m, p in endpoints(spec) if (m, _PARAMETER.sub("{}", p)) not in known]
        return f"not described: {', '.join(missing[:8])}" if missing else ""

    return verdict


def _problem(spec: Spec, status: int) -> Verdict:
    form = spec.surface.refusals.get(status) if spec.surface else None

    def formed(answer: Answer) -> str:
        assert form is not None
        if answer.status != form.status:
            return f"expected {form.status}, got {answer.status}"
        return "" if shaped(form.body, answer.body) else f"expected a body of the form {form.body}, got {answer.raw[:100]!r}"

    def verdict(answer: Answer) -> str:
        if answer.status != status:
            return f"expected {status}, got {answer.status}"
        if answer.media_type != "application/problem+json" or not isinstance(answer.body, dict):
            return f"expected problem details, got {answer.headers.get('content-type', 'no Content-Type')}"
        return "" if answer.body.get("status") == status else f"the problem details say status {answer.body.get('status')!r}"

    return formed if form else verdict
