package console

import (
	"net/http"
	"time"

	"github.com/passerelle-sante/passerelle/registry/record"
)

// Who decides for a minor, and what changes when he is of age (S0, S3, S4).
var representativeRoutes = []route{
	{method: http.MethodGet, path: "/patient/{record}/representants", handle: (*Server).representatives},
}

// parent is one as a page tells him.
type parent struct {
	Name, Words, Tone string
	At                time.Time
	Own               bool // the visitor
}

type representativesPage struct {
	Parents  []parent
	Majority time.Time
}

// representatives lists the parents of the child of the record, and the agreement of each.
func (s *Server) representatives(v *visit) error {
	r, err := s.Rights.Representatives(v.context(), v.call)
	if err != nil {
		return err
	}
	page := representativesPage{Majority: r.Majority.In(s.pages.paris)}
	if r.Majority.IsZero() {
		page.Majority = r.Majority
	}
	for _, p := range r.Parents {
		page.Parents = append(page.Parents, v.parent(p))
	}
	return v.show("representatives", v.T("Les représentants de %s", v.Given()), page)
}

// parent says where a parent stands, and since when.
func (v *visit) parent(p record.Parent) parent {
	one := parent{Name: p.Given + " " + capitals(p.Family), Own: p.Person == v.call.Subject.ID, Words: v.T("Représente l'enfant"), Tone: "good"}
	switch {
	case !p.Asked:
	case p.Answer == record.Agrees:
		one.Words, one.At = v.T("A donné son accord, représente l'enfant"), p.ToldAt
	case p.Answer == record.Refuses:
		one.Words, one.Tone, one.At = v.T("A refusé, ne représente pas l'enfant"), "bad", p.ToldAt
	case p.Represents:
	default:
		one.Words, one.Tone, one.At = v.T("Accord demandé, pas encore donné"), "warn", p.AskedAt
	}
	return one
}

// Represented tells a record that the visitor holds for a child, for templates.
func (v *visit) Represented() bool { return v.represented() }
