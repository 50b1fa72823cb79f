package matrix_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/passerelle-sante/passerelle/authz/matrix"
)

// professions are codes that a column may stand for.
var professions = []string{"10", "21", "26", "28", "31", "32", "35", "36", "37", "38", "39", "40", "50", "60", "69", "70", "80", "81", "82", "83",
	"84", "85", "86", "91", "92", "93", "94", "95", "96", "98", "R94", "R95", "R291"}

func source(t *testing.T) matrix.Source {
	return matrix.Source{Name: "nouvelle", Base: embedded(t), Professions: professions}
}

// sample are the pages of testdata/matrice, as they are.
func sample(t *testing.T) []matrix.File {
	t.Helper()
	var files []matrix.File
	for _, name := range []string{"page-1.json", "page-2.json"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "testdata", "matrice", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, matrix.File{Name: name, Data: raw})
	}
	return files
}

// changes are cells as « column code opens ».
func changes(d matrix.Difference) (all []string) {
	for _, c := range d.Cells {
		code, _, _ := strings.Cut(c.Type.Key, "^^")
		all = append(all, fmt.Sprintf("%s %s %v", c.Column, code, c.Opens))
	}
	return all
}

// The pages change the cells that they hold and none else; what they lack is kept
// from the base, and said.
func TestPages(t *testing.T) {
	s := source(t)
	m, notes, warnings, err := s.Read(sample(t))
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	d := matrix.Compare(s.Base, m)
	want := []string{"pedicure_podologue 15508-5 true", "pedicure_podologue 57832-8 false", "pedicure_podologue EXPPAT_3 false"}
	got := changes(d)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(d.TypesAdded)+len(d.TypesRemoved)+len(d.ColumnsAdded)+len(d.ColumnsRemoved)+len(d.ColumnsChanged) > 0 {
		t.Errorf("%+v\n%s", d, diff)
	}
	if cell, _ := m.Cell("pedicure_podologue", "15508-5"+loinc); !cell.Official || cell.Source != "MES" {
		t.Errorf("a cell of the public site: %+v", cell)
	}
	if cell, _ := m.Cell("medecin", "15508-5"+loinc); cell.Source != "F1" {
		t.Errorf("a cell that was official already: %+v", cell)
	}
	said := strings.Join(notes, "\n")
	for _, words := range []string{
		"colonnes de savoir-faire, gardées de embarquée@", "radiologue, biologiste_medecin, medecin_du_travail, biologiste_pharmacien",
		"colonnes provisoires", "psychologue, assistant_social", "colonnes absentes", "124 types absents", "infirmier vaut aussi pour les professions 69",
	} {
		if !strings.Contains(said, words) {
			t.Errorf("the notes do not say %q:\n%s", words, said)
		}
	}
	if strings.Contains(said, "cellules absentes") {
		t.Errorf("no cell is absent:\n%s", said)
	}
	if !strings.HasPrefix(m.Version, "nouvelle@") {
		t.Error(m.Version)
	}
}

