// Package migrate brings a database to the current schema.
package migrate

import (
	"context"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"app/internal/database"
)

//go:embed sqlite/*.sql postgresql/*.sql
var files embed.FS

// Up applies every migration that is missing. On PostgreSQL, replicas that start together take turns.
func Up(ctx context.Context, db *database.Database) error {
	dialect, folder, options := goose.DialectSQLite3, "sqlite", []goose.ProviderOption{}
	if !db.SQLite {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		dialect, folder, options = goose.DialectPostgres, "postgresql", append(options, goose.WithSessionLocker(locker))
	}
	migrations, err := fs.Sub(files, folder)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, db.Pool(), migrations, options...)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
