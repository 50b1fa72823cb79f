package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
)

// policyExportCmd writes the access policy for other implementations: decision
// vectors that cover its whole domain, or the matrix that it reads.
type policyExportCmd struct {
	Matrix bool   `help:"La matrice d'habilitation, une ligne par case, au lieu des vecteurs de décision."`
	Files  string `placeholder:"DOSSIER" help:"Écrire la matrice livrée sous la forme que policy import lit : matrice.csv et columns.csv."`
	Out    string `placeholder:"FICHIER" help:"Écrire dans ce fichier ; sans lui, sur la sortie standard."`
}

// Help holds the examples.
func (policyExportCmd) Help() string {
	return `passerelle policy export -o csv --out vecteurs.csv
passerelle policy export -o json
passerelle policy export --matrix -o csv
passerelle policy export --files matrice`
}

// Run writes the export; the same program writes the same bytes each time.
func (c *policyExportCmd) Run(p *program) error {
	m, err := matrix.Embedded()
	if err != nil {
		return err
	}
	if c.Files != "" {
		return c.writeFiles(m)
	}
	if c.Out == "" {
		return c.write(p.stdout, m, p.json)
	}
	f, err := os.Create(c.Out)
	if err != nil {
		return environment("impossible d'écrire " + c.Out)
	}
	if err = c.write(f, m, p.json); err == nil {
		err = f.Close()
	}
	if err != nil {
		return environment("écriture de " + c.Out + " interrompue")
	}
	return nil
}

// writeFiles writes the matrix as policy import reads it.
func (c *policyExportCmd) writeFiles(m *matrix.Matrix) error {
	columns, cells := m.Encode()
	err := os.MkdirAll(c.Files, 0o755)
	for name, text := range map[string][]byte{"columns.csv": columns, "matrice.csv": cells} {
		if err == nil {
			err = os.WriteFile(filepath.Join(c.Files, name), text, 0o644)
		}
	}
	if err != nil {
		return environment("impossible d'écrire dans " + c.Files)
	}
	return nil
}

func (c *policyExportCmd) write(out io.Writer, m *matrix.Matrix, asJSON bool) error {
	b := bufio.NewWriter(out)
	policy := france.New(m, matrix.Options{})
	switch {
	case c.Matrix && asJSON:
		writeMatrixJSON(b, m)
	case c.Matrix:
		writeMatrixCSV(b, m)
	case asJSON:
		writeVectorsJSON(b, policy)
	default:
		writeVectorsCSV(b, policy)
	}
	return b.Flush()
}

func valueNames(attr authz.Attr, set authz.Set) []string {
	var names []string
	for v := range authz.Domain(attr) {
		if set.Has(v) {
			names = append(names, attr.Name(v))
		}
	}
	return names
}

func doorName(n int) string {
	switch n {
	case 0:
		return ""
	case france.Unseen:
		return "unseen"
	default:
		return fmt.Sprintf("ACC-%02d", n)
	}
}

func decisionName(permit bool) string {
	if permit {
		return "permit"
	}
	return "deny"
}

func countVectors(p *authz.Policy) int {
	n := 0
	france.Vectors(p, func(*france.Vector) bool { n++; return true })
	return n
}

// writeHead writes the first lines of a CSV form.
func writeHead(b *bufio.Writer, versions, french, english string, columns []exportColumn) {
	fmt.Fprintf(b, "# %s\n# fr: %s\n# en: %s\n", versions, french, english)
	for _, c := range columns {
		fmt.Fprintf(b, "# %s: %s / %s\n", c.Name, c.French, c.English)
	}
}

func writeVectorsCSV(b *bufio.Writer, p *authz.Policy) {
	columns := vectorColumns()
	writeHead(b, fmt.Sprintf("policy=%s matrix=%s count=%d", p.Version, p.MatrixVersion, countVectors(p)), vectorsFrench, vectorsEnglish, columns)
	w := csv.NewWriter(b)
	row := make([]string, len(columns))
	for i, c := range columns {
		row[i] = c.Name
	}
	_ = w.Write(row) // a failed write stays in the buffer, and Flush tells it
	france.Vectors(p, func(v *france.Vector) bool {
		for attr := range v.Values {
			if row[attr] = "*"; !v.Any(authz.Attr(attr)) {
				row[attr] = strings.Join(valueNames(authz.Attr(attr), v.Values[attr]), "|")
			}
		}
		copy(row[len(v.Values):], []string{decisionName(v.Permit), strings.Join(v.Rules, "|"), doorName(v.Door)})
		return w.Write(row) == nil
	})
	w.Flush()
}

