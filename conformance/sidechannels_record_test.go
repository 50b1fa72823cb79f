package conformance_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// The channels around documents: the history, headers, descriptions, the record
// itself, and what is accepted.

func kitParam(name string, values ...string) ebrim.QueryParam {
	return ebrim.QueryParam{Name: name, Values: values}
}

// journal is SC-27: after every request by id, the reader's history is the same.
func journal(t *testing.T, th *theatre) {
	for name, reader := range map[string]string{
		"masked": "dr-durand", "hidden from the patient": "patient", "hidden from the patient, one of two members": "patient",
		"hidden from representatives": "rep:2", "off the matrix": "podo-paul", "deleted": "dr-durand",
	} {
		p := th.pair(t, name)
		for _, ask := range []string{"GetDocuments ObjectRef", "GetSubmissionSetAndContents ObjectRef", "ITI-43 {hidden.uid}", "HEAD", "/documents/{hidden}/delete"} {
			p.ask(t, th, reader, ask)
		}
		none(t, p.ask(t, th, reader, "/history"), "<hidden")
	}
}

// quoted is SC-30, out of reach: the bytes of a visible document are its author's, and
// are given as they came, whatever they name.
func quoted(t *testing.T, th *theatre) {
	w := th.pair(t, "residuals").worlds[0]
	lot, content := w.lotOf(t, "dr-durand", member{name: "quotes"})
	text := "voir " + w.ids["hidden.uid"]
	lot.Documents[0].Hash, lot.Documents[0].Size = "", 0
	content[lot.Documents[0].EntryUUID] = []byte(text)
	if answer := w.provide(t, w.as("dr-durand"), lot, content); answer.code != "" {
		t.Fatal(answer.whole)
	}
	if got := string(w.readBinary(t, w.as("ide-nadia"), w.ids["quotes"]).content); got != text {
		t.Errorf("%q", got)
	}
}

// open are the descriptions, which are the same for everybody.
func open(q question) bool {
	return strings.Contains(q.route, "/metadata") || strings.Contains(q.route, "openapi") || strings.Contains(q.text, "wsdl")
}

// caches is SC-33: no answer about a record may be kept, by anybody.
func caches(t *testing.T, th *theatre) {
	p := th.pair(t, "masked by an act")
	known := map[string]bool{}
	for _, q := range p.corpus() {
		if known[q.route] && !strings.Contains(q.text, ": ") {
			continue
		}
		known[q.route] = true
		answer := p.same(t, th.phases, p.bearers("dr-durand", true), q)
		if !open(q) && !strings.Contains(answer, "Cache-Control: private, no-store\n") {
			t.Errorf("%s: %s", q.name(), answer)
		}
		if strings.Contains(q.route, " /fhir") && !strings.Contains(answer, "Vary: Authorization") {
			t.Errorf("%s: %s", q.name(), answer)
		}
	}
}

// compression is SC-34: no answer is compressed, whoever asks for it.
func compression(t *testing.T, th *theatre) {
	p := th.pair(t, "masked")
	none(t, p.ask(t, th, "dr-durand", "Accept-Encoding"), "Content-Encoding")
	w := p.worlds[1]
	for _, path := range []string{"/fhir/DocumentReference?patient=" + w.patient.Record, "/api/v1/records/" + w.patient.Record, "/fhir/metadata", "/fhir/Binary/" + w.ids["one"]} {
		answer := w.send(t, http.MethodGet, path, w.as("dr-traitant").jwt(t), http.Header{"Accept-Encoding": {"gzip, deflate, br"}}, nil)
		if answer.status != http.StatusOK || answer.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d %v", path, answer.status, answer.header)
		}
	}
}

// collisions is SC-35: of the same lot sent several times at once one is registered,
// and the others are told so in our words: nothing of the database's.
func collisions(t *testing.T, th *theatre) {
	w := th.pair(t, "residuals").worlds[1]
	lot, content := w.lotOf(t, "dr-durand", member{name: "collides"})
	b := w.as("dr-durand")
	b.vihf(t)
	answers := make(chan kitAnswer, 6)
	t.Run("at once", func(t *testing.T) {
		for range cap(answers) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				answers <- w.provide(t, b, lot, content)
			})
		}
	})
	stored := 0
	for range cap(answers) {
		answer := <-answers
		if answer.code == "" {
			stored++
			continue
		}
		if answer.code != "REG-002" && answer.code != "REG-006" {
			t.Errorf("%s: %s", answer.code, answer.whole)
		}
		none(t, []string{strings.ToLower(answer.whole)}, "constraint", "sqlstate", "duplicate key", "unique_id", "object_id", "document_entry", "deadlock", "serializ")
	}
	if stored != 1 {
		t.Errorf("%d registered", stored)
	}
}

