package registry_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// What a Scope admits in Go and what its SQL selects are the same documents, in
// real PostgreSQL: for every predicate that the French policy can make, and for
// policies drawn at random.

const (
	self      = "899900001217"
	selfHouse = "1599990041"
)

// population is one document in every state that a predicate can tell apart.
type population struct {
	listed []xds.Document // current and not technical
	all    map[string]bool
}

// populate stores the documents in bulk, past Submit.
func (w *world) populate() population {
	w.t.Helper()
	p := population{all: map[string]bool{}}
	var lineages, entries [][]any
	authors := [][]string{{}, {"other", ""}, {self}, {"other", self}}
	add := func(d xds.Document, latest bool) {
		now := time.Now()
		e := &d.Entry
		id := newID()
		d.Record, d.Lineage = w.record, newID()
		e.EntryUUID, e.LogicalID, e.Version, e.UniqueID = "urn:uuid:"+id, "urn:uuid:"+id, 1, "2.25."+fmt.Sprint(len(entries)+1)
		tech := registry.Technical(*e)
		lineages = append(lineages, []any{w.record, d.Lineage, d.Marks.MaskedPS, d.Marks.HiddenPatient, d.Marks.HiddenReps, d.LineageAuthors})
		entries = append(entries, []any{w.record, id, 1, latest, id, d.Lineage, e.UniqueID, statuses[e.AvailabilityStatus], tech, e.TypeCode.Key(),
			e.ClassCode.Key(), "^^", "^^", "^^", []string{}, []string{}, []string{}, []string{}, []string{}, xds.StableDocument, "fr-FR", "text/xml", now,
			d.Authors, "depositor", d.Structure, origins[d.Origin], "blob", "", "", now, now, registry.Payload(e)})
		p.all[id] = true
		if latest && !tech {
			p.listed = append(p.listed, d)
		}
	}
	for mark := range 8 {
		for _, status := range slices.Sorted(maps.Keys(statuses)) {
			for _, origin := range slices.Sorted(maps.Keys(origins)) {
				for _, typ := range types {
					for i, writers := range authors {
						for _, house := range []string{"", selfHouse, "1599990999"} {
							d := xds.Document{
								Marks:   xds.Marks{MaskedPS: mark&1 > 0, HiddenPatient: mark&2 > 0, HiddenReps: mark&4 > 0},
								Authors: writers, LineageAuthors: authors[(i+mark)%len(authors)], Structure: house, Origin: origin,
							}
							d.Entry.AvailabilityStatus, d.Entry.TypeCode, d.Entry.Confidentiality = status, xds.Code{Value: typ, Scheme: loinc}, d.Marks.Codes()
							add(d, true)
						}
					}
				}
			}
		}
	}
	// Never listed: a former metadata version, the signature of a lot.
	former := p.listed[0]
	former.Entry.AvailabilityStatus = xds.Approved
	add(former, false)
	signature := former
	signature.Entry.TypeCode = xds.Code{Value: xds.SignatureType, Scheme: loinc}
	add(signature, true)
	w.copy("lineage", []string{"record", "id", "mask_ps", "hide_patient", "hide_reps", "authors"}, lineages)
	w.copy("document_entry", []string{"record", "lid", "version", "latest", "entry_uuid", "lineage", "unique_id", "status", "technical", "type_key",
		"class_key", "format_key", "facility_key", "setting_key", "base_codes", "event_keys", "reference_ids", "author_names", "institutions",
		"object_type", "language", "mime_type", "creation_at", "authors", "depositor", "structure", "origin", "blob", "sha256", "seal", "registered_at",
		"updated_at", "entry"}, entries)
	return p
}

