package authz_test

import (
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// TestVouched: what a card holder says of himself counts where the directory says the
// same: not another profession, not the structure whose documents he would like to be
// his own, and nothing at all when the directory does not know him.
func TestVouched(t *testing.T) {
	g := newGate(t)
	ofHospital := func(f *authz.Facts) {
		f.Listed = authz.Listed{Known: true, Profession: "10", Specialty: "SM26", Structure: "hospital"}
	}
	nurse := func(f *authz.Facts) { f.Listed = authz.Listed{Known: true, Profession: "60", Structure: "hospital"} }
	document := xds.Document{Record: "record-of-" + alice.ID(), Structure: "hospital", Origin: xds.FromPro,
		Entry: xds.DocumentEntry{EntryUUID: "urn:uuid:1", AvailabilityStatus: xds.Approved, TypeCode: xds.Code{Value: "11488-4", Scheme: "2.16.840.1.113883.6.1"}}}
	for _, c := range []struct {
		name      string
		vouched   bool
		structure string
		facts     func(*authz.Facts)
		door      string
		profs     string // profession that the trail has
		replaces  bool   // a document of the hospital, as its colleague
	}{
		{"an issuer vouches", true, "hospital", nil, "", "10", true},
		{"the directory says the same", false, "hospital", ofHospital, "", "10", true},
		{"another structure than his", false, "clinic", ofHospital, "", "10", false},
		{"another profession", false, "hospital", nurse, "", "60", true},
		{"nobody knows him", false, "hospital", nil, "ACC-02", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			sub := doctor()
			sub.Profession, sub.Specialty, sub.Structure, sub.Unvouched = "10", "SM26", c.structure, !c.vouched
			s := newSession(c.facts)
			if _, err := g.Open(t.Context(), s, sub, alice, authz.Purpose{Action: authz.Search}); refusal(t, err) != c.door {
				t.Fatalf("search: %v", err)
			}
			if got := s.traces[0].Subject.Profession; got != c.profs {
				t.Errorf("the trail has profession %q", got)
			}
			if c.door != "" {
				return
			}
			d, err := g.OpenDeposit(t.Context(), s, sub, alice, authz.Purpose{})
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Target(document, xds.Replaces) == nil; got != c.replaces {
				t.Errorf("replaces a document of the hospital: %v", got)
			}
			if got := d.Deposited("somebody", "hospital"); got != c.replaces {
				t.Errorf("a folder of the hospital is his: %v", got)
			}
		})
	}
}
