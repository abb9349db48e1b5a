"""Exact comparison of an application's answer with the reference model's, by the rules of docs/http-contract.md."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from quantumlayer.evidence.judge.identities import Identities
from quantumlayer.evidence.judge.transport import Answer
from quantumlayer.plan.placeholders import mark
from quantumlayer.plan.shapes import ID, INTEGER, OPAQUE, RANDOM, UNIT, Shape, Shapes
from quantumlayer.spec.http import HttpResponse
from quantumlayer.spec.ids import is_made
from quantumlayer.spec.routes import Route

RELATIVE = 1e-9
STAMP_TOLERANCE = 5.0
BOOT_SECONDS = 60.0
_INSTANT = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$")
_SECRET = re.compile(
    r"(^|_)(password|passwd|password_hash|hash|hashed_\w+|secret|salt|token_hash|api_key|token|access_token)$", re.I
)


@dataclass
class Comparison:
    """What is needed to compare: the answers' shapes, the identity map, the instants that were sent (compared exactly).

    `partial` is for an application whose database holds rows of others: those are left out of lists, totals are not looked at.
    `born` is when the model was made, seconds since 1970. `secrets` are the passwords and keys in use, which no answer may
    contain. Times are seconds.
    """

    shapes: Shapes
    identities: Identities = field(default_factory=Identities)
    sent_instants: set[float] = field(default_factory=set)
    born: float = 0.0
    secrets: set[str] = field(default_factory=set)
    partial: bool = False

    def differences(self, route: Route | None, expected: HttpResponse, got: Answer) -> list[str]:
        """What is wrong with the answer, most telling first; empty where it is right."""
        if got.broken and got.status != expected.status:
            return [f"expected {expected.status}, got {got.status or 'no answer'}: {got.broken}"]
        if got.status != expected.status:
            return [f"expected {expected.status}{_because(expected)}, got {got.status}{_detail(got)}"]
        if got.broken:
            return [got.broken]
        if expected.status >= 400:
            return [*self._problem(expected, got), *self._leaks(got.body, frozenset())]
        return [*self._success(route, expected, got)]

    def _success(self, route: Route | None, expected: HttpResponse, got: Answer) -> Iterator[str]:
        if expected.body is None:
            if got.raw and expected.status in (204, 307):
                yield f"expected no body with {expected.status}, got {len(got.raw)} bytes"
        elif got.media_type != "application/json":
            yield f"expected Content-Type application/json, got {got.headers.get('content-type', 'none')}"
            return
        shape = self.shapes.of(route) if route else {}
        yield from self._body(shape, expected.body, got.body)
        yield from self._location(route, expected, got)
        yield from self._leaks(got.body, frozenset(shape))

    def _body(self, shape: Shape, expected: Any, got: Any) -> Iterator[str]:
        if isinstance(expected, dict) and set(expected) == {"items", "total"}:
            yield from self._page(shape, expected, got)
        else:
            yield from self._value(shape, None, expected, got, "body")

    def _page(self, shape: Shape, expected: dict[str, Any], got: Any) -> Iterator[str]:
        if not isinstance(got, dict) or not isinstance(got.get("items"), list) or "total" not in got:
            yield f"expected {{items, total}}, got {_short(got)}"
            return
        items = got["items"]
        if self.partial:
            kind = shape.get("id", ("", ""))[1]
            items = [item for item in items if isinstance(item, dict) and self.identities.known(kind, item.get("id"))]
            if len(items) < len(got["items"]) or len(items) != len(expected["items"]):
                return
        elif not _is_int(got["total"]) or got["total"] != expected["total"]:
            yield f"expected total {expected['total']}, got {_short(got['total'])}"
        if len(items) != len(expected["items"]):
            yield f"expected {len(expected['items'])} items, got {len(items)}"
            return
        for index, (want, have) in enumerate(zip(expected["items"], items, strict=True)):
            yield from self._value(shape, None, want, have, f"items[{index}]")

    def _value(self, shape: Shape, member: str | None, expected: Any, got: Any, where: str) -> Iterator[str]:
        how = shape.get(member) if member else None
        if isinstance(expected, dict) and not (how and how[0] == UNIT):
            if not isinstance(got, dict):
                yield f"{where}: expected an object, got {_short(got)}"
                return
            for key, value in expected.items():
                if key not in got:
                    yield f"{where}.{key} is missing"
                else:
                    yield from self._value(shape, key, value, got[key], f"{where}.{key}")
        elif how and expected is not None:
            yield from self._special(how, expected, got, where)
        elif isinstance(expected, list):
            if not isinstance(got, list) or len(got) != len(expected):
                yield f"{where}: expected {_short(expected)}, got {_short(got)}"
                return
            for index, (want, have) in enumerate(zip(expected, got, strict=True)):
                yield from self._value({}, None, want, have, f"{where}[{index}]")
        elif not self._same(expected, got):
            yield f"{where}: expected {_short(expected)}, got {_short(got)}"

    def _special(self, how: tuple[str, str], expected: Any, got: Any, where: str) -> Iterator[str]:
        kind, name = how
        if kind == OPAQUE:
            if not isinstance(got, str) or len(got) < 16:
                yield f"{where}: expected a random string of at least 128 bits, got {_short(got)}"
        elif kind == RANDOM:
            fits = isinstance(got, str) and len(got) == len(str(expected)) and (got.isalnum() or not str(expected).isalnum())
            if expected != got and not (fits and self.identities.bind(name, expected, got)):
                yield f"{where}: expected a random code like {_short(expected)}, got {_short(got)}"
        elif kind == UNIT:
            yield from self._unit(name, expected, got, where)
        elif kind == INTEGER:
            if not _is_int(got) or got != expected:
                yield f"{where}: expected {_short(expected)}, got {_short(got)}"
        elif isinstance(expected, list):
            yield from self._id_list(name, expected, got, where)
        elif kind == ID and not is_made(expected) and got != expected:
            yield f"{where}: expected {_short(expected)}, got {_short(got)}"
        elif kind == ID and not self.identities.bind(name, expected, got):
            yield f"{where}: expected {self._known(name, expected)}, got {_short(got)}"

    def _unit(self, kind: str, expected: Any, got: Any, where: str) -> Iterator[str]:
        """What a unit answered: exactly as an example says, else of its type."""
        right = _is_a(kind, got) if mark(expected) == "$any" else self._same(expected, got)
        if not right:
            yield f"{where}: expected {f'a {kind}' if mark(expected) else _short(expected)}, got {_short(got)}"

    def _id_list(self, name: str, expected: list[Any], got: Any, where: str) -> Iterator[str]:
        want = [self.identities.app(name, e) for e in expected]
        if (
            not isinstance(got, list)
            or len(got) != len(want)
            or any(not isinstance(g, str | int) for g in got)
            or {str(w) for w in want} != {str(g) for g in got}
        ):
            yield f"{where}: expected {_short(want)}, got {_short(got)}"
        elif got != sorted(got, key=lambda v: (isinstance(v, str), v)):
            yield f"{where}: expected ids in ascending order, got {_short(got)}"

    def _known(self, kind: str, expected: Any) -> str:
        return f"the {kind} {self.identities.app(kind, expected)!r}"

    def _same(self, expected: Any, got: Any) -> bool:
        if isinstance(expected, bool) or isinstance(got, bool) or expected is None or got is None:
            return type(expected) is type(got) and expected == got
        if isinstance(expected, int) and isinstance(got, float):
            # Whether a whole decimal is written 5 or 5.0 is the serialiser's business.
            return math.isclose(expected, got, rel_tol=RELATIVE)
        if isinstance(expected, int | float) and isinstance(got, int | float):
            return expected == got or math.isclose(expected, got, rel_tol=RELATIVE)
        if isinstance(expected, str) and isinstance(got, str) and expected != got and _INSTANT.match(expected):
            return self._same_instant(expected, got)
        return type(expected) is type(got) and expected == got

    def _same_instant(self, expected: str, got: str) -> bool:
        if not _INSTANT.match(got) or not got.upper().endswith(("Z", "+00:00")):
            return False
        want, have = seconds(expected), seconds(got)
        if want is None or have is None:
            return False
        if abs(want - self.born) < 0.0015:
            # The administrator's account is made while the application starts, however long that takes.
            return want - BOOT_SECONDS <= have <= want + STAMP_TOLERANCE
        tolerance = 0.0015 if round(want, 3) in self.sent_instants else STAMP_TOLERANCE
        return abs(want - have) <= tolerance

    def _problem(self, expected: HttpResponse, got: Answer) -> Iterator[str]:
        if got.media_type != "application/problem+json":
            yield f"expected Content-Type application/problem+json, got {got.headers.get('content-type', 'none')}"
            return
        body = got.body
        if not isinstance(body, dict):
            yield f"expected problem details, got {_short(body)}"
            return
        for member, kind in (("type", str), ("title", str), ("status", int), ("detail", str)):
            if not isinstance(body.get(member), kind):
                yield f"the problem details lack a proper {member!r}: {_short(body)}"
        if body.get("status") != got.status:
            yield f"the problem details say status {_short(body.get('status'))} in an answer {got.status}"
        wanted = expected.body.get("errors") if isinstance(expected.body, dict) else None
        if wanted:
            yield from _field_errors(wanted, body.get("errors"))

    def _location(self, route: Route | None, expected: HttpResponse, got: Answer) -> Iterator[str]:
        wanted = next((v for k, v in expected.headers.items() if k.lower() == "location"), None)
        if wanted is None:
            return
        location = got.headers.get("location", "")
        if expected.status == 307:
            if location != wanted:
                yield f"expected Location {wanted!r}, got {location!r}"
            return
        row = got.body.get("id") if isinstance(got.body, dict) else None
        base = wanted.rpartition("/")[0]
        if unquote(urlsplit(location).path) not in (f"{base}/{row}", wanted):
            yield f"expected Location {base}/{row}, got {location!r}"

    def _leaks(self, body: Any, members: frozenset[str]) -> Iterator[str]:
        for key, value in _leaves(body):
            if key and _SECRET.search(key) and key not in members and value not in (None, "", "bearer"):
                yield f"the answer leaks {key!r}"
            elif isinstance(value, str) and value in self.secrets and key not in members:
                yield f"the answer repeats a password in {key!r}"


def seconds(text: str) -> float | None:
    """An RFC 3339 instant as seconds since 1970, None where it is none. Without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _field_errors(wanted: list[Any], got: Any) -> Iterator[str]:
    if _names(wanted) == {""}:
        return  # A rule of the whole row: no field is to blame.
    if not isinstance(got, list) or not got or any(not isinstance(e, Mapping) for e in got):
        yield f"expected errors that name {_names(wanted)}, got {_short(got)}"
        return
    if any(not isinstance(e.get("message"), str) or not isinstance(e.get("field"), str) for e in got):
        yield f"each error needs field and message, got {_short(got)}"
    elif not _names(got) & _names(wanted):
        yield f"expected an error for {'/'.join(sorted(_names(wanted)))}, got one for {'/'.join(sorted(_names(got)))}"


def _names(errors: list[Any]) -> set[str]:
    """The fields that errors name; `tags.0` and `tags[0]` are about `tags`."""
    return {re.split(r"[.\[]", str(e.get("field")))[0] for e in errors if isinstance(e, Mapping)}


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key)
    else:
        yield key, value


def _is_a(kind: str, value: Any) -> bool:
    match kind:
        case "integer":
            return _is_int(value)
        case "boolean":
            return isinstance(value, bool)
        case "number" | "decimal":
            return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _because(expected: HttpResponse) -> str:
    return f" ({expected.cause})" if expected.cause else ""


def _detail(got: Answer) -> str:
    detail = got.body.get("detail") if isinstance(got.body, dict) else None
    return f" ({_short(detail)})" if detail else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:157] + "…"
