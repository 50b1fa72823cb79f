package record_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
)

// outlive are the tables with a record of which something outlives its erasing, and why
// Empty leaves it or takes a part of it alone.
var outlive = map[string]string{
	"record_person": "representatives reactivate for a minor (R-50); delegates go",
	"parent":        "the agreement to the representation",
	"contact":       "who would be told of it after a reactivation, without an address and what he wanted",
	"trail":         "the envelope, ten years (policy Q-27)",
	"outbox":        "audit messages of that trail",
	"ended":         "that it was erased",
}

// TestEverythingIsErased: each table with a record is emptied when the record is erased,
// or has a reason for not being.
func TestEverythingIsErased(t *testing.T) {
	rows, err := registrytest.Open(t).Query(t.Context(), `select distinct table_name::text from information_schema.columns where column_name = 'record' and table_schema = 'public'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	for _, table := range tables {
		if goes, stays := slices.Contains(record.Holdings, table), outlive[table] != ""; goes == stays {
			t.Errorf("table %s: put it into holdings (registry/record/erase.go), or say here why it outlives an erasing", table)
		}
	}
	for _, table := range record.Holdings {
		if !slices.Contains(tables, table) {
			t.Errorf("%s is no table with a record", table)
		}
	}
}

// TestTransitions: no state has two ways for one happening, and every state but none can
// be reached and left.
func TestTransitions(t *testing.T) {
	seen := map[[2]int]bool{}
	into, from := map[authz.Value]bool{}, map[authz.Value]bool{}
	for _, row := range record.Transitions {
		way := [2]int{int(row.From), int(row.By)}
		if seen[way] || row.Source == "" || row.From == row.To {
			t.Errorf("%v", row)
		}
		seen[way], into[row.To], from[row.From] = true, true, true
	}
	for state := range authz.Domain(authz.Profile) {
		if !from[state] || !into[state] && state != authz.ProfileNone {
			t.Errorf("%s is never reached, or never left", authz.Profile.Name(state))
		}
	}
}
