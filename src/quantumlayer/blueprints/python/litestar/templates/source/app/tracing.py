"""OpenTelemetry traces, sent to OTEL_EXPORTER_OTLP_ENDPOINT."""

from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sqlalchemy import Engine


def install(app: Any, engine: Engine) -> None:
    """Traces requests and queries. The exporter reads its own standard environment variables."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    app.entrance = OpenTelemetryMiddleware(app.entrance, exclude_spans=["send", "receive"])
    SQLAlchemyInstrumentor().instrument(engine=engine)
