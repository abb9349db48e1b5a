"""A reference model as an application over real HTTP, with every capability: what the judge is measured with."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from quantumlayer.evidence.judge.app import App
from quantumlayer.spec.http import HttpRequest, HttpResponse
from quantumlayer.spec.model import ReferenceModel, model_of
from quantumlayer.spec.values import Spec

Handler = Callable[[HttpRequest], HttpResponse]
_METRICS = b"# HELP up Whether the model runs.\n# TYPE up gauge\nup 1\n"


class ServedModel:
    """`answer` may be replaced to plant faults. One request at a time, as in a serialisable database."""

    def __init__(self, spec: Spec, admin: tuple[str, str] | None = None) -> None:
        self._spec, self._admin = spec, admin
        self._offset = 0
        self._lock = threading.Lock()
        self.model = self._fresh()
        self.answer: Handler = self._by_model
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _clock(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._offset)

    def _fresh(self) -> ReferenceModel:
        return model_of(self._spec, self._clock, admin=self._admin)

    def _by_model(self, request: HttpRequest) -> HttpResponse:
        return self.model.handle(request)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """The answer, one request at a time."""
        with self._lock:
            return self.answer(request)

    async def reset(self) -> str:
        """A fresh model."""
        self._offset = 0
        self.model = self._fresh()
        return self.url

    async def restart(self, offset: int) -> str:
        """The same rows, another clock."""
        self._offset = offset
        return self.url

    def close(self) -> None:
        """Stops answering."""
        self._server.shutdown()
        self._server.server_close()


@contextlib.asynccontextmanager
async def served(spec: Spec, admin: tuple[str, str] | None = ("root@example.com", "Root-Passw0rd")) -> AsyncIterator[App]:
    """The reference model of a spec as an application."""
    model = ServedModel(spec, admin if spec.roles else None)
    try:
        yield application(model, admin if spec.roles else None)
    finally:
        await asyncio.to_thread(model.close)


def application(model: ServedModel, admin: tuple[str, str] | None) -> App:
    """A served model as the judge wants it."""
    return App(url=model.url, admin=admin, reset=model.reset, restart=model.restart)


def _handler(owner: ServedModel) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if parts.path == "/metrics":
                return self._send(200, {"content-type": "text/plain; version=0.0.4"}, _METRICS)
            answer = owner.handle(HttpRequest(self.command, parts.path, query, headers, body))
            content = b"" if answer.body is None else json.dumps(answer.body).encode()
            kind = {"content-type": "application/json"} if content else {}
            return self._send(answer.status, {**kind, **answer.headers}, content)

        def _send(self, status: int, headers: dict[str, Any], content: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Answering
