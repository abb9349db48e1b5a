"""A new run from JSON or from a form with files."""

import base64
import hashlib
import json
from typing import Any

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from quantumlayer.catalog.sandboxes import open_sandbox
from quantumlayer.errors import UserError
from quantumlayer.pipeline.intake import chosen_author, configured_vision
from quantumlayer.pipeline.pictures import checked_picture
from quantumlayer.request.compose import compose, read_bytes
from quantumlayer.request.values import FileKind, SourceFile
from quantumlayer.request.values import Request as Asked
from quantumlayer.server.api.problems import Mistake, Refused
from quantumlayer.server.api.views import NewRun
from quantumlayer.stores.home import default_home

FORM = "multipart/form-data"
MOST_FILES = 50
FILE_FIELDS: dict[str, FileKind | None] = {"file": None, "openapi": "openapi", "schema": "sql", "spec": "spec"}
IMAGE_FIELD = "image"
TEXT_FIELDS = ("text", "stack", "author", "model", "preview", "ttl", "interactive", "answer_within")


async def read_new_run(request: Request) -> tuple[NewRun, Asked]:
    """The wish and the request made of it. Raises `Refused` with 400, 415 or 422, and `UserError`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        data = _parsed(await request.body())
    elif kind == FORM:
        data = await _form(request)
    else:
        raise Refused(
            415, f"a run is not made from {kind or 'a body without content type'}", f"send application/json or {FORM}"
        )
    wanted = _checked(data)
    author = chosen_author(wanted.author, wanted.model, default_home().root)
    files = [SourceFile(name=f.name, text=f.text, kind=f.kind) for f in wanted.files]
    if wanted.images:
        configured_vision(default_home().root, wanted.images[0].name)
    sandbox = open_sandbox()
    pictures = [await checked_picture(sandbox, image.name, image.data) for image in wanted.images]
    return wanted, compose(wanted.text, files, pictures, stack=wanted.stack, author=author, model=wanted.model)


def digest(wanted: NewRun) -> str:
    """Equal for equal wishes."""
    return hashlib.sha256(wanted.model_dump_json().encode()).hexdigest()


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON: {error}", "send a JSON object") from None


def _checked(data: Any) -> NewRun:
    try:
        wanted = NewRun.model_validate(data)
        # Half of a surrogate pair is JSON, but no text that could be stored.
        wanted.model_dump_json().encode()
        return wanted
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        errors = [Mistake(where=".".join(["body", *map(str, e["loc"])]), message=e["msg"]) for e in found]
    except ValueError:
        errors = [Mistake(where="body", message="it holds characters that are no text")]
    raise Refused(422, f"{errors[0].where}: {errors[0].message}", "see `errors` for all that is wrong", errors=errors)


async def _form(request: Request) -> dict[str, Any]:
    data: dict[str, Any] = {}
    files: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    async with request.form(max_files=MOST_FILES, max_fields=len(TEXT_FIELDS) + MOST_FILES, max_part_size=1_000_000) as form:
        for name, value in form.multi_items():
            shown = _base_name(value, name)
            if isinstance(value, UploadFile) and name == IMAGE_FIELD:
                images.append({"name": shown, "data": base64.b64encode(await value.read())})
            elif isinstance(value, UploadFile) and name in FILE_FIELDS:
                text = read_bytes(await value.read(), shown)
                files.append({"name": shown, "text": text, "kind": FILE_FIELDS[name]})
            elif not isinstance(value, UploadFile) and name in TEXT_FIELDS and name not in data:
                data[name] = value
            else:
                known = ", ".join((*TEXT_FIELDS, *FILE_FIELDS, IMAGE_FIELD))
                raise UserError(f"the form has a field {name[:80]!r} too much", hint=f"these are known: {known}")
    return data | ({"files": files} if files else {}) | ({"images": images} if images else {})


def _base_name(value: object, field: str) -> str:
    """The name of an uploaded file without folders."""
    name = value.filename if isinstance(value, UploadFile) else None
    return (name or field).replace("\\", "/").rsplit("/", 1)[-1] or field