// descriptions is SC-38: they are the same for everybody, whatever is stored.
func descriptions(t *testing.T, th *theatre) {
	for _, path := range []string{"/fhir/metadata", "/api/openapi.json", "/xds/registry?wsdl", "/xds/repository?wsdl"} {
		want := normaliser{strings.NewReplacer(), th.phases}.answer(string(th.call(t, http.MethodGet, path, "", nil).body))
		for _, name := range []string{"masked", "deleted"} {
			p := th.pair(t, name)
			for _, q := range p.corpus() {
				if q.name() != "GET "+path && q.route+" "+q.text != "GET "+strings.Replace(path, "?", " ?", 1) && q.route != "GET "+path {
					continue
				}
				if answer := p.same(t, th.phases, p.bearers(p.readers[0], true), q); !strings.HasSuffix(answer, want) {
					t.Errorf("%s differs for %s", path, p.readers[0])
				}
			}
		}
	}
}

// existence is SC-39: a record that was opposed is one that never was.
func existence(t *testing.T, th *theatre) {
	farid := th.seeded(t, "farid")
	nobody := farid
	nobody.INS = xds.NewCX(cast.NIR("M", farid.BirthDate, "59999", "998"), farid.INS.Authority(), "NH")
	nobody.Record = kitBare(kitUUID())
	for _, as := range []string{"dr-durand", "dr-inconnu", "chu-lille", "samu-31"} {
		var told [2][]string
		for i, p := range []kitPatient{farid, nobody} {
			b := th.bearer(kitClaims{As: as})
			masked := func(whole string) string {
				return strings.NewReplacer(p.INS.ID(), "INS", p.Record, "RECORD").Replace(whole)
			}
			named := p
			named.Record = ""
			search := th.call(t, http.MethodPost, "/api/v1/records/search", b.jwt(t), map[string]string{"ins": string(p.INS)})
			state := th.call(t, http.MethodGet, "/api/v1/records/"+p.Record, b.jwt(t), nil)
			for _, whole := range []string{
				th.findDocuments(t, b, p.INS, xds.Approved).whole, th.findReferences(t, b, p, "").whole, th.findReferences(t, b, named, "").whole,
				kitWhole(search.status, search.header, search.body), kitWhole(state.status, state.header, state.body),
			} {
				told[i] = append(told[i], masked(whole))
			}
		}
		for i := range told[0] {
			if told[0][i] != told[1][i] {
				t.Errorf("%s, %d: opposed (-), never there (+):\n%s", as, i, differing(told[0][i], told[1][i]))
			}
		}
	}
}

// takenIDs is SC-40, accepted: who sends a document under the uniqueId of a hidden
// one learns that it is taken, and no more than that: a document of another patient
// is answered alike.
func takenIDs(t *testing.T, th *theatre) {
	p := th.pair(t, "residuals")
	w := p.worlds[0]
	for _, deposit := range w.faces() {
		var told []string
		for _, taken := range []string{w.ids["hidden.uid"], p.worlds[1].ids["one.uid"]} {
			d := w.document(t, w.patient, "dr-durand", "", "11502-2")
			d.entry.UniqueID = taken
			lot, content := w.lot(w.patient, "dr-durand", d)
			answer := deposit(t, w.as("dr-durand"), lot, content)
			if answer.code != "REG-003" || strings.Contains(answer.whole, secretWord) {
				t.Errorf("%s: %s", answer.code, answer.whole)
			}
			told = append(told, answer.without(taken, lot.Documents[0].EntryUUID, kitBare(lot.Documents[0].EntryUUID)))
		}
		if told[0] != told[1] {
			t.Errorf("a hidden one (-), another patient's (+):\n%s", differing(told[0], told[1]))
		}
	}
}

// blocked is SC-41, accepted: a blocked professional is told so at the door, and by
// no id: those are unknown to him.
func blocked(t *testing.T, th *theatre) {
	w := th.pair(t, "residuals").worlds[0]
	w.api(t, "patient", http.MethodPut, "/blocks/dr-inconnu", nil)
	b := w.as("dr-inconnu")
	if soap, fhir := w.findDocuments(t, b, w.patient.INS, xds.Approved), w.findReferences(t, b, w.patient, ""); soap.code != "ACC-04" || fhir.code != "ACC-04" {
		t.Errorf("%q %q", soap.code, fhir.code)
	}
	unbound := w.bearer(kitClaims{As: "dr-inconnu"})
	own, never := w.readReference(t, unbound, w.ids["one"]), w.readReference(t, unbound, w.ids["never"])
	if own.whole != never.whole || own.code != "FHIR-003" {
		t.Errorf("%s %s", own.whole, never.whole)
	}
}
