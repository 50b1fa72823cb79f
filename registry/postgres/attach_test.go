package postgres

import (
	"errors"
	"testing"
)

// A folder in use can be attached to, wherever temporary files go; the server
// outlives whoever was attached.
func TestAttach(t *testing.T) {
	if _, err := Attach(folder(t)); !errors.Is(err, ErrUnreachable) {
		t.Errorf("nothing runs there: %v", err)
	}
	start(t, shared)
	t.Setenv("TMPDIR", t.TempDir())
	attached, err := Attach(shared)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time after its end
		if got := query(t, attached, "select 'here'"); got != "here" {
			t.Errorf("answer %q", got)
		}
		stop(t, attached)
	}
}
