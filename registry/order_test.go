package registry_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// A client's conditions, order and limit come after the Scope's predicate: below the
// materialised rows that the reader may see, PostgreSQL's plan is the same whatever
// he asks, so nothing that he asks is ever evaluated on a hidden row (safety §1.2.6,
// SC-20, SC-24).

// searchValues are the values that each search parameter of ITI-67 is asked with;
// control parameters are asked as they are.
var searchValues = map[string][]string{
	"type": {"http://loinc.org|11502-2", "11502-2", "http://loinc.org|"}, "category": {"10"}, "format": {"x"}, "facility": {"SA01"}, "setting": {"SAMU_SMUR"},
	"event": {"a", "urn:oid:1.2|b"}, "security-label": {"MASQUE_PS", "INVISIBLE_PATIENT"},
	"date": {"2026", "gt2020-01-01", "ne2026-01-01", "ap2026"}, "creation": {"lt2100"}, "period": {"2026"}, "period-start": {"ge2026-01-01T00:00:00Z"}, "period-end": {"le2026"},
	"_lastUpdated": {"gt2020"}, "status": {"current", "superseded", "entered-in-error"}, "isArchived": {"true", "false"}, "PDSm_isArchived": {"true"}, "PDSm_DocumentReference_period-start": {"2026"}, "PDSm_DocumentReference_period-end": {"2026"}, "_lastupdated": {"gt2020"}, "_id": {newID()},
	"related": {"urn:oid:1.2.3|5"}, "relatesto": {"DocumentReference/" + newID()}, "related.identifier": {"5"}, "author": {"urn:oid:1.2|5"}, "author.identifier": {"899900001324"},
	"author.family": {"lecl"}, "author.name": {"lecl"}, "author.given": {"hugo"}, "_sort": {"date", "-creation,_lastUpdated", "type,-status,period-end,_id"}, "_count": {"1", "0"}, "_total": {"none"}, "_summary": {"count"},
}

// notInTheQuery name the patient or documents: not conditions of the statement.
var notInTheQuery = []string{"patient", "subject", "patient.identifier", "subject.identifier", "identifier"}

// searches are a query for every parameter of ITI-67 with every modifier.
func searches(t *testing.T) map[string]xds.Query {
	t.Helper()
	for _, p := range fhir.DocumentParams() {
		if searchValues[p.Name] == nil && !slices.Contains(notInTheQuery, p.Name) {
			t.Errorf("%s is asked nowhere here", p.Name)
		}
	}
	all := map[string]xds.Query{}
	for name, values := range searchValues {
		for _, modifier := range []string{"", ":not", ":missing", ":exact", ":contains", ":identifier"} {
			for _, value := range values {
				if modifier == ":missing" {
					value = "true"
				}
				search, findings := fhir.ParseSearch("DocumentReference", url.Values{"patient": {"x"}, name + modifier: {value}}, "", true)
				if len(findings) == 0 {
					all[name+modifier+"="+value] = search.Query
				}
			}
		}
	}
	return all
}

// queries are a query for every parameter of FindDocuments.
func queries(t *testing.T, patient xds.CX) map[string]xds.Query {
	t.Helper()
	all := map[string]xds.Query{}
	row := ebrim.Lookup("FindDocuments")
	status := ebrim.QueryParam{Name: "$XDSDocumentEntryStatus", Values: []string{string(xds.Approved), string(xds.Deprecated)}}
	for _, name := range slices.Concat(row.Required, row.Optional) {
		value := "code^^1.2.3"
		if strings.HasSuffix(name, "DocumentAvailability") {
			continue // of no column: judged on what was admitted
		}
		switch {
		case strings.HasSuffix(name, "From"), strings.HasSuffix(name, "To"):
			value = "2026"
		case strings.HasSuffix(name, "AuthorPerson"):
			value = "%DURAND%"
		case strings.HasSuffix(name, "EntryType"):
			value = xds.StableDocument
		}
		params := []ebrim.QueryParam{{Name: "$XDSDocumentEntryPatientId", Values: []string{string(patient.Key())}}, status}
		if !slices.Contains(row.Required, name) {
			params = append(params, ebrim.QueryParam{Name: name, Values: []string{value}})
		}
		raw := ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: row.UUID, ReturnType: ebrim.LeafClass, Params: params})
		tree, err := xmlgate.Parse(raw, xmlgate.Payload())
		if err != nil {
			t.Fatal(err)
		}
		query, findings := ebrim.DecodeQuery(tree)
		if len(findings) > 0 {
			t.Fatalf("%s: %v", name, findings)
		}
		all[name] = query.Query
	}
	return all
}

