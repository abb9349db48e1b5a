// Command server is the to-do service as one would write it by hand in one sitting: chi, database/sql, list and create.
package main

import (
	"database/sql"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	_ "modernc.org/sqlite"
)

const schema = `CREATE TABLE IF NOT EXISTS tasks (
	id INTEGER PRIMARY KEY, title TEXT NOT NULL, notes TEXT, due_date TEXT NOT NULL, priority TEXT NOT NULL,
	done BOOLEAN NOT NULL, created_at TEXT NOT NULL)`

type task struct {
	ID        int64   `json:"id"`
	Title     string  `json:"title"`
	Notes     *string `json:"notes"`
	DueDate   string  `json:"due_date"`
	Priority  string  `json:"priority"`
	Done      bool    `json:"done"`
	CreatedAt string  `json:"created_at"`
}

type service struct{ db *sql.DB }

func main() {
	path := strings.TrimPrefix(os.Getenv("DATABASE_URL"), "sqlite:///")
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(wal)&_pragma=synchronous(normal)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.Exec(schema); err != nil {
		log.Fatal(err)
	}
	s := &service{db}
	router := chi.NewRouter()
	router.Get("/health", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	router.Get("/tasks", s.list)
	router.Post("/tasks", s.create)
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), router))
}

func (s *service) list(w http.ResponseWriter, r *http.Request) {
	limit, offset := number(r, "limit", 50), number(r, "offset", 0)
	rows, err := s.db.QueryContext(r.Context(), `SELECT id, title, notes, due_date, priority, done, created_at FROM tasks ORDER BY id DESC LIMIT ? OFFSET ?`, limit, offset)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer rows.Close()
	items := []task{}
	for rows.Next() {
		var t task
		if err := rows.Scan(&t.ID, &t.Title, &t.Notes, &t.DueDate, &t.Priority, &t.Done, &t.CreatedAt); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		items = append(items, t)
	}
	var total int64
	if err := s.db.QueryRowContext(r.Context(), `SELECT count(*) FROM tasks`).Scan(&total); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, map[string]any{"items": items, "total": total})
}

func (s *service) create(w http.ResponseWriter, r *http.Request) {
	var t task
	if err := json.NewDecoder(r.Body).Decode(&t); err != nil || t.Title == "" {
		http.Error(w, "a task needs a title", http.StatusUnprocessableEntity)
		return
	}
	t.CreatedAt = time.Now().UTC().Format(time.RFC3339Nano)
	err := s.db.QueryRowContext(r.Context(), `INSERT INTO tasks (title, notes, due_date, priority, done, created_at) VALUES (?, ?, ?, ?, ?, ?) RETURNING id`,
		t.Title, t.Notes, t.DueDate, t.Priority, t.Done, t.CreatedAt).Scan(&t.ID)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusCreated, t)
}

func number(r *http.Request, name string, fallback int) int {
	if found, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
		return found
	}
	return fallback
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
