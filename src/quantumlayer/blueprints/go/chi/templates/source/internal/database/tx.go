package database

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Tx is a transaction. Its first failure is kept, as bufio.Writer keeps it: after that, queries do nothing and answer with
// zero values, and the transaction ends with that failure. So rules read as what they say.
type Tx struct {
	ctx    context.Context
	tx     *sql.Tx
	sqlite bool
	err    error
}

// Row is what a query answers with.
type Row interface {
	Scan(targets ...any) error
}

// Err is the first failure.
func (tx *Tx) Err() error {
	return tx.err
}

// Exec runs a statement.
func (tx *Tx) Exec(statement string, arguments ...any) {
	if tx.err == nil {
		_, tx.err = tx.tx.ExecContext(tx.ctx, tx.placeholders(statement), tx.bound(arguments)...)
	}
}

// Insert runs an INSERT … RETURNING id.
func (tx *Tx) Insert(statement string, arguments ...any) int64 {
	return Value[int64](tx, statement, arguments...)
}

// Count counts the rows of "FROM … WHERE …".
func (tx *Tx) Count(rest string, arguments ...any) int64 {
	return Value[int64](tx, "SELECT count(*) "+rest, arguments...)
}

// Exists tells whether "FROM … WHERE …" has a row.
func (tx *Tx) Exists(rest string, arguments ...any) bool {
	return Value[bool](tx, "SELECT EXISTS (SELECT 1 "+rest+")", arguments...)
}

// Value is the one value that a query answers with, the zero value where there is no row.
func Value[T any](tx *Tx, query string, arguments ...any) T {
	return One(tx, func(row Row, found *T) error { return row.Scan(found) }, query, arguments...)
}

// Maybe is the same where the value may be null.
func Maybe[T any](tx *Tx, query string, arguments ...any) *T {
	return Value[*T](tx, query, arguments...)
}

// Column holds the values of all rows.
func Column[T any](tx *Tx, query string, arguments ...any) []T {
	return All(tx, func(row Row, found *T) error { return row.Scan(found) }, query, arguments...)
}

// One is the first row of a query, the zero value where there is none.
func One[T any](tx *Tx, scan func(Row, *T) error, query string, arguments ...any) T {
	var found T
	if tx.err != nil {
		return found
	}
	err := scan(tx.tx.QueryRowContext(tx.ctx, tx.placeholders(query), tx.bound(arguments)...), &found)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		tx.err = err
	}
	return found
}

// All holds every row of a query.
func All[T any](tx *Tx, scan func(Row, *T) error, query string, arguments ...any) []T {
	found := []T{}
	if tx.err != nil {
		return found
	}
	rows, err := tx.tx.QueryContext(tx.ctx, tx.placeholders(query), tx.bound(arguments)...)
	if err != nil {
		tx.err = err
		return found
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var item T
		if tx.err = scan(rows, &item); tx.err != nil {
			return found
		}
		found = append(found, item)
	}
	tx.err = rows.Err()
	return found
}

// placeholders writes ? as $1, $2, … for PostgreSQL, but not within quotes.
func (tx *Tx) placeholders(query string) string {
	if tx.sqlite || !strings.Contains(query, "?") {
		return query
	}
	var written strings.Builder
	quoted, number := false, 0
	for _, character := range query {
		switch {
		case character == '\'':
			quoted = !quoted
			written.WriteRune(character)
		case character == '?' && !quoted:
			number++
			written.WriteByte('$')
			written.WriteString(strconv.Itoa(number))
		default:
			written.WriteRune(character)
		}
	}
	return written.String()
}

// bound makes exact decimals doubles on SQLite, which has none: the double whose shortest form is the decimal.
func (tx *Tx) bound(arguments []any) []any {
	if !tx.sqlite {
		return arguments
	}
	bound := make([]any, len(arguments))
	for i, argument := range arguments {
		switch exact := argument.(type) {
		case decimal.Decimal:
			bound[i] = exact.InexactFloat64()
		case *decimal.Decimal:
			if exact != nil {
				bound[i] = exact.InexactFloat64()
			}
		default:
			bound[i] = argument
		}
	}
	return bound
}
