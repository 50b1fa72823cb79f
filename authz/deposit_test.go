package authz_test

import (
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// What a depositor may name: what he reads or may replace, and the folders that came
// from him or from the structure of his token; in his own session alone.
func TestWhatADepositorMayName(t *testing.T) {
	stranger := func(f *authz.Facts) { f.Link = authz.NoLink }
	member := doctor()
	member.Structure = server().Structure
	writer := doctor()
	writer.ID = "899900000777"
	report := xds.Document{
		Record: openRecord(alice).Record, Structure: server().Structure, Origin: xds.FromPro, Authors: []string{writer.ID},
		Entry: xds.DocumentEntry{TypeCode: xds.Code{Value: "11502-2", Scheme: "2.16.840.1.113883.6.1"}, AvailabilityStatus: xds.Deprecated},
	}
	masked := report
	masked.Marks.MaskedPS = true
	for _, c := range []struct {
		name                    string
		sub                     authz.Subject
		facts                   func(*authz.Facts)
		visible, hidden, folder bool // the folder was brought by the server
	}{
		{"a linked doctor", doctor(), nil, true, false, false},
		{"a doctor without relation", doctor(), stranger, false, false, false},
		{"a doctor of the structure", member, stranger, false, false, true},
		{"its author, without relation", writer, stranger, true, true, false},
		{"the structure", server(), nil, true, true, true},
	} {
		s := newSession(c.facts)
		dep, err := newGate(t).OpenDeposit(t.Context(), s, c.sub, alice, authz.Purpose{})
		if err != nil {
			t.Fatal(err)
		}
		if v, h, f := dep.Names(report), dep.Names(masked), dep.Deposited("1599990017", "1599990017"); v != c.visible || h != c.hidden || f != c.folder {
			t.Errorf("%s: visible %v, masked %v, folder %v", c.name, v, h, f)
		}
		if dep.Deposited("", "") || !dep.Deposited(c.sub.ID, "") {
			t.Errorf("%s: nobody's %v, his own %v", c.name, dep.Deposited("", ""), dep.Deposited(c.sub.ID, ""))
		}
		foreign := report
		foreign.Record = "another"
		if dep.Names(foreign) {
			t.Errorf("%s names a document of another record", c.name)
		}
		s.ended = true
		if dep.Names(report) || dep.Deposited(c.sub.ID, c.sub.Structure) {
			t.Errorf("%s: after the session", c.name)
		}
	}
	if none := (authz.Deposit{}); none.Names(report) || none.Deposited("x", "x") {
		t.Error("the zero Deposit names something")
	}
}
