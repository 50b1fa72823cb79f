package console

import (
	"net/http"
	"net/url"
	"time"

	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/rights"
)

// Reporting an access, a professional or a document to the operator (S4, users §2).
var reportRoutes = []route{
	{method: http.MethodGet, path: "/patient/{record}/signalements", handle: (*Server).reports},
	{method: http.MethodGet, path: "/patient/{record}/signaler", handle: (*Server).draftReport},
	{method: http.MethodPost, path: "/patient/{record}/signaler", handle: (*Server).report},
}

var reportWords = map[record.ReportState]string{record.ReportReceived: "Reçu", record.ReportHandled: "En cours de traitement", record.ReportClosed: "Clos"}

var aboutWords = map[record.ReportAbout]string{record.ReportAccess: "Un accès", record.ReportProfessional: "Un professionnel", record.ReportDocument: "Un document"}

// reported is a report as its author reads it.
type reported struct {
	record.Report
	Words, What string
}

// reports shows what the visitor reported, and what became of it.
func (s *Server) reports(v *visit) error {
	all, err := s.Rights.Reports(v.context(), v.call)
	if err != nil {
		return err
	}
	var shown []reported
	for _, r := range all {
		shown = append(shown, reported{r, v.T(reportWords[r.State]), v.T(aboutWords[r.About])})
	}
	return v.show("report-list", v.T("Mes signalements"), shown)
}

// reportPage is the form, about one thing.
type reportPage struct {
	What               string
	Access, Actor, Doc string // as the form carries them
	Text               string
	Findings           []finding
}

// grievance reads what is reported.
func (v *visit) grievance(field func(string) string) rights.Grievance {
	at, _ := time.Parse(time.RFC3339Nano, field("acces")) // none: about no access
	return rights.Grievance{At: at, Actor: field("acteur"), Document: field("document"), Text: v.form("texte")}
}

// draftReport shows the form, about what the visitor sees alone.
func (s *Server) draftReport(v *visit) error {
	g := v.grievance(v.query)
	if _, err := s.Rights.Report(v.context(), v.call, g, true); err != nil {
		return err
	}
	return s.showReport(v, http.StatusOK, g, v.query, nil)
}

func (s *Server) showReport(v *visit, status int, g rights.Grievance, field func(string) string, refusal error) error {
	about := record.ReportProfessional
	switch {
	case g.Document != "":
		about = record.ReportDocument
	case !g.At.IsZero():
		about = record.ReportAccess
	}
	page := reportPage{What: v.T(aboutWords[about]), Access: field("acces"), Actor: g.Actor, Doc: g.Document, Text: g.Text, Findings: v.findings(refusal)}
	return v.render(status, "report-form", v.T("Signaler"), page)
}

// report sends it to the operator.
func (s *Server) report(v *visit) error {
	g := v.grievance(v.form)
	number, err := s.Rights.Report(v.context(), v.call, g, false)
	if status, refused := refusedForm(err); refused {
		return s.showReport(v, status, g, v.form, err)
	}
	if err != nil {
		return err
	}
	return v.done(v.at("signalements"), v.T("Le signalement %s est transmis.", number))
}

// reportOf is the page on which a line of the history is reported.
func (v *visit) reportOf(e registry.Event) string {
	if !v.Decides() || e.Own {
		return ""
	}
	return v.at("signaler") + "?" + url.Values{"acces": {e.At.UTC().Format(time.RFC3339Nano)}, "acteur": {e.Actor}}.Encode()
}
