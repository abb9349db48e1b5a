"""Answers with an ETag, and parts of an answer: what HTTP asks for beyond the operation itself."""

import hashlib
import re

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from quantumlayer.server.api.problems import Refused

JSON = "application/json"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def answer(
    request: Request,
    value: BaseModel | bytes,
    status: int = 200,
    *,
    headers: dict[str, str] | None = None,
    media_type: str = JSON,
) -> Response:
    """The value with its ETag, or 304 when the caller has it already."""
    content = value if isinstance(value, bytes) else value.model_dump_json().encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    given = {"ETag": tag, "Cache-Control": "no-cache"} | (headers or {})
    if request.method in ("GET", "HEAD") and _known(request, tag):
        return Response(None, 304, given)
    return Response(content, status, given, media_type)


def download(request: Request, content: bytes, digest: str, media_type: str, name: str) -> Response:
    """Bytes that never change, whole or the range that was asked for. Raises `Refused` with 416 for one outside of them."""
    tag = f'"{digest}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, max-age=31536000, immutable",
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{re.sub(r"[^A-Za-z0-9._-]", "_", name)}"',
    }
    if _known(request, tag):
        return Response(None, 304, headers)
    part = _part(request, tag, len(content))
    if part is None:
        return Response(content, 200, headers, media_type)
    start, end = part
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
    return Response(content[start:end], 206, headers, media_type)


def _known(request: Request, tag: str) -> bool:
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or tag in (t.strip().removeprefix("W/") for t in given.split(","))


def _part(request: Request, tag: str, size: int) -> tuple[int, int] | None:
    """Where the asked range starts and ends; None for all of it: no range, more than one, or another version's."""
    text = request.headers.get("range")
    condition = request.headers.get("if-range")
    found = _RANGE.fullmatch(text.replace(" ", "")) if text else None
    if found is None or (condition is not None and condition != tag):
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    # Digits without end are no number worth reading.
    if len(first) > 18 or len(last) > 18:
        return None
    if first and last and int(last) < int(first):
        return None
    start, end = (int(first), int(last) + 1 if last else size) if first else (max(0, size - int(last)), size)
    if start >= size or (not first and int(last) == 0):
        raise Refused(416, f"the range lies outside of {size} bytes", headers={"Content-Range": f"bytes */{size}"})
    return start, min(end, size)
