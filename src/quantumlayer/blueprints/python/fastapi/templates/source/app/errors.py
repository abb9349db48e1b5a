"""Refusals as RFC 9457 problem details."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"


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


def details(status: int, detail: str, errors: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """The body of a refusal."""
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return {**body, "errors": list(errors)} if status == 422 else body