// Pages that overlap, in any order, with a byte order mark, say the same.
func TestPagesOverlap(t *testing.T) {
	s := source(t)
	once, _, _, err := s.Read(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	files := sample(t)
	overlapping := files[0]
	overlapping.Data = append([]byte("\ufeff"), strings.Replace(string(files[0].Data), `"self"`, `"prev": {"href": "x"}, "self"`, 1)...)
	twice, _, _, err := s.Read([]matrix.File{files[1], overlapping, files[0]})
	if err != nil || twice.Version != once.Version {
		t.Errorf("%v", err)
	}
}

// All findings at once, each with its pointer; nothing is made of pages with one.
func TestPagesRefused(t *testing.T) {
	const podiatrist = `"field_code_profession": 80`
	for _, c := range []struct {
		name string
		edit func(files []matrix.File) []matrix.File
		want []string
	}{
		{"the last page is missing", func(f []matrix.File) []matrix.File { return f[:1] }, []string{"POL-009 page-1.json#/links/next"}},
		{"the first page is missing", func(f []matrix.File) []matrix.File { return f[1:] }, []string{"POL-009 page-2.json#/links/prev"}},
		{"a cell in words", replace(0, `"field_consultation_document": true`, `"field_consultation_document": "oui"`, 1),
			[]string{"POL-004 page-1.json#/data/0/attributes/field_consultation_document"}},
		{"a cell missing", replace(1, `"field_consultation_document": false`, `"other": 1`, 1),
			[]string{"POL-004 page-2.json#/data/5/attributes/field_consultation_document"}},
		{"an unknown profession", replace(1, podiatrist, `"field_code_profession": 81234`, 1), repeated("POL-002 page-2.json#/data/%d/relationships/field_code_profession/data", 2, 7)},
		{"a profession without a code", replace(1, podiatrist, `"field_code_profession": null`, 1), repeated("POL-002 page-2.json#/data/%d/relationships/field_code_profession/data", 2, 7)},
		{"an unknown type", replace(0, `"field_code_loinc": "11502-2"`, `"field_code_loinc": "11502-9"`, 1),
			[]string{"POL-003 page-1.json#/data/1/relationships/field_type_de_document/data", "POL-003 page-1.json#/data/6/relationships/field_type_de_document/data"}},
		{"a type without a code", replace(0, `"field_code_loinc": "57832-8"`, `"field_code_loinc": null`, 1),
			[]string{"POL-003 page-1.json#/data/3/relationships/field_type_de_document/data"}},
		{"terms that are not included", replace(0, `"included"`, `"left_out"`, 1), []string{"POL-009 page-1.json#/data/0/relationships/field_type_de_document/data"}},
		{"another node", replace(1, `"type": "node--matrice_professionnel_document"`, `"type": "node--article"`, 1), []string{"POL-001 page-2.json#/data/0/type"}},
		{"a cell twice", replace(1, `"field_code_profession": 80`, `"field_code_profession": 60`, 1),
			[]string{"POL-006 page-2.json#/data/2", "POL-006 page-2.json#/data/3", "POL-006 page-2.json#/data/4", "POL-006 page-2.json#/data/5", "POL-006 page-2.json#/data/6"}},
		{"two professions of one column", replace(1, `"field_code_profession": 80`, `"field_code_profession": 69`, 1),
			[]string{"POL-006 page-2.json#/data/5", "POL-006 page-2.json#/data/6"}},
		{"no JSON", func(f []matrix.File) []matrix.File { f[1].Data = f[1].Data[:500]; return f }, []string{"POL-001 page-2.json 21:1", "POL-009 page-1.json#/links/next"}},
		{"a list instead of a page", func(f []matrix.File) []matrix.File { f[1].Data = []byte("[]"); return f }, []string{"POL-001 page-2.json#/", "POL-009 page-1.json#/links/next"}},
		{"no nodes", func([]matrix.File) []matrix.File { return []matrix.File{{Name: "p", Data: []byte(`{"data":[]}`)}} }, []string{"POL-007 p 0:0"}},
		{"every cell open", replace(1, `"field_consultation_document": false`, `"field_consultation_document": true`, -1), []string{"POL-008  0:0"}},
		{"JSON and CSV", func(f []matrix.File) []matrix.File {
			return append(f, matrix.File{Name: "matrice.csv", Data: []byte(cells)})
		}, []string{"POL-001 page-1.json 0:0"}},
	} {
		m, _, _, err := source(t).Read(c.edit(sample(t)))
		found := told(err)
		for _, want := range c.want {
			if !slices.Contains(found, want) {
				t.Errorf("%s: %q, want %q", c.name, found, want)
			}
		}
		if m != nil || len(found) == 0 {
			t.Errorf("%s: %q", c.name, found)
		}
	}
}

// replace edits one of the pages.
func replace(page int, old, new string, n int) func([]matrix.File) []matrix.File {
	return func(files []matrix.File) []matrix.File {
		edited := strings.Replace(string(files[page].Data), old, new, n)
		if edited == string(files[page].Data) {
			panic("nothing to replace: " + old)
		}
		files[page].Data = []byte(edited)
		return files
	}
}

func repeated(format string, from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf(format, i))
	}
	return all
}

