"""Every error becomes a problem detail."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from app.errors import MEDIA_TYPE, Problem, details
from app.observability import log

Asked = Request[Any, Any, Any]


def _response(
    status: int, detail: str, errors: Sequence[dict[str, str]] = (), headers: dict[str, str] | None = None
) -> Response[Any]:
    if status == 401:
        headers = {**(headers or {}), "WWW-Authenticate": "Bearer"}
    return Response(details(status, detail, errors), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def _on_problem(_: Asked, problem: Problem) -> Response[Any]:
    return _response(problem.status, problem.detail, problem.errors)


def _on_http_exception(_: Asked, error: HTTPException) -> Response[Any]:
    if error.status_code == 404:
        return _response(404, "There is no such resource.")
    if error.status_code == 405:
        allowed = (error.headers or {}).get("allow", "").split(", ")
        routed = ", ".join(sorted(method for method in allowed if method != "OPTIONS"))  # which Litestar answers by itself
        return _response(405, "This method is not allowed here.", headers={"Allow": routed})
    return _response(error.status_code, str(error.detail), headers=dict(error.headers or {}))


def _on_crash(request: Asked, error: Exception) -> Response[Any]:
    log.error("unhandled error", extra={"method": request.method, "path": request.url.path}, exc_info=error)
    return _response(500, "The server could not carry out the request.")


ERROR_HANDLERS: ExceptionHandlersMap = {Problem: _on_problem, HTTPException: _on_http_exception, Exception: _on_crash}
