// Package matrix is the matrice d'habilitation: which profession may consult
// which document type, as versioned data; its two written forms, the CSV tables of
// this project and the JSON:API pages of the public site; and what differs between
// two versions. It holds no rule: what follows from a cell is the policy's business
// (authz/france). It opens no file.
package matrix

import (
	"embed"
	"slices"

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

// Matrix is one version of the table. It does not change.
type Matrix struct {
	Version  string // name and short checksum, as it stands in every trail row
	Checksum string // SHA-256 of the CSV form (Encode), hexadecimal
	Columns  []Column
	Types    []Type
	cells    map[string]map[string]Cell // column → type key → cell
	allowed  map[string][]string        // column → type keys that may be consulted
	known    []string
}

// EmbeddedName is the name of the version that the binary carries: the one before
// all others.
const EmbeddedName = "embarquée"

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
	return Read(EmbeddedName, columns, cells)
}

// build makes a version of checked parts.
func build(name string, columns []Column, types []Type, cells map[string]map[string]Cell) *Matrix {
	m := &Matrix{Columns: columns, Types: types, cells: cells, allowed: map[string][]string{}}
	for _, t := range types {
		m.known = append(m.known, t.Key)
	}
	for _, c := range columns {
		for _, t := range types {
			if cells[c.Name][t.Key].Allowed {
				m.allowed[c.Name] = append(m.allowed[c.Name], t.Key)
			}
		}
	}
	m.Checksum = checksum(m)
	m.Version = name + "@" + m.Checksum[:12]
	return m
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

// Open is how many cells may be consulted, of how many.
func (m *Matrix) Open() (open, cells int) {
	for _, types := range m.allowed {
		open += len(types)
	}
	return open, len(m.Columns) * len(m.Types)
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