func writeVectorsJSON(b *bufio.Writer, p *authz.Policy) {
	writeJSONHead(b, p.Version, p.MatrixVersion, countVectors(p), vectorsFrench, vectorsEnglish, vectorColumns())
	b.WriteString(`,"vectors":[`)
	first := true
	france.Vectors(p, func(v *france.Vector) bool {
		startRow(b, &first)
		for attr := authz.Attr(0); int(attr) < authz.AttrCount; attr++ {
			if !v.Any(attr) {
				fmt.Fprintf(b, "%q:[%s],", attr, jsonStrings(valueNames(attr, v.Values[attr])))
			}
		}
		fmt.Fprintf(b, `"decision":%q,"rules":[%s]`, decisionName(v.Permit), jsonStrings(v.Rules))
		if door := doorName(v.Door); door != "" {
			fmt.Fprintf(b, `,"door":%q`, door)
		}
		_, err := b.WriteString("}")
		return err == nil
	})
	b.WriteString("\n]}\n")
}

// writeJSONHead opens the object; the rows follow in a member of their own.
func writeJSONHead(b *bufio.Writer, policy, matrixVersion string, count int, french, english string, columns []exportColumn) {
	head, err := json.Marshal(struct {
		Policy  string            `json:"policy,omitempty"`
		Matrix  string            `json:"matrix"`
		Count   int               `json:"count"`
		About   map[string]string `json:"about"`
		Columns []exportColumn    `json:"columns"`
	}{policy, matrixVersion, count, map[string]string{"fr": french, "en": english}, columns})
	if err == nil { // plain strings and numbers always are
		b.Write(head[:len(head)-1])
	}
}

func startRow(b *bufio.Writer, first *bool) {
	if !*first {
		b.WriteByte(',')
	}
	*first = false
	b.WriteString("\n{")
}

// jsonStrings lists names of rules and values, which are ASCII.
func jsonStrings(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = strconv.Quote(name)
	}
	return strings.Join(all, ",")
}

// eachCell gives the cells in the order of columns and types.
func eachCell(m *matrix.Matrix, fn func(row []string)) {
	for _, c := range m.Columns {
		for _, t := range m.Types {
			code, scheme, _ := strings.Cut(t.Key, "^^")
			cell, _ := m.Cell(c.Name, t.Key)
			fn([]string{c.Name, strings.Join(c.Professions, "|"), strings.Join(c.Specialties, "|"), bit(c.Provisional), code, scheme, bit(cell.Allowed), cell.Source})
		}
	}
}

func bit(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}

func writeMatrixCSV(b *bufio.Writer, m *matrix.Matrix) {
	writeHead(b, fmt.Sprintf("matrix=%s count=%d", m.Version, len(m.Columns)*len(m.Types)), matrixFrench, matrixEnglish, matrixColumns)
	w := csv.NewWriter(b)
	var names []string
	for _, c := range matrixColumns {
		names = append(names, c.Name)
	}
	_ = w.Write(names) // a failed write stays in the buffer, and Flush tells it
	eachCell(m, func(row []string) { _ = w.Write(row) })
	w.Flush()
}

func writeMatrixJSON(b *bufio.Writer, m *matrix.Matrix) {
	writeJSONHead(b, "", m.Version, len(m.Columns)*len(m.Types), matrixFrench, matrixEnglish, matrixColumns)
	b.WriteString(`,"cells":[`)
	first := true
	eachCell(m, func(row []string) {
		startRow(b, &first)
		for i, c := range matrixColumns {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, "%q:%s", c.Name, jsonStrings(row[i:i+1]))
		}
		b.WriteByte('}')
	})
	b.WriteString("\n]}\n")
}
