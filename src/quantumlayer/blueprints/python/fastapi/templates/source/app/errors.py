"""Refusals as RFC 9457 problem details."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.observability import log


class Problem(Exception):
    """Ends the request with `status`; `errors` lists what is wrong with single fields."""

    def __init__(self, status: int, detail: str, errors: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, list(errors)


def invalid(field: str, message: str) -> Problem:
    """422 because of one field."""
    return Problem(422, f"{field}: {message}", [{"field": field, "message": message}])


def not_found() -> Problem:
    """404: there is no such row, or the caller may not see it."""
    return Problem(404, "There is no such resource.")


def _response(
    status: int, detail: str, errors: Sequence[dict[str, str]] = (), headers: dict[str, str] | None = None
) -> JSONResponse:
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if status == 422:
        body["errors"] = list(errors)
    if status == 401:
        headers = {**(headers or {}), "WWW-Authenticate": "Bearer"}
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


async def _on_problem(_: Request, problem: Problem) -> JSONResponse:
    return _response(problem.status, problem.detail, problem.errors)


async def _on_http_exception(_: Request, error: HTTPException) -> JSONResponse:
    return _response(error.status_code, str(error.detail), headers=dict(error.headers or {}))


async def _on_invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    found = error.errors()
    if any(item["type"] == "json_invalid" or tuple(item["loc"]) == ("body",) for item in found):
        return _response(400, "The body is not a JSON object.")
    if any(item["loc"][0] == "path" for item in found):
        return _response(404, "There is no such resource.")
    errors = [{"field": ".".join(str(part) for part in item["loc"][1:]), "message": item["msg"]} for item in found]
    return _response(422, "Some fields are not valid.", errors)


async def _on_crash(request: Request, error: Exception) -> JSONResponse:
    log.error("unhandled error", extra={"method": request.method, "path": request.url.path}, exc_info=error)
    return _response(500, "The server could not carry out the request.")


def install_error_handlers(app: FastAPI) -> None:
    """Makes every error of the application a problem detail."""
    app.exception_handler(Problem)(_on_problem)
    app.exception_handler(HTTPException)(_on_http_exception)
    app.exception_handler(RequestValidationError)(_on_invalid_request)
    app.exception_handler(Exception)(_on_crash)
