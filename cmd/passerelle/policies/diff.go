package policies

import (
	"context"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// countLimit bounds the time that decisions are counted for.
const countLimit = 5 * time.Minute

// DiffRequest asks what changes from one version to another, or to files.
type DiffRequest struct {
	From  string `json:"from"`  // a version; "" = the one in force
	To    string `json:"to"`    // a version; "" = the files, or without any the next one to take effect
	Files []File `json:"files"` // as for an import
}

// Cell is one that changes.
type Cell struct {
	Type    string `json:"type"` // code^^scheme
	Display string `json:"display"`
	Column  string `json:"column"`
	Change  string `json:"change"` // ouvre or ferme
}

// Decisions are what changes for the records of this database: a decision is a
// professional with a valid link, reading one current document in normal access.
type Decisions struct {
	Opened   int       `json:"opened"`
	Closed   int       `json:"closed"`
	Records  int       `json:"records"` // with one at least
	By       []Counted `json:"by"`
	Unlisted int       `json:"unlisted"` // links of professionals whom the directory does not know: not counted
	Looked   int       `json:"looked"`   // records
	Of       int       `json:"of"`
	Complete bool      `json:"complete"` // false: time was up
}

// Counted are the decisions on one type for one column.
type Counted struct {
	Column string `json:"column"`
	Type   string `json:"type"`
	Opened int    `json:"opened"`
	Closed int    `json:"closed"`
}

// Diff is what changes from one version to another.
type Diff struct {
	From           string     `json:"from"`
	To             string     `json:"to"`
	Same           bool       `json:"same"` // nothing that a decision could differ by
	Cells          []Cell     `json:"cells"`
	TypesAdded     []string   `json:"typesAdded"`
	TypesRemoved   []string   `json:"typesRemoved"`
	ColumnsAdded   []string   `json:"columnsAdded"`
	ColumnsRemoved []string   `json:"columnsRemoved"`
	ColumnsChanged []string   `json:"columnsChanged"` // with other professions or specialties, or provisional
	Decisions      *Decisions `json:"decisions,omitempty"`
	Notes          []string   `json:"notes,omitempty"`
	Warnings       xds.Errors `json:"warnings,omitempty"`
}

// Diff compares two versions, cell by cell and on the decisions of this database.
// Progress is told of the records looked at; nil: nobody waits.
func (b *Book) Diff(ctx context.Context, q DiffRequest, progress func(looked, of int)) (Diff, error) {
	stored, err := b.Registry.Matrices(ctx, system)
	if err != nil {
		return Diff{}, err
	}
	now := b.Now()
	from, err := b.at(stored, now)
	if err == nil && q.From != "" {
		from, err = b.named(stored, q.From)
	}
	if err != nil {
		return Diff{}, err
	}
	to, notes, warnings, err := b.target(q, stored, from, now)
	if err != nil {
		return Diff{}, err
	}
	d := describeDiff(from, to)
	d.Notes, d.Warnings = notes, warnings
	d.Decisions, err = b.decisions(ctx, from, to, progress)
	return d, err
}

// target is the other version: a stored one, one made of files, or the next one.
func (b *Book) target(q DiffRequest, stored []registry.MatrixVersion, from *matrix.Matrix, now time.Time) (*matrix.Matrix, []string, xds.Errors, error) {
	switch next := stored[len(before(stored, now)):]; {
	case q.To != "":
		to, err := b.named(stored, q.To)
		return to, nil, nil, err
	case len(q.Files) > 0:
		files, err := decode(q.Files)
		if err != nil {
			return nil, nil, nil, err
		}
		return matrix.Source{Name: "fichier", Base: from, Professions: france.Professions(), Force: true}.Read(files)
	case len(next) > 0:
		to, err := parse(next[0])
		return to, nil, nil, err
	}
	return nil, nil, nil, &xds.Error{ID: "POL-011", Expected: "un fichier ou une version, ou une version à venir"}
}

// decisions counts what would change for the records of this database.
func (b *Book) decisions(ctx context.Context, from, to *matrix.Matrix, progress func(looked, of int)) (*Decisions, error) {
	ctx, cancel := context.WithTimeout(ctx, countLimit)
	defer cancel()
	gate := func(m *matrix.Matrix) *authz.Gate {
		return &authz.Gate{Policy: france.New(m, b.Matrix), Now: b.Now, Paris: b.Paris}
	}
	f, err := b.Registry.CountFlips(ctx, system, registry.Comparison{
		Before: gate(from), After: gate(to), Progress: progress,
		Column: func(sub authz.Subject) string {
			for _, m := range []*matrix.Matrix{to, from} {
				if c, ok := m.Column(sub.Profession, sub.Specialty); ok {
					return c.Name
				}
			}
			return "profession " + sub.Profession
		},
	})
	if err != nil {
		return nil, err
	}
	d := &Decisions{Opened: f.Opened, Closed: f.Closed, Records: f.Records, By: []Counted{}, Unlisted: f.Unlisted, Looked: f.Looked, Of: f.Of, Complete: f.Complete}
	for _, r := range f.Rows {
		d.By = append(d.By, Counted(r))
	}
	return d, nil
}

// describeDiff is the difference of two versions in words.
func describeDiff(from, to *matrix.Matrix) Diff {
	c := matrix.Compare(from, to)
	d := Diff{From: from.Version, To: to.Version, Same: c.Empty(), Cells: []Cell{}, TypesAdded: []string{}, TypesRemoved: []string{},
		ColumnsAdded: []string{}, ColumnsRemoved: []string{}, ColumnsChanged: []string{}}
	for _, change := range c.Cells {
		word := "ferme"
		if change.Opens {
			word = "ouvre"
		}
		d.Cells = append(d.Cells, Cell{change.Type.Key, change.Type.Display, change.Column, word})
	}
	for _, t := range []struct {
		from []matrix.Type
		to   *[]string
	}{{c.TypesAdded, &d.TypesAdded}, {c.TypesRemoved, &d.TypesRemoved}} {
		for _, typ := range t.from {
			*t.to = append(*t.to, strings.TrimSpace(typ.Key+" "+typ.Display))
		}
	}
	for _, t := range []struct {
		from []matrix.Column
		to   *[]string
	}{{c.ColumnsAdded, &d.ColumnsAdded}, {c.ColumnsRemoved, &d.ColumnsRemoved}, {c.ColumnsChanged, &d.ColumnsChanged}} {
		for _, column := range t.from {
			*t.to = append(*t.to, column.Name)
		}
	}
	return d
}