// byKey is how rows that were already admitted are read whole.
var byKey = regexp.MustCompile(`^\(\(record = \w+\.record\) AND \(lid = \w+\.lid\) AND \(version = \w+\.version\)\)$`)

func TestConditionsRunOnVisibleRows(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	w.mustSubmit(lab, w.lot())
	w.mustSubmit(lab, w.lot(xds.MarkMaskedPS))
	asked := queries(t, w.alice)
	maps.Copy(asked, searches(t))
	if len(asked) < 70 {
		t.Errorf("only %d queries", len(asked))
	}
	err := w.reg.Read(t.Context(), func(s *registry.Session) error {
		scope, err := w.gate.Open(t.Context(), s, durand, w.alice, authz.Purpose{Action: authz.Search})
		if err != nil {
			return err
		}
		visible, _ := w.plan(t, scope, xds.Query{})
		if len(visible) == 0 || !strings.Contains(fmt.Sprint(visible), "mask_ps") {
			t.Fatalf("the Scope is not in the rows that are made first: %v", visible)
		}
		for _, name := range slices.Sorted(maps.Keys(asked)) {
			below, beside := w.plan(t, scope, asked[name])
			if diff := cmp.Diff(visible, below); diff != "" {
				t.Errorf("%s is looked at among hidden rows:\n%s", name, diff)
			}
			for _, condition := range beside {
				if !byKey.MatchString(condition) {
					t.Errorf("%s: document_entry is read a second time by %s", name, condition)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// plan explains the statement of a query: what happens below the rows that the Scope
// admits, and by which conditions documents are read anywhere else.
func (w *world) plan(t *testing.T, scope authz.Scope, q xds.Query) (below, beside []string) {
	t.Helper()
	sql, args, err := registry.FindSQL(scope, q)
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
	plans[0].Plan.walk(false, func(n node, visible bool) {
		if visible {
			below = append(below, fmt.Sprintf("%s %s %s %s", n.Type, n.Relation, n.Index, n.conditions()))
		} else if n.Relation == "document_entry" && n.conditions() != "" {
			beside = append(beside, n.conditions())
		}
	})
	return below, beside
}

// node is a step of a plan.
type node struct {
	Type     string `json:"Node Type"`
	Subplan  string `json:"Subplan Name"`
	Relation string `json:"Relation Name"`
	Index    string `json:"Index Name"`
	Filter   string
	Cond     string `json:"Index Cond"`
	Recheck  string `json:"Recheck Cond"`
	Hash     string `json:"Hash Cond"`
	Merge    string `json:"Merge Cond"`
	Join     string `json:"Join Filter"`
	Plans    []node
}

func (n node) conditions() string {
	return strings.TrimSpace(strings.Join([]string{n.Filter, n.Cond, n.Recheck, n.Hash, n.Merge, n.Join}, " "))
}

// walk visits each step; visible tells those that make the rows of the Scope.
func (n node) walk(visible bool, visit func(node, bool)) {
	visible = visible || n.Subplan == "CTE visible"
	visit(n, visible)
	for _, child := range n.Plans {
		child.walk(visible, visit)
	}
}

// TestLimitCountsVisibleRows: a limit, and with it the bound of XDSTooManyResults,
// is compared with what the reader may see (SC-24).
func TestLimitCountsVisibleRows(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	for range 3 {
		w.mustSubmit(lab, w.lot())
		w.mustSubmit(lab, w.lot(xds.MarkMaskedPS))
	}
	err := w.reg.Read(t.Context(), func(s *registry.Session) error {
		scope, err := w.gate.Open(t.Context(), s, durand, w.alice, authz.Purpose{Action: authz.Search})
		if err != nil {
			return err
		}
		for limit := range 5 {
			page, err := s.Find(t.Context(), scope, xds.Query{Limit: limit + 1, Count: true})
			if err != nil {
				return err
			}
			if more := page.Next != nil; more != (limit+1 < 3) || page.Total != 3 || len(page.Documents) != min(limit+1, 3) {
				t.Errorf("limit %d: %d of %d, more %v", limit+1, len(page.Documents), page.Total, more)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
