package conformance_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
)

// scene is a row set up in the sandbox, by calls that anybody may make.
type scene struct {
	*kit
	row       caseRow
	patient   kitPatient
	holder    string        // who acts for the record: patient:NAME, or the first representative
	documents []kitDocument // the row's document twice: pushed by ITI-41, then by ITI-65
	before    [2][2]string  // searches before the document was there: by bound, by face
}

// stage sets a row up on a patient of its own, or on the one of the seed when the
// row needs what only he has.
func (k *kit) stage(t *testing.T, row caseRow) *scene {
	t.Helper()
	like, ok := k.people.Patient(row.Patient)
	if !ok {
		t.Fatalf("no patient %q", row.Patient)
	}
	s := &scene{kit: k, row: row}
	if row.seeded() {
		s.patient = k.seeded(t, row.Patient)
	} else {
		s.patient = k.create(t, "case-"+row.ID, like, row.state(like.State), row.settings(like))
	}
	s.holder = "patient:" + s.patient.Name
	if len(like.Representatives) > 0 {
		s.holder = "rep:" + s.patient.Name
	}
	if !row.seeded() && row.reachable() { // nobody declares anything on a record that is not there
		s.relate(t)
	}
	if row.Action == "search" && row.Expect == "hidden" {
		for i, bound := range []bool{false, true} {
			soap, fhir := s.search(t, s.reader(bound), false)
			s.before[i] = [2]string{soap.whole, fhir.whole}
		}
	}
	switch {
	case row.By == "":
	case row.reachable():
		s.push(t)
	case row.seeded(): // nothing more can be deposited: what the seed holds stands for the row's document
		for _, held := range k.held(t, s.patient.Name) {
			s.documents = append(s.documents, kitDocument{entry: xds.DocumentEntry{UniqueID: held.UniqueID, EntryUUID: held.LogicalID}})
		}
	}
	return s
}

// who is a name of the row as the sandbox knows it: the row's patient has a record
// of his own here.
func (s *scene) who(name string) string {
	kind, rest, person := strings.Cut(name, ":")
	patient, number, _ := strings.Cut(rest, ":")
	if !person || patient != s.row.Patient {
		return name
	}
	return strings.TrimSuffix(kind+":"+s.patient.Name+":"+number, ":")
}

// reader is the row's subject; bound tells whether his token names the patient.
func (s *scene) reader(bound bool) *kitBearer {
	c := kitClaims{As: s.who(s.row.As), Mode: s.row.Mode}
	if s.row.Reason == "y" {
		c.Reason = "détresse vitale"
	}
	if bound {
		c.Patient = s.patient.Name
	}
	if s.row.Mode == "bris_de_glace" {
		c.Traits = s.patient.traits()
	}
	if slices.Contains(s.row.given(), "traits=other") {
		c.Traits = &kitTraits{"AUTRE", "PERSONNE", "1950-01-01"}
	}
	return s.bearer(c)
}

// as is anybody else, in normal mode.
func (s *scene) as(name string) *kitBearer {
	return s.bearer(kitClaims{As: s.who(name), Patient: s.patient.Name})
}

// api calls the JSON API on the record, as somebody; it must succeed.
func (s *scene) api(t *testing.T, as, method, path string, body any) {
	t.Helper()
	s.must(t, method, "/api/v1/records/"+s.patient.Record+path, s.token(t, kitClaims{As: as, Patient: s.patient.Name}), body, nil)
}

// relate makes the cast's relations with the row's patient, for those whom the row
// names, then what the row says is different.
func (s *scene) relate(t *testing.T) {
	t.Helper()
	for _, l := range s.people.Links {
		if l.Patient == s.row.Patient && s.row.names(l.Professional) {
			s.link(t, l.Professional, l.Basis, "")
		}
	}
	for _, b := range s.people.Blocks {
		if b.Patient == s.row.Patient && s.row.names(b.Professional) {
			s.link(t, b.Professional, "consent", "")
			s.api(t, s.holder, http.MethodPut, "/blocks/"+b.Professional, nil)
		}
	}
	for _, change := range s.row.given() {
		s.change(t, change)
	}
	if _, target, ok := strings.Cut(s.row.Action, "nameAdmin:"); ok && slices.Contains(s.people.Connected, cast.Pair{Professional: target, Patient: s.row.Patient}) {
		s.connect(t, target)
	}
}

