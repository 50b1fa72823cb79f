package conformance_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
)

// search asks both faces for the current and former documents of the record, or for
// the archived ones.
func (s *scene) search(t *testing.T, b *kitBearer, archived bool) (soap, fhir kitAnswer) {
	t.Helper()
	if archived {
		return s.findDocuments(t, b, s.patient.INS, xds.Archived), s.findReferences(t, b, s.patient, "isArchived=true")
	}
	return s.findDocuments(t, b, s.patient.INS, xds.Approved, xds.Deprecated), s.findReferences(t, b, s.patient, "status=current,superseded")
}

// reading asks the row's search, then each document by its id, with a token that
// names the patient and with one that names none.
func (s *scene) reading(t *testing.T) {
	t.Helper()
	for i, bound := range []bool{false, true} {
		b := s.reader(bound)
		soap, fhir := s.search(t, b, s.row.Status == "archived")
		if !slices.Equal(soap.ids, fhir.ids) {
			t.Errorf("bound=%v: ITI-18 names %v, ITI-67 %v", bound, soap.ids, fhir.ids)
		}
		nameless := s.patient
		nameless.Record = ""
		if byINS := s.findReferences(t, b, nameless, "status=current,superseded"); s.row.Status != "archived" && (byINS.code != fhir.code || !slices.Equal(byINS.ids, fhir.ids)) {
			t.Errorf("bound=%v: by INS ITI-67 answers %q %v", bound, byINS.code, byINS.ids)
		}
		for _, d := range s.documents {
			if found := slices.Contains(soap.ids, d.entry.UniqueID); found != (s.row.Expect == "visible") {
				t.Errorf("bound=%v: found: %v", bound, found)
			}
		}
		wantSOAP, wantFHIR := "", ""
		switch s.row.Expect {
		case "visible":
		case "hidden":
			if now := [2]string{soap.whole, fhir.whole}; now != s.before[i] {
				t.Errorf("bound=%v: a hidden document changes a search:\n%s", bound, cmp.Diff(s.before[i], now))
			}
		case "REG-001":
			wantSOAP = "REG-001"
		default:
			wantSOAP, wantFHIR = s.row.Expect, s.row.Expect
		}
		if soap.code != wantSOAP || fhir.code != wantFHIR {
			t.Errorf("bound=%v: ITI-18 %q, ITI-67 %q", bound, soap.code, fhir.code)
		}
		s.byID(t, b, bound)
	}
}

// byID asks for each document by its id. What may not be read must answer as an id
// that never was, each byte of it.
func (s *scene) byID(t *testing.T, b *kitBearer, bound bool) {
	t.Helper()
	documents := s.documents
	if documents == nil { // none can be deposited in this state
		documents = []kitDocument{{entry: xds.DocumentEntry{UniqueID: kitOID(), EntryUUID: kitUUID()}}}
	}
	for _, way := range []struct {
		name, unknown string
		repository    bool
		ask           func(*testing.T, *kitBearer, xds.DocumentEntry) kitAnswer
	}{
		{"ITI-43", "DOC-003", true, func(t *testing.T, b *kitBearer, d xds.DocumentEntry) kitAnswer {
			return s.retrieveSet(t, b, d.UniqueID)
		}},
		{"GetDocuments", "", false, func(t *testing.T, b *kitBearer, d xds.DocumentEntry) kitAnswer {
			return s.getDocuments(t, b, d.UniqueID)
		}},
		{"ITI-68", "FHIR-003", true, func(t *testing.T, b *kitBearer, d xds.DocumentEntry) kitAnswer {
			return s.readBinary(t, b, d.EntryUUID)
		}},
		{"DocumentReference", "FHIR-003", false, func(t *testing.T, b *kitBearer, d xds.DocumentEntry) kitAnswer {
			return s.readReference(t, b, d.EntryUUID)
		}},
	} {
		want := way.unknown
		if bound && (strings.HasPrefix(s.row.Expect, "ACC-") || s.row.Expect == "REG-001") && !(s.row.Expect == "REG-001" && want == "FHIR-003") {
			want = s.row.Expect
		}
		for _, d := range documents {
			got := way.ask(t, b, d.entry)
			if s.row.Expect == "visible" {
				wrongIDs := way.name != "ITI-68" && !slices.Equal(got.ids, []string{d.entry.UniqueID})
				if got.code != "" || wrongIDs || way.repository && string(got.content) != string(d.content) {
					t.Errorf("bound=%v: %s: %s", bound, way.name, got.whole)
				}
				continue
			}
			nobody := xds.DocumentEntry{UniqueID: kitOIDLike(d.entry.UniqueID), EntryUUID: kitUUID()}
			never := way.ask(t, b, nobody)
			if got.code != want || len(got.ids)+len(got.content) > 0 {
				t.Errorf("bound=%v: %s: %q, want %q: %s", bound, way.name, got.code, want, got.whole)
			}
			ids := []string{d.entry.UniqueID, kitBare(d.entry.EntryUUID), nobody.UniqueID, kitBare(nobody.EntryUUID)}
			if diff := cmp.Diff(never.without(ids...), got.without(ids...)); diff != "" {
				t.Errorf("bound=%v: %s: an unknown id and this one differ:\n%s", bound, way.name, diff)
			}
		}
	}
}

