// Package matrix is the matrice d'habilitation: which profession may consult
// which document type, as versioned data. It holds no rule: what follows from a
// cell is the policy's business (authz/france).
package matrix

import (
	"crypto/sha256"
	"embed"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
)

//go:embed data/columns.csv data/matrice.csv
var data embed.FS

// Column is a profession of the matrix: the profession codes it stands for and,
// for an alias, the specialties that choose it.
type Column struct {
	Name        string
	Label       string
	Professions []string
	Specialties []string // empty: the profession alone chooses the column
	Provisional bool     // not final in law (Conseil d'État, 15 October 2025)
}

// Cell is one decision of the matrix with its basis.
type Cell struct {
	Allowed  bool
	Official bool
	Source   string
}

// Type is a row: a document type.
type Type struct {
	Key     string // code^^scheme
	Display string
	Class   string
}

// Matrix is one version of the table.
type Matrix struct {
	Version string // name and short checksum, as it stands in every trail row
	Columns []Column
	Types   []Type
	cells   map[string]map[string]Cell // column → type key → cell
	allowed map[string][]string        // column → type keys that may be consulted
	known   []string
}

// Embedded is the matrix that the binary carries.
func Embedded() (*Matrix, error) {
	columns, err := data.Open("data/columns.csv")
	if err != nil {
		return nil, err
	}
	defer columns.Close()
	cells, err := data.Open("data/matrice.csv")
	if err != nil {
		return nil, err
	}
	defer cells.Close()
	return Read("embarquée", columns, cells)
}

// Read builds a matrix from its two tables. The second table must have the columns
// that the first one names, and no others; every row must fill every column with 0
// or 1; a column, a type, and a profession's column stand once.
func Read(name string, columns, cells io.Reader) (*Matrix, error) {
	m := &Matrix{cells: map[string]map[string]Cell{}, allowed: map[string][]string{}}
	sum := sha256.New()
	if err := m.readColumns(csv.NewReader(io.TeeReader(columns, sum))); err != nil {
		return nil, fmt.Errorf("colonnes de la matrice : %w", err)
	}
	if err := m.readCells(csv.NewReader(io.TeeReader(cells, sum))); err != nil {
		return nil, fmt.Errorf("matrice : %w", err)
	}
	m.Version = name + "@" + hex.EncodeToString(sum.Sum(nil))[:12]
	return m, nil
}

// The headers of the two tables; the second one goes on with the columns.
var (
	columnsHeader = []string{"column", "label", "professions", "specialties", "provisional"}
	cellsHeader   = []string{"typeCode", "scheme", "display", "classCode"}
)

// readTable reads rows of equal length below a header that starts as expected.
func readTable(r *csv.Reader, header []string) ([][]string, error) {
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 || len(rows[0]) < len(header) || !slices.Equal(rows[0][:len(header)], header) {
		return nil, fmt.Errorf("première ligne %s et au moins une autre attendues", strings.Join(header, ","))
	}
	return rows, nil
}

func (m *Matrix) readColumns(r *csv.Reader) error {
	rows, err := readTable(r, columnsHeader)
	if err != nil {
		return err
	}
	chosen := map[string]string{} // profession and specialty → column
	for _, row := range rows[1:] {
		c := Column{Name: row[0], Label: row[1], Professions: list(row[2]), Specialties: list(row[3]), Provisional: row[4] == "1"}
		if c.Name == "" || len(c.Professions) == 0 || row[4] != "0" && row[4] != "1" {
			return fmt.Errorf("colonne %q : nom, professions et provisional (0 ou 1) attendus", c.Name)
		}
		if slices.ContainsFunc(m.Columns, func(o Column) bool { return o.Name == c.Name }) {
			return fmt.Errorf("colonne %s présente deux fois", c.Name)
		}
		for _, key := range c.keys() {
			if former, ok := chosen[key]; ok {
				return fmt.Errorf("%s désigne les colonnes %s et %s", key, former, c.Name)
			}
			chosen[key] = c.Name
		}
		m.Columns = append(m.Columns, c)
	}
	return nil
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
			keys = append(keys, p+"/"+s)
		}
	}
	return keys
}

