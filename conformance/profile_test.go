package conformance_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
)

// profileSections are one entry of each section of the medical profile, with the type
// that its document has and the resource that shows it.
var profileSections = []struct{ section, typeCode, resource, kind, values string }{
	{"allergies", "DOCPAT08", "AllergyIntolerance", "allergie", `{"substance":"<script>alert(1)</script>","categorie":"medicament","gravite":"severe"}`},
	{"antecedents", "DOCPAT08", "Condition", "personnel", `{"intitule":"Appendicite","debut":"2010"}`},
	{"traitements", "DOCPAT02", "MedicationStatement", "traitement", `{"nom":"Metformine"}`},
	{"mesures", "DOCPAT08", "Observation", "tension", `{"quand":"01/06/2026","systolique":"121,5","diastolique":"80"}`},
	{"entourage", "EXPPAT_1", "RelatedPerson", "confiance", `{"nom":"GARNIER","prenom":"Léo","lien":"fratrie","telephone":"06 12 34 56 78"}`},
	{"volontes", "EXPPAT_1", "Observation", "don", `{"position":"accord"}`},
	{"directives", "EXPPAT_3", "", "directives", `{"texte":"Je souhaite…","date":"2026-01-05"}`},
}

// profileKit is a record with a profile in a sandbox.
type profileKit struct {
	*kit
	p         kitPatient
	documents map[string]string // by section: the logicalId without its prefix
}

// put writes a section with one entry and gives the answer.
func (k profileKit) put(t *testing.T, as, section, body string) (document string, answer kitResponse) {
	t.Helper()
	answer = k.send(t, http.MethodPut, "/api/v1/records/"+k.p.Record+"/profile/"+section, k.token(t, kitClaims{As: as, Patient: k.p.Name}), http.Header{"Content-Type": {"application/json"}}, []byte(body))
	var written struct{ Document string }
	if answer.status == http.StatusOK {
		answer.decode(t, &written)
	}
	return written.Document, answer
}

// sees is which sections a reader finds: on ITI-18 and on ITI-67 by their types and
// titles, on FHIR by their resources, on JSON by their documents. The four must agree.
func (k profileKit) sees(t *testing.T, c kitClaims) string {
	t.Helper()
	b := k.bearer(c)
	soap, rest := k.findDocuments(t, b, k.p.INS, xds.Approved), k.findReferences(t, b, k.p, "status=current")
	if soap.code != "" {
		if answer := k.call(t, http.MethodGet, "/api/v1/records/"+k.p.Record+"/profile/mesures", b.jwt(t), nil); rest.code != soap.code || answer.code(t) != soap.code {
			t.Errorf("%s: %s, %s, %s", c, soap.code, rest.code, answer.code(t))
		}
		return soap.code
	}
	var seen []string
	for _, s := range profileSections {
		onSOAP, onREST := false, false
		for _, e := range soap.entries {
			onSOAP = onSOAP || kitBare(e.LogicalID) == k.documents[s.section] && e.TypeCode.Value == s.typeCode
		}
		for _, r := range rest.resources {
			onREST = onREST || r["id"] == k.documents[s.section]
		}
		shown := onREST
		if s.resource != "" {
			r, _ := k.fhir(t, b, http.MethodGet, s.resource+"?patient=Patient/"+k.p.Record, nil)
			shown = strings.Contains(string(r.body), "DocumentReference/"+k.documents[s.section])
		}
		var told struct{ Documents []struct{ ID string } }
		k.must(t, http.MethodGet, "/api/v1/records/"+k.p.Record+"/profile/"+s.section, b.jwt(t), nil, &told)
		if inJSON := len(told.Documents) > 0 && told.Documents[0].ID == k.documents[s.section]; onSOAP != onREST || onREST != shown || shown != inJSON {
			t.Errorf("%s, %s: %v on ITI-18, %v on ITI-67, %v as a resource, %v in JSON", c, s.section, onSOAP, onREST, shown, inJSON)
		}
		if onREST {
			seen = append(seen, s.section)
		}
	}
	return strings.Join(seen, " ")
}

