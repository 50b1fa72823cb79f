// Package errorpage is the error table as people read it: one row for the command
// line, one page at /errors/CODE for whoever follows a code from an answer, both made
// from xds.Problems, with a sample of what is refused and of what is taken.
//
// A page says what a code means in general. It must never say anything of a request,
// run a script, or load anything from elsewhere.
//
// Sources: users P-01, P-05, §5; ITI TF-3 Table 4.2.4.1-2; policy §0.1.
package errorpage

import (
	_ "embed"
	"net/http"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Row is one row of the table, as -o json and Accept: application/json give it.
type Row struct {
	Code         string        `json:"code"`
	Registry     string        `json:"registry,omitempty"`   // IHE code on the registry
	Repository   string        `json:"repository,omitempty"` // IHE code on the repository, where it differs
	Fault        string        `json:"fault,omitempty"`      // SOAP Fault
	HTTP         int           `json:"http,omitempty"`       // status on FHIR and JSON; 0 = no client gets the code
	Issue        string        `json:"issue,omitempty"`      // of the OperationOutcome
	French       string        `json:"fr"`
	English      string        `json:"en"`
	Hint         string        `json:"hint,omitempty"`
	Reason       string        `json:"reason,omitempty"` // why there is no hint
	Transactions []Transaction `json:"transactions,omitempty"`
	Bad          string        `json:"bad,omitempty"`
	Good         string        `json:"good,omitempty"`
	Page         string        `json:"page"` // path on the gateway

	ReasonEnglish string `json:"-"`
}

// Transaction is where a code may stand in an answer, and the code of IHE beside it.
type Transaction struct {
	Name string `json:"transaction"`
	Code string `json:"code,omitempty"` // "" on faces that have none
}

// Rows are all rows, in the order of the table.
func Rows() []Row {
	all := make([]Row, 0, len(xds.Problems))
	for _, p := range xds.Problems {
		all = append(all, row(p))
	}
	return all
}

// Find is the row of a code, in either case.
func Find(code string) (Row, bool) {
	i := slices.IndexFunc(xds.Problems, func(p xds.Problem) bool { return strings.EqualFold(p.ID, code) })
	if i < 0 {
		return Row{}, false
	}
	return row(xds.Problems[i]), true
}

func row(p xds.Problem) Row {
	r := Row{Code: p.ID, Registry: p.Registry, Repository: p.Repository, HTTP: p.Status, Issue: p.Issue, French: p.French, English: p.English,
		Hint: p.Hint, Page: Path + p.ID}
	switch {
	case p.Registry != "":
	case p.Subcode != "":
		r.Fault = p.Fault + "/" + p.Subcode
	default:
		r.Fault = p.Fault
	}
	f := familyOf(p.ID)
	if f.operator {
		r.HTTP, r.Issue = 0, ""
	}
	if r.Hint == "" {
		r.Reason, r.ReasonEnglish = reason(p)
	}
	for _, name := range f.transactions {
		r.Transactions = append(r.Transactions, Transaction{name, codeOn(p, name)})
	}
	s := samples[p.ID]
	r.Bad, r.Good = s.bad, s.good
	return r
}

// reason says why a row has no hint; a row without either turns a test red.
func reason(p xds.Problem) (french, english string) {
	switch {
	case strings.HasPrefix(p.ID, "ACC-"):
		return "Un refus d'accès ne dit rien de plus à qui le reçoit. Le patient, l'exploitant et le bac à sable en voient la règle : passerelle explain.",
			"A refused access tells no more to whoever gets it. The holder, the operator and the sandbox see the rule: passerelle explain."
	case p.Status == http.StatusNotModified:
		return "Ce n'est pas une erreur : la copie du client est à jour.", "Not an error: the client's copy is up to date."
	case p.Status == http.StatusOK && p.Issue == "informational":
		return "Ce n'est pas une erreur : la demande est faite.", "Not an error: what was asked is done."
	}
	return "", ""
}

// repositoryActor are the transactions that the repository answers.
var repositoryActor = map[string]bool{"ITI-41": true, "ITI-43": true, "ITI-65": true, "ITI-105": true, "ITI-106": true, "ITI-68": true, "ITI-86": true, "INTAKE-CDA": true}

// codeOn is what a client of a transaction reads: the code of the actor that answers,
// or the Fault.
func codeOn(p xds.Problem, transaction string) string {
	switch {
	case p.Registry == "":
	case slices.Contains(queries, transaction):
		return p.QueryCode()
	case transaction == "ITI-43" || transaction == "ITI-39":
		return p.RetrieveCode()
	default:
		return p.Code(repositoryActor[transaction])
	}
	if p.Fault != "" && soap[transaction] {
		return "Fault " + strings.TrimSuffix(p.Fault+"/"+p.Subcode, "/")
	}
	return ""
}

// Path is where the pages are.
const Path = "/errors/"

// sample is what is refused and what is taken.
type sample struct{ bad, good string }

//go:embed samples.txt
var samplesText string

// samples are the blocks of samples.txt by code.
var samples = func() map[string]sample {
	all := map[string]sample{}
	code := ""
	for line := range strings.Lines(samplesText) {
		line = strings.TrimRight(line, "\n")
		s := all[code]
		switch {
		case strings.HasPrefix(line, "#") || line == "":
			continue
		case strings.HasPrefix(line, "- "):
			s.bad = strings.TrimPrefix(s.bad+"\n"+line[2:], "\n")
		case strings.HasPrefix(line, "+ "):
			s.good = strings.TrimPrefix(s.good+"\n"+line[2:], "\n")
		default:
			code = line
			continue
		}
		all[code] = s
	}
	return all
}()
