package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// maxPrepared statements are kept for each connection; any more are parsed each time.
const maxPrepared = 500

// openPrepared opens SQLite so that each connection parses a statement once. Tx reads every result to its end before it asks
// again, so no statement is run while another result of it is being read.
func openPrepared(name string) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(preparing{connector}), nil
}

type preparing struct{ driver.Connector }

// Connect makes a connection that remembers its statements.
func (p preparing) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &prepared{opened.(connection), map[string]statement{}}, nil
}

type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type prepared struct {
	connection
	known map[string]statement
}

// ExecContext runs a statement that answers nothing. Those without arguments, as in migrations, are not kept.
func (c *prepared) ExecContext(ctx context.Context, text string, arguments []driver.NamedValue) (driver.Result, error) {
	if len(arguments) == 0 || c.full(text) {
		return c.connection.ExecContext(ctx, text, arguments)
	}
	known, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	return known.ExecContext(ctx, arguments)
}

// QueryContext runs a statement that answers rows.
func (c *prepared) QueryContext(ctx context.Context, text string, arguments []driver.NamedValue) (driver.Rows, error) {
	if c.full(text) {
		return c.connection.QueryContext(ctx, text, arguments)
	}
	known, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	return known.QueryContext(ctx, arguments)
}

func (c *prepared) full(text string) bool {
	return len(c.known) >= maxPrepared && c.known[text] == nil
}

func (c *prepared) statement(ctx context.Context, text string) (statement, error) {
	if c.known[text] == nil {
		made, err := c.PrepareContext(ctx, text)
		if err != nil {
			return nil, err
		}
		c.known[text] = made.(statement)
	}
	return c.known[text], nil
}

// Close ends the statements and the connection.
func (c *prepared) Close() error {
	var failed error
	for _, known := range c.known {
		failed = errors.Join(failed, known.Close())
	}
	return errors.Join(failed, c.connection.Close())
}
