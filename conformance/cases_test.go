// Package conformance_test asks the product from outside, on its public surfaces
// alone. This file runs the truth table of authz/france as a black box: each row on
// both faces, against a sandbox that starts in this process. The files kit_*_test.go
// are its client.
package conformance_test

import (
	"bufio"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
)

// caseRow is one row of the truth table; its columns are described at the table's head.
type caseRow struct {
	ID, Source, Sentence, As, Mode, Reason, Patient, Given, Type, Marks, By, Author, Status, Action, Expect, Rule string
}

func readCaseRows(t *testing.T) []caseRow {
	t.Helper()
	f, err := os.Open("../authz/france/testdata/cases.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []caseRow
	header := true
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) != 16 {
			t.Fatalf("%d fields: %q", len(fields), lines.Text())
		}
		if header {
			header = false
			continue
		}
		for i, f := range fields {
			if f == "-" {
				fields[i] = ""
			}
		}
		rows = append(rows, caseRow{fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6], fields[7],
			fields[8], fields[9], fields[10], fields[11], fields[12], fields[13], fields[14], fields[15]})
	}
	return rows
}

func (r caseRow) given() []string { return strings.Fields(r.Given) }

// value is what the column given says of a key.
func (r caseRow) value(key string) string {
	for _, change := range r.given() {
		if v, ok := strings.CutPrefix(change, key+"="); ok {
			return v
		}
	}
	return ""
}

// names tells whether a row is about somebody.
func (r caseRow) names(professional string) bool {
	return slices.Contains(strings.FieldsFunc(r.As+" "+r.Given+" "+r.Action, func(c rune) bool { return strings.ContainsRune(" =:", c) }), professional)
}

func (r caseRow) state(of string) string {
	if s := r.value("state"); s != "" {
		return s
	}
	return of
}

func (r caseRow) settings(like cast.Patient) map[string]bool {
	all := map[string]bool{
		"maskAll": like.Settings.MaskAll, "samuOK": like.Settings.SamuOK, "bdgOK": like.Settings.BdgOK, "maskedOK": like.Settings.MaskedOK,
	}
	for name := range all {
		if v := r.value(name); v != "" {
			all[name] = v == "t"
		}
	}
	return all
}

// seeded tells whether the row needs a patient of the seed: alice for her relative,
// whom no call can name, and emma for what was deposited before her record closed.
func (r caseRow) seeded() bool {
	return strings.HasPrefix(r.As, "delegate:") && r.Patient == strings.TrimPrefix(r.As, "delegate:") ||
		r.Patient == "emma" && r.value("state") == "" && !slices.Contains(lifeCycle, r.Action)
}

// reachable tells whether a document can be deposited in the row's state of the
// record; the answers of the other states do not depend on one.
func (r caseRow) reachable() bool {
	return slices.Contains([]string{"open", "active"}, r.state("active")) && r.Patient != "farid" && (r.Patient != "emma" || r.value("state") != "")
}

// lifeCycle are the actions that move a record from one state to another: what they
// did stays, so their rows are about records of their own.
var lifeCycle = []string{"activate", "oppose", "close", "reopen", "erase"}

// TestCases runs every row of the truth table on both faces.
func TestCases(t *testing.T) {
	k := openKit(t)
	rows := readCaseRows(t)
	asked := 0
	var expired, older []*scene
	t.Run("rows", func(t *testing.T) {
		for _, row := range rows {
			switch {
			case row.value("expired") != "":
				t.Run(row.ID+" stage", func(t *testing.T) { expired = append(expired, k.stage(t, row)) })
			case row.value("clock") != "":
				t.Run(row.ID+" stage", func(t *testing.T) { older = append(older, k.stage(t, row)) })
			default:
				t.Run(row.ID, func(t *testing.T) {
					if !row.seeded() { // rows on a patient of the seed follow one another
						t.Parallel()
					}
					k.stage(t, row).ask(t)
				})
			}
			asked++
		}
	})
	later := func(by string, scenes []*scene) {
		k.advance(t, by)
		for _, s := range scenes {
			t.Run(s.row.ID, s.ask)
		}
	}
	later("2h", expired)
	later("4y", older)
	k.must(t, http.MethodPost, "/sandbox/reset", "", nil, nil)
	if n := len(k.patients(t)); n != len(k.people.Patients) {
		t.Errorf("%d patients after a reset", n)
	}
	if asked != len(rows) || len(rows) < 200 {
		t.Errorf("%d rows: %d asked", len(rows), asked)
	}
}

// ask asks what the row's action is.
func (s *scene) ask(t *testing.T) {
	t.Helper()
	t.Logf("%s: %s", s.row.Source, s.row.Sentence)
	switch {
	case s.row.Action == "search":
		s.reading(t)
	case s.row.Action == "submit":
		s.submitting(t)
	case s.row.Action == "replace":
		s.replacing(t)
	case caseActs[s.row.Action] != "":
		s.acting(t)
	default:
		s.profile(t)
	}
}
