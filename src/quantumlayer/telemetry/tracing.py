"""OpenTelemetry, loaded only where tracing is on."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.metadata import entry_points

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from temporalio.contrib.opentelemetry import TracingInterceptor

from quantumlayer import __version__
from quantumlayer.errors import EnvironmentError_

_EXPORTERS = "opentelemetry_traces_exporter"
_ALIASES = {"otlp": "otlp_proto_http", "": "otlp_proto_http"}
FLUSH_MILLISECONDS = 2000


def start(component: str) -> None:
    """Registers a provider whose spans carry `service.name` quantumlayer-COMPONENT, unless OTEL_SERVICE_NAME says otherwise."""
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    name = os.environ.get("OTEL_SERVICE_NAME") or f"quantumlayer-{component}"
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(_exporter()))
    trace.set_tracer_provider(provider)


def interceptor() -> TracingInterceptor:
    """For a Temporal client; a worker made with that client takes it over."""
    return TracingInterceptor()


def span(name: str, attributes: Mapping[str, str]) -> AbstractContextManager[trace.Span]:
    """A span that becomes the current one."""
    return trace.get_tracer("quantumlayer").start_as_current_span(name, attributes=dict(attributes))


def flush() -> None:
    """Sends what is left, for at most two seconds."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush(FLUSH_MILLISECONDS)


def _exporter() -> SpanExporter:
    wanted = os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    found = list(entry_points(group=_EXPORTERS, name=_ALIASES.get(wanted, wanted)))
    if not found:
        raise EnvironmentError_(
            f"there is no trace exporter {wanted!r}", hint="set OTEL_TRACES_EXPORTER to otlp or console, or install the package"
        )
    return found[0].load()()
