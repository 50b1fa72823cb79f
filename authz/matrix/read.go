package matrix

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

// Bounds of one version, far above the 19 professions and 87 types of the arrêté.
const (
	MaxBytes   = 32 << 20 // of all its files together
	maxColumns = 200
	maxTypes   = 5000
	maxText    = 300 // bytes of a label
)

// The headers of the two tables; the second one goes on with the columns.
var (
	columnsHeader = []string{"column", "label", "professions", "specialties", "provisional"}
	cellsHeader   = []string{"typeCode", "scheme", "display", "classCode"}
)

var (
	columnForm    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	codeForm      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	schemeForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.:/_-]{0,127}$`)
	professionFmt = regexp.MustCompile(`^[A-Z]?[0-9]{1,4}$`)
	sourceForm    = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9._-]{0,15})?$`)
)

// Read builds a matrix from its two tables, columns and cells. The second table must
// have the columns that the first one names, and no others; every row must fill
// every column with 0 or 1, and the source behind it; a column, a type, and a
// profession's column stand once. The error is an xds.Errors with all that speaks
// against the tables.
func Read(name string, columns, cells io.Reader) (*Matrix, error) {
	var r reader
	first, err := io.ReadAll(io.LimitReader(columns, MaxBytes))
	if err != nil {
		return nil, err
	}
	second, err := io.ReadAll(io.LimitReader(cells, MaxBytes))
	if err != nil {
		return nil, err
	}
	m := r.tables(name, File{"columns.csv", first}, File{"matrice.csv", second})
	if err := r.findings.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

// reader reads the tables of one version and collects what speaks against them.
type reader struct {
	known    func(profession string) bool // nil: any that is well formed
	all      []string                     // profession codes to suggest
	findings xds.Errors
}

// place is where a finding stands: a file, and in a table its line and field.
type place struct {
	file        string
	line, field int
}

func (r *reader) add(id string, at place, found, expected string) *xds.Error {
	if at.line > 0 {
		at.field = max(at.field, 1)
	}
	e := &xds.Error{ID: id, Where: at.file, Line: at.line, Column: at.field, Found: found, Expected: expected}
	r.findings.Add(e)
	return e
}

// tables reads both; the matrix is nil when nothing can be made of them.
func (r *reader) tables(name string, columnsFile, cellsFile File) *Matrix {
	columns := r.columns(columnsFile)
	types, cells := r.cells(cellsFile, columns)
	if r.findings.Failed() {
		return nil
	}
	return build(name, columns, types, cells)
}

// row is one line of a table.
type row struct {
	place
	fields []string
}

func (r row) at(field int) place { return place{r.file, r.line, field + 1} }

// rows reads the lines below a header that starts as expected, each as long as the
// header. A byte order mark and the semicolons of a French spreadsheet are taken.
func (r *reader) rows(f File, header []string) (names []string, rows []row) {
	raw := bytes.TrimPrefix(f.Data, []byte("\ufeff"))
	if !utf8.Valid(raw) {
		r.add("POL-001", place{file: f.Name}, "un texte qui n'est pas de l'UTF-8", "CSV en UTF-8").Hint = "dans le tableur : enregistrer sous, CSV UTF-8"
		return nil, nil
	}
	table := csv.NewReader(bytes.NewReader(raw))
	table.FieldsPerRecord = -1
	if first, _, _ := bytes.Cut(raw, []byte("\n")); bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		table.Comma = ';'
	}
	names, err := table.Read()
	if err != nil || len(names) < len(header) || !slices.Equal(names[:len(header)], header) {
		r.add("POL-001", place{f.Name, 1, 0}, strings.Join(names, ","), "une première ligne "+strings.Join(header, ","))
		return nil, nil
	}
	for {
		fields, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			at := place{file: f.Name}
			var broken *csv.ParseError
			if errors.As(err, &broken) {
				at.line, at.field = broken.Line, broken.Column
			}
			r.add("POL-001", at, "un guillemet mal fermé", "CSV (RFC 4180)")
			break
		}
		line, _ := table.FieldPos(0)
		if len(fields) != len(names) {
			r.add("POL-001", place{f.Name, line, 0}, fmt.Sprintf("%d champs", len(fields)), fmt.Sprintf("%d champs, comme la première ligne", len(names)))
			continue
		}
		rows = append(rows, row{place{f.Name, line, 0}, fields})
	}
	if len(rows) == 0 && !r.findings.Failed() {
		r.add("POL-007", place{file: f.Name}, "", "une ligne au moins sous la première")
	}
	return names, rows
}

