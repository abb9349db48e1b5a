// Package database opens SQLite or PostgreSQL and runs transactions in which rules hold however many requests arrive at once.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	"modernc.org/sqlite"

	"app/internal/problem"
)

const (
	attempts    = 16
	connections = 20
	pragmas     = "?_pragma=busy_timeout(30000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)"

	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	foreignKeyViolation  = "23503"

	sqliteUnique     = 2067
	sqlitePrimaryKey = 1555
	sqliteForeignKey = 787
)

// Database has one pool for writing and one for reading; on PostgreSQL they are the same.
type Database struct {
	SQLite  bool
	writing *sql.DB
	reading *sql.DB
	turn    sync.Mutex
}

// Open connects to sqlite:///file or postgresql://…; the connection is made when it is first needed.
func Open(url string) (*Database, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:///"); ok {
		return openSQLite(path)
	}
	if !strings.HasPrefix(url, "postgresql://") && !strings.HasPrefix(url, "postgres://") {
		return nil, errors.New("DATABASE_URL must begin with sqlite:/// or postgresql://")
	}
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return &Database{writing: pool, reading: pool}, nil
}

func openSQLite(path string) (*Database, error) {
	if strings.ContainsAny(path, "?#%") {
		return nil, errors.New("DATABASE_URL: the name of a SQLite file has no ?, # or %")
	}
	writing, err := openPrepared("file:" + path + pragmas + "&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	writing.SetMaxOpenConns(1) // SQLite has one writer: the others wait here instead of asking again and again
	reading, err := openPrepared("file:" + path + pragmas)
	if err != nil {
		return nil, err
	}
	reading.SetMaxOpenConns(connections)
	reading.SetMaxIdleConns(connections)
	return &Database{SQLite: true, writing: writing, reading: reading}, nil
}

// Pool is the pool for writing, for migrations.
func (d *Database) Pool() *sql.DB {
	return d.writing
}

// Close ends all connections.
func (d *Database) Close() error {
	if d.reading == d.writing {
		return d.writing.Close()
	}
	return errors.Join(d.writing.Close(), d.reading.Close())
}

// Ping fails where the database does not answer.
func (d *Database) Ping(ctx context.Context) error {
	return d.reading.PingContext(ctx)
}

// Read runs an action on one consistent view of the data.
func (d *Database) Read(ctx context.Context, action func(*Tx) error) error {
	options := &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	if d.SQLite {
		options = nil
	}
	return d.run(ctx, d.reading, options, action)
}

// Write runs an action in one serialisable transaction, again where PostgreSQL asks for it. Those that lost take turns.
func (d *Database) Write(ctx context.Context, action func(*Tx) error) error {
	if d.SQLite {
		return d.run(ctx, d.writing, nil, action)
	}
	for attempt := range attempts {
		err := d.attempt(ctx, attempt > 0, action)
		if !lost(err) {
			return err
		}
		time.Sleep(2 * time.Millisecond << min(attempt, 6))
	}
	return problem.New(http.StatusServiceUnavailable, "Too many requests change the same rows at once. Try again.")
}

func (d *Database) attempt(ctx context.Context, alone bool, action func(*Tx) error) error {
	if alone {
		d.turn.Lock()
		defer d.turn.Unlock()
	}
	return d.run(ctx, d.writing, &sql.TxOptions{Isolation: sql.LevelSerializable}, action)
}

// run commits what the action did; a refused or failed action leaves nothing. What the database said comes first: an action
// that went on after a failure has seen empty rows.
func (d *Database) run(ctx context.Context, pool *sql.DB, options *sql.TxOptions, action func(*Tx) error) error {
	begun, err := pool.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer func() { _ = begun.Rollback() }() // after a commit it does nothing
	tx := &Tx{ctx: ctx, tx: begun, sqlite: d.SQLite}
	err = action(tx)
	if tx.err != nil {
		return conflict(tx.err)
	}
	if err != nil {
		return err
	}
	return conflict(begun.Commit())
}

func lost(err error) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && (failure.Code == serializationFailure || failure.Code == deadlockDetected)
}

// conflict says in words what a constraint of the database refused.
func conflict(err error) error {
	code, number := "", 0
	var postgres *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case errors.As(err, &postgres):
		code = postgres.Code
	case errors.As(err, &lite):
		number = lite.Code()
	}
	switch {
	case code == uniqueViolation || number == sqliteUnique || number == sqlitePrimaryKey:
		return problem.New(http.StatusConflict, "Another resource has the same values where they must be unique.")
	case code == foreignKeyViolation || number == sqliteForeignKey:
		return problem.New(http.StatusConflict, "Other resources refer to this one.")
	}
	return err
}
