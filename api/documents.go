package api

import (
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

type changedAnswer struct {
	LogicalID string `json:"logicalId"`
	EntryUUID string `json:"entryUUID"`
	Version   int    `json:"version"`
}

// act carries out R-34…R-39 on one document.
func (s *Server) act(c *call) (any, error) {
	if !rights.IsAct(c.param("act")) {
		_, err := s.Rights.Act(c.ctx, c.on(), "", c.param("act"), false)
		return nil, err
	}
	var body attestedBody
	if err := c.decodeOptional(&body); err != nil {
		return nil, err
	}
	changed, err := s.Rights.Act(c.ctx, c.on(), c.param("document"), c.param("act"), body.Attested)
	return changedAnswer{changed.LogicalID, changed.EntryUUID, changed.Version}, err
}

type actorAnswer struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Profession string `json:"profession"`
	Structure  string `json:"structure"`
}

type entryAnswer struct {
	At          time.Time   `json:"at"`
	Actor       actorAnswer `json:"actor"`
	Action      string      `json:"action"`
	Mode        string      `json:"mode"`
	Outcome     string      `json:"outcome"`
	Reason      string      `json:"reason"`
	Document    string      `json:"document,omitempty"`
	Transaction string      `json:"transaction"`
	Own         bool        `json:"own"`
	Application string      `json:"application,omitempty"`
}

type historyAnswer struct {
	Entries []entryAnswer `json:"entries"`
	Next    *string       `json:"next"` // null on the last page
}

// history is under J-2…J-5.
func (s *Server) history(c *call) (any, error) {
	q, err := historyQuery(c)
	if err != nil {
		return nil, err
	}
	events, next, err := s.Rights.History(c.ctx, c.on(), q)
	answer := historyAnswer{Entries: make([]entryAnswer, 0, len(events))}
	if next != "" {
		answer.Next = &next
	}
	for _, e := range events {
		answer.Entries = append(answer.Entries, entryOf(e))
	}
	return answer, err
}

func historyQuery(c *call) (registry.HistoryQuery, error) {
	q := registry.HistoryQuery{Actor: c.ctx.Query("actor"), Page: c.ctx.Query("page")}
	var findings xds.Errors
	for _, bound := range []struct {
		name string
		to   *time.Time
	}{{"from", &q.From}, {"to", &q.To}} {
		text := c.ctx.Query(bound.name)
		if text == "" {
			continue
		}
		at, err := rights.Date(text)
		if err == nil && bound.name == "to" && len(text) == len(time.DateOnly) {
			at = at.AddDate(0, 0, 1) // a day is in the period to its end
		}
		if err != nil {
			findings.Add(&xds.Error{ID: "JSON-002", Where: bound.name, Found: text, Expected: "une date (AAAA-MM-JJ ou RFC 3339)"})
		}
		*bound.to = at
	}
	return q, findings.Err()
}

func entryOf(e registry.Event) entryAnswer {
	outcome := "deny"
	if e.Permit {
		outcome = "permit"
	}
	return entryAnswer{
		At: e.At.UTC(), Actor: actorAnswer{e.Actor, e.ActorName, e.Profession, e.Structure}, Action: authz.Action.Name(e.Action),
		Mode: modeName(e.Mode), Outcome: outcome, Reason: e.Reason, Document: e.Document, Transaction: e.Transaction, Own: e.Own, Application: e.Application,
	}
}

// modeName is the access mode in the words of the VIHF.
func modeName(mode authz.Value) string {
	switch mode {
	case authz.Centre15:
		return "centre_15"
	case authz.BrisDeGlace, authz.BrisDeGlaceUnfounded:
		return "bris_de_glace"
	default:
		return "normal"
	}
}
