package matrix

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"strings"
)

// Encode writes the two CSV tables in their canonical form: comma, UTF-8, line feed,
// quotes where they must be. Read gives the same matrix back.
func (m *Matrix) Encode() (columns, cells []byte) {
	rows := [][]string{columnsHeader}
	header := append([]string{}, cellsHeader...)
	for _, c := range m.Columns {
		rows = append(rows, []string{c.Name, c.Label, strings.Join(c.Professions, ";"), strings.Join(c.Specialties, ";"), digit(c.Provisional)})
		header = append(header, c.Name)
	}
	columns = write(rows)
	rows = [][]string{header}
	for _, t := range m.Types {
		code, scheme, _ := strings.Cut(t.Key, "^^")
		row := []string{code, scheme, t.Display, t.Class}
		for _, c := range m.Columns {
			cell := m.cells[c.Name][t.Key]
			row = append(row, digit(cell.Allowed)+cell.Source)
		}
		rows = append(rows, row)
	}
	return columns, write(rows)
}

func digit(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}

func write(rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.WriteAll(rows) // a buffer takes everything
	return b.Bytes()
}

// checksum names the content: it changes with any cell, column, type or source.
func checksum(m *Matrix) string {
	columns, cells := m.Encode()
	sum := sha256.New()
	sum.Write(columns)
	sum.Write(cells)
	return hex.EncodeToString(sum.Sum(nil))
}