// TestProfile: a section that the patient writes is a document on both faces and a
// resource on FHIR, for those whom matrix, marks and modes let see it, and for nobody else
// (S0, S1, S4; policy §1.1).
func TestProfile(t *testing.T) {
	k := profileKit{kit: openKit(t), documents: map[string]string{}}
	k.p = k.seeded(t, "alice")
	for _, s := range profileSections {
		body := fmt.Sprintf(`{"entries":[{"kind":%q,"values":%s}]}`, s.kind, s.values)
		id, answer := k.put(t, "patient:alice", s.section, body)
		if k.documents[s.section] = id; id == "" {
			t.Fatalf("%s: %d %s", s.section, answer.status, answer.body)
		}
	}
	for _, who := range []string{"podo-paul", "dent-rose", "dr-durand", "ide-nadia"} {
		k.must(t, http.MethodPut, "/api/v1/records/"+k.p.Record+"/links/"+who, k.token(t, kitClaims{As: who, Patient: "alice"}), map[string]any{"basis": "consent", "attested": true}, nil)
	}
	all := "allergies antecedents traitements mesures entourage volontes directives"
	normal := func(as string) kitClaims { return kitClaims{As: as, Patient: "alice"} }
	urgent := kitClaims{As: "dr-urg", Patient: "alice", Mode: "bris_de_glace", Reason: "inconsciente", Traits: &kitTraits{"GARNIER", "Alice", "1993-03-14"}}
	regulator := kitClaims{As: "samu-31", Patient: "alice", Mode: "centre_15"}
	expect := func(c kitClaims, want string) {
		t.Helper()
		if got := k.sees(t, c); got != want {
			t.Errorf("%s sees %q, want %q", c, got, want)
		}
	}
	// The printed cell: dentists do not read advance directives (france-assos-sante.org).
	expect(normal("dent-rose"), strings.TrimSuffix(all, " directives"))
	for _, c := range []kitClaims{normal("patient:alice"), normal("delegate:alice"), normal("podo-paul"), normal("dr-durand"), normal("ide-nadia"), normal("dr-traitant"), urgent, regulator} {
		expect(c, all)
	}
	expect(normal("dr-inconnu"), "ACC-23")
	expect(normal("patient:bruno"), "ACC-02")

	// A masked section is gone for professionals, in emergencies too, and not for the
	// patient, nor for her médecin traitant.
	k.must(t, http.MethodPost, "/api/v1/records/"+k.p.Record+"/documents/"+k.documents["mesures"]+"/mask", k.token(t, normal("patient:alice")), nil, nil)
	unmasked := strings.Replace(all, " mesures", "", 1)
	for _, c := range []kitClaims{normal("podo-paul"), normal("dr-durand"), urgent, regulator} {
		expect(c, unmasked)
	}
	expect(normal("dr-traitant"), all)
	expect(normal("patient:alice"), all)

	// A new version keeps the mask (C-05), and is the one that everybody finds.
	var told struct {
		Documents []struct {
			ID      string
			Masked  bool
			Entries []struct {
				ID, Kind string
				Values   map[string]string
			}
		}
	}
	k.must(t, http.MethodGet, "/api/v1/records/"+k.p.Record+"/profile/mesures", k.token(t, normal("patient:alice")), nil, &told)
	if len(told.Documents) != 1 || !told.Documents[0].Masked || told.Documents[0].Entries[0].Values["systolique"] != "121.5" {
		t.Fatalf("%+v", told)
	}
	former := k.documents["mesures"]
	body := fmt.Sprintf(`{"document":%q,"entries":[{"id":%q,"kind":"tension","values":{"quand":"2026-06-01","systolique":"130","diastolique":"85"}},{"kind":"poids","values":{"quand":"2026-06-01T08:00","valeur":"70"}}]}`, former, told.Documents[0].Entries[0].ID)
	if k.documents["mesures"], _ = k.put(t, "patient:alice", "mesures", body); k.documents["mesures"] == "" || k.documents["mesures"] == former {
		t.Fatalf("not replaced: %q", k.documents["mesures"])
	}
	expect(normal("dr-durand"), unmasked)
	expect(normal("dr-traitant"), all)
	if r, _ := k.fhir(t, k.bearer(normal("dr-traitant")), http.MethodGet, "Observation?patient=Patient/"+k.p.Record+"&code=29463-7", nil); !strings.Contains(string(r.body), `"value":70,"unit":"kg"`) {
		t.Errorf("%s", r.body)
	}

	// Who may write: a delegate adds a document and replaces none; nobody writes in
	// the patient's name but those who act for her; who read an older version is told so.
	one := `{"entries":[{"kind":"allergie","values":{"substance":"Pollen","categorie":"environnement"}}]}`
	added, answer := k.put(t, "delegate:alice", "allergies", one)
	if added == "" {
		t.Errorf("the delegate adds: %d %s", answer.status, answer.body)
	}
	for _, c := range []struct{ as, section, body, code string }{
		{"delegate:alice", "allergies", strings.Replace(one, "{", `{"document":"`+k.documents["allergies"]+`",`, 1), "ACC-31"},
		{"dr-traitant", "allergies", one, "ACC-30"}, {"patient:bruno", "allergies", one, "ACC-02"},
		{"patient:alice", "mesures", strings.Replace(body, `"id"`, `"id"`, 1), "JSON-003"}, // the document replaced above is in force no more
		{"patient:alice", "allergies", `{"entries":[]}`, "JSON-002"}, {"patient:alice", "humeur", one, "JSON-003"},
	} {
		if _, answer := k.put(t, c.as, c.section, c.body); answer.code(t) != c.code {
			t.Errorf("%s writes %s: %d %s, want %s", c.as, c.section, answer.status, answer.body, c.code)
		}
	}

	// All findings come at once, at the places of the message, and repeat no value.
	_, answer = k.put(t, "patient:alice", "mesures", `{"entries":[{"kind":"tension","values":{"quand":"2031-01-01","systolique":"9","secret":"x"}},{"kind":"pensée","values":{}},{"kind":"poids","values":{"quand":"1890","valeur":"douze"}}]}`)
	for _, place := range []string{"entries[1].values.secret", "entries[1].values.quand", "entries[1].values.systolique", "entries[1].values.diastolique", "entries[2].kind", "entries[3].values.quand", "entries[3].values.valeur"} {
		if !strings.Contains(string(answer.body), `"`+place+`"`) {
			t.Errorf("no finding at %s: %s", place, answer.body)
		}
	}
	if answer.status != http.StatusUnprocessableEntity || strings.Contains(string(answer.body), "douze") {
		t.Errorf("%d %s", answer.status, answer.body)
	}

	// A minor's is written by her representatives, not by herself.
	k.p = k.seeded(t, "chloe")
	for as, code := range map[string]string{"rep:chloe": "", "rep:chloe:2": "", "patient:chloe": "ACC-05"} {
		if _, answer := k.put(t, as, "allergies", one); answer.code(t) != code {
			t.Errorf("%s writes: %d %s", as, answer.status, answer.body)
		}
	}
}

