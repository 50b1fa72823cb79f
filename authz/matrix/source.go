package matrix

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// File is one file of a version: the name that findings give it, and its bytes.
type File struct {
	Name string
	Data []byte
}

// Source reads what an operator hands in as a new version.
type Source struct {
	Name        string   // of the new version
	Base        *Matrix  // the version in force: it stands in for what the files do not say
	Professions []string // the codes that a column may stand for
	Force       bool     // a matrix with one and the same answer everywhere is meant so
}

// Read makes a version of the two CSV tables (or of one of them: the other one is
// then the base's), or of JSON:API pages. The notes tell in French what was taken
// from the base. The error is an xds.Errors with all that speaks against the files;
// warnings come beside a matrix.
func (s Source) Read(files []File) (m *Matrix, notes []string, warnings xds.Errors, err error) {
	r := &reader{all: s.Professions, known: func(code string) bool { return slices.Contains(s.Professions, code) }}
	size, forms := 0, map[form][]File{}
	for _, f := range files {
		size += len(f.Data)
		what := formOf(f)
		forms[what] = append(forms[what], f)
	}
	switch columns, cells, pages := forms[columnsForm], forms[cellsForm], forms[pageForm]; {
	case size > MaxBytes:
		r.add("POL-001", place{}, fmt.Sprintf("%d octets", size), fmt.Sprintf("au plus %d Mio en tout", MaxBytes>>20))
	case size == 0:
		r.add("POL-007", place{}, "", "columns.csv et matrice.csv, ou des pages JSON:API")
	case len(forms[noForm]) > 0:
		for _, f := range forms[noForm] {
			first, _, _ := bytes.Cut(f.Data, []byte("\n"))
			r.add("POL-001", place{f.Name, 1, 0}, string(first[:min(len(first), 200)]),
				strings.Join(columnsHeader, ",")+" ; "+strings.Join(cellsHeader, ",")+",… ; ou { d'une page JSON:API")
		}
	case len(pages) > 0 && len(columns)+len(cells) > 0:
		r.add("POL-001", place{file: pages[0].Name}, "du JSON et du CSV", "une seule des deux formes")
	case len(columns) > 1 || len(cells) > 1:
		r.add("POL-006", place{file: append(columns, cells...)[1].Name}, "", "une table de colonnes et une table de cellules")
	case len(pages) > 0:
		m, notes = r.pages(s, pages)
	default:
		m, notes = r.csv(s, columns, cells)
	}
	if m != nil && !r.findings.Failed() {
		open, all := m.Open()
		r.monotonous(s, open, all)
	}
	if err := r.findings.Err(); err != nil {
		return nil, nil, nil, err
	}
	return m, notes, r.findings, nil
}

// form is what a file is, by its first characters.
type form int

const (
	noForm form = iota
	columnsForm
	cellsForm
	pageForm
)

func formOf(f File) form {
	raw := bytes.TrimPrefix(f.Data, []byte("\ufeff"))
	for what, start := range map[form]string{columnsForm: columnsHeader[0], cellsForm: cellsHeader[0]} {
		if rest, ok := bytes.CutPrefix(raw, []byte(start)); ok && len(rest) > 0 && (rest[0] == ',' || rest[0] == ';') {
			return what
		}
	}
	if start := bytes.TrimLeft(raw, " \t\r\n"); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		return pageForm
	}
	return noForm
}

// csv reads the two tables, one of which may be the base's.
func (r *reader) csv(s Source, columns, cells []File) (m *Matrix, notes []string) {
	baseColumns, baseCells := s.Base.Encode()
	if len(columns) == 0 {
		columns = []File{{"columns.csv de " + s.Base.Version, baseColumns}}
		notes = append(notes, "les colonnes sont celles de "+s.Base.Version)
	}
	if len(cells) == 0 {
		cells = []File{{"matrice.csv de " + s.Base.Version, baseCells}}
		notes = append(notes, "les cellules sont celles de "+s.Base.Version)
	}
	return r.tables(s.Name, columns[0], cells[0]), notes
}

// monotonous finds a matrix that says the same everywhere: a filter that was
// forgotten at the export, or a column read for another.
func (r *reader) monotonous(s Source, open, cells int) {
	if cells == 0 || open > 0 && open < cells {
		return
	}
	found := "toutes ouvertes"
	if open == 0 {
		found = "toutes fermées"
	}
	if e := r.add("POL-008", place{}, fmt.Sprintf("%d cellules, %s", cells, found), "des cellules ouvertes et des cellules fermées"); s.Force {
		e.Severity = xds.SeverityWarning
	}
}
