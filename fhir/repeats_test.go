package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/passerelle-sante/passerelle/xds"
)

// What an answer copies of its former entries is what would have been written anew:
// each value of a document varies by itself, some of them back to what they were.
func TestRepeatsAreWhatIsWrittenAnew(t *testing.T) {
	var docs []xds.Document
	vary := func(change func(d *xds.Document)) {
		d := crDocument()
		change(&d)
		d.Entry.LogicalID = fmt.Sprintf("urn:uuid:0f8fad5b-d9cb-469f-a165-%012d", len(docs))
		docs = append(docs, d, crDocument())
	}
	other := xds.Code{Value: "other", Scheme: "1.2.3", Display: "Autre"}
	vary(func(*xds.Document) {})
	for _, code := range []func(e *xds.DocumentEntry) *xds.Code{
		func(e *xds.DocumentEntry) *xds.Code { return &e.TypeCode }, func(e *xds.DocumentEntry) *xds.Code { return &e.ClassCode },
		func(e *xds.DocumentEntry) *xds.Code { return &e.FormatCode }, func(e *xds.DocumentEntry) *xds.Code { return &e.FacilityType },
		func(e *xds.DocumentEntry) *xds.Code { return &e.PracticeSetting },
	} {
		vary(func(d *xds.Document) { *code(&d.Entry) = other })
		vary(func(d *xds.Document) { code(&d.Entry).Display = "autrement dit" })
		vary(func(d *xds.Document) { *code(&d.Entry) = xds.Code{} })
	}
	vary(func(d *xds.Document) { d.Entry.Confidentiality = append(d.Entry.Confidentiality, other, other) })
	vary(func(d *xds.Document) { d.Entry.EventCodes = []xds.Code{other, other} })
	vary(func(d *xds.Document) { d.Entry.LegalAuthenticator = "2^AUTRE^Un" })
	vary(func(d *xds.Document) { d.Entry.PatientID = "2^^^&1.2.250.1.213.1.4.10&ISO^NH" })
	vary(func(d *xds.Document) { d.Entry.SourcePatientID = "2^^^&1.2.250.1.213.1.4.10&ISO^NH" })
	vary(func(d *xds.Document) { d.Entry.SourcePatientInfo = []string{"PID-8|M"} })
	vary(func(d *xds.Document) { d.Entry.UniqueID = "" })
	vary(func(d *xds.Document) { d.Structure = "another" })
	vary(func(d *xds.Document) { d.Structure = "" })
	for _, change := range []func(a *xds.Author){
		func(a *xds.Author) { a.Person = "2^AUTRE^Un" }, func(a *xds.Author) { a.Institutions = []xds.XON{"Ailleurs"} },
		func(a *xds.Author) { a.Roles = []string{"r"} }, func(a *xds.Author) { a.Specialties = []string{"s"} },
		func(a *xds.Author) { a.Telecoms = []string{"^^Internet^a@b.fr"} },
	} {
		vary(func(d *xds.Document) { change(&d.Entry.Authors[0]) })
		vary(func(d *xds.Document) {
			twice := d.Entry.Authors[0]
			change(&twice)
			d.Entry.Authors = append(d.Entry.Authors, twice)
		})
	}
	visible := admit(t, docs...)
	var set struct {
		Entry []struct{ Resource json.RawMessage }
	}
	if err := json.Unmarshal(AppendSearchset(nil, Searchset{Base: testBase}, visible, nil), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Entry) != len(docs) {
		t.Fatalf("%d entries of %d", len(set.Entry), len(docs))
	}
	for i, v := range visible {
		if diff := cmp.Diff(string(AppendDocumentReference(nil, v, testBase)), string(set.Entry[i].Resource)); diff != "" {
			t.Errorf("document %d: %s", i, diff)
		}
	}
}

// Eight bytes at a time or one by one, a text is the same JSON.
func TestTextIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("aZ0 ~!#[]é€😀\"\\\n\r\t\x7f\u2028"))).Draw(t, "s")
		var w out
		w.text(s)
		var got string
		if err := json.Unmarshal(w.b, &got); err != nil || got != s {
			t.Fatalf("%q: %s, %v", s, w.b, err)
		}
	})
	for c := range 0x80 {
		for at := range 20 {
			s := bytes.Repeat([]byte("x"), 20)
			s[at] = byte(c)
			if got, want := plainPrefix(string(s)) == 16, c >= ' ' && c != '"' && c != '\\' || at >= 16; got != want {
				t.Errorf("byte %#x at %d: plain %v", c, at, got)
			}
		}
	}
}

// The short way through an instant says what the long one says.
func TestInstants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := xds.DTM(rapid.StringMatching(`(19|20|00)[0-9]{2}[01][0-9][0-3][0-9][0-2][0-9][0-6][0-9][0-6][0-9]`).Draw(t, "d"))
		var w out
		if !w.plainInstant("x", d) {
			return
		}
		if from := d.Start(); string(w.b) != `"x":"`+from.Format(time.RFC3339)+`"` {
			t.Fatalf("%s: %s, %v", d, w.b, from)
		}
	})
}
