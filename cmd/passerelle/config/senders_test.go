package config

import (
	"reflect"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds/profile"
)

// TestSenders: settings per sender that say too little, too much or the impossible.
func TestSenders(t *testing.T) {
	dir, text := filled(t)
	for _, c := range []struct{ name, block, want string }{
		{"nothing", "", ""},
		{"all that can be relaxed", `name="a"
structure="1"
strictness="warn"`, ""},
		{"one code", `name="a"
structure="1"
strictness="warn"
warn=["META-003"]`, ""},
		{"a rule of identity", `name="a"
structure="1"
strictness="warn"
warn=["META-003","C-09"]`, "CONF-009 senders[0].warn[1]"},
		{"a code that is none", `name="a"
subject="1"
strictness="warn"
warn=["META-999"]`, "CONF-009 senders[0].warn[0]"},
		{"codes of a strict sender", `name="a"
structure="1"
warn=["META-003"]`, "CONF-006 senders[0].warn"},
		{"another word", `name="a"
structure="1"
strictness="off"`, "CONF-005 senders[0].strictness"},
		{"nobody", `name="a"`, "CONF-004 senders[0].structure"},
	} {
		with := text
		if c.block != "" {
			with += "\n[[senders]]\n" + c.block + "\n"
		}
		loaded, found := load(t, dir, with)
		var got []string
		for _, e := range found {
			got = append(got, e.ID+" "+e.Where)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if c.name == "one code" {
			want, _ := profile.Relax("META-003")
			if got := loaded.Senders[0].Relaxed(); !reflect.DeepEqual(got, want) {
				t.Errorf("%+v", got)
			}
		}
	}
}
