package web

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are measured of every request.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewMetrics registers the measurements.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	metrics := &Metrics{
		requests: prometheus.NewCounterVec(
			prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests answered."}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(
			prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "Time to answer."}, []string{"method", "route"}),
	}
	registry.MustRegister(metrics.requests, metrics.seconds)
	return metrics
}

// Observe is middleware: one log line and one measurement a request.
func (app *App) Observe(metrics *Metrics) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			begun, watched := time.Now(), middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			next.ServeHTTP(watched, r)
			took := time.Since(begun)
			route := chi.RouteContext(r.Context()).RoutePattern()
			if route == "" {
				route = "unmatched"
			}
			metrics.requests.WithLabelValues(r.Method, route, strconv.Itoa(watched.Status())).Inc()
			metrics.seconds.WithLabelValues(r.Method, route).Observe(took.Seconds())
			app.Log.Info("request", "method", r.Method, "path", r.URL.Path, "status", watched.Status(),
				"milliseconds", float64(took.Microseconds())/1000)
		})
	}
}

// Recover is middleware: a handler that panics is a failure like any other.
func (app *App) Recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				app.refuse(w, r, fmt.Errorf("panic: %v", cause))
			}
		}()
		next.ServeHTTP(w, r)
	})
}
