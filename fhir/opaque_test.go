package fhir

import (
	"strings"
	"testing"
)

// An id is for its kind alone, the same each time, and nobody makes one up.
func TestOpaqueID(t *testing.T) {
	c, err := NewCursors([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	const record = "39893d2d-9c3b-4340-b837-39eb4a3c1e3e"
	id := c.ID("Consent", record, []byte{1, 2, 3})
	if !isID(id) || id != c.ID("Consent", record, []byte{1, 2, 3}) {
		t.Errorf("%q", id)
	}
	got, rest, ok := c.OpenID("Consent", id)
	if !ok || got != record || len(rest) != 16 || rest[2] != 3 {
		t.Errorf("%s %v %v", got, rest, ok)
	}
	other, _ := NewCursors([32]byte{2})
	for name, opens := range map[string]func() bool{
		"another kind":    func() bool { _, _, ok := c.OpenID("AuditEvent", id); return ok },
		"another gateway": func() bool { _, _, ok := other.OpenID("Consent", id); return ok },
		"cut short":       func() bool { _, _, ok := c.OpenID("Consent", id[1:]); return ok },
		"a record":        func() bool { _, _, ok := c.OpenID("Consent", record); return ok },
	} {
		if opens() {
			t.Error(name)
		}
	}
	for i := range id {
		changed := id[:i] + strings.Map(func(r rune) rune {
			if r == 'A' {
				return 'B'
			}
			return 'A'
		}, id[i:i+1]) + id[i+1:]
		if _, _, ok := c.OpenID("Consent", changed); ok {
			t.Errorf("changed at %d", i)
		}
	}
	if next := c.ID("Consent", record, []byte{1, 2, 4}); len(next) != len(id) || next[:16] == id[:16] {
		t.Errorf("%s beside %s", next, id)
	}
	if c.ID("Consent", "x", nil) != "" || c.ID("Consent", record, make([]byte, 17)) != "" {
		t.Error("an id of nothing")
	}
}
