"""Refusals: raised anywhere in the model, answered as RFC 9457 problem details."""

from http import HTTPStatus

from quantumlayer.spec.http import HttpResponse

PROBLEM_JSON = {"content-type": "application/problem+json"}


class Refusal(Exception):
    """A request that is refused. `errors` (field, message) only with 422."""

    def __init__(self, status: int, detail: str, cause: str, errors: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.cause, self.errors = status, detail, cause, errors

    def response(self, **headers: str) -> HttpResponse:
        """The answer."""
        body = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status, "detail": self.detail}
        if self.status == 422:
            body["errors"] = [{"field": field, "message": message} for field, message in self.errors]
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        return HttpResponse(self.status, body, {**PROBLEM_JSON, **headers}, self.cause)


def invalid(errors: list[tuple[str, str]]) -> Refusal:
    """422 for these fields."""
    return Refusal(
        422, "; ".join(f"{field} {message}" for field, message in errors), f"validation:{errors[0][0]}", tuple(errors)
    )


def not_found() -> Refusal:
    """404."""
    return Refusal(404, "There is no such row.", "not_found")
