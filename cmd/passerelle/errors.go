package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/errorpage"
	"github.com/passerelle-sante/passerelle/xds"
)

type errorsCommand struct {
	Code string `arg:"" optional:"" name:"CODE" help:"Un code, par exemple META-003."`
}

// Help holds the examples.
func (errorsCommand) Help() string {
	return `passerelle errors
passerelle errors META-003 -o json`
}

// Run lists the table, or shows one row.
func (c *errorsCommand) Run(p *program) error {
	if c.Code == "" {
		p.listProblems(errorpage.Rows())
		return nil
	}
	row, known := errorpage.Find(c.Code)
	if family := rowsOf(c.Code); !known && len(family) > 0 {
		p.listProblems(family)
		return nil
	}
	if !known {
		return misuse("code inconnu : "+c.Code+" ; proches : "+strings.Join(nearestCodes(strings.ToUpper(c.Code)), ", "), "passerelle errors")
	}
	if p.json {
		p.writeJSON(row)
		return nil
	}
	p.writeProblem(row)
	return nil
}

// writeProblem prints one row.
func (p *program) writeProblem(row errorpage.Row) {
	fmt.Fprintln(p.stdout, p.paint(bold, row.Code)+"  "+row.French)
	status := ""
	if row.HTTP != 0 {
		status = fmt.Sprintf("%d, OperationOutcome %s", row.HTTP, row.Issue)
	}
	var transactions []string
	for _, t := range row.Transactions {
		transactions = append(transactions, t.Name)
	}
	for _, line := range []struct{ label, value string }{
		{"en anglais", row.English}, {"registre", row.Registry}, {"entrepôt", row.Repository}, {"SOAP Fault", row.Fault}, {"HTTP (FHIR, JSON)", status},
		{"transactions", strings.Join(transactions, ", ")}, {"correction", row.Hint}, {"à savoir", row.Reason}, {"refusé", row.Bad}, {"accepté", row.Good}, {"page", row.Page},
	} {
		if line.value != "" {
			fmt.Fprintf(p.stdout, "  %-10s  %s\n", line.label, line.value)
		}
	}
}

// rowsOf are the rows of a family (META) or of an IHE code, as a SOAP client sees it
// first.
func rowsOf(code string) []errorpage.Row {
	var rows []errorpage.Row
	for _, row := range errorpage.Rows() {
		if strings.HasPrefix(row.Code, strings.ToUpper(code)+"-") || strings.EqualFold(row.Registry, code) || strings.EqualFold(row.Repository, code) {
			rows = append(rows, row)
		}
	}
	return rows
}

func (p *program) listProblems(all []errorpage.Row) {
	if p.json {
		p.writeJSON(map[string]any{"errors": all})
		return
	}
	var rows [][]string
	for _, one := range all {
		ihe, status := one.Registry, ""
		if ihe == "" && one.Fault != "" {
			ihe = "Fault " + one.Fault
		}
		if one.HTTP != 0 {
			status = fmt.Sprint(one.HTTP)
		}
		rows = append(rows, []string{one.Code, status, ihe, one.French})
	}
	p.writeTable([]string{"CODE", "HTTP (FHIR, JSON)", "SOAP", "TEXTE"}, rows)
}

// nearestCodes are up to three codes of the table that look most like one.
func nearestCodes(code string) []string {
	all := make([]string, 0, len(xds.Problems))
	for _, row := range xds.Problems {
		all = append(all, row.ID)
	}
	slices.SortStableFunc(all, func(a, b string) int { return xds.Distance(code, a) - xds.Distance(code, b) })
	return all[:3]
}
