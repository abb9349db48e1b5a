"""Bodies are JSON objects or absent; anything else is refused before all other checks."""

import json

from fastapi import Request

from app.errors import Problem


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


async def require_json_object(request: Request) -> None:
    """400 where the body is not a JSON object, or absent."""
    if not await request.body():
        raise Problem(400, "The body is not a JSON object.")
    await optional_json_object(request)


async def optional_json_object(request: Request) -> None:
    """400 where a body is sent that is not a JSON object."""
    raw = await request.body()
    if not raw:
        return
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Problem(400, "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Problem(400, "The body is not a JSON object.")
