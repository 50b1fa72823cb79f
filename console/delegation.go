package console

import (
	"net/http"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/rights"
)

// Access delegated to a relative (S1 "pourra être délégué à un proche choisi par
// l'utilisateur"): the holder's side, and the relative's.
var delegationRoutes = []route{
	{method: http.MethodGet, path: "/patient/{record}/acces/proches", handle: (*Server).relatives},
	{method: http.MethodPost, path: "/patient/{record}/acces/proches", handle: (*Server).invite},
	{method: http.MethodPost, path: "/patient/{record}/acces/proches/{delegation}/retirer", handle: (*Server).revokeDelegation},
	{method: http.MethodPost, path: "/patient/{record}/acces/renoncer", handle: (*Server).renounce},
	{method: http.MethodGet, path: "/patient/invitation/{link}", open: true, handle: (*Server).invitation},
	{method: http.MethodPost, path: "/patient/invitation/{link}/accepter", handle: (*Server).acceptInvitation},
	{method: http.MethodPost, path: "/patient/invitation/{link}/refuser", handle: (*Server).refuseInvitation},
}

// delegationWords are the states in words.
var delegationWords = map[record.DelegationState]string{
	record.DelegationPending: "Invitation envoyée", record.DelegationAccepted: "Accès en cours", record.DelegationRefused: "Refusée",
	record.DelegationExpired: "Échue", record.DelegationRevoked: "Retirée par le titulaire", record.DelegationRenounced: "Le proche a renoncé",
}

// delegation is one as a page shows it.
type delegation struct {
	record.Delegation
	Words   string
	Pending bool
	Current bool // gives access now
}

func (v *visit) delegation(d record.Delegation, now time.Time) delegation {
	one := delegation{Delegation: d, Current: d.Stands(now) && d.State == record.DelegationAccepted, Pending: d.Stands(now) && d.State == record.DelegationPending}
	state := d.State
	if (state == record.DelegationAccepted || state == record.DelegationPending) && !d.Stands(now) {
		state = record.DelegationExpired // the scheduler has not come by yet
	}
	one.Words = v.T(delegationWords[state])
	return one
}

// relativesPage is who has access by delegation, and the form to invite somebody.
type relativesPage struct {
	Standing, Over       []delegation
	Adult                bool // who may delegate
	Delegate             bool // the visitor has his access so
	Latest, Earliest     string
	Family, Given, Email string // as they were typed
	Until                string
	Findings             []finding
}

func (s *Server) relatives(v *visit) error {
	return s.showRelatives(v, http.StatusOK, relativesPage{})
}

func (s *Server) showRelatives(v *visit, status int, page relativesPage) error {
	all, err := s.Rights.Delegations(v.context(), v.call)
	if err != nil {
		return err
	}
	now := s.Now()
	for _, d := range all {
		if one := v.delegation(d, now); one.Current || one.Pending {
			page.Standing = append(page.Standing, one)
		} else {
			page.Over = append(page.Over, one)
		}
	}
	page.Adult, page.Delegate = v.own(), v.record.Role == authz.DelegateRole
	page.Earliest, page.Latest = now.AddDate(0, 0, 1).In(s.pages.paris).Format(time.DateOnly), now.Add(record.LongestDelegation).In(s.pages.paris).Format(time.DateOnly)
	return v.render(status, "access-relatives", v.T("Proches"), page)
}

// invite sends an invitation.
func (s *Server) invite(v *visit) error {
	who := rights.Invitee{Family: v.form("family"), Given: v.form("given"), Email: v.form("email"), Until: v.form("until"), Lang: v.lang}
	_, err := s.Rights.Invite(v.context(), v.call, who)
	if status, refused := refusedForm(err); refused {
		return s.showRelatives(v, status, relativesPage{Family: who.Family, Given: who.Given, Email: who.Email, Until: who.Until, Findings: v.findings(err)})
	}
	if err != nil {
		return err
	}
	return v.done(v.at("acces", "proches"), v.T("L'invitation est envoyée à %s.", who.Email))
}

func (s *Server) revokeDelegation(v *visit) error {
	if err := s.Rights.RevokeDelegation(v.context(), v.call, v.param("delegation")); err != nil {
		return err
	}
	return v.done(v.at("acces", "proches"), v.T("C'est fini : cette personne n'a plus accès au dossier."))
}

// renounce gives the visitor's own delegation up; the record is not his any more.
func (s *Server) renounce(v *visit) error {
	if err := s.Rights.Renounce(v.context(), v.call); err != nil {
		return err
	}
	return v.done("/patient", v.T("J'ai renoncé à cet accès."))
}

// invitationPage is an invitation; before the visitor has signed in it names nobody.
type invitationPage struct {
	Inside bool
	Link   string
	SignIn string
	Offer  record.Offer
	Holder string
}

// invitation shows the invitation of a link.
func (s *Server) invitation(v *visit) error {
	o, err := s.Rights.Offered(v.context(), v.param("link"))
	if err != nil {
		return err
	}
	page := invitationPage{Inside: v.inside, Link: rights.InvitationPath + v.param("link")}
	page.SignIn = "/patient/connexion?suite=" + page.Link
	if v.inside {
		page.Offer, page.Holder = o, o.Holder.Given+" "+capitals(o.Holder.Family)
	}
	return v.show("access-invitation", v.T("Un proche m'invite à accéder à son dossier"), page)
}

func (s *Server) acceptInvitation(v *visit) error {
	o, err := s.answer(v, true)
	if err != nil {
		return err
	}
	return v.done("/patient/"+o.Record, v.T("J'ai maintenant accès à ce dossier."))
}

func (s *Server) refuseInvitation(v *visit) error {
	if _, err := s.answer(v, false); err != nil {
		return err
	}
	return v.done("/patient", v.T("J'ai refusé cette invitation."))
}

func (s *Server) answer(v *visit, accept bool) (record.Offer, error) {
	var has []string
	for _, r := range v.records {
		has = append(has, r.Record)
	}
	return s.Rights.Answer(v.context(), v.param("link"), accept, v.session.Account, has, func(person string) authz.Subject {
		return v.session.Person(person, "", s.issuer())
	})
}
