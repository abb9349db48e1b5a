"""Every error becomes a problem detail."""

from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.errors import MEDIA_TYPE, Problem, details
from app.messages import field_errors
from app.observability import log

METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")


def _response(
    status: int, detail: str, errors: Sequence[dict[str, str]] = (), headers: dict[str, str] | None = None
) -> JSONResponse:
    if status == 401:
        headers = {**(headers or {}), "WWW-Authenticate": "Bearer"}
    return JSONResponse(details(status, detail, errors), status, headers=headers, media_type=MEDIA_TYPE)


async def _on_problem(_: Request, problem: Problem) -> JSONResponse:
    return _response(problem.status, problem.detail, problem.errors)


async def _on_http_exception(request: Request, error: HTTPException) -> JSONResponse:
    if error.status_code == 404:
        return _response(404, "There is no such resource.")
    if error.status_code == 405:
        return _response(405, "This method is not allowed here.", headers={"Allow": ", ".join(_allowed(request))})
    if error.status_code == 400:
        return _response(400, "The body is not JSON.")
    return _response(error.status_code, str(error.detail), headers=dict(error.headers or {}))


def _allowed(request: Request) -> list[str]:
    """The methods of the path; every route has one alone."""
    asked = {method: {**request.scope, "method": method} for method in METHODS}
    routes = request.app.routes
    return [method for method, scope in asked.items() if any(route.matches(scope)[0] == Match.FULL for route in routes)]


async def _on_invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return _response(400, "The body is not JSON.")
    if any(tuple(item["loc"]) == ("body",) for item in found):
        return _response(400, "The body is not a JSON object.")
    if any(item["loc"][0] == "path" for item in found):
        return _response(404, "There is no such resource.")
    return _response(422, "Some fields are not valid.", field_errors(found, skipped=1))


async def _on_crash(request: Request, error: Exception) -> JSONResponse:
    log.error("unhandled error", extra={"method": request.method, "path": request.url.path}, exc_info=error)
    return _response(500, "The server could not carry out the request.")


def install_error_handlers(app: FastAPI) -> None:
    """Makes every error of the application a problem detail."""
    app.exception_handler(Problem)(_on_problem)
    app.exception_handler(HTTPException)(_on_http_exception)
    app.exception_handler(RequestValidationError)(_on_invalid_request)
    app.exception_handler(Exception)(_on_crash)
