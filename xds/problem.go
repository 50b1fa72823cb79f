package xds

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Severity is how bad a finding is. A Warning leaves the outcome a success.
type Severity int

// The severities.
const (
	SeverityError Severity = iota
	SeverityWarning
	SeverityInformation // no fault at all: what was done
)

// Error is one finding about a message: a row of the problem table and where,
// what and how for this case. It never holds a name, an INS or a title, nor
// anything of the server's inside (design §6).
type Error struct {
	ID       string   // row of the problem table: META-003, ACC-04, C-02
	Severity Severity // default SeverityError
	Where    string   // path in the message: DocumentEntry[Doc1].classCode, Bundle.entry[1].resource.type
	Line     int      // from 1; 0 = unknown
	Column   int
	Found    string   // what the message says
	Expected string   // what would be right
	Hint     string   // how to mend it; empty = the hint of the table
	Nearest  []string // up to three codes that the sender may have meant
	Object   string   // entryUUID, symbolic id or uniqueId that the finding is about
}

// Problem returns the table row of the finding; an unknown ID reads as INT-001.
func (e *Error) Problem() Problem {
	if p, ok := problemByID[e.ID]; ok {
		return p
	}
	return problemByID["INT-001"]
}

// Error is the one-line rendering that logs and the command line share:
// `META-003 classCode : … ; trouvé : … ; attendu : … ; correction : …`.
func (e *Error) Error() string { return e.ID + " " + e.Text() }

// Text is the finding in French then English, without its ID.
func (e *Error) Text() string {
	p := e.Problem()
	var b strings.Builder
	b.WriteString(p.French)
	if e.Where != "" {
		b.WriteString(" — où : " + e.Where)
	}
	if e.Line > 0 {
		b.WriteString(" (ligne " + strconv.Itoa(e.Line) + ", colonne " + strconv.Itoa(e.Column) + ")")
	}
	if e.Found != "" {
		b.WriteString(" ; trouvé : « " + Shorten(e.Found) + " »")
	}
	if e.Expected != "" {
		b.WriteString(" ; attendu : " + e.Expected)
	}
	if len(e.Nearest) > 0 {
		b.WriteString(" ; proches : " + strings.Join(e.Nearest, ", "))
	}
	if hint := e.HintText(); hint != "" {
		b.WriteString(" ; correction : " + hint)
	}
	b.WriteString(" | " + p.English)
	return b.String()
}

// HintText is how to mend the finding.
func (e *Error) HintText() string {
	if e.Hint != "" {
		return e.Hint
	}
	return e.Problem().Hint
}

// Shorten bounds a text taken from a message to 120 bytes on a character boundary,
// control characters made visible.
func Shorten(s string) string {
	const limit = 120
	cut := s
	if len(cut) > limit {
		cut = cut[:limit]
		for len(cut) > 0 && cut[len(cut)-1]&0xC0 == 0x80 {
			cut = cut[:len(cut)-1]
		}
		if len(cut) > 0 && cut[len(cut)-1] >= 0xC0 {
			cut = cut[:len(cut)-1]
		}
		cut += "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, strings.ToValidUTF8(cut, "�"))
}

// MaxFindings bounds how many findings one answer reports.
const MaxFindings = 100

// Errors are all the findings about one message, in the order of the message.
type Errors []*Error

// Error joins the findings, one a line.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Add appends a finding; past MaxFindings it is dropped, unless it is an error and
// there is a warning whose place it can take: warnings never hide a failure.
func (es *Errors) Add(e *Error) {
	if len(*es) < MaxFindings {
		*es = append(*es, e)
		return
	}
	if e.Severity == SeverityWarning {
		return
	}
	for i := len(*es) - 1; i >= 0; i-- {
		if (*es)[i].Severity == SeverityWarning {
			(*es)[i] = e
			return
		}
	}
}

// AddAll appends findings under the same rule.
func (es *Errors) AddAll(more Errors) {
	for _, e := range more {
		es.Add(e)
	}
}

// Failed tells whether any finding is an error rather than a warning.
func (es Errors) Failed() bool { return es.First() != nil }

// First is the first finding that is an error, nil when all are warnings.
func (es Errors) First() *Error {
	for _, e := range es {
		if e.Severity == SeverityError {
			return e
		}
	}
	return nil
}

// Err returns the findings as an error, nil when there is none that fails.
func (es Errors) Err() error {
	if !es.Failed() {
		return nil
	}
	return es
}

// FindingsOf reads an error as findings for the client; ok is false for a failure of
// the machinery, of which a client is told nothing but a number.
func FindingsOf(err error) (all Errors, ok bool) {
	var one *Error
	if errors.As(err, &one) {
		return Errors{one}, true
	}
	return all, errors.As(err, &all) && len(all) > 0
}

// ErrUnavailable marks a failure that passes by itself: a store that does not answer.
var ErrUnavailable = errors.New("a store does not answer")

// Incident is what a client is told of a failure of the machinery: its number, and
// whether to come back later. The detail is for the log.
func Incident(err error, number string) *Error {
	if errors.Is(err, ErrUnavailable) {
		return &Error{ID: "INT-002", Found: number}
	}
	return &Error{ID: "INT-001", Found: number}
}

// Found is a shorthand for a finding of what a message says at a place.
func Found(id, where, found, expected string) *Error {
	return &Error{ID: id, Where: where, Found: found, Expected: expected}
}

// Wrapf is a finding whose Found is formatted.
func Wrapf(id, where, format string, args ...any) *Error {
	return &Error{ID: id, Where: where, Found: fmt.Sprintf(format, args...)}
}
