package intake_test

import (
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/intake"
)

// The settings of a subject come before those of his structure; no structure is
// nobody's.
func TestSenderOfASubject(t *testing.T) {
	all := intake.Senders{
		{Name: "lab", Structure: "1", Replay: true},
		{Name: "engine", Structure: "1", Subject: "e"},
		{Name: "person", Subject: "p", Replay: true},
	}
	for _, c := range []struct {
		subject authz.Subject
		want    string
	}{
		{authz.Subject{ID: "x", Structure: "1"}, "lab"},
		{authz.Subject{ID: "e", Structure: "1"}, "engine"},
		{authz.Subject{ID: "e", Structure: "2"}, ""},
		{authz.Subject{ID: "p", Structure: "2"}, "person"},
		{authz.Subject{ID: "p", Structure: "1"}, "person"},
		{authz.Subject{ID: "x"}, ""},
		{authz.Subject{}, ""},
	} {
		if got := all.Of(c.subject).Name; got != c.want {
			t.Errorf("%+v: %q, want %q", c.subject, got, c.want)
		}
	}
}
