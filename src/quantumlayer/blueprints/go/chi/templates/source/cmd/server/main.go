// Command server migrates the database, then serves until SIGTERM.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"app/internal/config"
	"app/internal/server"
	"app/internal/telemetry"
)

const (
	readTimeout = 30 * time.Second
	stopTimeout = 10 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	settings, err := config.FromEnvironment()
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: settings.LogLevel}))
	if err == nil {
		err = run(ctx, settings, log)
	}
	stop()
	if err != nil {
		log.Error("the service ends", "error", err.Error())
		os.Exit(1)
	}
}

// run serves until the context ends, then finishes the requests that have begun.
func run(ctx context.Context, settings config.Config, log *slog.Logger) (err error) {
	app, err := server.Open(ctx, settings, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, app.Database.Close()) }()
	handler := server.Routes(app)
	if settings.Traces {
		traced, flush, err := telemetry.Trace(ctx, handler)
		if err != nil {
			return err
		}
		handler = traced
		defer func() { _ = flush(context.WithoutCancel(ctx)) }()
	}
	listener, err := net.Listen("tcp", settings.Address)
	if err != nil {
		return err
	}
	serving := &http.Server{Handler: handler, ReadTimeout: readTimeout}
	failed := make(chan error, 1)
	go func() { failed <- serving.Serve(listener) }()
	log.Info("serving", "address", listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return serving.Shutdown(patience)
}
