package conformance_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// metamorphic needs no oracle: it looks before and after a change, and compares the
// two looks, or two readers, or two ways of asking.
func (k *kit) metamorphic(t *testing.T) {
	w := k.newWorld(t, "m-", 7, readOracleMatrix(t))
	w.populate()
	changes, records := 8, 2
	if longRun() {
		changes, records = 200, len(w.records)
	}
	for range 30 {
		w.step()
	}
	for _, r := range w.records {
		if r.State != "active" || len(r.docs) < 3 || records == 0 {
			continue
		}
		records--
		before := w.views(r)
		for range changes {
			name, more, less := w.alters(r)
			after := w.views(r)
			for who, was := range before {
				for id := range was {
					if !less && !after[who][id] {
						t.Errorf("%s: %s lost %s", name, who, id)
					}
				}
				for id := range after[who] {
					if !more && !was[id] {
						t.Errorf("%s: %s gained %s", name, who, id)
					}
				}
			}
			before = after
		}
		w.ordered(r, before)
		w.fourWays(r)
	}
	if w.wrong > 0 {
		t.Errorf("%d disagreements with the oracle on the way", w.wrong)
	}
}

// view is the set of documents that one finds.
type view map[string]bool

// onlookers are who looks at a record, and how.
func (w *drawn) onlookers(r *oracleRecord) []oracleAsk {
	var all []oracleAsk
	for _, a := range w.everyone(r) {
		all = append(all, asking(a, r))
	}
	for _, a := range w.people[:6] {
		if a.role == "pro" {
			q := asking(a, r)
			q.mode, q.justified = "bris_de_glace", true
			all = append(all, q)
			if a.regulator {
				q.mode = "centre_15"
				all = append(all, q)
			}
		}
	}
	return all
}

// views asks each onlooker's search, on one face or the other.
func (w *drawn) views(r *oracleRecord) map[string]view {
	all := map[string]view{}
	for i, q := range w.onlookers(r) {
		all[q.who.as+" "+q.mode] = w.viewOf(q, r, (i+len(w.story))%2 == 0)
	}
	return all
}

func (w *drawn) viewOf(q oracleAsk, r *oracleRecord, soap bool) view {
	b, v := w.bearerOf(q, r), view{}
	var got []string
	if soap {
		got = w.stored(b, "FindDocuments", ebrim.LeafClass,
			ebrim.QueryParam{Name: "$XDSDocumentEntryPatientId", Values: []string{string(r.INS.Key())}},
			ebrim.QueryParam{Name: "$XDSDocumentEntryStatus", Values: []string{string(xds.Approved), string(xds.Deprecated), string(xds.Archived)}}).ids
	} else {
		current, _ := w.references(b, r.query())
		archived, _ := w.references(b, r.query()+"&isArchived=true")
		got = append(current.ids, archived.ids...)
	}
	for _, id := range w.known(r, got, logical) {
		v[id] = true
	}
	return v
}

// alters makes one change, and tells whether anybody may see more or less after it.
func (w *drawn) alters(r *oracleRecord) (name string, more, less bool) {
	q := asking(w.guardian(r), r)
	a := pick(w, w.people)
	for a.role != "pro" || a.specialty == "SM25" {
		a = pick(w, w.people)
	}
	switch w.random.IntN(7) {
	case 0, 1:
		verb := pick(w, []string{"mask", "unmask"})
		d := pick(w, r.docs)
		w.actOn(q, r, d, d.logicalID, verb)
		return verb + " " + d.logicalID, verb == "unmask", verb == "mask"
	case 2:
		on := !r.blocked[a.as]
		w.blocking(q, r, a, on)
		return fmt.Sprintf("block %s %v", a.as, on), false, on
	case 3:
		if !r.blocked[a.as] {
			w.linkNow(a, r, w.instant().AddDate(0, 1, 0))
		}
		return "consent to " + a.as, true, false
	case 4:
		on := !r.settings.maskAll
		w.json(q, r, http.MethodPut, "/settings", map[string]bool{"maskAll": on})
		r.settings.maskAll = on
		return fmt.Sprint("maskAll ", on), !on, on
	case 5:
		setting := pick(w, []string{"samuOK", "bdgOK", "maskedOK"})
		w.json(q, r, http.MethodPut, "/settings", map[string]bool{setting: true})
		r.set(setting, true)
		r.settings.maskedOK = r.settings.maskedOK && (r.settings.samuOK || r.settings.bdgOK)
		return setting, true, false
	}
	d := pick(w, r.docs)
	w.actOn(q, r, d, d.logicalID, pick(w, []string{"archive", "unarchive"}))
	return "archive " + d.logicalID, false, false
}

// guardian is who changes settings for a record.
func (w *drawn) guardian(r *oracleRecord) *oracleActor {
	for _, a := range w.persons {
		if w.params(asking(a, r), r).permit() {
			return a
		}
	}
	w.t.Fatalf("nobody acts for %s", r.Name)
	return nil
}

// ordered: the administrator sees all that any professional sees, and an author all
// that a colleague of his profession sees who wrote nothing.
func (w *drawn) ordered(r *oracleRecord, views map[string]view) {
	w.t.Helper()
	admin, ok := views[r.admin+" normal"]
	for _, a := range w.people {
		for id := range views[a.as+" normal"] {
			if ok && !admin[id] {
				w.t.Errorf("%s sees %s, the administrator does not", a.as, id)
			}
		}
		for _, c := range w.people {
			wrote := slices.ContainsFunc(r.docs, func(d *oracleDoc) bool { return d.authorOf(c) })
			linked := w.door(asking(a, r), r, "search") == "" && w.door(asking(c, r), r, "search") == ""
			same := w.matrix.column(a.profession, a.specialty) == w.matrix.column(c.profession, c.specialty)
			if a.role != "pro" || c.role != "pro" || wrote || !linked || !same || r.isAdmin(c) {
				continue
			}
			for id := range views[c.as+" normal"] {
				if !views[a.as+" normal"][id] {
					w.t.Errorf("%s, who wrote nothing, sees %s, his colleague %s does not", c.as, id, a.as)
				}
			}
		}
	}
}

// fourWays: ITI-18, ITI-67, ITI-43 and ITI-68 name the same documents, reader by
// reader.
func (w *drawn) fourWays(r *oracleRecord) {
	w.t.Helper()
	onlookers := w.onlookers(r)
	if !longRun() {
		onlookers = []oracleAsk{pick(w, onlookers), pick(w, onlookers), pick(w, onlookers)}
	}
	for _, q := range onlookers {
		soap, fhir := w.viewOf(q, r, true), w.viewOf(q, r, false)
		b := w.bearerOf(q, r)
		for _, d := range r.docs {
			twin := slices.ContainsFunc(r.docs, func(x *oracleDoc) bool { return x != d && x.uniqueID == d.uniqueID })
			binary := w.readBinary(w.t, b, d.logicalID).code == ""
			set := w.retrieveSet(w.t, b, d.uniqueID).code == ""
			if found := soap[d.logicalID]; found != fhir[d.logicalID] || found != binary || !twin && found != set {
				w.t.Errorf("%s %s on %s: ITI-18 %v, ITI-67 %v, ITI-68 %v, ITI-43 %v", q.who.as, q.mode, d.logicalID, found, fhir[d.logicalID], binary, set)
			}
		}
	}
}
