package registry_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// crowd is a few records, the professionals around them, and their documents, in
// every state that decides something in normal access.
type crowd struct {
	*world
	documents []xds.Document
	links     []crowdLink
	unlisted  int
}

type crowdLink struct {
	record  string
	patient xds.CX
	subject authz.Subject
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{world: newWorld(t)}
	pros := []authz.Subject{
		doctor("gp"), doctor("traitant"), {ID: "radiologue", Profession: "10", Specialty: "SM44"}, {ID: "travail", Profession: "10", Specialty: "SM25"},
		{ID: "ide", Profession: "60"}, {ID: "ide-psy", Profession: "69"}, {ID: "podo", Profession: "80", Structure: hospital}, {ID: "psy", Profession: "93"},
		{ID: "osteo", Profession: "77"}, {ID: "late", Profession: "60"}, {ID: "banned", Profession: "60"},
	}
	for i := range pros {
		pros[i].Nature = authz.NaturePro
		c.exec(`insert into professional (id, name, kind, family, given, profession, specialty, structure, structure_name, regulator)
values ($1, $1, 'pro', '', '', $2, $3, $4, '', false)`, pros[i].ID, pros[i].Profession, pros[i].Specialty, pros[i].Structure)
	}
	c.exec(`insert into professional (id, name, kind, family, given, profession, specialty, structure, structure_name, regulator)
values ('labo', 'labo', 'struct', '', '', '10', '', '', '', false)`)
	for i, r := range []struct {
		state   authz.Value
		maskAll bool
	}{{authz.ProfileActive, false}, {authz.ProfileOpen, false}, {authz.ProfileActive, true}, {authz.ProfileClosed, false}, {authz.ProfileOpposed, false}} {
		record, ins := newID(), fmt.Sprintf("27903512151898%d", i)
		c.exec(`insert into record (id, ins_value, ins_authority, ins_type, family, given, sex, birth_date, state, mask_all, administrator)
values ($1, $2, '1.2.250.1.213.1.4.10', 'NH', 'X', 'Y', 'F', '19800101', $3, $4, 'traitant')`, record, ins, int16(r.state), r.maskAll)
		for j, p := range append(pros, authz.Subject{ID: "labo"}, authz.Subject{ID: "stranger"}) {
			expires, basis := "1 day", authz.ConsentLink
			if p.ID == "late" {
				expires = "-1 day"
			}
			if j%2 == 0 {
				basis = authz.TeamLink
			}
			c.exec(`insert into link (record, professional, basis, declared_at, expires_at, structure, token_id)
values ($1, $2, $3, now(), now() + $4::interval, '', '')`, record, p.ID, int16(basis), expires)
			switch p.ID {
			case "stranger":
				c.unlisted++
			case "late", "labo":
			default:
				c.links = append(c.links, crowdLink{record, xds.NewCX(ins, "1.2.250.1.213.1.4.10", "NH"), p})
			}
		}
		c.exec(`insert into block (record, professional, since) values ($1, 'banned', now())`, record)
		c.fill(record)
	}
	return c
}

