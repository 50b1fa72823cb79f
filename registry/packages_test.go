package registry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// reading gives a Scope for a search to fn.
func (w *world) reading(sub authz.Subject, fn func(s *registry.Session, sc authz.Scope) error) {
	w.t.Helper()
	err := w.reg.Read(w.t.Context(), func(s *registry.Session) error {
		sc, err := w.gate.Open(w.t.Context(), s, sub, w.alice, authz.Purpose{Action: authz.Search, Transaction: "ITI-18"})
		if err != nil {
			return err
		}
		return fn(s, sc)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestPackageConditionsRunOnShownRows: what a client asks of sets and folders is looked
// at after the Scope, and after what it shows of them: nowhere below (safety §1.2.6).
func TestPackageConditionsRunOnShownRows(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	w.mustSubmit(lab, w.lot())
	w.mustSubmit(lab, w.lot(xds.MarkMaskedPS))
	span := xds.Match{Op: xds.Within, Span: xds.Span{From: time.Unix(0, 0), To: time.Unix(4e9, 0)}}
	at := func(a xds.Attribute) xds.Match { span.Attribute = a; return span }
	w.reading(durand, func(_ *registry.Session, sc authz.Scope) error {
		for name, kind := range map[string]struct {
			sql   func(authz.Scope, []xds.Match) (string, []any, error)
			match []xds.Match
		}{
			"sets": {registry.SetsSQL, []xds.Match{xds.StatusIs(xds.Approved), at(xds.AttrSubmissionTime), xds.EqualTexts(xds.AttrSourceID, "1.2.5"),
				xds.EqualCodes(xds.AttrContentType, xds.Code{Value: "1"}), {Attribute: xds.AttrAuthorPerson, Op: xds.Like, Texts: []string{"%"}}}},
			"folders": {registry.FoldersSQL, []xds.Match{xds.StatusIs(xds.Approved), at(xds.AttrLastUpdateTime), xds.EqualCodes(xds.AttrFolderCodes, xds.Code{Value: "A", Scheme: "1.2"})}},
			"lists": {registry.ListsSQL, []xds.Match{xds.StatusIs(xds.Approved), at(xds.AttrLastUpdateTime), at(xds.AttrSubmissionTime), xds.EqualCodes(xds.AttrContentType, xds.Code{Value: "A", Scheme: "1.2"}),
				xds.EqualTexts(xds.AttrSourceID, "1.2.5"), xds.EqualTexts(xds.AttrLogicalID, newID()), {Attribute: xds.AttrTitle, Op: xds.Prefix, Texts: []string{"a"}},
				{Attribute: xds.AttrAuthorFamily, Op: xds.Contains, Texts: []string{"a"}}, {Attribute: xds.AttrInstitutionName, Op: xds.Present}}},
		} {
			below := func(match []xds.Match) (steps []string) {
				sql, args, err := kind.sql(sc, match)
				if err != nil {
					t.Fatal(err)
				}
				var raw []byte
				if err := w.pool.QueryRow(t.Context(), "explain (costs off, format json) "+sql, args...).Scan(&raw); err != nil {
					t.Fatal(err)
				}
				var plans []struct{ Plan node }
				if err := json.Unmarshal(raw, &plans); err != nil {
					t.Fatal(err)
				}
				under := func(n node) bool { return strings.HasPrefix(n.Subplan, "CTE ") && n.Subplan != "CTE chosen" }
				var walk func(n node, inside bool)
				walk = func(n node, inside bool) {
					if inside = inside || under(n); inside {
						steps = append(steps, fmt.Sprintf("%s %s %s", n.Type, n.Relation, n.conditions()))
					}
					for _, child := range n.Plans {
						walk(child, inside)
					}
				}
				walk(plans[0].Plan, false)
				return steps
			}
			none := below(nil)
			if !strings.Contains(fmt.Sprint(none), "mask_ps") {
				t.Fatalf("%s: the Scope is not in the rows that are made first: %v", name, none)
			}
			if diff := cmp.Diff(none, below(kind.match)); diff != "" {
				t.Errorf("%s: a condition is looked at among hidden rows:\n%s", name, diff)
			}
			for _, m := range kind.match {
				if diff := cmp.Diff(none, below([]xds.Match{m})); diff != "" {
					t.Errorf("%s, %s alone:\n%s", name, m.Attribute, diff)
				}
			}
		}
		return nil
	})
}

// TestPackagesRefuseForeignScopes: no reading of sets, folders and associations takes
// a Scope that was opened elsewhere, and the zero Scope finds nothing.
func TestPackagesRefuseForeignScopes(t *testing.T) {
	w := newWorld(t)
	entry := w.mustSubmit(lab, w.lot())
	var foreign authz.Scope
	w.reading(holder(w), func(_ *registry.Session, sc authz.Scope) error { foreign = sc; return nil })
	w.reading(holder(w), func(s *registry.Session, own authz.Scope) error {
		for name, ask := range map[string]func(sc authz.Scope, id string) (int, error){
			"FindSets": func(sc authz.Scope, _ string) (int, error) {
				found, _, err := s.FindSets(t.Context(), sc, nil, 10)
				return len(found), err
			},
			"FindFolders": func(sc authz.Scope, _ string) (int, error) {
				found, _, err := s.FindFolders(t.Context(), sc, nil, 10)
				return len(found), err
			},
			"GetFolders": func(sc authz.Scope, id string) (int, error) {
				found, err := s.GetFolders(t.Context(), sc, xds.AttrEntryUUID, nil, id)
				return len(found), err
			},
			"FoldersOf": func(sc authz.Scope, id string) (int, error) {
				found, err := s.FoldersOf(t.Context(), sc, id, nil)
				return len(found), err
			},
			"FolderAndContents": func(sc authz.Scope, id string) (int, error) {
				found, err := s.FolderAndContents(t.Context(), sc, id, nil, nil)
				return found.Len(), err
			},
			"Associations": func(sc authz.Scope, id string) (int, error) {
				found, err := s.Associations(t.Context(), sc, []string{id})
				return len(found), err
			},
			"SetsOf": func(sc authz.Scope, id string) (int, error) {
				found, err := s.SetsOf(t.Context(), sc, id)
				return found.Len(), err
			},
			"Related": func(sc authz.Scope, id string) (int, error) {
				found, err := s.Related(t.Context(), sc, id, []xds.AssociationType{xds.Replaces}, nil)
				return found.Len(), err
			},
			"DocumentsAndAssociations": func(sc authz.Scope, _ string) (int, error) {
				found, err := s.DocumentsAndAssociations(t.Context(), sc, nil)
				return found.Len(), err
			},
			"FindLists": func(sc authz.Scope, id string) (int, error) {
				q := registry.ListQuery{Sets: true, Folders: true, Count: true, Limit: 1}
				for _, a := range []xds.Attribute{xds.AttrTitle, xds.AttrAuthorGiven, xds.AttrInstitutionName} {
					q.Match = append(q.Match, xds.Match{Attribute: a, Op: xds.Contains, Texts: []string{id}, Not: true})
				}
				q.Named = []registry.Named{{IDs: []string{id}, Not: true}}
				page, err := s.FindLists(t.Context(), sc, q)
				return page.Total, err
			},
			"GetList": func(sc authz.Scope, id string) (int, error) {
				list, found, err := s.GetList(t.Context(), sc, id)
				return len(list.Documents), errors.Join(err, map[bool]error{true: errors.New("found")}[found])
			},
			"ListsOf": func(sc authz.Scope, _ string) (int, error) {
				found, err := s.ListsOf(t.Context(), sc, nil, 10)
				return len(found), err
			},
			"All": func(sc authz.Scope, _ string) (int, error) {
				found, _, err := s.All(t.Context(), sc, registry.Everything{Limit: 10})
				return found.Len(), err
			},
		} {
			if n, err := ask(foreign, entry.EntryUUID); err == nil || n > 0 {
				t.Errorf("%s takes a foreign Scope and finds %d", name, n)
			}
			if n, err := ask(authz.Scope{}, entry.EntryUUID); err != nil || n > 0 {
				t.Errorf("%s finds %d for the zero Scope: %v", name, n, err)
			}
			for _, hostile := range []string{"\x00", "\xff\xfe", "'", `\`, "urn:uuid:", "%"} {
				if _, err := ask(own, hostile); err != nil {
					t.Errorf("%s by %q: %v", name, hostile, err)
				}
			}
		}
		for _, hostile := range []string{"\x00", "\xff", "'; --", `\`, "%"} {
			for _, m := range []xds.Match{xds.EqualTexts(xds.AttrSourceID, hostile), {Attribute: xds.AttrAuthorPerson, Op: xds.Like, Texts: []string{hostile}}, xds.EqualCodes(xds.AttrContentType, xds.Code{Value: hostile, Scheme: hostile})} {
				if _, _, err := s.FindSets(t.Context(), own, []xds.Match{m}, 10); err != nil {
					t.Errorf("%s %q: %v", m.Attribute, hostile, err)
				}
			}
		}
		return nil
	})
}

// BenchmarkNewSince is "what is new since my last visit": FindSubmissionSets from an
// instant, then the contents of what it found, on a record of 1000 lots.
func BenchmarkNewSince(b *testing.B) {
	w := newWorld(b)
	for i := range 1000 {
		lot := w.lot()
		lot.Set.SubmissionTime = xds.NewDTM(time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC))
		w.mustSubmit(lab, lot)
	}
	if _, err := w.pool.Exec(b.Context(), "analyze"); err != nil {
		b.Fatal(err)
	}
	visit := time.Date(2026, 1, 1, 0, 995, 0, 0, time.UTC)
	from := []xds.Match{{Attribute: xds.AttrSubmissionTime, Op: xds.Within, Span: xds.Span{From: visit}}}
	b.ResetTimer()
	for range b.N {
		err := w.reg.Read(b.Context(), func(s *registry.Session) error {
			sc, err := w.gate.Open(b.Context(), s, doctor("traitant"), w.alice, authz.Purpose{Action: authz.Search, Transaction: "ITI-18"})
			if err != nil {
				return err
			}
			sets, _, err := s.FindSets(b.Context(), sc, from, 2000)
			if err != nil || len(sets) != 5 {
				b.Fatalf("%d sets, %v", len(sets), err)
			}
			for _, v := range sets {
				set, _ := v.Value()
				if c, err := s.SetAndContents(b.Context(), sc, set.EntryUUID, nil); err != nil || len(c.Documents) != 1 {
					b.Fatalf("%d documents, %v", len(c.Documents), err)
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
