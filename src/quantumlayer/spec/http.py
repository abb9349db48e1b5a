"""HTTP calls and answers as values: what the reference model takes and gives, and what the judge sends and compares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class HttpRequest:
    """`path` is without the query. `body` is the raw bytes; header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class HttpResponse:
    """`body` is the decoded JSON, None where there is none. `cause` names what decided a refusal (`rule:loan.max_open`)."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cause: str = ""
