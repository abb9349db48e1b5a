package database

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/shopspring/decimal"

	"app/internal/problem"
)

func opened(t *testing.T) *Database {
	t.Helper()
	db, err := Open("sqlite:///" + filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestThePlaceholdersOfPostgreSQLAreNumbered(t *testing.T) {
	tx := &Tx{}
	if got := tx.placeholders(`SELECT ? WHERE a = '?' AND b = ?`); got != `SELECT $1 WHERE a = '?' AND b = $2` {
		t.Error(got)
	}
	if got := tx.placeholders("SELECT 1"); got != "SELECT 1" {
		t.Error(got)
	}
	if got := tx.bound([]any{1}); got[0] != 1 {
		t.Error(got)
	}
}

func TestTheFirstFailureIsKept(t *testing.T) {
	db := opened(t)
	err := db.Write(context.Background(), func(tx *Tx) error {
		tx.Exec("no statement")
		tx.Exec("CREATE TABLE a (id INTEGER)")
		if tx.Err() == nil || tx.Exists("FROM a") || tx.Count("FROM a") != 0 || len(Column[int](tx, "SELECT 1")) != 0 {
			t.Error("after a failure nothing runs")
		}
		return nil
	})
	if err == nil {
		t.Error("the failure is lost")
	}
}

func TestValuesListsAndConditions(t *testing.T) {
	db := opened(t)
	err := db.Write(context.Background(), func(tx *Tx) error {
		half := decimal.RequireFromString("0.5")
		if got := Value[decimal.Decimal](tx, "SELECT ?", half); !got.Equal(half) {
			t.Errorf("%v", got)
		}
		if Maybe[int64](tx, "SELECT NULL") != nil || *Maybe[int64](tx, "SELECT 1 WHERE ? IS NULL", (*decimal.Decimal)(nil)) != 1 {
			t.Error("null is nothing")
		}
		if got := Column[int64](tx, "SELECT 1 UNION SELECT 2 ORDER BY 1"); len(got) != 2 || got[1] != 2 {
			t.Errorf("%v", got)
		}
		var words Words
		text, err := Words{"a", "b"}.Value()
		if err != nil || words.Scan(text) != nil || len(words) != 2 || words.Scan(1) == nil {
			t.Errorf("%v %v", words, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	where := Conditions{Where("a = ?", 1)}
	where.Add("b = ?", 2)
	if where.SQL() != " WHERE (a = ?) AND (b = ?)" || len(where.Arguments(3)) != 3 || (Conditions{}).SQL() != "" {
		t.Error(where.SQL())
	}
	if Ref(0) != nil || *Ref(1) != 1 || Key(0) != nil || Key(1) != int64(1) || List([]string{"a"}) != "|a|" {
		t.Error("the id 0 is no row")
	}
}

func TestConflictsAreSaidInWords(t *testing.T) {
	for code, status := range map[string]int{uniqueViolation: 409, foreignKeyViolation: 409} {
		var found *problem.Problem
		if !errors.As(conflict(&pgconn.PgError{Code: code}), &found) || found.Status != status {
			t.Errorf("%s is %v", code, found)
		}
	}
	if !lost(&pgconn.PgError{Code: serializationFailure}) || lost(errors.New("other")) || conflict(nil) != nil {
		t.Error("only lost transactions are tried again")
	}
	if _, err := Open("mysql://host/db"); err == nil {
		t.Error("MySQL is not supported")
	}
	db, err := Open("postgresql://app@127.0.0.1:1/app")
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(*Tx) error { return nil }
	if db.Write(context.Background(), nothing) == nil || db.Read(context.Background(), nothing) == nil || db.Close() != nil {
		t.Error("nobody answers there")
	}
}