func (w *world) copy(table string, columns []string, rows [][]any) {
	w.t.Helper()
	if _, err := w.pool.CopyFrom(w.t.Context(), pgx.Identifier{table}, columns, pgx.CopyFromRows(rows)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

var (
	statuses = map[xds.Status]int16{xds.Approved: 0, xds.Deprecated: 1, xds.Archived: 2, xds.Deleted: 3}
	origins  = map[xds.Origin]int16{xds.FromPro: 0, xds.FromPatient: 1, xds.FromInsurer: 2}
	types    = []string{"11502-2", "75496-0", "99999-9"} // a nurse's yes, a nurse's no, no type of the matrix
)

// compare asks both sides about the whole population.
func (w *world) compare(t testing.TB, s *registry.Session, sc authz.Scope, p population) (admitted int, differences []string) {
	want := map[string]bool{}
	for _, d := range p.listed {
		if _, ok := authz.Admit(sc, d); ok {
			want[d.Entry.LogicalID[len("urn:uuid:"):]] = true
		}
	}
	got, err := registry.SelectVisible(t.Context(), s, sc)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range got {
		if !want[id] {
			differences = append(differences, "SQL alone lets "+id+" through")
		}
		delete(want, id)
	}
	for id := range want {
		differences = append(differences, "SQL alone keeps "+id+" back")
	}
	return len(got), differences
}

func TestSQLIsAdmit(t *testing.T) {
	w := newWorld(t)
	p := w.populate()
	if len(p.listed) != 8*4*3*3*4*3 {
		t.Fatalf("%d documents", len(p.listed))
	}
	w.exec(`insert into record_person (record, person, role, family, given) values ($1, 'rep', $2, '', ''), ($1, 'delegate', $3, '', '')`,
		w.record, int16(authz.RepresentativeRole), int16(authz.DelegateRole))
	w.exec(`insert into link (record, professional, basis, declared_at, expires_at, structure, token_id) values ($1, $2, $3, now(), now() + interval '1 day', '', '')`,
		w.record, self, int16(authz.ConsentLink))
	w.grantTypes()
	asked := map[string]bool{}
	counts := map[string]int{}
	for _, env := range w.environments() {
		env.apply(w)
		err := w.reg.Read(t.Context(), func(s *registry.Session) error {
			sc, err := env.gate.Open(t.Context(), s, env.subject, w.alice, authz.Purpose{Action: env.action, ByID: true})
			if err != nil || !sc.Live() { // a closed door
				return err
			}
			if key := fmt.Sprintf("%+v", sc.Predicate()); asked[key] {
				return nil
			} else {
				asked[key] = true
			}
			n, differences := w.compare(t, s, sc, p)
			counts[env.name] = n
			for _, d := range differences[:min(3, len(differences))] {
				t.Errorf("%s: %s (%d in all)", env.name, d, len(differences))
			}
			// The registry's own answer: its second question in Go reports any row too many.
			page, err := s.Find(t.Context(), sc, xds.Query{})
			if len(page.Documents) != n {
				t.Errorf("%s: Find gives %d documents, SQL %d", env.name, len(page.Documents), n)
			}
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", env.name, err)
		}
	}
	if len(asked) < 17 {
		t.Errorf("only %d distinct predicates: %v", len(asked), counts)
	}
	if few, all := counts["application of one type"], counts["application"]; all != counts["holder"] || few == 0 || few >= counts["holder"] || counts["application of no type"] != 0 {
		t.Errorf("applications: %v", counts)
	}
	for _, name := range []string{"holder", "administrator", "linked nurse", "structure"} {
		if counts[name] == 0 || counts[name] == len(p.listed) {
			t.Errorf("%s: %d of %d documents, so nothing was compared", name, counts[name], len(p.listed))
		}
	}
}

// application is somebody's application that may do all that its grant allows.
func application(person, client string) authz.Subject {
	return authz.Subject{Nature: authz.NaturePerson, ID: person, Application: client, Scoped: true, Scopes: "*.cruds",
		Asked: authz.Interaction{Resource: "DocumentReference", Letter: "s"}}
}

// grantTypes makes applications of all types, of one and of none, for the holder, the
// delegate and for self.
func (w *world) grantTypes() {
	w.gate.Applications = func(client string) (authz.Application, bool) {
		return authz.Application{Client: client, Reach: "*.cruds"}, true
	}
	for client, types := range map[string][]string{"all": nil, "one": {types[0] + "^^" + loinc}, "none": {}} {
		w.exec(`insert into application_grant (record, application, person, scopes, types, granted_at, expires_at)
select $1, $2, person, '*.cruds', $3, now(), now() + interval '1 day' from unnest($4::text[]) person`, w.record, client, types, []string{w.record, "delegate", self})
	}
}

// environment is one way of asking, with the state of the record behind it.
type environment struct {
	name     string
	subject  authz.Subject
	gate     *authz.Gate
	action   authz.Value
	born     string
	settings authz.Settings
}

func (e environment) apply(w *world) {
	w.t.Helper()
	w.exec(`update record set birth_date = $2, mask_all = $3, samu_ok = $4, bdg_ok = $5, masked_ok = $6, administrator = 'traitant' where id = $1`,
		w.record, e.born, e.settings.MaskAll, e.settings.SamuOK, e.settings.BdgOK, e.settings.MaskedOK)
}

func (w *world) environments() []environment {
	w.t.Helper()
	generic := w.generic()
	person := func(id string) authz.Subject { return authz.Subject{Nature: authz.NaturePerson, ID: id} }
	pro := func(id, profession, specialty, house string) authz.Subject {
		return authz.Subject{Nature: authz.NaturePro, ID: id, Profession: profession, Specialty: specialty, Structure: house, Reason: "coma",
			Traits: authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790315"}}
	}
	const adult, minor = "19790315", "20150101"
	base := []environment{
		{name: "holder", subject: person(w.record), born: adult},
		{name: "delegate", subject: person("delegate"), born: adult},
		{name: "representative", subject: person("rep"), born: minor},
		{name: "nobody", subject: person("nobody"), born: adult},
		{name: "administrator", subject: pro("traitant", "10", "SM26", selfHouse), born: adult},
		{name: "linked doctor", subject: pro(self, "10", "SM26", selfHouse), born: adult},
		{name: "linked nurse", subject: pro(self, "60", "", ""), born: adult},
		{name: "linked podiatrist", subject: pro(self, "80", "", selfHouse), born: adult},
		{name: "linked, no column", subject: pro(self, "93", "", selfHouse), born: adult},
		{name: "stranger", subject: pro("stranger", "10", "SM26", ""), born: adult},
		{name: "application", subject: application(w.record, "all"), born: adult},
		{name: "application of one type", subject: application(w.record, "one"), born: adult},
		{name: "application of no type", subject: application(w.record, "none"), born: adult},
		{name: "application of a delegate", subject: application("delegate", "one"), born: adult},
		{name: "structure", subject: authz.Subject{Nature: authz.NatureStructure, ID: selfHouse, Structure: selfHouse}, born: adult, action: authz.Exists},
	}
	var all []environment
	for _, e := range base {
		for switches := range 16 { // every combination of them is asked by TestSQLIsAdmitForEveryEnvironment
			if switches != 0 && switches != 6 && switches != 15 {
				continue
			}
			e.settings = authz.Settings{MaskAll: switches&1 > 0, SamuOK: switches&2 > 0, BdgOK: switches&4 > 0, MaskedOK: switches&8 > 0}
			for mode := range authz.BrisDeGlaceUnfounded {
				e.subject.Mode, e.subject.Regulator = mode, true
				for _, e.gate = range []*authz.Gate{w.gate, &generic} {
					all = append(all, e)
				}
			}
		}
	}
	return all
}

// TestSQLIsAdmitForEveryLiteral asks each literal by itself, as a permit and as a
// forbid, also those that today's search never keeps (origin, lineage author), with
// sets that are empty and with subjects that are nobody.
func TestSQLIsAdmitForEveryLiteral(t *testing.T) {
	w := newWorld(t)
	p := w.populate()
	all := authz.Rule{ID: "all", Effect: authz.Permit}
	err := w.reg.Read(t.Context(), func(s *registry.Session) error {
		for attr := authz.Matrix; int(attr) < authz.AttrCount; attr++ {
			for set := range authz.Set(1) << authz.Domain(attr) {
				when := []authz.Literal{{Attr: attr, Set: set}}
				for _, rules := range [][]authz.Rule{{{Effect: authz.Permit, When: when}}, {all, {Effect: authz.Forbid, When: when}}} {
					for _, sub := range []authz.Subject{{Nature: authz.NaturePro}, {Nature: authz.NaturePro, ID: self, Structure: selfHouse}} {
						types := authz.TypeSet{Others: sub.ID != ""}
						if differences := w.differences(t, s, drawn(rules, types), sub, p); len(differences) > 0 {
							t.Errorf("%s in %b, effect %d, %q: %d differences, first %s", attr, set, rules[len(rules)-1].Effect, sub.ID, len(differences), differences[0])
						}
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSQLIsAdmitForAnyPolicy draws whole tables.
func TestSQLIsAdmitForAnyPolicy(t *testing.T) {
	w := newWorld(t)
	p := w.populate()
	w.grantTypes()
	err := w.reg.Read(t.Context(), func(s *registry.Session) error {
		rapid.Check(t, func(r *rapid.T) {
			policy := drawPolicy(r)
			sub := authz.Subject{
				Nature:    authz.NaturePro,
				ID:        rapid.SampledFrom([]string{"", self, "nobody"}).Draw(r, "me"),
				Structure: rapid.SampledFrom([]string{"", selfHouse, "1599990000"}).Draw(r, "house"),
			}
			if client := rapid.SampledFrom([]string{"", "all", "one", "none"}).Draw(r, "application"); client != "" {
				sub = application(self, client)
			}
			if differences := w.differences(t, s, policy, sub, p); len(differences) > 0 {
				r.Fatalf("%d differences, first %s: %+v", len(differences), differences[0], policy.Rules)
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// differences opens a Scope under a policy and compares both sides.
func (w *world) differences(t testing.TB, s *registry.Session, policy *authz.Policy, sub authz.Subject, p population) []string {
	t.Helper()
	gate := *w.gate
	gate.Policy = policy
	sc, err := gate.Open(t.Context(), s, sub, w.alice, authz.Purpose{Action: authz.Search})
	if err != nil {
		t.Fatal(err)
	}
	_, differences := w.compare(t, s, sc, p)
	return differences
}

// drawn is a policy of nothing but these rules.
func drawn(rules []authz.Rule, types authz.TypeSet) *authz.Policy {
	return &authz.Policy{
		Version: "drawn", Rules: rules, Types: func(authz.Subject) authz.TypeSet { return types },
		Pro: func(string) bool { return true }, Occupational: func(authz.Subject) bool { return false },
	}
}

func drawPolicy(r *rapid.T) *authz.Policy {
	keys := []string{}
	for _, typ := range types {
		keys = append(keys, typ+"^^"+loinc)
	}
	subset := rapid.Custom(func(r *rapid.T) []string {
		var some []string
		for _, k := range keys {
			if rapid.Bool().Draw(r, k) {
				some = append(some, k)
			}
		}
		return some
	})
	set := authz.TypeSet{Allowed: subset.Draw(r, "allowed"), Others: rapid.Bool().Draw(r, "others"), Known: subset.Draw(r, "known")}
	literal := rapid.Custom(func(r *rapid.T) authz.Literal {
		attr := authz.Attr(rapid.IntRange(int(authz.Matrix), authz.AttrCount-1).Draw(r, "attribute"))
		return authz.Literal{Attr: attr, Set: authz.Set(rapid.IntRange(0, 1<<authz.Domain(attr)-1).Draw(r, "values"))}
	})
	rule := func(effect authz.Effect) *rapid.Generator[authz.Rule] {
		return rapid.Custom(func(r *rapid.T) authz.Rule {
			return authz.Rule{ID: "drawn", Effect: effect, When: rapid.SliceOfN(literal, 0, 4).Draw(r, "when")}
		})
	}
	rules := append(rapid.SliceOfN(rule(authz.Permit), 0, 4).Draw(r, "permits"), rapid.SliceOfN(rule(authz.Forbid), 0, 3).Draw(r, "forbids")...)
	return drawn(rules, set)
}
