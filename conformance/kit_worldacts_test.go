package conformance_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// worldTypes are the types that worlds deposit: cells of every kind, the patient's
// own, the history of reimbursements, and one that no physician reads.
var worldTypes = []string{
	"11502-2", "15508-5", "11488-4", "83901-9", "68599-0", "75496-0", "80788-3", "11369-6", "60593-1", "ATTEST-RESID", "EXPPAT_1", "DOCPAT03", "REMB", "57833-6", "PRESC-KINE",
}

// step does one random thing, and compares what comes back with the oracle.
func (w *drawn) step() {
	r := pick(w, w.records)
	if oracleIn(r.State, "active", "open") || !w.one(4) { // not much happens in the others
		for !oracleIn(r.State, "active", "open") {
			r = pick(w, w.records)
		}
	}
	switch n := w.random.IntN(100); {
	case n < 34:
		w.deposits(r)
	case n < 66:
		w.acts(r)
	case n < 72:
		w.sets(r)
	case n < 82:
		w.links(r)
	case n < 88:
		w.blocks(r)
	case n < 93:
		w.names(r)
	default:
		w.finds(w.someAsk(r), r, w.one(2))
	}
}

// someAsk draws who asks, how, and with what token.
func (w *drawn) someAsk(r *oracleRecord) oracleAsk {
	q := oracleAsk{who: pick(w, w.people), mode: "normal", bound: r.Name, attested: !w.one(5)}
	if w.one(3) {
		q.who = w.holding(r)
	}
	if w.one(14) {
		q.who = pick(w, w.persons)
	}
	if q.who.role == "pro" {
		switch w.random.IntN(5) {
		case 0:
			q.mode = "centre_15"
		case 1:
			q.mode, q.justified = "bris_de_glace", !w.one(4)
		}
	}
	switch w.random.IntN(8) {
	case 0:
		q.bound = ""
	case 1:
		if w.one(3) {
			q.bound = pick(w, w.records).Name
		}
	}
	return q
}

// holding is who acts for a record.
func (w *drawn) holding(r *oracleRecord) *oracleActor {
	var all []*oracleActor
	for _, a := range w.persons {
		if a.of == r.Name {
			all = append(all, a)
		}
	}
	return pick(w, all)
}

// deposits sends a submission of one or two documents on either face.
func (w *drawn) deposits(r *oracleRecord) {
	q := w.someAsk(r)
	q.mode = "normal"
	if !w.one(3) {
		if q.bound = r.Name; w.kind(q.who, r) == "other" {
			q.who = w.holding(r)
		}
	}
	if q.who.role == "pro" && w.one(6) {
		q.mode = "centre_15"
	}
	q.air = w.one(25)
	q.secret = w.minor(r) && w.one(6)
	if q.bound == "" || w.kind(q.who, r) == "other" && w.one(2) {
		q.bound = r.Name
	}
	if q.who.role == "pro" && q.who.structure == "" || q.who.role == "other" {
		return // the French profile wants the structure in the metadata; they read
	}
	var sent []oracleSent
	var entries []xds.DocumentEntry
	for range 1 + w.random.IntN(2) {
		s, e := w.draws(q, r)
		sent, entries = append(sent, s), append(entries, e)
		if s.twin {
			break
		}
	}
	if len(sent) == 2 && sent[1].twin {
		sent, entries = sent[1:], entries[1:]
	}
	if len(sent) == 2 && sent[0].target != nil && sent[0].target == sent[1].target && (sent[0].replaces || sent[1].replaces) {
		sent, entries = sent[:1], entries[:1] // what one lot may do to one target twice is no question of access
	}
	w.submit(q, r, sent, entries)
}

