// Package db carries a session's transaction between the packages of the
// registry, and to no others: outside registry/… a Handle cannot be opened, so no
// handler can run SQL of its own past a Scope. With the transaction goes its
// session, so that permissions are held against it wherever they are used.
package db

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/authz"
)

// Handle is a session's transaction, closed to whoever is outside registry/….
type Handle struct {
	tx      *Tx
	session authz.Session
}

// New wraps the transaction of a session.
func New(tx *Tx, s authz.Session) Handle { return Handle{tx, s} }

// ErrForeign is a permission for another action, or used outside the session that
// it was opened in; or the zero System.
var ErrForeign = errors.New("permission of another session or action")

// Permitted holds a permission against the session of a handle and the actions
// that it must have been given for, one of them.
func Permitted(h Handle, a authz.Allowed, actions ...authz.Value) error {
	if h.session == nil || !a.HeldBy(h.session) || !slices.Contains(actions, a.Action()) {
		return ErrForeign
	}
	return nil
}

// Opened holds a Scope of the holder's side against the session of a handle (R-40: what
// it gives is what they read in the history too).
func Opened(h Handle, sc authz.Scope) error {
	if h.session == nil || !sc.HeldBy(h.session) || !slices.Contains([]authz.Value{authz.Patient, authz.Representative, authz.Delegate}, sc.Kind()) {
		return ErrForeign
	}
	return nil
}

// BySystem refuses the zero System.
func BySystem(s authz.System) error {
	if s.Reason() == "" {
		return ErrForeign
	}
	return nil
}

// On opens the handle.
func On(h Handle) *Tx { return h.tx }

// Texts is a list as PostgreSQL takes an array: a nil slice would be NULL.
func Texts(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// Storable tells whether PostgreSQL can hold a text. One that it cannot hold names
// nothing here, and must not reach a statement, which would fail on it.
func Storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// Invited holds the right of a relative on his own delegation against the session of a
// handle.
func Invited(h Handle, i authz.Invited) error {
	if h.session == nil || !i.HeldBy(h.session) {
		return ErrForeign
	}
	return nil
}
