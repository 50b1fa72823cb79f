package conformance_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// longRun: everything at its full size, which takes minutes.
func longRun() bool { return os.Getenv("PASSERELLE_LONG") == "1" }

// TestWorlds holds the product against the second reading of the policy, and against
// itself, in one sandbox.
func TestWorlds(t *testing.T) {
	k := openKit(t)
	t.Run("drawn", k.worlds)
	t.Run("metamorphic", k.metamorphic)
	t.Run("races", k.races)
	t.Run("corners", k.corners)
}

// worlds draws worlds, does random things in them by the public calls, and then asks
// everybody's questions on both faces; each answer is compared with the oracle.
// PASSERELLE_WORLD_SEED=n plays one world again; PASSERELLE_LONG=1 plays many large ones.
func (k *kit) worlds(t *testing.T) {
	matrix := readOracleMatrix(t)
	first, worlds, steps := uint64(20261122), 1, 110
	if longRun() {
		worlds, steps = 4, 200
	}
	if s := os.Getenv("PASSERELLE_WORLD_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		first, worlds = n, 1
	}
	total, refusals := 0, map[string]int{}
	for i := range worlds {
		seed := first + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := k.newWorld(t, fmt.Sprintf("w%d-", seed), seed, matrix)
			w.populate()
			for range steps {
				w.step()
			}
			w.pass("1h")
			w.everything(longRun())
			w.histories()
			total += w.asked
			for code, n := range w.counts {
				refusals[code] += n
			}
			if w.wrong > 0 {
				t.Errorf("%d disagreements; PASSERELLE_WORLD_SEED=%d go test -run TestWorlds/drawn ./conformance", w.wrong, seed)
			}
		})
	}
	t.Logf("%d answers compared; refusals %v", total, refusals)
	if first != 20261122 {
		return // any one world may be poor
	}
	for _, code := range []string{"", "ACC-01", "ACC-02", "ACC-03", "ACC-04", "ACC-05", "ACC-06", "ACC-07", "ACC-11", "ACC-23", "ACC-24", "ACC-25", "ACC-29", "ACC-67", "JSON-003", "REG-004"} {
		if refusals[code] == 0 {
			t.Errorf("no answer was %q: the world is too poor", code)
		}
	}
}

// populate draws who is there.
func (w *drawn) populate() {
	w.people = append(w.people, w.member("dr-traitant"))
	hospital := w.professional("hop", "struct", "", "", "", false)
	lab := w.professional("lab", "struct", "", "", "", false)
	w.professional("gp", "pro", "10", "SM26", lab.as, false)
	w.professional("phys", "pro", "10", "", hospital.as, false)
	w.professional("nurse", "pro", "60", "", hospital.as, false)
	w.professional("samu", "pro", "10", "SM59", hospital.as, true)
	w.professional("urg", "pro", "10", "SM59", "", false)
	w.professional("work", "pro", "10", "SM25", lab.as, false)
	w.professional("out", "pro", "99", "", lab.as, false)
	w.professional("insurer", "other", "", "", "", false)
	var columns []oracleColumn
	for _, c := range w.matrix.columns {
		if c.name != "medecin_du_travail" {
			columns = append(columns, c)
		}
	}
	for i := range 3 {
		c := pick(w, columns)
		specialty := ""
		if len(c.specialties) > 0 {
			specialty = pick(w, c.specialties)
		}
		w.professional(fmt.Sprintf("any%d", i), "pro", pick(w, c.professions), specialty, pick(w, []string{hospital.as, lab.as, ""}), w.one(4))
	}
	flip := func() bool { return w.one(2) }
	w.holder("adult", 40, "active", oracleSettings{false, true, true, false})
	w.holder("masked", 40, "active", oracleSettings{true, true, true, false})
	drawn := w.holder("any", 30, pick(w, []string{"active", "open"}), oracleSettings{flip(), flip(), flip(), flip()})
	w.holder("minor", 12, "active", oracleSettings{false, true, true, flip()}, "Éloïse", "Jean")
	grown := w.holder("grown", 19, "active", oracleSettings{false, true, flip(), flip()}, "Maël")
	w.holder("gone", 50, pick(w, []string{"closed", "opposed", "notified", "erased", "none"}), oracleSettings{false, true, true, false})
	w.holder("shut", 50, "closed", oracleSettings{false, true, true, false})
	alice := w.seeded(w.t, "alice")
	r := &oracleRecord{kitPatient: alice, born: mustDate(w.t, alice.BirthDate)} // her relative is the only delegate
	w.current(r)
	w.enter(r)
	w.person("patient:alice", "patient", r, alice.Given)
	w.person("delegate:alice", "delegate", r, "Léo")
	w.note(asking(w.persons[len(w.persons)-2], r), r, "permit", "record")
	// what a short story might not come to
	for _, a := range w.people[:8] {
		if a.role == "pro" && a.specialty != "SM25" {
			w.linkNow(a, drawn, w.instant().Add(time.Hour-20*time.Second))
			w.linkNow(a, grown, time.Time{})
		}
	}
	w.blockNow(pick(w, w.people[3:6]), grown)
	w.blockNow(pick(w, w.people[3:6]), drawn)
	for _, r := range w.records {
		if r.State == "active" {
			w.furnish(r)
		}
	}
	// some begin with a relation, else most doors stay shut
	for _, a := range w.people {
		for _, r := range w.records {
			if a.role == "pro" && r.State == "active" && w.one(3) {
				w.linkNow(a, r, time.Time{})
			}
		}
	}
}