// draws makes one document of a submission.
func (w *drawn) draws(q oracleAsk, r *oracleRecord) (oracleSent, xds.DocumentEntry) {
	typeCode := pick(w, worldTypes)
	var s oracleSent
	if len(r.docs) > 0 && w.one(2) {
		s.target = pick(w, r.docs)
		if w.one(2) {
			for _, d := range r.docs { // those who may are rare: look for one of theirs
				if d.status == "approved" && (d.authorOf(q.who) || d.ofStructure(q.who) || q.who.of == r.Name && d.origin == "patient") && w.one(2) {
					s.target = d
				}
			}
		}
		s.replaces = w.one(2)
		if s.twin = w.one(6) && s.target.status != "deleted"; s.twin {
			typeCode = s.target.typeCode
		}
	}
	d, e := w.entry(r, q.who, typeCode)
	s.doc = d
	if w.one(4) && !s.twin {
		s.mask = true
		marked(&e, xds.MarkMaskedPS)
	}
	if w.one(6) && !s.twin {
		s.hidePat = true
		marked(&e, xds.MarkHiddenPatient)
	}
	if (q.secret && s.target == nil || w.one(6)) && !s.twin {
		s.hideRep = true
		marked(&e, xds.MarkHiddenReps)
	}
	if s.twin {
		s.replaces = false
		e.UniqueID, e.Hash, e.Size = s.target.uniqueID, hashOf(s.target.content), int64(len(s.target.content))
		d.uniqueID, d.content = s.target.uniqueID, s.target.content
	}
	w.authors(q, s.doc, &e)
	return s, e
}

// authors names others in the metadata: with rights when their institution is the
// depositor's, without when it is any other or none (§1.1).
func (w *drawn) authors(q oracleAsk, d *oracleDoc, e *xds.DocumentEntry) {
	for range w.random.IntN(3) {
		x := pick(w, w.people)
		if x.role != "pro" {
			continue
		}
		at, name := x.structure, "CHEZ LUI"
		if w.one(2) {
			at, name = q.who.structure, "UN AUTRE NOM" // compared on XON.10
		}
		if at == "" {
			continue
		}
		e.Authors = append(slices.Clone(e.Authors), named(x, at, name))
		if q.who.structure == at {
			d.authors[x.id] = true
		}
	}
}

// submit sends a submission and follows it.
func (w *drawn) submit(q oracleAsk, r *oracleRecord, sent []oracleSent, entries []xds.DocumentEntry) {
	w.t.Helper()
	verdict := w.deposit(q, r, sent)
	documents := make([]kitDocument, len(entries))
	for i, e := range entries {
		documents[i] = kitDocument{e, []byte(sent[i].doc.content)}
	}
	lot, content := w.lot(r.kitPatient, w.castName(q.who), documents...)
	what := ""
	for _, s := range sent {
		what += fmt.Sprintf(" %s %s mask=%v hidePat=%v hideRep=%v twin=%v", s.doc.typeCode, kitBare(s.doc.logicalID)[:8], s.mask, s.hidePat, s.hideRep, s.twin)
		if s.target == nil || s.twin {
			continue
		}
		kind := xds.Replaces
		if !s.replaces {
			kind = []xds.AssociationType{xds.Appends, xds.Transforms}[w.random.IntN(2)]
		}
		what += fmt.Sprintf(" %s of %s", kind[strings.LastIndex(string(kind), ":")+1:], kitBare(s.target.logicalID)[:8])
		kitRelate(&lot, kind, s.doc.logicalID, s.target.entryUUID)
	}
	face := w.random.IntN(2)
	answer := w.faces()[face](w.t, w.bearerOf(q, r), lot, content)
	code := answer.code
	if code == "REG-001" {
		code = unknownRecord
	}
	name := []string{"ITI-41", "ITI-65"}[face]
	w.tell("%s by %s (%s, bound %q) on %s%s: %q", name, q.who.as, q.mode, q.bound, r.Name, what, code)
	var about []*oracleDoc
	for _, s := range sent {
		about = append(about, s.doc)
		if s.target != nil {
			about = append(about, s.target)
		}
	}
	w.agreed(q, r, sent[0].target, name+what, verdict, code, 0)
	if code == "" {
		w.register(q, r, lot.Set.UniqueID, sent)
	}
	w.note(q, r, outcome(code), name, about...)
}

var worldVerbs = []string{"mask", "mask", "unmask", "reveal-patient", "reveal-representatives", "archive", "unarchive", "delete"}

// acts tries an act on a document, or on one that never was.
func (w *drawn) acts(r *oracleRecord) {
	q, verb := w.someAsk(r), pick(w, worldVerbs)
	var d *oracleDoc
	id := kitUUID()
	if len(r.docs) > 0 && !w.one(12) {
		d = pick(w, r.docs)
		if w.one(2) { // one who may
			for _, a := range w.people {
				if d.authorOf(a) || d.ofStructure(a) || r.isAdmin(a) {
					q.who = a
				}
			}
		}
		id = pick(w, []string{d.logicalID, d.entryUUID})
	}
	if q.who.role != "pro" {
		q.mode = "normal"
	}
	w.actOn(q, r, d, id, verb)
}

