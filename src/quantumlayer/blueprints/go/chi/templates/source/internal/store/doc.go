// Package store reads and writes rows.
package store
