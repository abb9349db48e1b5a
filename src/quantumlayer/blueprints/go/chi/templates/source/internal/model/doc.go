// Package model holds the rows of the application as its callers see them.
package model
