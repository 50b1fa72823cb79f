package authz

import (
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Application is a service of the operator's catalogue (the « catalogue de services
// référencés »): software that a patient may authorise to act for him. What stands here
// is the most that any patient can grant it.
type Application struct {
	Client    string // client_id of its tokens
	Name      string
	Publisher string
	Reach     Reach
	Types     []string      // document types, code^^scheme; nil = all
	Longest   time.Duration // of a grant
}

// IsClient tells whether a text can be the client_id of an application: it stands in
// paths and in the history.
func IsClient(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// Grant is what a person granted an application on one record. The zero Grant is none.
type Grant struct {
	Given   bool
	Reach   Reach
	Types   []string // document types, code^^scheme; nil = all
	Expires time.Time
}

// applicationActs are what an application may do at all, where scopes and grant reach
// so far: it reads and feeds. Rights, marks and the history are the patient's own.
var applicationActs = []Value{Search, Retrieve, Submit, Replace, Delete, ReadState}

// OfApplications is the most that any application is granted: what documents hold, and
// being told of them. Who looks after the patient, who looked, and his consents are his.
const OfApplications Reach = "Binary.r DocumentReference.cruds Immunization.cruds ImmunizationRecommendation.rs List.rs Patient.rs Provenance.r Subscription.cruds"

// limit is the conjunct that the grant of an application adds to every predicate: a
// document of another type does not exist for it.
type limit struct {
	on    bool
	types []string
	reach []Reach // of the catalogue and of the grant
}

func (l limit) admits(typeKey string) bool { return !l.on || slices.Contains(l.types, typeKey) }

// byGrant stands in the trail where the grant of an application decided.
const byGrant = "grant"

// granted tells whether an application may do what is asked, now: the operator still
// lists it, the person whose token it has still grants it, and token, catalogue and
// grant all reach so far. Whoever acts himself needs no grant.
func (g *Gate) granted(m moment, sub Subject, given Grant, action Value) (limit, bool) {
	if sub.Application == "" {
		return limit{}, true
	}
	app, listed := g.application(sub.Application)
	reached := OfApplications.Allows(sub.Asked) && app.Reach.Allows(sub.Asked) && given.Reach.Allows(sub.Asked) && sub.Scopes.Allows(sub.Asked)
	if !listed || !given.Given || !m.now.Before(given.Expires) || !reached || !slices.Contains(applicationActs, action) {
		return limit{on: true}, false
	}
	l := both(app.Types, given.Types)
	l.reach = []Reach{OfApplications, app.Reach, given.Reach}
	return l, true
}

func (g *Gate) application(client string) (Application, bool) {
	if g.Applications == nil {
		return Application{}, false
	}
	return g.Applications(client)
}

// Reaches tells whether token, catalogue and grant also cover another interaction than
// the one that was asked: what a search includes is read.
func (sc Scope) Reaches(i Interaction) bool {
	return sc.Subject().Reaches(i) && !slices.ContainsFunc(sc.predicate.limit.reach, func(r Reach) bool { return !r.Allows(i) })
}

// both are the types of two lists, of which nil is no limit.
func both(a, b []string) limit {
	switch {
	case a == nil && b == nil:
		return limit{}
	case a == nil:
		return limit{on: true, types: b}
	case b == nil:
		return limit{on: true, types: a}
	}
	var types []string
	for _, t := range a {
		if slices.Contains(b, t) {
			types = append(types, t)
		}
	}
	return limit{on: true, types: types}
}

// Takes tells whether the depositor may bring a document of a type: an application
// brings none that would not exist for it. A refusal completes the trail row.
func (d Deposit) Takes(typeCode xds.Code) error {
	if d.read.limit.admits(typeCode.Key()) {
		return nil
	}
	if d.trace != nil {
		d.trace.Permit, d.trace.Code, d.trace.Rules = false, "APP-001", []string{byGrant}
	}
	return &xds.Error{ID: "APP-001"}
}
