package conformance_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// corners are cases that a drawn world seldom meets. The clock moves last.
func (k *kit) corners(t *testing.T) {
	for _, part := range []struct {
		name string
		test func(*testing.T)
	}{
		{"traits of bris de glace", k.cornerTraits}, {"a structure finds its own ids", k.cornerStructure}, {"provisional columns", k.cornerProvisional},
		{"records that are not open", k.cornerStates}, {"who may be administrator", k.cornerAdministrator}, {"a blocked author", k.cornerBlockedAuthor},
		{"a professional is not his patient", k.cornerPatientToo}, {"18 years at midnight in Paris", k.cornerMajority},
	} {
		t.Run(part.name, part.test)
	}
}

// cornerTraits: compared without case, accents, hyphens, spaces; all four values are
// needed, and the birth date is exact (policy §1.9).
func (k *kit) cornerTraits(t *testing.T) {
	w := k.newWorld(t, "traits-", 1, readOracleMatrix(t))
	r := w.bornOn("x", time.Date(1980, 2, 29, 0, 0, 0, 0, time.UTC), "active", oracleSettings{false, true, true, false})
	for _, c := range []struct {
		family, given, birth, reason string
		want                         string
	}{
		{"LE GOFF-NÈGRE", "Zoé-x", "1980-02-29", "détresse", ""},
		{"le goff negre", "zoe x", "1980-02-29", "d", ""},
		{"Legoffnegre", "ZOEX", "19800229", "détresse", ""},
		{"Le  Goff - Ne\u0300gre", "Zoe\u0301\u2010x", "1980-02-29", "détresse", ""}, // combining accents, another hyphen
		{"LE GOFF", "Zoé-x", "1980-02-29", "détresse", "ACC-25"},
		{"LE GOFF-NÈGRE", "Zoé", "1980-02-29", "détresse", "ACC-25"},
		{"LE GOFF-NÈGRE", "Zoé-x", "1980-03-01", "détresse", "ACC-25"},
		{"LE GOFF-NÈGRE", "Zoé-x", "1980-02-29", "", "ACC-25"},
		{"LE GOFF-NÈGRE", "Zoé-x", "1980-02-29", " \u00a0\t", "ACC-25"},
		{" - ", "Zoé-x", "1980-02-29", "détresse", "ACC-25"},
		{"LE GOFF-NÈGRE", "", "1980-02-29", "détresse", "ACC-25"},
		{"Zoé-x", "LE GOFF-NÈGRE", "1980-02-29", "détresse", "ACC-25"},
	} {
		for _, bound := range []string{r.Name, ""} {
			b := k.bearer(kitClaims{As: "dr-urg", Patient: bound, Mode: "bris_de_glace", Reason: c.reason, Traits: &kitTraits{c.family, c.given, c.birth}})
			k.bothSay(t, b, r.kitPatient, fmt.Sprintf("%q %q %s %q bound %q", c.family, c.given, c.birth, c.reason, bound), c.want)
		}
	}
}

// bothSay searches on both faces and wants one answer.
func (k *kit) bothSay(t *testing.T, b *kitBearer, p kitPatient, what, want string) {
	t.Helper()
	soap := k.findDocuments(t, b, p.INS, "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved")
	fhir := k.findReferences(t, b, p, "status=current")
	if soap.code != want || fhir.code != want {
		t.Errorf("%s: ITI-18 %q, ITI-67 %q, want %q", what, soap.code, fhir.code, want)
	}
}

