// Package db carries a session's transaction between the packages of the
// registry, and to no others: outside registry/… a Handle cannot be opened, so no
// handler can run SQL of its own past a Scope.
package db

import (
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// Handle is a session's transaction, closed to whoever is outside registry/….
type Handle struct{ tx pgx.Tx }

// New wraps a transaction.
func New(tx pgx.Tx) Handle { return Handle{tx} }

// Tx opens the handle.
func Tx(h Handle) pgx.Tx { return h.tx }

// Storable tells whether PostgreSQL can hold a text. One that it cannot hold names
// nothing here, and must not reach a statement, which would fail on it.
func Storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
