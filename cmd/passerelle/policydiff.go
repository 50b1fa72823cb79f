package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/policies"
)

type policyDiffCmd struct {
	policyTarget
	What []string `arg:"" optional:"" name:"VERSION|FICHIER" help:"Une version, deux, ou une version et des fichiers ; A est celle en vigueur, B la prochaine, quand elles manquent."`
}

// Help holds the examples.
func (policyDiffCmd) Help() string {
	return `passerelle policy diff testdata/matrice
passerelle policy diff embarquée 2026-11-01 -o json
passerelle policy diff page-1.json page-2.json -c /etc/passerelle/passerelle.toml`
}

// diffAnswer is a comparison with its warnings as findings.
type diffAnswer struct {
	policies.Diff
	Warnings []finding `json:"warnings,omitempty"`
}

// Run compares; as with diff, exit code 1 says that there is a difference.
func (c *policyDiffCmd) Run(ctx context.Context, p *program) error {
	q, err := c.request()
	if err != nil {
		return err
	}
	desk, done, err := c.desk(ctx)
	if err != nil {
		return err
	}
	defer done()
	d, err := desk.Diff(ctx, q, p.counting)
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(diffAnswer{d, findingsOf(d.Warnings)})
	} else {
		p.writeFindings(findingsOf(d.Warnings))
		p.writeDiff(d)
	}
	if d.Same {
		return nil
	}
	return failure{exit: exitFindings, told: true}
}

// request reads the arguments: what is on the disk is a file, the rest are versions.
func (c *policyDiffCmd) request() (q policies.DiffRequest, err error) {
	var versions, files []string
	for _, word := range c.What {
		if _, err := os.Stat(word); err == nil || looksLikeFile(word) {
			files = append(files, word)
			continue
		}
		versions = append(versions, word)
	}
	switch {
	case len(versions) > 2 || len(versions) == 2 && len(files) > 0:
		return q, misuse("deux versions, ou une version et des fichiers, sont attendus", "passerelle policy diff --help")
	case len(versions) == 2:
		q.From, q.To = versions[0], versions[1]
	case len(versions) == 1 && len(files) == 0:
		q.To = versions[0]
	case len(versions) == 1:
		q.From = versions[0]
	}
	if len(files) > 0 {
		q.Files, err = policyFiles(files)
	}
	return q, err
}

// looksLikeFile tells a file that is not there from the name of a version.
func looksLikeFile(word string) bool {
	for _, end := range []string{".csv", ".json", ".zip"} {
		if strings.HasSuffix(word, end) {
			return true
		}
	}
	return strings.ContainsRune(word, os.PathSeparator)
}

// counting tells how far a count is, when it is a long one.
func (p *program) counting(looked, of int) {
	if looked < of {
		fmt.Fprintf(p.stderr, "%d dossiers sur %d…\n", looked, of)
	}
}

func (p *program) writeDiff(d policies.Diff) {
	fmt.Fprintln(p.stdout, d.From+" → "+d.To)
	for _, note := range d.Notes {
		fmt.Fprintln(p.stdout, "  "+note)
	}
	for _, line := range []struct {
		text  string
		names []string
	}{
		{"types en plus", d.TypesAdded}, {"types en moins", d.TypesRemoved}, {"colonnes en plus", d.ColumnsAdded}, {"colonnes en moins", d.ColumnsRemoved},
		{"colonnes d'autres professions, ou provisoires ou non", d.ColumnsChanged},
	} {
		if len(line.names) > 0 {
			fmt.Fprintln(p.stdout, line.text+" : "+strings.Join(line.names, ", "))
		}
	}
	if d.Same {
		fmt.Fprintln(p.stdout, "Aucune différence.")
		return
	}
	var rows [][]string
	for _, c := range d.Cells {
		code, _, _ := strings.Cut(c.Type, "^^")
		rows = append(rows, []string{p.change(c.Change), c.Column, code, narrow(c.Display, 60)})
	}
	if len(rows) > 0 {
		p.writeTable([]string{"", "COLONNE", "TYPE", ""}, rows)
	}
	fmt.Fprintln(p.stdout, plural(len(d.Cells), "cellule")+".")
	if d.Decisions != nil {
		p.writeDecisions(*d.Decisions)
	}
}

// change is the word for a cell that changes: ouvre or ferme.
func (p *program) change(word string) string {
	if word == "ouvre" {
		return p.paint(green, word)
	}
	return p.paint(red, word)
}

func (p *program) writeDecisions(d policies.Decisions) {
	fmt.Fprintf(p.stdout, "Décisions sur cette base (professionnel lié × document, accès normal) : %d s'ouvrent, %d se ferment, dans %s sur %d.\n",
		d.Opened, d.Closed, plural(d.Records, "dossier"), d.Of)
	var rows [][]string
	for _, r := range d.By {
		code, _, _ := strings.Cut(r.Type, "^^")
		rows = append(rows, []string{r.Column, code, strconv.Itoa(r.Opened), strconv.Itoa(r.Closed)})
	}
	if len(rows) > 0 {
		p.writeTable([]string{"COLONNE", "TYPE", "S'OUVRENT", "SE FERMENT"}, rows)
	}
	if d.Unlisted > 0 {
		fmt.Fprintf(p.stdout, "Non compté : %s de professionnels hors annuaire, dont la profession n'est que dans leur jeton.\n", plural(d.Unlisted, "lien"))
	}
	if !d.Complete {
		fmt.Fprintf(p.stdout, "Incomplet : le temps a manqué après %d dossiers sur %d.\n", d.Looked, d.Of)
	}
}
