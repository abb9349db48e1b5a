// Package telemetry sends OpenTelemetry traces where an endpoint is configured.
package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Trace wraps a handler so that each request is a span; the exporter reads its own standard environment variables. The
// returned function sends what is left.
func Trace(ctx context.Context, handler http.Handler) (http.Handler, func(context.Context) error, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, err
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	return otelhttp.NewHandler(handler, "http"), provider.Shutdown, nil
}
