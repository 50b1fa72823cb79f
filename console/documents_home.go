package console

import (
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// homePage is the first page of a record: what is new, and how things stand.
type homePage struct {
	Since      time.Time
	New        []line // since the last visit
	More       bool   // there are more of them
	Recent     []line // where there was no visit, or nothing is new
	Authorized []standing
	MaskAll    bool
}

// How many documents the first page shows, and of how many it counts the new ones.
const (
	recentShown = 5
	newShown    = 20
)

// home is the first page of a record.
func (s *Server) home(v *visit) error {
	var page homePage
	err := s.Registry.Read(v.context(), func(session *registry.Session) error {
		page = homePage{}
		scope, err := s.Rights.Gate.Open(v.context(), session, v.call.Subject, v.record.Patient, v.call.Purpose(authz.Search, "home"))
		if err != nil {
			return err
		}
		return page.fill(v, session, scope)
	})
	if told(err) { // a record that is not open shows how it stands, to who may know, and nothing else
		standing, refused := s.Rights.State(v.context(), v.call)
		if refused == nil && standing.State != nil && standing.State.Profile != authz.ProfileOpen && standing.State.Profile != authz.ProfileActive {
			v.redirect(v.at("parametres", "vie"))
			return nil
		}
	}
	if err != nil {
		return err
	}
	return v.show("home", v.T("Accueil"), page)
}

// fill reads what the page shows, in one session and by one decision.
func (p *homePage) fill(v *visit, session *registry.Session, scope authz.Scope) (err error) {
	if p.Since, err = session.LastVisit(v.context(), scope); err != nil {
		return err
	}
	current := xds.Query{}.With(xds.StatusIs(xds.Approved))
	if !p.Since.IsZero() {
		q := current.With(xds.Match{Attribute: xds.AttrLastUpdateTime, Op: xds.Within, Span: xds.Span{From: p.Since}})
		q.Limit = windowSize
		found, err := session.Find(v.context(), scope, q)
		if err != nil {
			return err
		}
		for _, d := range shown(found.Documents) {
			switch {
			case d.Labels.RegisteredUnix < p.Since.Unix() || d.Depositor == v.record.Person:
			case len(p.New) == newShown:
				p.More = true
			default:
				p.New = append(p.New, v.line(d))
			}
		}
	}
	if len(p.New) == 0 {
		current.Limit = recentShown
		found, err := session.Find(v.context(), scope, current)
		if err != nil {
			return err
		}
		for _, d := range shown(found.Documents) {
			p.Recent = append(p.Recent, v.line(d))
		}
	}
	around, err := record.Around(v.context(), session.Handle(), scope)
	for _, a := range around {
		if one := v.standing(a, v.server.Now()); one.Access == authz.AccessValid {
			p.Authorized = append(p.Authorized, one)
		}
	}
	p.MaskAll = scope.Settings().MaskAll
	return err
}