// fill gives a record its documents.
func (c *crowd) fill(record string) {
	var lineages, entries [][]any
	for _, masked := range []bool{false, true} {
		for _, status := range slices.Sorted(maps.Keys(statuses)) {
			for _, typ := range types {
				for _, authors := range [][]string{{}, {"podo", "other"}} {
					d := xds.Document{Record: record, Lineage: newID(), Authors: authors, LineageAuthors: authors, Marks: xds.Marks{MaskedPS: masked}, Origin: xds.FromPro}
					id := newID()
					e := &d.Entry
					e.EntryUUID, e.LogicalID, e.Version, e.UniqueID = "urn:uuid:"+id, "urn:uuid:"+id, 1, "2.25."+id
					e.AvailabilityStatus, e.TypeCode = status, xds.Code{Value: typ, Scheme: loinc}
					c.documents = append(c.documents, d)
					now := time.Now()
					lineages = append(lineages, []any{record, d.Lineage, masked, false, false, authors})
					row := func(version int, latest bool, entry string) []any {
						return []any{record, id, version, latest, entry, d.Lineage, e.UniqueID, statuses[status], false, e.TypeCode.Key(), "^^", "^^", "^^", "^^",
							[]string{}, []string{}, []string{}, []string{}, []string{}, xds.StableDocument, "fr-FR", "text/xml", now, authors, "depositor", hospital,
							int16(0), "blob", "", "", now, now, registry.Payload(e)}
					}
					entries = append(entries, row(1, false, newID()), row(2, true, id)) // a former metadata version counts for nothing
				}
			}
		}
	}
	c.copy("lineage", []string{"record", "id", "mask_ps", "hide_patient", "hide_reps", "authors"}, lineages)
	c.copy("document_entry", []string{"record", "lid", "version", "latest", "entry_uuid", "lineage", "unique_id", "status", "technical", "type_key",
		"class_key", "format_key", "facility_key", "setting_key", "base_codes", "event_keys", "reference_ids", "author_names", "institutions",
		"object_type", "language", "mime_type", "creation_at", "authors", "depositor", "structure", "origin", "blob", "sha256", "seal", "registered_at",
		"updated_at", "entry"}, entries)
}

// remembered is a session over facts that were read once.
type remembered map[string]authz.Facts

func (m remembered) Facts(_ context.Context, sub authz.Subject, patient xds.CX) (authz.Facts, error) {
	return m[sub.ID+patient.ID()], nil
}
func (m remembered) Record(*authz.Trace) {}
func (m remembered) Live() bool          { return true }

func (c *crowd) facts() remembered {
	m := remembered{}
	c.do(func(s *registry.Session) error {
		for _, l := range c.links {
			f, err := s.Facts(c.t.Context(), l.subject, l.patient)
			if err != nil {
				return err
			}
			m[l.subject.ID+l.patient.ID()] = f
		}
		return nil
	})
	return m
}

// seen are the documents that a policy shows to whom, asked one by one of the Gate.
func (c *crowd) seen(session authz.Session, gate *authz.Gate) map[string]bool {
	all := map[string]bool{}
	for i, l := range c.links {
		sc, err := gate.Open(c.t.Context(), session, l.subject, l.patient, authz.Purpose{Action: authz.Search})
		if err != nil {
			continue
		}
		for j, d := range c.documents {
			if _, ok := authz.Admit(sc, d); ok && d.Record == l.record {
				all[fmt.Sprintf("%d %d", i, j)] = true
			}
		}
	}
	return all
}

// bruteForce compares the two policies decision by decision.
func (c *crowd) bruteForce(session authz.Session, cmp registry.Comparison) registry.Flips {
	before, after := c.seen(session, cmp.Before), c.seen(session, cmp.After)
	cells, records := map[string]*registry.Flip{}, map[string]bool{}
	f := registry.Flips{Unlisted: c.unlisted, Looked: 5, Of: 5, Complete: true}
	for i, l := range c.links {
		for j, d := range c.documents {
			key := fmt.Sprintf("%d %d", i, j)
			if before[key] == after[key] {
				continue
			}
			records[l.record] = true
			column, typ := cmp.Column(l.subject), d.Entry.TypeCode.Key()
			if cells[column+"\x00"+typ] == nil {
				cells[column+"\x00"+typ] = &registry.Flip{Column: column, Type: typ}
			}
			if after[key] {
				cells[column+"\x00"+typ].Opened++
				f.Opened++
			} else {
				cells[column+"\x00"+typ].Closed++
				f.Closed++
			}
		}
	}
	f.Records = len(records)
	for _, key := range slices.Sorted(maps.Keys(cells)) {
		f.Rows = append(f.Rows, *cells[key])
	}
	return f
}