// The CSV form, as a spreadsheet saves it, and one table without the other.
func TestTables(t *testing.T) {
	s := source(t)
	columnsCSV, cellsCSV := s.Base.Encode()
	opened := strings.Replace(string(cellsCSV), "15508-5,2.16.840.1.113883.6.1,CR d'accouchement,10,1F1,1F1,1F1,0F8,1,1,1,1,1,1,0F9,", "15508-5,2.16.840.1.113883.6.1,CR d'accouchement,10,1F1,1F1,1F1,0F8,1,1,1,1,1,1,1,", 1)
	spreadsheet := "\ufeff" + strings.ReplaceAll(strings.ReplaceAll(opened, ",", ";"), "\n", "\r\n")
	want := []string{"pedicure_podologue 15508-5 true"}
	for name, files := range map[string][]matrix.File{
		"both":        {{Name: "matrice.csv", Data: []byte(opened)}, {Name: "columns.csv", Data: columnsCSV}},
		"cells alone": {{Name: "m", Data: []byte(opened)}},
		"spreadsheet": {{Name: "m.csv", Data: []byte(spreadsheet)}},
	} {
		m, notes, _, err := s.Read(files)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, changes(matrix.Compare(s.Base, m))); diff != "" || (len(notes) == 0) != (name == "both") {
			t.Errorf("%s: %v %s", name, notes, diff)
		}
	}
	definitive := strings.Replace(string(columnsCSV), "psychologue,Psychologue,93,,1", "psychologue,Psychologue,93,,0", 1)
	m, notes, _, err := s.Read([]matrix.File{{Name: "columns.csv", Data: []byte(definitive)}})
	if err != nil || len(notes) != 1 {
		t.Fatal(err, notes)
	}
	if d := matrix.Compare(s.Base, m); len(d.ColumnsChanged) != 1 || d.ColumnsChanged[0].Name != "psychologue" || len(d.Cells) > 0 {
		t.Errorf("%+v", d)
	}
}

