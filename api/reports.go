package api

import (
	"time"

	"github.com/passerelle-sante/passerelle/registry/record"
)

// Report is one as its readers get it: in calls, and by the command line.
type Report struct {
	Number     string     `json:"number"`
	Record     string     `json:"record"`
	About      string     `json:"about"`
	Actor      string     `json:"actor,omitempty"`
	Document   string     `json:"document,omitempty"`
	At         *time.Time `json:"at,omitempty"`
	Text       string     `json:"text"`
	State      string     `json:"state"`
	CreatedAt  time.Time  `json:"createdAt"`
	Answer     string     `json:"answer,omitempty"`
	AnsweredAt *time.Time `json:"answeredAt,omitempty"`
}

var (
	reportAbouts = map[record.ReportAbout]string{record.ReportAccess: "access", record.ReportProfessional: "professional", record.ReportDocument: "document"}
	reportStates = map[record.ReportState]string{record.ReportReceived: "received", record.ReportHandled: "handled", record.ReportClosed: "closed"}
)

// ReportOf renders one.
func ReportOf(r record.Report) Report {
	return Report{r.Number, r.Record, reportAbouts[r.About], r.Actor, r.Document, unlessZero(r.At), r.Text, reportStates[r.State], r.CreatedAt.UTC(), r.Answer, unlessZero(r.AnsweredAt)}
}

type reportsAnswer struct {
	Reports []Report `json:"reports"`
}

// reports lists what waits for an answer of the operator (S4, users §2 SIGNALEMENT).
func (s *Server) reports(c *call) (any, error) {
	answer := reportsAnswer{Reports: []Report{}}
	all, err := s.Rights.OpenReports(c.ctx, c.subject)
	for _, r := range all {
		answer.Reports = append(answer.Reports, ReportOf(r))
	}
	return answer, err
}

type reportBody struct {
	Answer string `json:"answer"`
}

// answerReport closes a report with an answer; without one, says that it is being handled.
func (s *Server) answerReport(c *call) (any, error) {
	var body reportBody
	if err := c.decodeOptional(&body); err != nil {
		return nil, err
	}
	r, err := s.Rights.AnswerReport(c.ctx, c.subject, c.param("number"), body.Answer)
	if err != nil {
		return nil, err
	}
	return ReportOf(r), nil
}
