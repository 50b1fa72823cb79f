package postgres

import "errors"

// What an Error is about, for errors.Is.
var (
	ErrNoServer    = errors.New("no PostgreSQL server to be had")
	ErrInUse       = errors.New("data folder in use")
	ErrVersion     = errors.New("data of another PostgreSQL version")
	ErrUnreachable = errors.New("data folder out of reach")
	ErrFailed      = errors.New("PostgreSQL did not start")
	ErrNewer       = errors.New("schema newer than the program")
	ErrOlder       = errors.New("schema older than the program")
	ErrEdited      = errors.New("schema of a development version")
)

// Error is a refusal that an operator reads at start: what is wrong and what to
// do, in French then in English. It names folders and packages, so it is for the
// terminal and the log, never for an answer to a client.
type Error struct {
	Kind    error // one of the Err… values
	French  string
	English string
}

// Error is both texts on one line.
func (e *Error) Error() string { return e.French + " | " + e.English }

// Unwrap is the kind, so that errors.Is finds it.
func (e *Error) Unwrap() error { return e.Kind }