func (w *drawn) actOn(q oracleAsk, r *oracleRecord, d *oracleDoc, id, verb string) kitResponse {
	w.t.Helper()
	if w.one(2) {
		id = kitBare(id)
	}
	verdict := w.documentAct(q, r, d, verb)
	answer := w.json(q, r, http.MethodPost, "/documents/"+id+"/"+verb, map[string]bool{"attested": q.attested})
	code := answer.code(w.t)
	w.tell("%s %s by %s (%s, bound %q, attested %v) on %s: %q", verb, kitBare(id)[:8], q.who.as, q.mode, q.bound, q.attested, r.Name, code)
	ok := w.agreed(q, r, d, verb, verdict, code, answer.status)
	if code == "" && d != nil {
		w.act(r, d, verb)
		var now struct {
			LogicalID, EntryUUID string
			Version              int
		}
		answer.decode(w.t, &now)
		if ok && (now.LogicalID != d.logicalID || now.Version != d.version) {
			w.disagree(q, r, d, verb+": ids", fmt.Sprintf("%s version %d", d.logicalID, d.version), string(answer.body))
		}
		d.entryUUID, d.version = now.EntryUUID, now.Version
	}
	var about []*oracleDoc
	if d != nil {
		about = append(about, d)
	}
	w.note(q, r, outcome(code), verb, about...)
	return answer
}

// sets changes some of the settings.
func (w *drawn) sets(r *oracleRecord) {
	q := w.someAsk(r)
	body := map[string]bool{}
	for _, name := range []string{"maskAll", "samuOK", "bdgOK", "maskedOK"} {
		if w.one(3) {
			body[name] = w.one(2)
		}
	}
	if len(body) == 0 {
		body["maskedOK"] = true
	}
	answer := w.json(q, r, http.MethodPut, "/settings", body)
	code := answer.code(w.t)
	w.tell("settings %v by %s on %s: %q", body, q.who.as, r.Name, code)
	w.agreed(q, r, nil, fmt.Sprintf("settings %v", body), w.params(q, r), code, answer.status)
	if code == "" {
		for name, on := range body {
			r.set(name, on)
		}
		r.settings.maskedOK = r.settings.maskedOK && (r.settings.samuOK || r.settings.bdgOK)
	}
	w.note(q, r, outcome(code), "settings")
}

// links declares a relation or withdraws it.
func (w *drawn) links(r *oracleRecord) {
	q := w.someAsk(r)
	whose := q.who
	if w.one(4) || whose.role != "pro" {
		whose = pick(w, w.people)
	}
	for whose.role != "pro" {
		whose = pick(w, w.people)
	}
	if w.one(4) {
		answer := w.json(q, r, http.MethodDelete, "/links/"+whose.as, nil)
		code := answer.code(w.t)
		w.tell("unlink %s by %s on %s: %q", whose.as, q.who.as, r.Name, code)
		w.agreed(q, r, nil, "unlink "+whose.as, w.unlink(q, r, whose), code, answer.status)
		if code == "" {
			delete(r.links, whose.as)
		}
		w.note(q, r, outcome(code), "unlink")
		return
	}
	body := map[string]any{"basis": pick(w, []string{"consent", "team"}), "attested": q.attested}
	var expires time.Time
	switch w.random.IntN(4) {
	case 0:
		expires = w.instant().Add(time.Hour - 20*time.Second) // just before an hour has passed
	case 1:
		expires = w.instant().Add(time.Hour + 10*time.Minute)
	case 2:
		if w.one(3) {
			expires = w.instant().Add(-time.Second)
		}
	}
	w.declare(q, r, whose, body, expires)
}

// linkNow lets a professional declare the patient's consent; a zero instant leaves
// the end to the gateway.
func (w *drawn) linkNow(a *oracleActor, r *oracleRecord, expires time.Time) {
	w.declare(asking(a, r), r, a, map[string]any{"basis": "consent", "attested": true}, expires)
}

func (w *drawn) declare(q oracleAsk, r *oracleRecord, whose *oracleActor, body map[string]any, expires time.Time) {
	until := w.instant().AddDate(1, 0, -1)
	if !expires.IsZero() {
		until = expires
		body["expires"] = expires.UTC().Format(time.RFC3339Nano)
	}
	answer := w.json(q, r, http.MethodPut, "/links/"+whose.as, body)
	code := answer.code(w.t)
	w.tell("link %s %v by %s (%s) on %s: %q", whose.as, body, q.who.as, q.mode, r.Name, code)
	w.agreed(q, r, nil, fmt.Sprintf("link %s %v", whose.as, body), w.link(q, r, whose, body["basis"].(string), expires), code, answer.status)
	if code == "" {
		r.links[whose.as] = until
	}
	w.note(q, r, outcome(code), "link")
}