func (s *scene) link(t *testing.T, professional, basis, expires string) {
	t.Helper()
	body := map[string]any{"basis": basis, "attested": true}
	if expires != "" {
		body["expires"] = expires
	}
	s.api(t, professional, http.MethodPut, "/links/"+professional, body)
}

// connect lets a professional read the record once (policy C-06).
func (s *scene) connect(t *testing.T, professional string) {
	t.Helper()
	if answer := s.findReferences(t, s.as(professional), s.patient, ""); answer.code != "" {
		t.Fatalf("%s connects: %s", professional, answer.whole)
	}
}

// expiresIn is how long a link lasts that a row wants expired; the clock is moved
// past it before the row is asked.
const expiresIn = time.Hour

// change is one word of the column given; settings, states and the clock are dealt
// with elsewhere.
func (s *scene) change(t *testing.T, change string) {
	t.Helper()
	key, name, _ := strings.Cut(change, "=")
	switch key {
	case "block":
		s.api(t, s.holder, http.MethodPut, "/blocks/"+name, nil)
	case "unblock":
		s.api(t, s.holder, http.MethodDelete, "/blocks/"+name, nil)
	case "link":
		s.link(t, name, "consent", "")
	case "unlink":
		s.api(t, s.holder, http.MethodDelete, "/links/"+name, nil)
	case "expired":
		s.link(t, name, "consent", time.Now().Add(expiresIn).UTC().Format(time.RFC3339))
	case "admin":
		s.connect(t, name)
		s.api(t, s.holder, http.MethodPut, "/administrator", map[string]string{"professional": name})
	case "maskAll", "samuOK", "bdgOK", "maskedOK", "state", "clock", "traits":
	default:
		t.Fatalf("given %q", change)
	}
}

// push deposits the row's document on each face and brings it into its status.
func (s *scene) push(t *testing.T) {
	t.Helper()
	marks := strings.Fields(s.row.Marks)
	for i, deposit := range s.faces() {
		d := s.document(t, s.patient, s.row.By, s.row.Author, s.row.Type, marks...)
		lot, content := s.lot(s.patient, s.row.By, d)
		if answer := deposit(t, s.as(s.row.By), lot, content); answer.code != "" {
			t.Fatalf("deposit %d: %s", i, answer.whole)
		}
		s.documents = append(s.documents, d)
	}
	switch s.row.Status {
	case "approved":
	case "deprecated":
		for i, deposit := range s.faces() {
			d := s.document(t, s.patient, s.row.By, s.row.Author, s.row.Type)
			lot, content := s.lot(s.patient, s.row.By, d)
			kitRelate(&lot, xds.Replaces, d.entry.EntryUUID, s.documents[i].entry.EntryUUID)
			if answer := deposit(t, s.as(s.row.By), lot, content); answer.code != "" {
				t.Fatalf("replacement %d: %s", i, answer.whole)
			}
		}
	case "deleted":
		for _, d := range s.documents {
			s.api(t, s.who(s.row.By), http.MethodPost, "/documents/"+d.entry.EntryUUID+"/delete", nil)
		}
	case "archived":
		for _, d := range s.documents {
			s.api(t, s.holder, http.MethodPost, "/documents/"+d.entry.EntryUUID+"/archive", nil)
		}
	default:
		t.Fatalf("status %q", s.row.Status)
	}
	s.arrived(t)
}

// faces are the two ways of depositing.
func (k *kit) faces() []func(*testing.T, *kitBearer, xds.Submission, map[string][]byte) kitAnswer {
	return []func(*testing.T, *kitBearer, xds.Submission, map[string][]byte) kitAnswer{k.provide, k.provideBundle}
}

// arrived makes sure that the scene is what the row says, before anything is asked.
func (s *scene) arrived(t *testing.T) {
	t.Helper()
	for _, d := range s.documents {
		got := s.find(t, d)
		want := strings.Fields(s.row.Marks)
		slices.Sort(got.Marks)
		slices.Sort(want)
		if got.Status != s.row.Status || !slices.Equal(got.Marks, want) {
			t.Fatalf("the document is %s %v, want %s %v", got.Status, got.Marks, s.row.Status, want)
		}
	}
}

// find is what the registry holds of a document; a zero one when it has none.
func (s *scene) find(t *testing.T, d kitDocument) kitHeld {
	t.Helper()
	for _, held := range s.held(t, s.patient.Name) {
		if held.UniqueID == d.entry.UniqueID {
			return held
		}
	}
	return kitHeld{}
}
