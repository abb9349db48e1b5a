"""The application: routers behind the guard, and the document that describes them."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI

from quantumlayer import __version__
from quantumlayer.server.api import problems
from quantumlayer.server.api.guard import BODY_BYTES, CREATION_BYTES, Guard
from quantumlayer.server.api.metrics import PREFIX
from quantumlayer.server.api.office import Office
from quantumlayer.server.api.routes import agreement, drops, events, judgements, machine, previews, runs, specs
from quantumlayer.server.api.views import DROP_EXAMPLE, EventList, NewRun

KEYS_KEPT = timedelta(hours=24)
_DESCRIPTION = """From a request in plain language to a verified, packaged, running application.

Errors are problem details (RFC 9457). Reads have an `ETag` and honour `If-None-Match`. Without a token the API serves only
programs of its own machine; elsewhere send `Authorization: Bearer TOKEN` (`ql token create NAME`)."""


def create_app(office: Office) -> FastAPI:
    """The API of that office. Its lifespan prepares the stores and closes them."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await office.metadata.prepare()
        await office.previews.prepare()
        await office.access.forget(datetime.now(UTC) - KEYS_KEPT)
        yield
        await office.close()

    app = FastAPI(
        title="QuantumLayer",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"metrics": False, "logs": False},
    )
    app.state.office = office
    problems.install(app)
    app.include_router(machine.root)
    app.include_router(runs.router, prefix=PREFIX, max_body_size=CREATION_BYTES)
    for module in (agreement, drops, events, specs, previews, judgements, machine):
        app.include_router(module.router, prefix=PREFIX, max_body_size=BODY_BYTES)
    app.add_middleware(Guard, settings=office.settings, access=office.access, metrics=office.metrics)
    app.openapi = _documented(app, app.openapi)
    return app


def _documented(app: FastAPI, generate: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """The framework's document, put right: refusals are problem details, and schemas that it cannot see are there."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = generate()
            schemas = found["components"]["schemas"]
            for model in (NewRun, EventList):
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas.update(schema.pop("$defs", {}))
                schemas[model.__name__] = schema
            schemas["Drop"]["examples"] = [DROP_EXAMPLE]
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            for operation in (o for path in found["paths"].values() for o in path.values()):
                operation["security"] = [{"token": []}, {}]
                _put_right(operation, schemas)
        assert app.openapi_schema is not None
        return app.openapi_schema

    return document


def _put_right(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        if reference.endswith("/ProblemDetails"):
            example = {
                "type": "about:blank",
                "title": response["description"].rstrip("."),
                "status": int(status),
                "detail": "…",
            }
            response["content"] = {"application/problem+json": {"schema": {"$ref": reference}, "example": example}}
        elif reference:
            name = reference.rsplit("/", 1)[-1]
            example = _example(schemas[name], schemas)
            if example is not None:
                content["application/json"].setdefault("example", example)


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The schema's own example; that of a list holds one example of its items."""
    if "examples" in schema:
        return schema["examples"][0]
    properties = schema.get("properties", {})
    item = properties.get("items", {}).get("items", {}).get("$ref", "").rsplit("/", 1)[-1]
    if "examples" not in schemas.get(item, {}):
        return None
    rest = {"total": 1, "end": True}
    return {"items": [schemas[item]["examples"][0]]} | {name: value for name, value in rest.items() if name in properties}
