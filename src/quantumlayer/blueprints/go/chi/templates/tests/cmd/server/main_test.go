package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"app/internal/config"
)

// lines is a log that may be read while it is written.
type lines struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.text.Write(line)
}

func (l *lines) String() string {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.text.String()
}

func TestServesUntilItIsToldToStop(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("PORT", "0")
	t.Setenv("HOST", "127.0.0.1")
	t.Setenv("CLOCK_OFFSET_SECONDS", "60")
	t.Setenv("DATABASE_URL", "sqlite:///"+filepath.Join(t.TempDir(), "test.db"))
	settings, err := config.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended, log := make(chan error, 1), &lines{}
	go func() { ended <- run(ctx, settings, slog.New(slog.NewJSONHandler(log, nil))) }()
	address := regexp.MustCompile(`"serving","address":"([^"]+)"`)
	var found []string
	for begun := time.Now(); found == nil && time.Since(begun) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
		found = address.FindStringSubmatch(log.String())
	}
	if found == nil {
		t.Fatalf("it does not serve: %s", log)
	}
	answer, err := http.Get("http://" + found[1] + "/health")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || strings.TrimSpace(string(body)) != `{"status":"ok"}` {
		t.Errorf("%s %v", body, err)
	}
	_ = answer.Body.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestDoesNotServeWithoutADatabase(t *testing.T) {
	settings := config.Config{DatabaseURL: "sqlite:///" + filepath.Join(t.TempDir(), "no", "such", "folder.db")}
	if err := run(context.Background(), settings, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("there is no folder for the database")
	}
}
