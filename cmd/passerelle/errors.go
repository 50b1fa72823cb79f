package main

import (
	"fmt"
	"slices"
	"strings"

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

// problem is one row of the error table.
type problem struct {
	Code       string `json:"code"`
	Registry   string `json:"registry,omitempty"`   // IHE code on the registry
	Repository string `json:"repository,omitempty"` // IHE code on the repository, where it differs
	Fault      string `json:"fault,omitempty"`      // SOAP Fault
	HTTP       int    `json:"http"`
	Issue      string `json:"issue"`
	French     string `json:"fr"`
	English    string `json:"en"`
	Hint       string `json:"hint,omitempty"`
}

func problemOf(row xds.Problem) problem {
	fault := row.Fault
	if row.Registry != "" {
		fault = ""
	} else if row.Subcode != "" {
		fault += "/" + row.Subcode
	}
	return problem{row.ID, row.Registry, row.Repository, fault, row.Status, row.Issue, row.French, row.English, row.Hint}
}

// Run lists the table, or shows one row.
func (c *errorsCommand) Run(p *program) error {
	if c.Code == "" {
		p.listProblems(xds.Problems)
		return nil
	}
	code := strings.ToUpper(c.Code)
	i := slices.IndexFunc(xds.Problems, func(row xds.Problem) bool { return row.ID == code })
	if family := rowsOf(c.Code); i < 0 && len(family) > 0 {
		p.listProblems(family)
		return nil
	}
	if i < 0 {
		return misuse("code inconnu : "+c.Code+" ; proches : "+strings.Join(nearestCodes(code), ", "), "passerelle errors")
	}
	row := problemOf(xds.Problems[i])
	if p.json {
		p.writeJSON(row)
		return nil
	}
	fmt.Fprintln(p.stdout, p.paint(bold, row.Code)+"  "+row.French)
	for _, line := range []struct{ label, value string }{
		{"en anglais", row.English}, {"registre", row.Registry}, {"entrepôt", row.Repository}, {"SOAP Fault", row.Fault},
		{"HTTP (FHIR, JSON)", fmt.Sprintf("%d, OperationOutcome %s", row.HTTP, row.Issue)}, {"correction", row.Hint},
	} {
		if line.value != "" {
			fmt.Fprintf(p.stdout, "  %-10s  %s\n", line.label, line.value)
		}
	}
	return nil
}

// rowsOf are the rows of a family (META) or of an IHE code, as a SOAP client sees it
// first.
func rowsOf(code string) []xds.Problem {
	var rows []xds.Problem
	for _, row := range xds.Problems {
		if strings.HasPrefix(row.ID, strings.ToUpper(code)+"-") || strings.EqualFold(row.Registry, code) || strings.EqualFold(row.Repository, code) {
			rows = append(rows, row)
		}
	}
	return rows
}

func (p *program) listProblems(problems []xds.Problem) {
	var all []problem
	var rows [][]string
	for _, row := range problems {
		one := problemOf(row)
		all = append(all, one)
		ihe := one.Registry
		if ihe == "" && one.Fault != "" {
			ihe = "Fault " + one.Fault
		}
		rows = append(rows, []string{one.Code, fmt.Sprint(one.HTTP), ihe, one.French})
	}
	if p.json {
		p.writeJSON(map[string]any{"errors": all})
		return
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
