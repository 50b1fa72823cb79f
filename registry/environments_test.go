package registry_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// TestSQLIsAdmitForEveryEnvironment counts through everything that can be known of a
// request, takes one environment for each distinct thing that a Scope may admit, puts
// the record in PostgreSQL into that environment, and compares both sides on every
// state of a document, for subjects with and without a column, an id as author and a
// structure, under the matrix and under the generic one that opens other types.
func TestSQLIsAdmitForEveryEnvironment(t *testing.T) {
	w := newWorld(t)
	p := w.populate()
	generic := w.generic()
	shapes := map[string]authz.State{} // action and predicate → the first environment that gives it
	known := map[string]bool{}
	environments := 0
	for _, action := range []authz.Value{authz.Search, authz.Retrieve, authz.Exists} {
		eachEnvironment(func(s authz.State) {
			environments++
			if shape := w.shape(s, action); shape != "nothing" && !known[shape] {
				s[authz.Action] = action
				shapes[shape], known[shape] = s, true
			}
		})
	}
	if environments != 3*(57344+5*7*2*4) || len(shapes) != 7+7+1 {
		t.Errorf("%d environments give %d predicates, the golden file of authz/france 7, 7 and 1 that admit something: %v",
			environments, len(shapes), slices.Sorted(maps.Keys(shapes)))
	}
	for _, shape := range slices.Sorted(maps.Keys(shapes)) {
		s := shapes[shape]
		for i, variant := range variants {
			if i > 0 && s[authz.Action] != authz.Search {
				continue // retrieve compiles as search does, exists reads a structure alone
			}
			for _, gate := range []*authz.Gate{w.gate, &generic} {
				sub := w.realise(s, variant)
				err := w.reg.Read(t.Context(), func(session *registry.Session) error {
					sc, err := gate.Open(t.Context(), session, sub, w.alice, authz.Purpose{Action: s[authz.Action]})
					if err != nil {
						return err
					}
					if got := shapeOf(s[authz.Action], sc.Predicate()); got != shape {
						t.Errorf("the record's facts give %q, the environment %q", got, shape)
					}
					n, differences := w.compare(t, session, sc, p)
					for _, d := range differences[:min(3, len(differences))] {
						t.Errorf("%s, %+v: %s (%d in all)", shape, variant, d, len(differences))
					}
					if n == 0 && variant.column && !variant.nobody {
						t.Errorf("%s, %+v: no document, so nothing was compared", shape, variant)
					}
					return nil
				})
				if err != nil {
					t.Fatalf("%s, %+v: %v", shape, variant, err)
				}
			}
		}
	}
}

// variant is a subject beside what its environment says: its column of the matrix,
// its id and its structure.
type variant struct {
	column, nobody, noHouse bool
}

var variants = []variant{{column: true}, {}, {column: true, noHouse: true}, {column: true, nobody: true}}

// shape is what a Scope would admit in an environment.
func (w *world) shape(s authz.State, action authz.Value) string {
	facts, sub := w.factsOf(s, variant{column: true})
	sc, err := w.gate.Open(w.t.Context(), made{facts}, sub, w.alice, authz.Purpose{Action: action})
	if err != nil || len(sc.Predicate().Permits()) == 0 {
		return "nothing"
	}
	return shapeOf(action, sc.Predicate())
}

func shapeOf(action authz.Value, p authz.Predicate) string {
	text := authz.Action.Name(action) + ":"
	for _, c := range p.Permits() {
		text += fmt.Sprint(" or ", c.When)
	}
	for _, c := range p.Forbids() {
		text += fmt.Sprint(" but not ", c.When)
	}
	return text
}

// made are facts without a database.
type made struct{ facts authz.Facts }

func (m made) Facts(context.Context, authz.Subject, xds.CX) (authz.Facts, error) { return m.facts, nil }
func (made) Record(*authz.Trace)                                                 {}
func (made) Live() bool                                                          { return true }

// eachEnvironment counts through the attributes of a request: all for professionals,
// those that mean something for the others.
func eachEnvironment(fn func(s authz.State)) {
	var s authz.State
	var count func(attr authz.Attr)
	count = func(attr authz.Attr) {
		if attr == authz.Matrix {
			fn(s)
			return
		}
		n := authz.Domain(attr)
		if s[authz.Kind] != authz.Pro && attr != authz.Kind && attr != authz.Mode && attr != authz.Profile && attr != authz.Minor {
			n = 1
		}
		for v := range n {
			s[attr] = v
			count(attr + 1)
		}
		s[attr] = 0
	}
	count(authz.Kind)
}

