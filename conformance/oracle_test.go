package conformance_test

import (
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// This file is a reading of the access policy of its own, for the random worlds: by
// person, then by question, as a lawyer would answer, and without the product's table,
// matrix reader or names. Where it and the product differ, one of the two misread the
// policy; whoever mends it cites the sentence.

// oracleActor is somebody who asks, as the directory knows him.
type oracleActor struct {
	as                               string // how the sandbox calls him: dr-a, patient:x, rep:x:2
	role                             string // pro, struct, other; of a person: patient, rep, delegate
	of                               string // of a person: whose record he stands for
	id                               string
	family, given                    string
	profession, specialty, structure string
	regulator                        bool
}

// oracleAsk is one request's circumstances.
type oracleAsk struct {
	who       *oracleActor
	mode      string // normal, centre_15, bris_de_glace
	justified bool   // bris de glace: a reason, and the patient's own traits
	bound     string // the patient whom the token names, "" for none
	attested  bool   // the patient's request behind an act (C-11)
	secret    bool   // secret connection of a minor (C-03)
	air       bool   // indirect reinforced authentication (C-13)
}

type oracleSettings struct{ maskAll, samuOK, bdgOK, maskedOK bool }

// oracleRecord is a record with all that the decisions read of it.
type oracleRecord struct {
	kitPatient
	born      time.Time
	settings  oracleSettings
	links     map[string]time.Time // by professional: when it ends
	blocked   map[string]bool
	admin     string // name of the médecin traitant
	connected map[string]bool
	docs      []*oracleDoc
	sets      []*oracleSet
	lines     []*oracleLine
}

// oracleLineage carries the three marks for all that RPLC, APND, XFRM or the same
// bytes joined (Q-20, C-15).
type oracleLineage struct {
	mask, hidePat, hideRep bool
	first                  *oracleDoc
}

type oracleDoc struct {
	logicalID, entryUUID, uniqueID string
	typeCode                       string
	content                        string
	lineage                        *oracleLineage
	authors                        map[string]bool // nominal ids with rights on this entry
	depositor                      *oracleActor
	structure                      string // of the depositor's token
	origin                         string // pro, patient, insurer
	status                         string // approved, deprecated, archived, deleted
	version                        int
	replaces                       *oracleDoc
	parents                        []*oracleDoc // what it is appended to or transformed from
}

// oracleSet is a SubmissionSet with its members.
type oracleSet struct {
	uniqueID string
	docs     []*oracleDoc
}

// oracleMatrix is the matrice d'habilitation: column by column, "1" first in a cell
// that permits.
type oracleMatrix struct {
	types   map[string]map[string]bool // by typeCode, by column
	columns []oracleColumn
}

type oracleColumn struct {
	name                     string
	professions, specialties []string
}

func readOracleMatrix(t *testing.T) oracleMatrix {
	t.Helper()
	read := func(name string) [][]string {
		f, err := os.Open("../authz/matrix/data/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	list := func(s string) []string {
		return strings.FieldsFunc(s, func(c rune) bool { return c == ';' })
	}
	m := oracleMatrix{types: map[string]map[string]bool{}}
	for _, row := range read("columns.csv")[1:] {
		m.columns = append(m.columns, oracleColumn{row[0], list(row[2]), list(row[3])})
	}
	rows := read("matrice.csv")
	for _, row := range rows[1:] {
		cells := map[string]bool{}
		for i, cell := range row[4:] {
			cells[rows[0][i+4]] = strings.HasPrefix(cell, "1")
		}
		m.types[row[0]] = cells
	}
	return m
}

// column is that of a profession, the narrower one when the specialty has its own;
// "" when nobody of that profession is in the matrix.
func (m oracleMatrix) column(profession, specialty string) string {
	general := ""
	for _, c := range m.columns {
		switch {
		case !slices.Contains(c.professions, profession):
		case len(c.specialties) == 0:
			general = c.name
		case slices.Contains(c.specialties, specialty):
			return c.name
		}
	}
	return general
}

// oracle answers for one world.
type oracle struct {
	matrix  oracleMatrix
	instant func() time.Time
	paris   *time.Location
}

// kind is what somebody is on a record (§1.9: derived per record).
func (o *oracle) kind(a *oracleActor, r *oracleRecord) string {
	switch {
	case a.role == "struct":
		return "struct"
	case a.role == "pro" && o.matrix.column(a.profession, "") != "":
		return "pro"
	case a.of == r.Name && a.of != "":
		return a.role
	}
	return "other"
}

// minor: majority is at 00:00 in Paris of the 18th birthday.
func (o *oracle) minor(r *oracleRecord) bool {
	of := time.Date(r.born.Year()+18, r.born.Month(), r.born.Day(), 0, 0, 0, 0, o.paris)
	return o.instant().Before(of)
}

func (o *oracle) linked(a *oracleActor, r *oracleRecord) string {
	until, ok := r.links[a.as]
	switch {
	case !ok:
		return "none"
	case o.instant().Before(until):
		return "valid"
	}
	return "expired"
}

func oracleIn(s string, all ...string) bool { return slices.Contains(all, s) }

// unseen: a record that answers as a patient never seen (§0.4).
func (r *oracleRecord) unseen() bool {
	return oracleIn(r.State, "none", "notified", "opposed", "erased")
}

func (r *oracleRecord) isAdmin(a *oracleActor) bool { return r.admin == a.as }

// unknownRecord is the verdict on a record that was never seen.
const unknownRecord = "patient inconnu"

// door is the refusal of the whole record for an action, "" when it is open: the
// lowest number that holds (§0.1), without ACC-67.
func (o *oracle) door(q oracleAsk, r *oracleRecord, action string) string {
	kind := o.kind(q.who, r)
	search := oracleIn(action, "search", "retrieve")
	pro, normal := kind == "pro", q.mode == "normal"
	switch {
	case r.unseen() && !(action == "state" && oracleIn(kind, "patient", "rep")):
		return unknownRecord
	case r.State == "closed" && !oracleIn(action, "exists", "state") && !(action == "journal" && oracleIn(kind, "patient", "rep")):
		return "ACC-01"
	case kind == "other":
		return "ACC-02"
	case kind == "struct" && !oracleIn(action, "submit", "replace", "delete", "exists"):
		return "ACC-03"
	case pro && r.blocked[q.who.as] && !oracleIn(action, "submit", "replace", "delete", "exists", "resign", "unlink", "ownJournal"):
		return "ACC-04"
	case oracleIn(kind, "patient", "delegate") && o.minor(r):
		return "ACC-05"
	case kind == "rep" && !o.minor(r):
		return "ACC-06"
	case pro && !normal && !oracleIn(action, "search", "retrieve", "exists", "submit", "replace", "delete"):
		return "ACC-07"
	case pro && q.who.specialty == "SM25" && (search || action == "link"):
		return "ACC-11"
	case !pro || !search:
		return ""
	case normal && !r.isAdmin(q.who) && o.linked(q.who, r) == "none":
		return "ACC-23"
	case q.mode == "centre_15" && !(q.who.regulator && r.settings.samuOK):
		return "ACC-24"
	case q.mode == "bris_de_glace" && !(q.justified && r.settings.bdgOK):
		return "ACC-25"
	case normal && !r.isAdmin(q.who) && o.linked(q.who, r) == "expired":
		return "ACC-29"
	}
	return ""
}

// authorOf: a nominal id with rights on that very entry; firstAuthor: on the entry
// that began the lineage, which is what confidentiality belongs to.
func (d *oracleDoc) authorOf(a *oracleActor) bool    { return a.role == "pro" && d.authors[a.id] }
func (d *oracleDoc) firstAuthor(a *oracleActor) bool { return d.lineage.first.authorOf(a) }

// ofStructure: no structure never equals no structure (§1.9).
func (d *oracleDoc) ofStructure(a *oracleActor) bool {
	return d.structure != "" && d.structure == a.structure
}

// sees tells whether a document exists for a reader, behind an open door, and by
// which sentence.
func (o *oracle) sees(q oracleAsk, r *oracleRecord, d *oracleDoc) (bool, string) {
	if door := o.door(q, r, "search"); door != "" {
		return false, door
	}
	l := d.lineage
	if d.status == "deleted" {
		return false, "R-08"
	}
	switch kind := o.kind(q.who, r); {
	case kind != "pro" && l.hidePat:
		return false, "R-09"
	case kind == "rep" && l.hideRep:
		return false, "R-10"
	case kind != "pro":
		return true, "R-20"
	}
	typed := o.matrix.types[d.typeCode][o.matrix.column(q.who.profession, q.who.specialty)]
	masked := l.mask || r.settings.maskAll
	if q.mode != "normal" {
		allowed := r.settings.maskedOK && (r.settings.samuOK || r.settings.bdgOK)
		return typed && (!masked || allowed), "R-24…R-27"
	}
	switch {
	case r.isAdmin(q.who):
		return true, "R-21"
	case d.authorOf(q.who):
		return true, "R-22"
	}
	return typed && !masked, "R-23"
}

// listed are the documents of a record that a reader finds in given statuses.
func (o *oracle) listed(q oracleAsk, r *oracleRecord, statuses ...string) []*oracleDoc {
	var all []*oracleDoc
	for _, d := range r.docs {
		if ok, _ := o.sees(q, r, d); ok && slices.Contains(statuses, d.status) {
			all = append(all, d)
		}
	}
	return all
}

// labels are the marks that whoever sees a document is shown.
func (d *oracleDoc) labels() []string {
	var all []string
	for _, m := range []struct {
		on   bool
		code string
	}{{d.lineage.hidePat, "INVISIBLE_PATIENT"}, {d.lineage.hideRep, "INVISIBLE_REPRESENTANTS_LEGAUX"}, {d.lineage.mask, "MASQUE_PS"}} {
		if m.on {
			all = append(all, m.code)
		}
	}
	return all
}

// oracleVerdict is what must come back: permission, or one of some refusals (when
// several hold and the policy ranks them in no order).
type oracleVerdict struct {
	refusals []string // "" permits; "404" an unknown document
	why      string
}

func permits(why string) oracleVerdict              { return oracleVerdict{[]string{""}, why} }
func refuses(why string, c ...string) oracleVerdict { return oracleVerdict{c, why} }
func (v oracleVerdict) permit() bool                { return slices.Contains(v.refusals, "") }

// unknownDocument is the verdict on a document that does not exist for who asks.
const unknownDocument = "404"

// documentAct is the verdict on an act of the JSON calls; a nil document is one that
// never was.
func (o *oracle) documentAct(q oracleAsk, r *oracleRecord, d *oracleDoc, verb string) oracleVerdict {
	action := map[string]string{"reveal-patient": "revealPat", "reveal-representatives": "revealRep", "unarchive": "archive"}[verb]
	if action == "" {
		action = verb
	}
	if q.bound != "" && q.bound != r.Name {
		return refuses("§0.1", "ACC-67")
	}
	if door := o.door(q, r, action); door != "" {
		if q.bound == "" || door == unknownRecord {
			return refuses("§0.1 no door without a patient in the token: "+door, unknownDocument)
		}
		return refuses("§0.1", door)
	}
	kind := o.kind(q.who, r)
	pro, holder := kind == "pro", oracleIn(kind, "patient", "rep")
	if d == nil || d.status == "deleted" || kind != "pro" && kind != "struct" && d.lineage.hidePat || kind == "rep" && d.lineage.hideRep {
		return refuses("R-08…R-10", unknownDocument)
	}
	admin := pro && r.isAdmin(q.who)
	var may bool
	switch action {
	case "mask", "unmask":
		may = holder || admin || pro && d.firstAuthor(q.who)
	case "archive":
		may = holder || admin || pro && d.authorOf(q.who)
	case "revealPat", "revealRep":
		may = admin || pro && d.firstAuthor(q.who)
	case "delete":
		may = d.origin == "pro" && (pro && d.authorOf(q.who) || kind == "struct" && d.ofStructure(q.who)) || holder && d.origin == "patient"
	}
	if !may {
		if ok, why := o.sees(q, r, d); !ok {
			return refuses("§0.3, not seen: "+why, unknownDocument)
		}
		switch {
		case action == "delete":
			return refuses("§0.3", "ACC-34")
		case pro:
			return refuses("§0.3", "ACC-39")
		}
		return refuses("§0.3", "ACC-37")
	}
	var findings []string
	if pro && oracleIn(action, "mask", "unmask") && !q.attested {
		findings = append(findings, "C-11")
	}
	if pro && action == "mask" && d.lineage.hidePat {
		findings = append(findings, "C-02")
	}
	if action == "archive" && d.status == "deprecated" {
		findings = append(findings, "409")
	}
	if findings != nil {
		return refuses("§1.4", findings...)
	}
	return permits("R-34…R-39")
}

// act does what a permitted act does, and tells the version of the addressed
// document afterwards: repeating is no new version.
func (o *oracle) act(r *oracleRecord, d *oracleDoc, verb string) {
	l, before := d.lineage, *d
	marks := *l
	switch verb {
	case "mask":
		l.mask = true
	case "unmask":
		l.mask = false
	case "reveal-patient":
		l.hidePat = false
	case "reveal-representatives":
		l.hideRep = false
	case "archive":
		d.status = "archived"
	case "unarchive":
		d.status = "approved"
	case "delete":
		for v := d; v != nil; v = v.replaces {
			v.status = "deleted"
		}
	}
	if marks != *l || before.status != d.status {
		d.version++
	}
}

// target is the verdict on what a deposit points at.
func (o *oracle) target(q oracleAsk, r *oracleRecord, d *oracleDoc, replaces bool) oracleVerdict {
	kind := o.kind(q.who, r)
	const unresolved, late = "REG-004", "REG-005"
	seen, why := o.sees(q, r, d)
	hidden := d.status == "deleted" || oracleIn(kind, "patient", "rep", "delegate") && d.lineage.hidePat || kind == "rep" && d.lineage.hideRep
	if hidden {
		return refuses("R-08…R-10", unresolved)
	}
	own := oracleIn(kind, "pro", "struct") && d.origin == "pro" && (kind == "pro" && d.authorOf(q.who) || d.ofStructure(q.who)) ||
		oracleIn(kind, "patient", "rep") && d.origin == "patient"
	switch {
	case replaces && own && d.status == "approved":
		return permits("R-31…R-33")
	case replaces && own && seen, !replaces && seen && d.status != "approved":
		return refuses("§0.3 no longer approved", late)
	case replaces && own && d.status != "approved": // one's own document that one does not see: the policy says neither
		return oracleVerdict{[]string{unresolved, late}, "left open"}
	case replaces && !own && seen:
		return refuses("§0.3", "ACC-31")
	case !replaces && seen:
		return permits("R-30, target seen by " + why)
	case !replaces && own: // the policy speaks of replacing and deleting what one does not see, not of appending to it
		return oracleVerdict{[]string{"", unresolved, late}, "left open"}
	}
	return refuses("§0.2 target not seen: "+why, unresolved)
}

// oracleSent is one document of a deposit.
type oracleSent struct {
	doc                    *oracleDoc
	mask, hidePat, hideRep bool
	target                 *oracleDoc // of a relation
	replaces               bool
	twin                   bool // same uniqueId and bytes as target (C-15)
}

// deposit is the verdict on a submission.
func (o *oracle) deposit(q oracleAsk, r *oracleRecord, sent []oracleSent) oracleVerdict {
	if q.bound != "" && q.bound != r.Name {
		return refuses("C-09", "ACC-67")
	}
	if door := o.door(q, r, "submit"); door != "" {
		return refuses("§0.1", door)
	}
	var findings, open []string
	kind := o.kind(q.who, r)
	if q.air {
		findings = append(findings, "C-13")
	}
	for _, s := range sent {
		if s.target != nil && !s.twin {
			v := o.target(q, r, s.target, s.replaces)
			if !v.permit() {
				findings = append(findings, v.refusals...)
			} else if len(v.refusals) > 1 {
				open = v.refusals
			}
		}
		if q.secret && !s.hideRep {
			findings = append(findings, "C-03")
		}
		if s.target != nil { // C-05: what the payload hides is ignored
			continue
		}
		if (s.hidePat || s.hideRep) && !oracleIn(kind, "pro", "struct") {
			findings = append(findings, "C-01")
		}
		if s.hidePat && s.mask {
			findings = append(findings, "C-02")
		}
		if s.hideRep && !o.minor(r) {
			findings = append(findings, "C-03")
		}
	}
	switch {
	case findings != nil:
		return refuses("§1.4", append(findings, slices.DeleteFunc(open, func(c string) bool { return c == "" })...)...)
	case open != nil:
		return oracleVerdict{open, "left open"}
	}
	return permits("R-30")
}

// register does what a permitted deposit does.
func (o *oracle) register(q oracleAsk, r *oracleRecord, set string, sent []oracleSent) {
	s, replaced := &oracleSet{uniqueID: set}, []*oracleDoc{}
	kind := o.kind(q.who, r)
	for _, n := range sent {
		d := n.doc
		d.depositor, d.structure, d.status, d.version = q.who, q.who.structure, "approved", 1
		if q.who.role == "pro" {
			d.authors[q.who.id] = true
		}
		switch {
		case oracleIn(kind, "patient", "rep", "delegate"), strings.HasPrefix(d.typeCode, "EXPPAT"), strings.HasPrefix(d.typeCode, "DOCPAT"):
			d.origin = "patient"
		case d.typeCode == "REMB":
			d.origin = "insurer"
		default:
			d.origin = "pro"
		}
		if n.target == nil {
			d.lineage = &oracleLineage{n.mask, n.hidePat, n.hideRep, d}
		} else {
			d.lineage = n.target.lineage
			d.lineage.mask = d.lineage.mask || n.mask && !d.lineage.hidePat
		}
		switch {
		case n.target == nil, n.twin:
		case n.replaces:
			d.replaces = n.target
			replaced = append(replaced, n.target)
		default:
			d.parents = append(d.parents, n.target)
		}
		r.docs = append(r.docs, d)
		s.docs = append(s.docs, d)
	}
	for _, d := range replaced { // a lot has no order: what it appends to a document that it replaces is superseded too
		deprecate(r, d)
	}
	r.sets = append(r.sets, s)
}

// deprecate supersedes a document and what was appended to it or made from it
// (ITI TF-3 4.2.2.2.3).
func deprecate(r *oracleRecord, d *oracleDoc) {
	if d.status == "approved" {
		d.status = "deprecated"
	}
	for _, child := range r.docs {
		if slices.Contains(child.parents, d) {
			deprecate(r, child)
		}
	}
}
