package mhd

import (
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// letters are R4's interactions in those of SMART scopes (SMART App Launch 2, scopes
// for requesting FHIR resources). What is missing here no scope reaches.
var letters = map[string]string{
	"read": "r", "vread": "r", "history-instance": "r", "search-type": "s", "create": "c", "update": "u", "patch": "u", "delete": "d",
	"transaction": "c", "$generate-metadata": "c", "$status": "r",
}

// showing is what an answer to a write gives, when it shows a document that was there.
var showing = authz.Interaction{Resource: "DocumentReference", Letter: "r"}

// asks is what the route does, as a scope would name it. A transaction is ITI-65: it
// creates documents, with what carries them.
func (rt route) asks() authz.Interaction {
	if rt.interaction == "transaction" {
		return authz.Interaction{Resource: "DocumentReference", Letter: "c"}
	}
	return authz.Interaction{Resource: rt.resource, Letter: letters[rt.interaction]}
}

// allows checks that the scopes of the token reach the route, before anything is looked
// up: hidden and unknown are refused alike. The grant of an application is judged with
// the facts of the record, by the Gate, for what the subject asks here.
func (c *call) allows() error {
	asked := c.route.asks()
	if !c.subject.Reaches(asked) {
		e := &xds.Error{ID: "TOK-008"}
		if asked.Letter != "" {
			e.Where = level(c.subject) + "/" + asked.String()
		}
		return e
	}
	c.subject = c.subject.Asking(asked)
	return nil
}

// level is that of the scopes of a subject.
func level(sub authz.Subject) string {
	if sub.Application != "" {
		return "patient"
	}
	return "user"
}

// reader is whom a sealed link is for: one's application pages for itself.
func (c *call) reader() string { return c.subject.ID + "\x00" + c.subject.Application }