// cornerStructure: a structure without a nominal user finds by uniqueId the ids of
// what it deposited, as ObjectRef on SOAP, and reads nothing.
func (k *kit) cornerStructure(t *testing.T) {
	w := k.newWorld(t, "struct-", 1, readOracleMatrix(t))
	r := w.holder("x", 40, "active", oracleSettings{true, true, true, false})
	hop := w.professional("hop", "struct", "", "", "", false)
	phys := w.professional("phys", "pro", "10", "", hop.as, false)
	lab := w.professional("lab", "struct", "", "", "", false)
	var docs []*oracleDoc
	for _, by := range []*oracleActor{hop, phys, lab} {
		d, e := w.entry(r, by, "11502-2")
		w.submit(asking(by, r), r, []oracleSent{{doc: d}}, docEntries(e))
		docs = append(docs, d)
	}
	ask := func(a *oracleActor, d *oracleDoc, rt ebrim.ReturnType, bound bool) found {
		q := asking(a, r)
		if !bound {
			q.bound = ""
		}
		return w.stored(w.bearerOf(q, r), "GetDocuments", rt, ebrim.QueryParam{Name: "$XDSDocumentEntryUniqueId", Values: []string{d.uniqueID}})
	}
	for i, d := range docs {
		for _, bound := range []bool{true, false} {
			want := 0
			if i < 2 { // its own and its physician's
				want = 1
			}
			if got := ask(hop, d, ebrim.ObjectRef, bound); got.code != "" || len(got.ids) != want {
				t.Errorf("document %d bound %v: ObjectRef %q %v", i, bound, got.code, got.ids)
			}
			if got, door := ask(hop, d, ebrim.LeafClass, bound), map[bool]string{true: "ACC-03"}[bound]; got.code != door || len(got.ids) > 0 {
				t.Errorf("document %d bound %v: LeafClass %q %v", i, bound, got.code, got.ids)
			}
		}
		if got := w.reference(w.bearerOf(asking(hop, r), r), d.logicalID); got.code != "ACC-03" {
			t.Errorf("document %d: FHIR %q", i, got.code)
		}
		k.bothSay(t, w.bearerOf(asking(hop, r), r), r.kitPatient, "a structure", "ACC-03")
	}
	w.actOn(asking(hop, r), r, docs[1], docs[1].logicalID, "delete")
	if got := ask(hop, docs[1], ebrim.ObjectRef, true); got.code != "" || len(got.ids) != 0 {
		t.Errorf("deleted: %q %v", got.code, got.ids)
	}
}

// cornerProvisional: the columns psychologue and assistant_social are in force in the
// sandbox, cell by cell (policy §1.9).
func (k *kit) cornerProvisional(t *testing.T) {
	w := k.newWorld(t, "prov-", 1, readOracleMatrix(t))
	r := w.holder("x", 40, "active", oracleSettings{false, true, true, false})
	gp := w.professional("gp", "pro", "10", "SM26", w.professional("lab", "struct", "", "", "", false).as, false)
	for _, typeCode := range worldTypes {
		d, e := w.entry(r, gp, typeCode)
		w.submit(asking(gp, r), r, []oracleSent{{doc: d}}, docEntries(e))
	}
	for i, profession := range []string{"93", "R94", "R95", "R291"} {
		a := w.professional(fmt.Sprintf("p%d", i), "pro", profession, "", "", false)
		w.linkNow(a, r, time.Time{})
		w.finds(asking(a, r), r, true)
	}
}

// cornerStates: closed is a door, opposed is a patient never seen (policy §0.4).
func (k *kit) cornerStates(t *testing.T) {
	emma, farid := k.seeded(t, "emma"), k.seeded(t, "farid")
	for _, as := range []string{"dr-durand", "dr-traitant", "patient:emma", "bio-lab"} {
		k.bothSay(t, k.bearer(kitClaims{As: as, Patient: "emma"}), emma, as, "ACC-01")
	}
	holder := k.token(t, kitClaims{As: "patient:emma", Patient: "emma"})
	k.must(t, http.MethodGet, "/api/v1/records/"+emma.Record+"/history", holder, nil, nil)
	if got := k.call(t, http.MethodGet, "/api/v1/records/"+emma.Record+"/history", k.token(t, kitClaims{As: "dr-durand", Patient: "emma"}), nil); got.code(t) != "ACC-01" {
		t.Errorf("own lines on a closed record: %d %s", got.status, got.body)
	}
	for _, as := range []string{"dr-durand", "patient:farid", "chu-lille"} {
		b := k.bearer(kitClaims{As: as, Patient: "farid"})
		soap, fhir := k.findDocuments(t, b, farid.INS, "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"), k.findReferences(t, b, farid, "status=current")
		if soap.code != "REG-001" || fhir.code != "" || len(fhir.ids) != 0 {
			t.Errorf("opposed, %s: %q %q", as, soap.code, fhir.code)
		}
		state := k.call(t, http.MethodGet, "/api/v1/records/"+farid.Record, b.jwt(t), nil)
		if want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[as == "patient:farid"]; state.status != want {
			t.Errorf("opposed, %s: GET record %d", as, state.status)
		}
	}
}