// crowdMatrix draws a small matrix: its third type is in it or not.
func crowdMatrix(r *rapid.T) *matrix.Matrix {
	columns := "column,label,professions,specialties,provisional\n"
	names := []string{"medecin", "radiologue", "infirmier", "pedicure_podologue", "psychologue"}
	for i, row := range []string{"10,,0", "10,SM44,0", "60;69,,0", "80,,0", "93,,1"} {
		columns += names[i] + ",x," + row + "\n"
	}
	cells := "typeCode,scheme,display,classCode," + strings.Join(names, ",") + "\n"
	for _, typ := range types[:rapid.IntRange(2, 3).Draw(r, "types")] {
		cells += typ + "," + loinc + ",x,10"
		for range names {
			cells += rapid.SampledFrom([]string{",0", ",1"}).Draw(r, typ)
		}
		cells += "\n"
	}
	m, err := matrix.Read("drawn", strings.NewReader(columns), strings.NewReader(cells))
	if err != nil {
		r.Fatal(err)
	}
	return m
}

// TestFlips: what one statement per batch counts is what the Gate decides, one by
// one, for random pairs of matrices.
func TestFlips(t *testing.T) {
	c := newCrowd(t)
	session := c.facts()
	turned := 0
	rapid.Check(t, func(r *rapid.T) {
		o := matrix.Options{Provisional: rapid.Bool().Draw(r, "provisional"), Generic: rapid.Bool().Draw(r, "generic")}
		a, b := crowdMatrix(r), crowdMatrix(r)
		asked := registry.Comparison{
			Before: &authz.Gate{Policy: france.New(a, o), Now: c.gate.Now, Paris: c.gate.Paris},
			After:  &authz.Gate{Policy: france.New(b, o), Now: c.gate.Now, Paris: c.gate.Paris},
			Column: func(sub authz.Subject) string { col, _ := b.Column(sub.Profession, sub.Specialty); return col.Name },
		}
		got, err := c.reg.CountFlips(t.Context(), authz.AsSystem("test"), asked)
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(c.bruteForce(session, asked), got); diff != "" {
			r.Fatal(diff)
		}
		turned += got.Opened + got.Closed
	})
	if turned == 0 {
		t.Error("no decision changed, so nothing was compared")
	}
}

// The count needs the right of the gateway, tells how far it is, and gives what it
// has when its time is up.
func TestFlipsBounds(t *testing.T) {
	c := newCrowd(t)
	steps := 0
	asked := registry.Comparison{
		Before: c.gate, After: &authz.Gate{Policy: drawn(france.Rules, authz.TypeSet{}), Now: c.gate.Now, Paris: c.gate.Paris},
		Column:   func(authz.Subject) string { return "x" },
		Progress: func(looked, of int) { steps = looked*10 + of },
	}
	if _, err := c.reg.CountFlips(t.Context(), authz.System{}, asked); err == nil {
		t.Error("nobody asked, and it counted")
	}
	f, err := c.reg.CountFlips(t.Context(), authz.AsSystem("test"), asked)
	if err != nil || f.Closed == 0 || f.Opened != 0 || !f.Complete || steps != 55 {
		t.Errorf("%+v, progress %d (%v)", f, steps, err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	if f, err := c.reg.CountFlips(late, authz.AsSystem("test"), asked); err == nil || f.Complete {
		t.Errorf("no time at all: %+v (%v)", f, err)
	}
}

// The bound of one statement of a request does not end the count: the deadline does,
// and what was counted comes back.
func TestFlipsOutlastStatementLimit(t *testing.T) {
	c := newCrowd(t)
	cfg := c.pool.Config()
	cfg.ConnConfig.RuntimeParams["statement_timeout"] = "100"
	hasty, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer hasty.Close()
	held, err := c.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Rollback(context.Background())
	if _, err := held.Exec(t.Context(), `lock table document_entry in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	reg := registry.Open(hasty, registry.Registry{Now: time.Now, NewID: newID})
	f, err := reg.CountFlips(ctx, authz.AsSystem("test"), registry.Comparison{
		Before: c.gate, After: &authz.Gate{Policy: drawn(france.Rules, authz.TypeSet{}), Now: c.gate.Now, Paris: c.gate.Paris},
		Column: func(authz.Subject) string { return "x" },
	})
	if err != nil || f.Complete || f.Of != 5 {
		t.Errorf("%+v (%v), want a count that is not complete", f, err)
	}
}