// factsOf are the facts and the subject of an environment.
func (w *world) factsOf(s authz.State, v variant) (authz.Facts, authz.Subject) {
	yes := func(attr authz.Attr) bool { return s[attr] == authz.Yes }
	f := authz.Facts{
		Record: w.record, Patient: w.alice, Profile: s[authz.Profile], Administrator: yes(authz.Administrator), Blocked: yes(authz.Blocked),
		Settings: authz.Settings{MaskAll: yes(authz.MaskAll), SamuOK: yes(authz.SamuOK), BdgOK: yes(authz.BdgOK), MaskedOK: yes(authz.MaskedOK)},
		Traits:   authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790315"},
		Link:     s[authz.Link], LinkExpires: time.Now().Add(time.Hour),
	}
	if yes(authz.Minor) {
		f.Traits.BirthDate = time.Now().AddDate(-9, 0, 0).Format("20060102")
	}
	if f.Link == authz.ExpiredLink {
		f.Link, f.LinkExpires = authz.TeamLink, time.Now().Add(-time.Hour)
	}
	sub := authz.Subject{ID: self, Structure: selfHouse, Mode: s[authz.Mode], Traits: f.Traits, Reason: "coma"}
	if v.nobody {
		sub.ID = "899900009999"
	}
	if v.noHouse && s[authz.Kind] != authz.Structure {
		sub.Structure = ""
	}
	if s[authz.Mode] == authz.BrisDeGlaceUnfounded {
		sub.Mode, sub.Reason = authz.BrisDeGlace, ""
	}
	switch s[authz.Kind] {
	case authz.Patient:
		sub.Nature, sub.ID, f.Role = authz.NaturePerson, w.record, authz.HolderRole
	case authz.Representative:
		sub.Nature, sub.ID, f.Role = authz.NaturePerson, "rep", authz.RepresentativeRole
	case authz.Delegate:
		sub.Nature, sub.ID, f.Role = authz.NaturePerson, "leo", authz.DelegateRole
	case authz.Pro:
		sub.Nature, sub.Profession, sub.Regulator = authz.NaturePro, "93", yes(authz.Regulator) // no column of its own
		if v.column {
			sub.Profession = "10"
		}
		if yes(authz.Occupational) {
			sub.Specialty = "SM25"
		}
	case authz.Structure:
		sub.Nature = authz.NatureStructure
	default:
		sub.Nature, sub.Profession = authz.NaturePro, "INSURER"
	}
	return f, sub
}

// realise puts the record in PostgreSQL into an environment and gives the subject.
func (w *world) realise(s authz.State, v variant) authz.Subject {
	w.t.Helper()
	f, sub := w.factsOf(s, v)
	var administrator *string
	if f.Administrator {
		administrator = &sub.ID
	}
	w.exec(`update record set state = $2, birth_date = $3, mask_all = $4, samu_ok = $5, bdg_ok = $6, masked_ok = $7, administrator = $8 where id = $1`,
		w.record, int16(f.Profile), f.Traits.BirthDate, f.Settings.MaskAll, f.Settings.SamuOK, f.Settings.BdgOK, f.Settings.MaskedOK, administrator)
	w.exec(`delete from link where record = $1`, w.record)
	w.exec(`delete from block where record = $1`, w.record)
	w.exec(`insert into record_person (record, person, role, family, given) values ($1, 'rep', $2, '', '') on conflict do nothing`, w.record, int16(authz.RepresentativeRole))
	if f.Link != authz.NoLink {
		w.exec(`insert into link (record, professional, basis, declared_at, expires_at, structure, token_id) values ($1, $2, $3, now(), $4, '', '')`,
			w.record, sub.ID, int16(f.Link), f.LinkExpires)
	}
	if f.Blocked {
		w.exec(`insert into block (record, professional, since) values ($1, $2, now())`, w.record, sub.ID)
	}
	return sub
}

// generic is the gate of the generic profile, whose physicians see types that the
// matrix does not have.
func (w *world) generic() authz.Gate {
	w.t.Helper()
	m, err := matrix.Embedded()
	if err != nil {
		w.t.Fatal(err)
	}
	gate := *w.gate
	gate.Policy = france.New(m, matrix.Options{Generic: true})
	return gate
}