// furnish puts into a record what a short story might not: plain documents of several
// authors, one with each mark, one of the patient's side.
func (w *drawn) furnish(r *oracleRecord) {
	lab, gp, phys := w.people[2], w.people[3], w.people[4]
	for _, x := range []struct {
		by       *oracleActor
		typeCode string
		mark     string
	}{
		{lab, "11502-2", ""}, {gp, "11488-4", ""}, {phys, "15508-5", xds.MarkMaskedPS}, {phys, "11526-1", xds.MarkHiddenPatient},
		{gp, "11488-4", xds.MarkHiddenReps}, {w.guardian(r), "DOCPAT03", ""},
	} {
		if x.mark == xds.MarkHiddenReps && !w.minor(r) {
			continue
		}
		d, e := w.entry(r, x.by, x.typeCode)
		if x.mark != "" {
			marked(&e, x.mark)
		}
		sent := oracleSent{doc: d, mask: x.mark == xds.MarkMaskedPS, hidePat: x.mark == xds.MarkHiddenPatient, hideRep: x.mark == xds.MarkHiddenReps}
		w.submit(asking(x.by, r), r, []oracleSent{sent}, docEntries(e))
	}
}

// everything asks every reader's questions of every record; all of them, or a draw of
// those by id.
func (w *drawn) everything(all bool) {
	for _, r := range w.records {
		for _, a := range w.everyone(r) {
			if !all && w.one(3) {
				continue
			}
			modes := []oracleAsk{{mode: "normal"}}
			for _, q := range []oracleAsk{{mode: "centre_15"}, {mode: "bris_de_glace", justified: true}, {mode: "bris_de_glace"}} {
				if a.role == "pro" && (all || w.one(2)) {
					modes = append(modes, q)
				}
			}
			for _, q := range modes {
				q.who, q.attested = a, true
				if q.bound = r.Name; w.one(3) {
					q.bound = ""
				}
				w.finds(q, r, all || w.one(2))
				w.byIDs(q, r, all)
				if q.mode == "normal" {
					w.recordAccess(q, r)
				}
			}
		}
	}
}

// everyone is who may have a question about a record: all of the directory, its own
// people, and somebody of another record.
func (w *drawn) everyone(r *oracleRecord) []*oracleActor {
	all := slices.Clone(w.people)
	others := 0
	for _, a := range w.persons {
		if a.of == r.Name {
			all = append(all, a)
		} else if others == 0 {
			all = append(all, a)
			others++
		}
	}
	return all
}

func ids(docs []*oracleDoc, id func(*oracleDoc) string) []string {
	all := []string{}
	for _, d := range docs {
		all = append(all, id(d))
	}
	slices.Sort(all)
	return all
}

func logical(d *oracleDoc) string { return d.logicalID }

// known keeps of an answer the documents of the world: the seed has others.
func (w *drawn) known(r *oracleRecord, got []string, id func(*oracleDoc) string) []string {
	all := []string{}
	for _, x := range got {
		if r.Name != "alice" || slices.ContainsFunc(r.docs, func(d *oracleDoc) bool { return id(d) == x }) {
			all = append(all, x)
		}
	}
	return all
}

