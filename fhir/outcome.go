package fhir

import (
	"net/http"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// AppendOutcome writes findings as an OperationOutcome: details.coding[0] is the
// product's own code, the second one that of IHE where there is one; repository
// says whether the repository actor answers (ITI-65, ITI-68).
func AppendOutcome(b []byte, errs xds.Errors, repository bool) []byte {
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "OperationOutcome")
	w.open("issue", '[')
	for _, e := range errs {
		w.issue(e, repository)
	}
	w.b = append(w.b, ']', '}')
	return w.b
}

var severities = [...]string{xds.SeverityError: "error", xds.SeverityWarning: "warning", xds.SeverityInformation: "information"}

func (w *out) issue(e *xds.Error, repository bool) {
	p := e.Problem()
	w.open("", '{')
	w.str("severity", severities[e.Severity])
	w.str("code", p.Issue)
	w.open("details", '{')
	w.open("coding", '[')
	w.open("", '{')
	w.coding(xds.Code{Value: p.ID, Scheme: ProblemSystem})
	w.shut('}')
	if code := p.Code(repository); code != "" {
		w.open("", '{')
		w.coding(xds.Code{Value: code, Scheme: IHEErrorSystem})
		w.shut('}')
	}
	w.shut(']')
	w.str("text", detail(p))
	w.shut('}')
	w.str("diagnostics", e.Text())
	if e.Where != "" {
		w.open("expression", '[')
		w.text(e.Where)
		w.shut(']')
	}
	w.shut('}')
}

// detail is the short text of a problem; that of a precondition starts with its code
// (policy §0.3).
func detail(p xds.Problem) string {
	if strings.HasPrefix(p.ID, "C-") {
		return p.ID + " " + p.French
	}
	return p.French
}

// Status is the HTTP status of findings: the server's own trouble first, else the
// lowest of the client's, so that a malformed message is 400 whatever else it
// breaks. Warnings alone are 200.
func Status(errs xds.Errors) int {
	status := 0
	for _, e := range errs {
		if e.Severity != xds.SeverityError {
			continue
		}
		s := e.Problem().Status
		if s == 0 {
			s = http.StatusInternalServerError
		}
		if status == 0 || s >= 500 || status < 500 && s < status {
			status = s
		}
	}
	if status == 0 {
		return http.StatusOK
	}
	return status
}