// wanted is the code that a row expects of an act: "" when it is permitted.
func (r caseRow) wanted() string {
	if r.Expect == "permit" {
		return ""
	}
	return r.Expect
}

// submitting deposits a document on each face.
func (s *scene) submitting(t *testing.T) {
	t.Helper()
	for i, deposit := range s.faces() {
		d := s.document(t, s.patient, s.row.As, "", s.row.Type, strings.Fields(s.row.Marks)...)
		lot, content := s.lot(s.patient, s.row.As, d)
		answer := deposit(t, s.reader(true), lot, content)
		if answer.code != s.row.wanted() {
			t.Errorf("face %d: %q: %s", i, answer.code, answer.whole)
		}
		got := s.find(t, d)
		slices.Sort(got.Marks)
		switch {
		case s.row.Expect != "permit" && got.UniqueID != "":
			t.Errorf("face %d: refused and registered", i)
		case s.row.Expect == "permit" && (got.Status != "approved" || !slices.Equal(got.Marks, strings.Fields(s.row.Marks))):
			t.Errorf("face %d: registered: %+v", i, got)
		}
	}
}

// replacing replaces what was pushed on one face on the other one.
func (s *scene) replacing(t *testing.T) {
	t.Helper()
	want := s.row.wanted()
	if want == "unknown" {
		want = "REG-004"
	}
	for i, deposit := range s.faces() {
		target := s.documents[1-i]
		d := s.document(t, s.patient, s.row.As, "", s.row.Type)
		lot, content := s.lot(s.patient, s.row.As, d)
		kitRelate(&lot, xds.Replaces, d.entry.EntryUUID, target.entry.EntryUUID)
		b := s.reader(true)
		answer := deposit(t, b, lot, content)
		if answer.code != want {
			t.Errorf("face %d: %q, want %q: %s", i, answer.code, want, answer.whole)
		}
		old, young := s.find(t, target), s.find(t, d)
		if replaced := old.Status == "deprecated" && young.Status == "approved"; replaced != (want == "") || want != "" && (old.Status != "approved" || young.UniqueID != "") {
			t.Errorf("face %d: %+v %+v", i, old, young)
		}
		if want != "REG-004" {
			continue
		}
		nobody := kitUUID()
		lot.Associations[len(lot.Associations)-1].Target = nobody
		never := deposit(t, b, lot, content)
		ids := []string{kitBare(target.entry.EntryUUID), kitBare(nobody)}
		if diff := cmp.Diff(never.without(ids...), answer.without(ids...)); diff != "" {
			t.Errorf("face %d: an unknown target and this one differ:\n%s", i, diff)
		}
	}
}

// caseActs are the acts on a document in the words of the JSON API.
var caseActs = map[string]string{
	"mask": "mask", "unmask": "unmask", "revealPat": "reveal-patient", "revealRep": "reveal-representatives", "archive": "archive", "delete": "delete",
}

