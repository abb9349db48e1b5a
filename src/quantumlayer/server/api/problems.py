"""Every refusal as RFC 9457 problem details, whoever refuses: our code, the framework, or what lies below."""

import json
import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import Response

from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.spec.problems import SpecError

log = logging.getLogger("quantumlayer.api")
MEDIA_TYPE = "application/problem+json"
SHOWN = 100
LONGEST = 2000


class Mistake(BaseModel):
    """One thing that is wrong with the request. `where` leads to it; lines and columns count from 1, 0 where unknown."""

    model_config = ConfigDict(frozen=True)
    where: str
    message: str
    hint: str = ""
    line: int = 0
    column: int = 0


class ProblemDetails(BaseModel):
    """What every refusal looks like (RFC 9457). `hint` names the mend, `errors` lists what is wrong one by one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "there is no run '20260101-000000-0123456789'",
                    "hint": "list them with: GET /api/v1/runs",
                }
            ]
        }
    )
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    hint: str | None = None
    errors: list[Mistake] | None = None


class Refused(HTTPException):
    """A request that is answered with a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        hint: str = "",
        *,
        errors: Sequence[Mistake] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.hint, self.errors = hint, errors

    def response(self) -> Response:
        """The answer itself."""
        return problem(self.status_code, self.detail, self.hint, errors=self.errors, headers=self.headers)


def problem(
    status: int, detail: str, hint: str = "", *, errors: Sequence[Mistake] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """A problem as a response."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail[:LONGEST],
    }
    if hint:
        body["hint"] = hint
    if errors:
        body["errors"] = [error.model_dump() for error in errors[:SHOWN]]
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, status, dict(headers or {}), MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Registers a handler for every kind of error there is."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(SpecError, _spec)
    app.add_exception_handler(UserError, _user)
    app.add_exception_handler(EnvironmentError_, _environment)
    app.add_exception_handler(Exception, _bug)


def mistakes(error: SpecError) -> list[Mistake]:
    """What is wrong with a specification, one by one."""
    return [
        Mistake(where=p.where, message=p.message, hint=p.hint, line=p.file_line, column=p.file_column)
        for p in error.problems[:SHOWN]
    ]


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error.response()


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        return problem(400, f"the body is no JSON: {found[0].get('ctx', {}).get('error', '')}", "send a JSON object")
    errors = [Mistake(where=_place(e["loc"]), message=str(e["msg"])) for e in found]
    return problem(422, f"{errors[0].where}: {errors[0].message}", "see `errors` for all that is wrong", errors=errors)


def _place(location: Sequence[object]) -> str:
    return ".".join(str(part) for part in location)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    details = {
        400: ("the request cannot be read", "see docs/api.md"),
        404: (f"there is nothing at {request.url.path}", "the operations are listed at /api/v1/openapi.json"),
        405: (f"{request.method} is not possible here", "see the Allow header"),
        413: ("the body is too large", "send less, or split it"),
    }
    detail, hint = details.get(error.status_code, (str(error.detail), ""))
    headers = error.headers if error.status_code != 405 else {"Allow": ", ".join(_methods(request))}
    return problem(error.status_code, detail, hint, headers=headers)


def _methods(request: Request) -> list[str]:
    """All methods of a path; the framework names those of its first route only."""
    found = {
        method.upper()
        for path, operations in request.app.openapi()["paths"].items()
        if re.fullmatch(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)), request.url.path)
        for method in operations
    }
    return sorted(found)


async def _spec(_: Request, error: Exception) -> Response:
    assert isinstance(error, SpecError)
    return problem(422, error.message, error.hint, errors=mistakes(error))


async def _user(_: Request, error: Exception) -> Response:
    assert isinstance(error, UserError)
    return problem(422, error.message, error.hint)


async def _environment(_: Request, error: Exception) -> Response:
    assert isinstance(error, EnvironmentError_)
    log.warning("%s", error.message)
    return problem(503, error.message, error.hint, headers={"Retry-After": "2"})


async def _bug(request: Request, error: Exception) -> Response:
    trace = secrets.token_hex(4)
    log.error("%s %s failed, trace %s", request.method, request.url.path, trace, exc_info=error)
    return problem(500, "internal error", f"this is a bug in QuantumLayer; the server's log holds the trace {trace}")
