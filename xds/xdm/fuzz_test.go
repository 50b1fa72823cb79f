package xdm_test

import (
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds/xdm"
)

// FuzzOpen: no archive makes the reader panic, and of one that is accepted every
// document lies within it and is read to its end or refused.
func FuzzOpen(f *testing.F) {
	t := &testing.T{}
	good, _ := written(t, xdm.Professional, map[string]string{"1.2.3.1": "one"}, entry(1, "one"))
	for _, seed := range [][]byte{nil, good, good[:len(good)-1], commented(t, good), flagged(t, good), sharing(t, good), zip64(good)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, found := open(raw)
		if (a == nil) != found.Failed() {
			t.Fatalf("%v with %v", a, found)
		}
		if a == nil {
			return
		}
		for _, lot := range a.Lots {
			for i, d := range lot.Submission.Documents {
				if strings.Contains(d.URI, "..") {
					t.Errorf("URI %q", d.URI)
				}
				body, err := lot.Document(i)
				if err == nil {
					body.Close()
				}
			}
		}
		for _, e := range a.Verify() {
			if _, ok := map[string]bool{"XDM-001": true, "XDM-002": true, "META-006": true, "META-008": true}[e.ID]; !ok {
				t.Errorf("%v", e)
			}
		}
	})
}