// blocks blocks or unblocks.
func (w *drawn) blocks(r *oracleRecord) {
	q, target := w.someAsk(r), pick(w, w.people)
	for target.role != "pro" {
		target = pick(w, w.people)
	}
	w.blocking(q, r, target, !w.one(3))
}

// blockNow lets whoever acts for a record block a professional.
func (w *drawn) blockNow(target *oracleActor, r *oracleRecord) {
	for _, a := range w.persons {
		if q := asking(a, r); w.block(q, r, target, true).permit() {
			w.blocking(q, r, target, true)
			return
		}
	}
}

func (w *drawn) blocking(q oracleAsk, r *oracleRecord, target *oracleActor, on bool) {
	method := http.MethodPut
	var body any = map[string]bool{"attested": q.attested}
	if !on {
		method, body = http.MethodDelete, nil
	}
	answer := w.json(q, r, method, "/blocks/"+target.as, body)
	code := answer.code(w.t)
	w.tell("block %s %v by %s on %s: %q", target.as, on, q.who.as, r.Name, code)
	w.agreed(q, r, nil, fmt.Sprintf("block %s %v", target.as, on), w.block(q, r, target, on), code, answer.status)
	if code == "" {
		delete(r.blocked, target.as)
		if on {
			r.blocked[target.as] = true
			delete(r.links, target.as) // C-14
		}
	}
	w.note(q, r, outcome(code), "block")
}

// names names a médecin traitant or dismisses him.
func (w *drawn) names(r *oracleRecord) {
	q := w.someAsk(r)
	if w.one(5) {
		answer := w.json(q, r, http.MethodDelete, "/administrator", nil)
		code := answer.code(w.t)
		w.tell("dismiss by %s on %s: %q", q.who.as, r.Name, code)
		w.agreed(q, r, nil, "dismiss", w.dismiss(q, r), code, answer.status)
		if code == "" {
			r.admin = ""
		}
		w.note(q, r, outcome(code), "dismiss")
		return
	}
	target := pick(w, w.people)
	for target.role != "pro" {
		target = pick(w, w.people)
	}
	verdict := w.nameAdmin(q, r, target)
	if target.as == "dr-traitant" && !r.connected[target.as] {
		return // whether the sandbox lets him have connected is not written
	}
	answer := w.json(q, r, http.MethodPut, "/administrator", map[string]string{"professional": target.as})
	code := answer.code(w.t)
	w.tell("name %s by %s on %s: %q", target.as, q.who.as, r.Name, code)
	w.agreed(q, r, nil, "name "+target.as, verdict, code, answer.status)
	if code == "" {
		r.admin = target.as
	}
	w.note(q, r, outcome(code), "administrator")
}

// recordAccess asks what a professional may do here, and the holder what he set.
func (w *drawn) recordAccess(q oracleAsk, r *oracleRecord) {
	verdict, access := w.access(q, r)
	answer := w.json(q, r, http.MethodGet, "", nil)
	code := answer.code(w.t)
	if !w.agreed(q, r, nil, "GET record", verdict, code, answer.status) || code != "" {
		w.note(q, r, outcome(code), "record")
		return
	}
	w.note(q, r, "permit", "record")
	var got struct {
		State, Access string
		Administrator *string
		Settings      *toldSettings
	}
	if err := json.Unmarshal(answer.body, &got); err != nil {
		w.t.Fatal(err)
	}
	if access != "" {
		if got.Access != access || got.Settings != nil {
			w.disagree(q, r, nil, "GET record", access+" alone", string(answer.body))
		}
		return
	}
	admin := ""
	for _, a := range w.people {
		if a.as == r.admin {
			admin = a.id
		}
	}
	want := r.settings
	if got.Settings == nil || got.Settings.oracle() != want || got.State != r.State || r.State == "active" && *cmp.Or(got.Administrator, new(string)) != admin {
		w.disagree(q, r, nil, "GET record", fmt.Sprintf("%+v %s administrator %q", want, r.State, admin), string(answer.body))
	}
}
