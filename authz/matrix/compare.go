package matrix

import "slices"

// Change is a cell that two versions fill differently.
type Change struct {
	Column string
	Type   Type
	Opens  bool // closed before, open after; else the other way round
}

// Difference is what the decisions of two versions could differ by. Labels and
// sources do not count: they decide nothing.
type Difference struct {
	Cells          []Change // of columns and types that both have
	TypesAdded     []Type
	TypesRemoved   []Type
	ColumnsAdded   []Column
	ColumnsRemoved []Column
	ColumnsChanged []Column // chosen by other professions or specialties, or provisional; as they become
}

// Empty tells whether there is no difference.
func (d Difference) Empty() bool {
	return len(d.Cells)+len(d.TypesAdded)+len(d.TypesRemoved)+len(d.ColumnsAdded)+len(d.ColumnsRemoved)+len(d.ColumnsChanged) == 0
}

// Compare tells what changes from one version to another, in the order of the
// second one.
func Compare(from, to *Matrix) (d Difference) {
	for _, t := range to.Types {
		if !slices.Contains(from.known, t.Key) {
			d.TypesAdded = append(d.TypesAdded, t)
		}
	}
	for _, t := range from.Types {
		if !slices.Contains(to.known, t.Key) {
			d.TypesRemoved = append(d.TypesRemoved, t)
		}
	}
	for _, c := range from.Columns {
		if to.cells[c.Name] == nil {
			d.ColumnsRemoved = append(d.ColumnsRemoved, c)
		}
	}
	for _, c := range to.Columns {
		i := slices.IndexFunc(from.Columns, func(o Column) bool { return o.Name == c.Name })
		if i < 0 {
			d.ColumnsAdded = append(d.ColumnsAdded, c)
			continue
		}
		if !sameChoice(from.Columns[i], c) {
			d.ColumnsChanged = append(d.ColumnsChanged, c)
		}
		for _, t := range to.Types {
			before, both := from.Cell(c.Name, t.Key)
			if after := to.cells[c.Name][t.Key]; both && before.Allowed != after.Allowed {
				d.Cells = append(d.Cells, Change{c.Name, t, after.Allowed})
			}
		}
	}
	return d
}

// sameChoice tells whether the same subjects get the column, whatever the order of
// its codes.
func sameChoice(a, b Column) bool {
	return a.Provisional == b.Provisional && slices.Equal(slices.Sorted(slices.Values(a.Professions)), slices.Sorted(slices.Values(b.Professions))) &&
		slices.Equal(slices.Sorted(slices.Values(a.Specialties)), slices.Sorted(slices.Values(b.Specialties)))
}