// cornerAdministrator: a médecin who connected once, and is not blocked (C-06, C-14).
func (k *kit) cornerAdministrator(t *testing.T) {
	w := k.newWorld(t, "adm-", 1, readOracleMatrix(t))
	r := w.holder("x", 40, "active", oracleSettings{false, true, true, false})
	holder := asking(w.persons[0], r)
	name := func(professional string) string {
		return w.json(holder, r, http.MethodPut, "/administrator", map[string]string{"professional": professional}).code(t)
	}
	gp := w.professional("gp", "pro", "10", "SM26", "", false)
	nurse := w.professional("nurse", "pro", "60", "", "", false)
	if got := name("dr-inconnu"); got != "C-06" {
		t.Errorf("never connected: %q", got)
	}
	k.bothSay(t, w.bearerOf(asking(gp, r), r), r.kitPatient, "refused at the door", "ACC-23")
	w.linkNow(gp, r, time.Time{})
	if got := name(gp.as); got != "C-06" {
		t.Errorf("a refused search is no connection: %q", got)
	}
	w.reference(w.bearerOf(asking(gp, r), r), kitUUID())
	w.stored(w.bearerOf(asking(gp, r), r), "GetSubmissionSetAndContents", ebrim.LeafClass, ebrim.QueryParam{Name: "$XDSSubmissionSetUniqueId", Values: []string{kitOID()}})
	if got := name(gp.as); got != "C-06" {
		t.Errorf("a request by id that found nothing is no connection: %q", got)
	}
	w.linkNow(nurse, r, time.Time{})
	k.bothSay(t, w.bearerOf(asking(nurse, r), r), r.kitPatient, "nurse", "")
	if got := name(nurse.as); got != "C-06" {
		t.Errorf("a nurse: %q", got)
	}
	k.bothSay(t, w.bearerOf(asking(gp, r), r), r.kitPatient, "gp", "")
	w.blockNow(gp, r)
	if got := w.json(holder, r, http.MethodPut, "/administrator", map[string]string{"professional": gp.as}); got.status != http.StatusConflict {
		t.Errorf("blocked: %d %s", got.status, got.body)
	}
	w.blocking(holder, r, gp, false)
	if got := name(gp.as); got != "" {
		t.Errorf("after all: %q", got)
	}
	if got := w.json(holder, r, http.MethodPut, "/blocks/"+gp.as, nil); got.status != http.StatusConflict {
		t.Errorf("the administrator blocked: %d %s", got.status, got.body)
	}
	k.bothSay(t, w.bearerOf(asking(gp, r), r), r.kitPatient, "administrator", "")
	k.bothSay(t, k.bearer(kitClaims{As: "dr-traitant", Patient: r.Name}), r.kitPatient, "former administrator", "ACC-23")
}

