package main

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz/matrix"
)

// TestPolicyExportIsStable: each form has the same bytes on every run, whatever way
// it is written, and the checksums that follow change only with the policy, the
// matrix or the form itself.
func TestPolicyExportIsStable(t *testing.T) {
	for name, c := range map[string]struct{ line, want string }{
		"vectors, CSV":  {"policy export -o csv", "bbc8f97c14cf6911"},
		"vectors, JSON": {"policy export -o json", "7ba00571a72247f4"},
		"matrix, CSV":   {"policy export --matrix -o csv", "98151b07287ae783"},
		"matrix, JSON":  {"policy export --matrix -o json", "2bf32d2cd2f3563f"},
	} {
		code, first, stderr := runLine(t, strings.Fields(c.line)...)
		if code != exitOK {
			t.Fatalf("%s: %d %s", name, code, stderr)
		}
		file := filepath.Join(t.TempDir(), "out")
		if code, _, stderr := runLine(t, append(strings.Fields(c.line), "--out", file)...); code != exitOK {
			t.Fatalf("%s: %d %s", name, code, stderr)
		}
		second, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if first != string(second) {
			t.Errorf("%s: two runs differ", name)
		}
		sum := sha256.Sum256(second)
		if got := hex.EncodeToString(sum[:8]); got != c.want {
			t.Errorf("%s: checksum %s, not %s. If the policy, the matrix or the form was meant to change, put the new checksum "+
				"here and tell it in CHANGELOG.md: other implementations test against this file.", name, got, c.want)
		}
	}
}

// TestPolicyExportForms: both forms of the vectors say the same, and each head
// counts its rows and explains every column in both languages.
func TestPolicyExportForms(t *testing.T) {
	_, text, _ := runLine(t, "policy", "export", "-o", "csv")
	_, object, _ := runLine(t, "policy", "export", "-o", "json")
	r := csv.NewReader(strings.NewReader(text))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Policy, Matrix string
		Count          int
		Columns        []struct{ Name, Fr, En string }
		Vectors        []map[string]any
	}
	if err := json.Unmarshal([]byte(object), &all); err != nil {
		t.Fatal(err)
	}
	if all.Count != len(all.Vectors) || all.Count != len(rows)-1 || all.Count < 3000 {
		t.Fatalf("%d counted, %d in JSON, %d in CSV", all.Count, len(all.Vectors), len(rows)-1)
	}
	var names []string
	for _, c := range all.Columns {
		if names = append(names, c.Name); c.Fr == "" || c.En == "" || !strings.Contains(text, "# "+c.Name+": "+c.Fr+" / "+c.En+"\n") {
			t.Errorf("column %s is not explained", c.Name)
		}
	}
	if diff := cmp.Diff(rows[0], names); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(text, "# policy="+all.Policy+" matrix="+all.Matrix+" count=") {
		t.Errorf("head %.80s", text)
	}
	for i, v := range all.Vectors {
		for c, name := range names {
			cell := rows[i+1][c]
			if got := jsonCell(v[name], name); got != cell {
				t.Fatalf("vector %d, %s: CSV %q, JSON %q", i, name, cell, got)
			}
		}
	}
}

func jsonCell(v any, name string) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var parts []string
		for _, one := range v {
			parts = append(parts, one.(string))
		}
		return strings.Join(parts, "|")
	}
	if name == "door" {
		return ""
	}
	return "*"
}

// TestMatrixExport: every cell, as the matrix has it.
func TestMatrixExport(t *testing.T) {
	m, err := matrix.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := runLine(t, "policy", "export", "--matrix", "-o", "csv")
	r := csv.NewReader(strings.NewReader(text))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil || len(rows) != 1+len(m.Columns)*len(m.Types) {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	at := func(name string) int { return slices.Index(rows[0], name) }
	for _, row := range rows[1:] {
		cell, ok := m.Cell(row[at("column")], row[at("typeCode")]+"^^"+row[at("scheme")])
		if !ok || bit(cell.Allowed) != row[at("allowed")] || cell.Source != row[at("source")] {
			t.Fatalf("%v: the matrix has %+v", row, cell)
		}
	}
}

func TestPolicyExportRefusals(t *testing.T) {
	if code, stdout, stderr := runLine(t, "errors", "-o", "csv"); code != exitUsage || stdout != "" || !strings.Contains(stderr, "text ou json") {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
	missing := filepath.Join(t.TempDir(), "no", "such", "folder")
	if code, _, stderr := runLine(t, "policy", "export", "--out", missing); code != exitEnvironment || !strings.Contains(stderr, "impossible d'écrire") {
		t.Errorf("%d %q", code, stderr)
	}
}