// finds compares the searches of both faces.
func (w *drawn) finds(q oracleAsk, r *oracleRecord, whole bool) {
	w.t.Helper()
	door := w.door(q, r, "search")
	if q.bound != "" && q.bound != r.Name {
		door = "ACC-67"
	}
	b := w.bearerOf(q, r)
	patient := ebrim.QueryParam{Name: "$XDSDocumentEntryPatientId", Values: []string{string(r.INS.Key())}}
	status := func(s ...xds.Status) ebrim.QueryParam {
		var texts []string
		for _, x := range s {
			texts = append(texts, string(x))
		}
		return ebrim.QueryParam{Name: "$XDSDocumentEntryStatus", Values: texts}
	}
	visible := w.listed(q, r, "approved", "deprecated", "archived")
	leaf := w.stored(b, "FindDocuments", ebrim.LeafClass, patient, status(xds.Approved, xds.Deprecated, xds.Archived, xds.Deleted))
	w.same(q, r, "ITI-18 FindDocuments", door, visible, logical, leaf)
	recordOf := "patient=Patient/" + r.Record + "&_count=200"
	if w.one(2) {
		recordOf = r.query()
	}
	current, total := w.references(b, recordOf)
	fhirDoor := door
	if door == unknownRecord {
		fhirDoor = "" // 200 and empty (§0.4)
	}
	now := w.listed(q, r, "approved", "deprecated")
	w.same(q, r, "ITI-67", fhirDoor, now, logical, current)
	if current.code == "" && total != len(current.ids) {
		w.disagree(q, r, nil, "Bundle.total", fmt.Sprint(len(current.ids)), fmt.Sprint(total))
	}
	if !whole {
		return
	}
	refs := w.stored(b, "FindDocuments", ebrim.ObjectRef, patient, status(xds.Approved))
	w.same(q, r, "ITI-18 ObjectRef", door, w.listed(q, r, "approved"), func(d *oracleDoc) string { return d.entryUUID }, refs)
	w.note(q, r, outcome(refs.code), "ITI-18")
	old, _ := w.references(b, recordOf+"&isArchived=true")
	w.note(q, r, outcome(old.code), "ITI-67")
	w.same(q, r, "ITI-67 isArchived", fhirDoor, w.listed(q, r, "archived"), logical, old)
	counted, n := w.references(b, recordOf+"&_summary=count")
	w.note(q, r, outcome(counted.code), "ITI-67")
	if door == "" && r.Name != "alice" && n != len(now) {
		w.disagree(q, r, nil, "_summary=count", fmt.Sprint(len(now)), fmt.Sprint(n))
	}
}

// same compares an answer with the documents that the oracle expects, and their marks.
func (w *drawn) same(q oracleAsk, r *oracleRecord, what, door string, want []*oracleDoc, id func(*oracleDoc) string, got found) {
	w.t.Helper()
	if got.code == "REG-001" {
		got.code = unknownRecord
	}
	verdict := refuses("§0.1", door)
	if door == "" {
		verdict = permits("no door")
		want = slices.Clone(want)
		if q.who.role == "pro" && !strings.HasPrefix(what, "GetD") {
			r.connected[q.who.as] = true
		}
	} else {
		want = nil
	}
	if strings.HasSuffix(what, "FindDocuments") || what == "ITI-67" {
		w.note(q, r, outcome(got.code), what[:6])
	}
	if !w.agreed(q, r, nil, what, verdict, got.code, got.status) {
		return
	}
	names, have := ids(want, id), w.known(r, got.ids, id)
	if !slices.Equal(names, have) {
		var d *oracleDoc
		for _, x := range r.docs {
			if slices.Contains(names, id(x)) != slices.Contains(have, id(x)) {
				d = x
			}
		}
		_, why := false, "-"
		if d != nil {
			_, why = w.sees(q, r, d)
		}
		w.disagree(q, r, d, what, fmt.Sprint(names, " by ", why), fmt.Sprint(have))
		return
	}
	for _, d := range want {
		if labels, ok := got.labels[d.logicalID]; ok && !slices.Equal(labels, d.labels()) {
			w.disagree(q, r, d, what+" labels", fmt.Sprint(d.labels()), fmt.Sprint(labels))
		}
	}
}