func (m *Matrix) readCells(r *csv.Reader) error {
	rows, err := readTable(r, cellsHeader)
	if err != nil {
		return err
	}
	columns := rows[0][len(cellsHeader):]
	if err := m.checkColumns(columns); err != nil {
		return err
	}
	for _, row := range rows[1:] {
		t := Type{Key: row[0] + "^^" + row[1], Display: row[2], Class: row[3]}
		if row[0] == "" || row[1] == "" {
			return fmt.Errorf("type %q : code et système attendus", t.Key)
		}
		if slices.Contains(m.known, t.Key) {
			return fmt.Errorf("type %s présent deux fois", t.Key)
		}
		m.Types = append(m.Types, t)
		m.known = append(m.known, t.Key)
		for i, column := range columns {
			cell, err := parseCell(row[len(cellsHeader)+i])
			if err != nil {
				return fmt.Errorf("type %s, colonne %s : %w", t.Key, column, err)
			}
			m.cells[column][t.Key] = cell
			if cell.Allowed {
				m.allowed[column] = append(m.allowed[column], t.Key)
			}
		}
	}
	return nil
}

// checkColumns holds the columns of the cells against those described.
func (m *Matrix) checkColumns(names []string) error {
	for _, name := range names {
		if m.cells[name] != nil {
			return fmt.Errorf("colonne %s présente deux fois", name)
		}
		if !slices.ContainsFunc(m.Columns, func(c Column) bool { return c.Name == name }) {
			return fmt.Errorf("colonne %s inconnue de la table des colonnes", name)
		}
		m.cells[name] = map[string]Cell{}
	}
	for _, c := range m.Columns {
		if m.cells[c.Name] == nil {
			return fmt.Errorf("colonne %s absente", c.Name)
		}
	}
	return nil
}

func parseCell(s string) (Cell, error) {
	if s == "" || s[0] != '0' && s[0] != '1' {
		return Cell{}, fmt.Errorf("cellule %q : 0 ou 1 attendu", s)
	}
	return Cell{Allowed: s[0] == '1', Official: len(s) > 1, Source: s[1:]}, nil
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ";")
}

// Column is the column of a profession and specialty: the one that names the
// specialty, else the one of the profession alone; ok is false when there is none.
func (m *Matrix) Column(profession, specialty string) (col Column, ok bool) {
	for _, c := range m.Columns {
		if !slices.Contains(c.Professions, profession) {
			continue
		}
		if slices.Contains(c.Specialties, specialty) {
			return c, true
		}
		if len(c.Specialties) == 0 && !ok {
			col, ok = c, true
		}
	}
	return col, ok
}

// Cell is the cell of a column and a type; ok is false when the type is not in the matrix.
func (m *Matrix) Cell(column, typeKey string) (Cell, bool) {
	c, ok := m.cells[column][typeKey]
	return c, ok
}

// Options choose what stands beside the table.
type Options struct {
	Provisional bool // provisional columns are in force
	Generic     bool // `ihe` profile: a type absent from the matrix is open to physicians (policy §1.9)
}

// TypesOf gives the row of a subject: the types that its column allows.
func (m *Matrix) TypesOf(o Options) func(authz.Subject) authz.TypeSet {
	return func(sub authz.Subject) authz.TypeSet {
		set := authz.TypeSet{Others: o.Generic && sub.Profession == physician}
		if set.Others {
			set.Known = m.known
		}
		if c, ok := m.Column(sub.Profession, sub.Specialty); ok && (!c.Provisional || o.Provisional) {
			set.Allowed = m.allowed[c.Name]
		}
		return set
	}
}

const physician = "10"
