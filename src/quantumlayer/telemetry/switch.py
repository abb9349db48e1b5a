"""Tracing of ourselves: on where the standard OTEL_* variables ask for it, else not even loaded."""

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

_MODULE = "quantumlayer.telemetry.tracing"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def is_on() -> bool:
    """Whether an exporter or an endpoint is named, and nothing says no."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "").lower()
    return exporter != "none" and bool(exporter or any(os.environ.get(name) for name in _ENDPOINTS))


def start(component: str) -> None:
    """Sends this process's spans to where the environment says, under that name. Raises `EnvironmentError_` where it cannot."""
    if is_on():
        importlib.import_module(_MODULE).start(component)


def interceptors() -> list[Any]:
    """What carries a trace through Temporal; none where tracing is off."""
    return [importlib.import_module(_MODULE).interceptor()] if is_on() else []


@contextlib.contextmanager
def span(name: str, attributes: Mapping[str, str]) -> Iterator[Any]:
    """A span around the body, with a method `set_attribute`; None where tracing is off."""
    if not is_on():
        yield None
        return
    with importlib.import_module(_MODULE).span(name, attributes) as opened:
        yield opened


def flush() -> None:
    """Sends what is left. Processes that end by `os._exit` must call it."""
    if _MODULE in sys.modules:
        sys.modules[_MODULE].flush()