// acting carries out an act on what came by each face.
func (s *scene) acting(t *testing.T) {
	t.Helper()
	token := s.reader(true).jwt(t)
	act := func(logicalID string) kitResponse {
		return s.call(t, http.MethodPost, "/api/v1/records/"+s.patient.Record+"/documents/"+logicalID+"/"+caseActs[s.row.Action], token, s.attested())
	}
	want := s.row.wanted()
	if want == "unknown" {
		want = "JSON-003"
	}
	for _, d := range s.documents {
		before := s.find(t, d)
		answer := act(d.entry.EntryUUID)
		if got := answer.code(t); got != want {
			t.Errorf("%q, want %q: %s", got, want, answer.body)
		}
		after, wanted := s.find(t, d), before
		if want == "" {
			wanted = done(s.row.Action, before)
		}
		if diff := cmp.Diff(wanted, after); diff != "" {
			t.Errorf("afterwards (- want):\n%s", diff)
		}
		if want == "JSON-003" {
			if never := act(kitUUID()); kitWhole(never.status, never.header, never.body) != kitWhole(answer.status, answer.header, answer.body) {
				t.Errorf("an unknown document and this one differ: %s %s", never.body, answer.body)
			}
		}
	}
}

// attested is the patient's request behind an act of a professional (C-11).
func (s *scene) attested() any {
	if strings.Contains(s.row.As, ":") {
		return nil
	}
	return map[string]bool{"attested": true}
}

// done is a document after an act.
func done(action string, d kitHeld) kitHeld {
	d.Marks = slices.Clone(d.Marks)
	drop := func(mark string) {
		d.Marks = slices.DeleteFunc(d.Marks, func(m string) bool { return m == mark })
	}
	switch action {
	case "mask":
		d.Marks = append(d.Marks, xds.MarkMaskedPS)
	case "unmask":
		drop(xds.MarkMaskedPS)
	case "revealPat":
		drop(xds.MarkHiddenPatient)
	case "revealRep":
		drop(xds.MarkHiddenReps)
	case "archive":
		d.Status = "archived"
	case "delete":
		d.Status = "deleted"
	}
	return d
}

// profile carries out an action on the record by the JSON API.
func (s *scene) profile(t *testing.T) {
	t.Helper()
	action, target, _ := strings.Cut(s.row.Action, ":")
	method, path, body := http.MethodGet, "", any(nil)
	switch action {
	case "state":
	case "journal", "ownJournal":
		path = "/history"
	case "block":
		method, path, body = http.MethodPut, "/blocks/"+target, s.attested()
	case "unlink":
		method, path = http.MethodDelete, "/links/"+target
	case "link":
		method, path, body = http.MethodPut, "/links/"+s.linking(), map[string]any{"basis": "consent", "attested": true}
	case "nameAdmin":
		method, path, body = http.MethodPut, "/administrator", map[string]string{"professional": target}
	case "params":
		method, path, body = http.MethodPut, "/settings", map[string]bool{"maskAll": true}
	case "activate":
		method, path, body = http.MethodPost, "/activate", map[string]bool{"attested": true}
	case "erase":
		method, path, body = http.MethodPost, "/erase", map[string]string{"confirm": "SUPPRIMER"}
	case "oppose", "close", "reopen":
		method, path = http.MethodPost, "/"+action
	}
	answer := s.call(t, method, "/api/v1/records/"+s.patient.Record+path, s.reader(true).jwt(t), body)
	if action == "journal" && s.row.Expect == "ACC-41" || action == "ownJournal" {
		s.ownLines(t, answer)
		return
	}
	want := s.row.wanted()
	if want == "REG-001" {
		want = "JSON-003" // on JSON a patient never seen is 404 (policy §0.4)
	}
	if got := answer.code(t); got != want {
		t.Errorf("%q, want %q: %s", got, want, answer.body)
	}
}

// linking is the professional whose link is declared: himself, else anyone.
func (s *scene) linking() string {
	if strings.Contains(s.row.As, ":") {
		return "dr-durand"
	}
	return s.row.As
}

// ownLines: the API has one address for the history, and gives a professional who is
// not the administrator his own lines there, never those of anybody else.
func (s *scene) ownLines(t *testing.T, answer kitResponse) {
	t.Helper()
	var history struct{ Entries []struct{ Own bool } }
	if err := json.Unmarshal(answer.body, &history); err != nil || answer.status != http.StatusOK || len(history.Entries) == 0 {
		t.Fatalf("%d %s", answer.status, answer.body)
	}
	for _, e := range history.Entries {
		if !e.Own {
			t.Errorf("a line of somebody else: %s", answer.body)
		}
	}
}
