"""What comes in, checked before anything is done with it, and what goes out."""

import datetime as dt
import json
from typing import Any, TypeVar

from litestar import MediaType, Request, Response
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.errors import Problem, not_found
from app.messages import field_errors
from app.wire import Day, Moment, PathKey, Text

Schema = TypeVar("Schema", bound=BaseModel)
_KEY: TypeAdapter[int] = TypeAdapter(PathKey)
TEXT_KEY: TypeAdapter[str] = TypeAdapter(Text)
DAY_KEY: TypeAdapter[dt.date] = TypeAdapter(Day)
MOMENT_KEY: TypeAdapter[dt.datetime] = TypeAdapter(Moment)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


async def json_object(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard: 400 where the body is not a JSON object, or absent."""
    assert isinstance(connection, Request)
    if _loaded(await connection.body()) is None:
        raise Problem(400, "The body is not a JSON object.")


async def optional_json_object(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard: 400 where a body is sent that is not a JSON object."""
    assert isinstance(connection, Request)
    _loaded(await connection.body())


def _loaded(body: bytes) -> dict[str, Any] | None:
    if not body:
        return None
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Problem(400, "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Problem(400, "The body is not a JSON object.")
    return value


def given(schema: type[Schema], body: bytes, *, optional: bool = False) -> Schema:
    """The body as its schema has it; 400 where it is missing, 422 where it is not valid."""
    value = _loaded(body)
    if value is None and not optional:
        raise Problem(400, "The body is not a JSON object.")
    return _checked(schema, value or {})


def asked(schema: type[Schema], request: Request[Any, Any, Any]) -> Schema:
    """The query parameters as their schema has them; of several with one name the last counts."""
    return _checked(schema, dict(request.query_params.multi_items()))


def _checked(schema: type[Schema], value: dict[str, Any]) -> Schema:
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        raise Problem(422, "Some fields are not valid.", field_errors(error.errors(include_url=False))) from None


def row_key(text: str, adapter: TypeAdapter[Any] = _KEY) -> Any:
    """The key in a path; 404 where nothing can have it."""
    try:
        return adapter.validate_python(text)
    except ValidationError:
        raise not_found() from None


def answer(value: BaseModel, headers: dict[str, str] | None = None) -> Response[bytes]:
    """A model as JSON."""
    return Response(value.model_dump_json(by_alias=True).encode(), media_type=MediaType.JSON, headers=headers)