// byIDs asks for each document by its ids, and for each submission set.
func (w *drawn) byIDs(q oracleAsk, r *oracleRecord, all bool) {
	w.t.Helper()
	for _, d := range r.docs {
		for way := range 5 {
			if all || w.one(6) {
				w.byID(q, r, d, way)
			}
		}
	}
	for _, s := range r.sets {
		if all || w.one(6) {
			w.setOf(q, r, s)
		}
	}
}

// byID asks one of five ways for a document.
func (w *drawn) byID(q oracleAsk, r *oracleRecord, d *oracleDoc, way int) {
	w.t.Helper()
	b, f := w.bearerOf(q, r), found{}
	door := ""
	if q.bound != "" {
		door = w.door(q, r, "retrieve")
	}
	expected := []*oracleDoc{d}
	if way == 0 || way == 3 { // by uniqueId: twins too
		expected = nil
		for _, x := range r.docs {
			if x.uniqueID == d.uniqueID {
				expected = append(expected, x)
			}
		}
	}
	var want []*oracleDoc
	for _, x := range expected {
		if ok, _ := w.sees(q, r, x); ok {
			want = append(want, x)
		}
	}
	what, unknown := "", ""
	switch way {
	case 0, 1:
		what = []string{"ITI-43", "ITI-68"}[way]
		var answer kitAnswer
		if unknown = "DOC-003"; way == 0 {
			answer = w.retrieveSet(w.t, b, d.uniqueID)
		} else {
			unknown = "FHIR-003"
			answer = w.readBinary(w.t, b, d.logicalID)
		}
		if f.code = answer.code; f.code == "" {
			f.ids = ids(want, logical)
			if string(answer.content) != d.content || len(want) == 0 {
				w.disagree(q, r, d, what, "hidden, or its own bytes", fmt.Sprintf("%d bytes", len(answer.content)))
			}
		}
	case 2:
		what, unknown = "FHIR read", "FHIR-003"
		f = w.reference(b, d.logicalID)
	case 3, 4:
		what = "GetDocuments"
		param := ebrim.QueryParam{Name: "$XDSDocumentEntryUniqueId", Values: []string{d.uniqueID}}
		if way == 4 {
			param = ebrim.QueryParam{Name: "$XDSDocumentEntryEntryUUID", Values: []string{d.entryUUID}}
		}
		f = w.stored(b, what, ebrim.LeafClass, param)
	}
	result := outcome(f.code)
	if len(want) == 0 || door != "" {
		result = "deny" // J-5: what found nothing visible reads deny, whether hidden or unknown
	} else if q.who.role == "pro" {
		r.connected[q.who.as] = true
	}
	switch {
	case door != "":
		if f.code == "REG-001" || strings.HasPrefix(f.code, "FHIR") && door == unknownRecord {
			f.code = unknownRecord
		}
	case len(want) == 0 && f.code == unknown:
		f.code = ""
	case len(want) == 0:
		if f.code == "" && what != "GetDocuments" {
			f.code = "200"
		}
	}
	w.same(q, r, "GetD "+what, door, want, logical, f)
	w.note(q, r, result, map[string]string{"GetDocuments": "ITI-18", "ITI-43": "ITI-43"}[what], expected...)
}

// setOf asks for a submission set with its members (SC-04…SC-06).
func (w *drawn) setOf(q oracleAsk, r *oracleRecord, s *oracleSet) {
	w.t.Helper()
	door := ""
	if q.bound != "" {
		door = w.door(q, r, "search")
	}
	var want []*oracleDoc
	for _, d := range s.docs {
		if ok, _ := w.sees(q, r, d); ok {
			want = append(want, d)
		}
	}
	f := w.stored(w.bearerOf(q, r), "GetSubmissionSetAndContents", ebrim.LeafClass, ebrim.QueryParam{Name: "$XDSSubmissionSetUniqueId", Values: []string{s.uniqueID}})
	if wantSet := len(want) > 0 && door == ""; wantSet != (len(f.sets) == 1) || f.links < len(want) && wantSet || !wantSet && f.links > 0 {
		w.disagree(q, r, s.docs[0], "GetSubmissionSetAndContents: the set", fmt.Sprint("shown: ", wantSet, ", associations at least ", len(want)), fmt.Sprint(f.sets, f.links))
	}
	w.same(q, r, "GetD SubmissionSet", door, want, logical, f)
	result := "permit"
	if len(want) == 0 || door != "" {
		result = "deny"
	}
	w.note(q, r, result, "ITI-18 set", s.docs...)
}