func TestTablesRefused(t *testing.T) {
	for name, c := range map[string]struct {
		files []matrix.File
		want  []string
	}{
		"nothing":       {nil, []string{"POL-007  0:0"}},
		"another file":  {[]matrix.File{{Name: "notes.txt", Data: []byte("bonjour\n")}}, []string{"POL-001 notes.txt 1:1"}},
		"two of a kind": {[]matrix.File{{Name: "a.csv", Data: []byte(cells)}, {Name: "b.csv", Data: []byte(cells)}}, []string{"POL-006 b.csv 0:0"}},
		"too large":     {[]matrix.File{{Name: "a.csv", Data: make([]byte, matrix.MaxBytes+1)}}, []string{"POL-001  0:0"}},
		"professions nobody has": {
			[]matrix.File{{Name: "columns.csv", Data: []byte(strings.ReplaceAll(columns, ",10,", ",11;77,"))}, {Name: "matrice.csv", Data: []byte(cells)}},
			[]string{"POL-002 columns.csv 2:3", "POL-002 columns.csv 2:3", "POL-002 columns.csv 3:3", "POL-002 columns.csv 3:3"},
		},
		"all closed": {
			[]matrix.File{{Name: "columns.csv", Data: []byte(columns)}, {Name: "matrice.csv", Data: []byte(strings.ReplaceAll(strings.ReplaceAll(cells, ",1F1,", ",0,"), ",1,0", ",0,0"))}},
			[]string{"POL-008  0:0"},
		},
		"all findings at once": {
			[]matrix.File{{Name: "columns.csv", Data: []byte(strings.Replace(columns, ",10,SM25,0", ",77,SM25,x", 1))},
				{Name: "matrice.csv", Data: []byte(cells + "11502-2,1.2,Biologie,11,3,\n")}},
			[]string{"POL-002 columns.csv 3:3", "POL-004 columns.csv 3:5", "POL-006 matrice.csv 4:1", "POL-004 matrice.csv, type 11502-2, colonne medecin 4:5", "POL-004 matrice.csv, type 11502-2, colonne travail 4:6"},
		},
	} {
		m, _, _, err := source(t).Read(c.files)
		if diff := cmp.Diff(c.want, told(err)); diff != "" || m != nil {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// --force takes a matrix that opens everything, and still says so.
func TestForce(t *testing.T) {
	s := source(t)
	s.Force = true
	m, _, warnings, err := s.Read(replace(1, `"field_consultation_document": false`, `"field_consultation_document": true`, -1)(sample(t)))
	if err != nil || m == nil || len(warnings) != 1 || warnings[0].ID != "POL-008" {
		t.Errorf("%v %v", warnings, err)
	}
}

// Compare finds the cells that differ, all and only, and is empty for none.
func TestCompare(t *testing.T) {
	names := []string{"medecin", "infirmier", "pedicure_podologue"}
	codes := map[string]string{"medecin": "10", "infirmier": "60;69", "pedicure_podologue": "80"}
	rapid.Check(t, func(r *rapid.T) {
		draw := func(label string) (map[string]bool, *matrix.Matrix) {
			open := map[string]bool{}
			columns, cells := "column,label,professions,specialties,provisional\n", "typeCode,scheme,display,classCode,"+strings.Join(names, ",")+"\n"
			for _, n := range names {
				columns += n + ",x," + codes[n] + ",,0\n"
			}
			for i := range 3 {
				cells += fmt.Sprintf("t%d,1.2,x,10", i)
				for _, n := range names {
					yes := rapid.Bool().Draw(r, label)
					open[fmt.Sprintf("%s t%d", n, i)] = yes
					cells += map[bool]string{false: ",0", true: ",1"}[yes]
				}
				cells += "\n"
			}
			m, err := matrix.Read(label, strings.NewReader(columns), strings.NewReader(cells))
			if err != nil {
				r.Fatal(err)
			}
			return open, m
		}
		before, a := draw("a")
		after, b := draw("b")
		var want []string
		for _, cell := range slices.Sorted(maps.Keys(before)) {
			if before[cell] != after[cell] {
				want = append(want, fmt.Sprintf("%s %v", cell, after[cell]))
			}
		}
		d := matrix.Compare(a, b)
		got := changes(d)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" || d.Empty() != (len(want) == 0) {
			r.Fatal(diff)
		}
	})
}

// A type or a column that comes or goes is told as such, not cell by cell.
func TestCompareShape(t *testing.T) {
	read := func(columns, cells string) *matrix.Matrix {
		t.Helper()
		m, err := matrix.Read("x", strings.NewReader(columns), strings.NewReader(cells))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	a := read(columns, cells)
	b := read(columns+"infirmier,Infirmier,69;60,,0\n", strings.NewReplacer("travail\n", "travail,infirmier\n", "0F8\n", "0F8,1\n", "15508-5", "15508-6", ",1,0\n", ",1,0,1\n").Replace(cells))
	d := matrix.Compare(a, b)
	if len(d.Cells) > 0 || len(d.TypesAdded) != 1 || d.TypesAdded[0].Key != "15508-6^^1.2" || len(d.TypesRemoved) != 1 || len(d.ColumnsAdded) != 1 || len(d.ColumnsRemoved) > 0 {
		t.Errorf("%+v", d)
	}
	back := matrix.Compare(b, a)
	if len(back.ColumnsRemoved) != 1 || len(back.TypesAdded) != 1 || back.Empty() {
		t.Errorf("%+v", back)
	}
	relabelled := read(strings.Replace(columns, "Médecin,", "Médecin (libellé),", 1), strings.Replace(cells, "1F1", "1F2", 1))
	if d := matrix.Compare(a, relabelled); !d.Empty() || relabelled.Version == a.Version {
		t.Errorf("labels and sources decide nothing: %+v", d)
	}
}