// columns reads the first table.
func (r *reader) columns(f File) (all []Column) {
	_, rows := r.rows(f, columnsHeader)
	names, chosen := map[string]bool{}, map[string]string{} // chosen: profession/specialty → column
	if len(rows) > maxColumns {
		r.add("POL-001", place{file: f.Name}, fmt.Sprintf("%d colonnes", len(rows)), fmt.Sprintf("au plus %d", maxColumns))
		return nil
	}
	for _, row := range rows {
		c := Column{Name: row.fields[0], Label: row.fields[1], Professions: list(row.fields[2]), Specialties: list(row.fields[3]), Provisional: row.fields[4] == "1"}
		if !columnForm.MatchString(c.Name) {
			r.add("POL-005", row.at(0), c.Name, "un nom en minuscules sans accent : lettres, chiffres, _")
		}
		r.text(row.at(1), c.Label)
		r.professions(row.at(2), c.Professions)
		for _, s := range c.Specialties {
			if !codeForm.MatchString(s) {
				r.add("POL-005", row.at(3), s, "des codes de savoir-faire séparés par des points-virgules")
			}
		}
		if row.fields[4] != "0" && row.fields[4] != "1" {
			r.add("POL-004", row.at(4), row.fields[4], "0 ou 1 : colonne provisoire ou non")
		}
		if names[c.Name] {
			r.add("POL-006", row.at(0), c.Name, "chaque colonne une fois")
			continue
		}
		names[c.Name] = true
		for _, key := range c.keys() {
			if former, ok := chosen[key]; ok {
				r.add("POL-006", row.at(2), key, "une seule colonne par profession et savoir-faire ; celle-ci est déjà à "+former)
			}
			chosen[key] = c.Name
		}
		all = append(all, c)
	}
	return all
}

func (r *reader) professions(at place, codes []string) {
	if len(codes) == 0 {
		r.add("POL-002", at, "", "un code de profession au moins")
	}
	for _, code := range codes {
		if !professionFmt.MatchString(code) || r.known != nil && !r.known(code) {
			r.add("POL-002", at, code, "un code de profession de santé (TRE_G15) ou de rôle").Nearest = xds.Nearest(code, r.all, 3)
		}
	}
}

// text checks a label, which consoles and terminals show.
func (r *reader) text(at place, s string) {
	if len(s) > maxText || strings.ContainsFunc(s, unicode.IsControl) {
		r.add("POL-001", at, s, fmt.Sprintf("un libellé d'une ligne, d'au plus %d octets", maxText))
	}
}

// keys are the combinations profession/specialty that choose the column.
func (c Column) keys() []string {
	specialties := c.Specialties
	if len(specialties) == 0 {
		specialties = []string{""}
	}
	var keys []string
	for _, p := range c.Professions {
		for _, s := range specialties {
			keys = append(keys, strings.TrimSuffix(p+"/"+s, "/"))
		}
	}
	return keys
}

// cells reads the second table.
func (r *reader) cells(f File, described []Column) (types []Type, cells map[string]map[string]Cell) {
	header, rows := r.rows(f, cellsHeader)
	if header == nil {
		return nil, nil
	}
	if len(rows) > maxTypes {
		r.add("POL-001", place{file: f.Name}, fmt.Sprintf("%d types", len(rows)), fmt.Sprintf("au plus %d", maxTypes))
		return nil, nil
	}
	columns := header[len(cellsHeader):]
	cells = r.header(f.Name, columns, described)
	seen := map[string]bool{}
	for _, row := range rows {
		t := Type{Key: row.fields[0] + "^^" + row.fields[1], Display: row.fields[2], Class: row.fields[3]}
		if !codeForm.MatchString(row.fields[0]) || !schemeForm.MatchString(row.fields[1]) {
			r.add("POL-003", row.at(0), row.fields[0]+" "+row.fields[1], "un code et l'OID de son système").Hint = "remplir typeCode et scheme"
		}
		r.text(row.at(2), t.Display)
		if seen[t.Key] {
			r.add("POL-006", row.at(0), row.fields[0], "chaque type une fois")
		}
		seen[t.Key] = true
		types = append(types, t)
		for i, column := range columns {
			at := row.at(len(cellsHeader) + i)
			cell, ok := parseCell(row.fields[at.field-1])
			if !ok {
				at.file += ", type " + xds.Shorten(row.fields[0]) + ", colonne " + xds.Shorten(column)
				r.add("POL-004", at, row.fields[at.field-1], "0 ou 1, suivi ou non d'une source comme F1")
				continue
			}
			if cells[column] != nil {
				cells[column][t.Key] = cell
			}
		}
	}
	return types, cells
}

// header holds the columns of the cells against those described.
func (r *reader) header(file string, names []string, described []Column) map[string]map[string]Cell {
	cells := map[string]map[string]Cell{}
	var known []string
	for _, c := range described {
		known = append(known, c.Name)
	}
	for i, name := range names {
		at := place{file, 1, len(cellsHeader) + i + 1}
		switch {
		case cells[name] != nil:
			r.add("POL-006", at, name, "chaque colonne une fois")
		case !slices.Contains(known, name) && len(known) > 0:
			r.add("POL-005", at, name, "une colonne de columns.csv").Nearest = xds.Nearest(name[:min(len(name), 60)], known, 3)
		}
		cells[name] = map[string]Cell{}
	}
	for _, name := range known {
		if cells[name] == nil {
			r.add("POL-005", place{file, 1, 0}, "", "la colonne "+name)
		}
	}
	return cells
}

func parseCell(s string) (c Cell, ok bool) {
	if s == "" || s[0] != '0' && s[0] != '1' || !sourceForm.MatchString(s[1:]) {
		return Cell{}, false
	}
	return Cell{Allowed: s[0] == '1', Official: len(s) > 1, Source: s[1:]}, true
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ";")
}