// TestVaccinationReminder: who is told of a record is written to once, on the day on
// which a dose becomes due for him, and not about what was due before.
func TestVaccinationReminder(t *testing.T) {
	k := openKit(t)
	var clock struct{ Now time.Time }
	k.must(t, http.MethodGet, "/sandbox/clock", "", nil, &clock)
	k.create(t, "bebe", cast.Patient{Family: "PETIT", Given: "Bébé", Sex: "F", BirthDate: clock.Now.AddDate(0, -2, 5).Format(time.DateOnly),
		Representatives: []cast.Person{{Family: "PETIT", Given: "Ana"}}}, "active", nil)
	mails := func() (all []string) {
		var answer struct {
			Mails []struct{ Kind, Subject, Text string }
		}
		raw := k.send(t, http.MethodGet, "/sandbox/mail?to=rep.bebe@sandbox.invalid", "", nil, nil)
		raw.decode(t, &answer)
		for _, m := range answer.Mails {
			if strings.Contains(m.Subject, "Un rappel dans votre espace santé") {
				all = append(all, m.Text)
			}
		}
		return all
	}
	if got := mails(); len(got) != 0 {
		t.Errorf("before: %q", got)
	}
	k.advance(t, "3d")
	if got := mails(); len(got) != 0 {
		t.Errorf("too early: %q", got)
	}
	k.advance(t, "3d")
	told := mails()
	if len(told) != 1 || strings.Contains(told[0], "Bébé") || strings.Contains(told[0], "vaccin") {
		t.Fatalf("when due: %q", told)
	}
	k.advance(t, "2d")
	if got := mails(); len(got) != 1 {
		t.Errorf("again: %q", got)
	}
	// The next doses come a month later.
	k.advance(t, "30d")
	if got := mails(); len(got) != 2 {
		t.Errorf("at three months: %q", got)
	}
}