// cornerBlockedAuthor: he deposits, replaces and deletes his own, and reads nothing, not
// even in an emergency (golden vector 17, S0).
func (k *kit) cornerBlockedAuthor(t *testing.T) {
	w := k.newWorld(t, "blk-", 1, readOracleMatrix(t))
	r := w.holder("x", 40, "active", oracleSettings{false, true, true, true})
	hop := w.professional("hop", "struct", "", "", "", false)
	a := w.professional("a", "pro", "10", "SM26", hop.as, true)
	w.linkNow(a, r, time.Time{})
	d, e := w.entry(r, a, "11502-2")
	w.submit(asking(a, r), r, []oracleSent{{doc: d}}, docEntries(e))
	w.blockNow(a, r)
	for _, mode := range []string{"normal", "centre_15", "bris_de_glace"} {
		q := asking(a, r)
		q.mode, q.justified = mode, true
		k.bothSay(t, w.bearerOf(q, r), r.kitPatient, mode, "ACC-04")
	}
	w.actOn(asking(a, r), r, d, d.logicalID, "mask")
	next, entry := w.entry(r, a, "11502-2")
	w.submit(asking(a, r), r, []oracleSent{{doc: next, target: d, replaces: true}}, docEntries(entry))
	w.actOn(asking(a, r), r, next, next.logicalID, "delete")
	if next.status != "deleted" || d.status != "deleted" {
		t.Errorf("%s, %s", next.status, d.status)
	}
	if w.wrong > 0 {
		t.Errorf("%d disagreements", w.wrong)
	}
}

// cornerPatientToo: whoever has a record of his own, or acts for a child, is anybody on
// another's record (policy §1.9), and a token for one record opens no other.
func (k *kit) cornerPatientToo(t *testing.T) {
	alice, bruno, chloe := k.seeded(t, "alice"), k.seeded(t, "bruno"), k.seeded(t, "chloe")
	k.bothSay(t, k.bearer(kitClaims{As: "patient:bruno", Patient: "alice"}), alice, "another patient", "ACC-02")
	k.bothSay(t, k.bearer(kitClaims{As: "rep:chloe"}), bruno, "a representative elsewhere", "ACC-02")
	k.bothSay(t, k.bearer(kitClaims{As: "delegate:alice", Patient: "chloe"}), chloe, "a delegate elsewhere", "ACC-02")
	k.bothSay(t, k.bearer(kitClaims{As: "patient:chloe", Patient: "chloe"}), chloe, "a minor", "ACC-05")
	k.bothSay(t, k.bearer(kitClaims{As: "dr-durand", Patient: "alice"}), bruno, "a token for another patient", "ACC-67")
	k.bothSay(t, k.bearer(kitClaims{As: "patient:bruno", Patient: "alice"}), bruno, "his own record by a token for another", "ACC-67")
}

// cornerMajority: at 00:00 in Paris of the 18th birthday, an hour or two before UTC's,
// the holder enters and the representatives leave; what was hidden from them is
// shown to him (S0).
func (k *kit) cornerMajority(t *testing.T) {
	w := k.newWorld(t, "age-", 1, readOracleMatrix(t))
	w.readClock()
	birthday := w.instant().In(w.paris).AddDate(0, 0, 1)
	midnight := time.Date(birthday.Year(), birthday.Month(), birthday.Day(), 0, 0, 0, 0, w.paris)
	r := w.bornOn("x", birthday.AddDate(-18, 0, 0), "active", oracleSettings{false, true, true, false}, "Éloïse")
	hop := w.professional("hop", "struct", "", "", "", false)
	hidden, e := w.entry(r, hop, "11502-2")
	marked(&e, "INVISIBLE_REPRESENTANTS_LEGAUX")
	w.submit(asking(hop, r), r, []oracleSent{{doc: hidden, hideRep: true}}, docEntries(e))
	look := func() {
		t.Helper()
		for _, a := range w.persons {
			w.finds(asking(a, r), r, true)
		}
	}
	if hours := int(midnight.Sub(w.instant()) / time.Hour); hours > 0 {
		w.pass(fmt.Sprintf("%dh", hours))
	}
	if !w.minor(r) {
		t.Fatal("of age too early")
	}
	look()
	w.pass("1h")
	if w.minor(r) || w.instant().UTC().Day() == midnight.Day() {
		t.Logf("the instant looked at is %s", w.instant().UTC())
	}
	look()
	if got, _ := w.references(w.bearerOf(asking(w.persons[0], r), r), r.query()); !slices.Contains(got.ids, hidden.logicalID) {
		t.Errorf("the holder, now of age, does not find it: %q %v", got.code, got.ids)
	}
	if w.wrong > 0 {
		t.Errorf("%d disagreements", w.wrong)
	}
}
