package console

import (
	"net/http"
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/rights"
)

// Who may enter a record: professionals, the médecin traitant, emergencies (R-41…R-46,
// users §2). The sentences of effect are those of Mon Espace Santé.
var accessRoutes = []route{
	{method: http.MethodGet, path: "/patient/{record}/acces", handle: (*Server).access},
	{method: http.MethodGet, path: "/patient/{record}/acces/annuaire", handle: (*Server).directory},
	{method: http.MethodGet, path: "/patient/{record}/acces/professionnel/{professional}", handle: (*Server).card},
	{method: http.MethodPost, path: "/patient/{record}/acces/professionnel/{professional}/retirer", handle: (*Server).unlink},
	{method: http.MethodPost, path: "/patient/{record}/acces/professionnel/{professional}/bloquer", handle: (*Server).block},
	{method: http.MethodPost, path: "/patient/{record}/acces/professionnel/{professional}/debloquer", handle: (*Server).unblock},
	{method: http.MethodGet, path: "/patient/{record}/acces/medecin-traitant", handle: (*Server).physician},
	{method: http.MethodPost, path: "/patient/{record}/acces/medecin-traitant", handle: (*Server).namePhysician},
	{method: http.MethodPost, path: "/patient/{record}/acces/medecin-traitant/retirer", handle: (*Server).removePhysician},
	{method: http.MethodGet, path: "/patient/{record}/acces/urgence", handle: (*Server).emergency},
	{method: http.MethodPost, path: "/patient/{record}/acces/urgence", handle: (*Server).setEmergency},
}

// standing is a professional and where he stands on the record.
type standing struct {
	record.Authorization
	Access authz.Access
	Name   string
	Words  string // profession
	Linked bool   // he has an authorisation, be it expired
	Team   bool   // as one of the care team, not by consent
}

func (v *visit) standing(a record.Authorization, now time.Time) standing {
	p := record.Professional{ID: a.Professional, Family: a.Family, Given: a.Given, Profession: a.Profession}
	return standing{
		Authorization: a, Access: a.Access(now), Name: v.Professional(p), Words: v.Profession(a.Profession, a.Specialty),
		Linked: a.Basis != 0 && a.Basis != authz.NoLink, Team: a.Basis == authz.TeamLink,
	}
}

// accessPage is who may enter, who could until lately, and who is barred.
type accessPage struct {
	Authorized, Expired, Blocked []standing
}

// access lists the professionals of the record.
func (s *Server) access(v *visit) error {
	all, err := s.Rights.Authorizations(v.context(), v.call, "")
	if err != nil {
		return err
	}
	var page accessPage
	for _, a := range all {
		switch one := v.standing(a, s.Now()); one.Access {
		case authz.AccessForbidden:
			page.Blocked = append(page.Blocked, one)
		case authz.AccessValid:
			page.Authorized = append(page.Authorized, one)
		default:
			page.Expired = append(page.Expired, one)
		}
	}
	return v.show("access-list", v.T("Professionnels %s", v.Of()), page)
}

// directoryPage is what a search of the directory found.
type directoryPage struct {
	Asked string
	Found []standing
	Full  bool // there may be more
}

// directory finds somebody who is not on the list, to block him before he ever comes.
func (s *Server) directory(v *visit) error {
	page := directoryPage{Asked: v.query("nom")}
	if page.Asked != "" {
		found, err := s.Rights.Professionals(v.context(), page.Asked)
		if err != nil {
			return err
		}
		for _, p := range found {
			a := record.Authorization{Professional: p.ID, Family: p.Family, Given: p.Given, Profession: p.Profession, Specialty: p.Specialty, StructureName: p.StructureName}
			page.Found = append(page.Found, v.standing(a, s.Now()))
		}
		page.Full = len(found) == rights.MaxFound
	}
	return v.show("access-directory", v.T("Chercher un professionnel"), page)
}

// card is all about one professional: where he stands, what he can do, what I can change.
func (s *Server) card(v *visit) error {
	p, err := s.Rights.Professional(v.context(), v.param("professional"))
	if err != nil {
		return err
	}
	all, err := s.Rights.Authorizations(v.context(), v.call, "")
	if err != nil {
		return err
	}
	a := record.Authorization{Professional: p.ID, Structure: p.Structure}
	if i := slices.IndexFunc(all, func(a record.Authorization) bool { return a.Professional == p.ID }); i >= 0 {
		a = all[i]
	}
	a.Family, a.Given, a.Profession, a.Specialty = p.Family, p.Given, p.Profession, p.Specialty
	if a.StructureName == "" && a.Structure == p.Structure {
		a.StructureName = p.StructureName
	}
	one := v.standing(a, s.Now())
	return v.show("access-card", one.Name, one)
}

// atCard is the page of the professional of the path.
func (v *visit) atCard() string { return v.at("acces", "professionnel", v.param("professional")) }

// unlink ends the access of a professional.
func (s *Server) unlink(v *visit) error {
	if err := s.Rights.Unlink(v.context(), v.call, v.param("professional")); err != nil {
		return err
	}
	return v.done(v.atCard(), v.T("J'ai mis fin à cette autorisation : il devra à nouveau me demander mon accord."))
}

// block bars a professional (R-42, C-07).
func (s *Server) block(v *visit) error {
	if _, err := s.Rights.Block(v.context(), v.call, v.param("professional"), false); err != nil {
		return err
	}
	return v.done(v.atCard(), v.T("Ce professionnel est bloqué."))
}

// unblock lifts a block.
func (s *Server) unblock(v *visit) error {
	if err := s.Rights.Unblock(v.context(), v.call, v.param("professional")); err != nil {
		return err
	}
	return v.done(v.atCard(), v.T("Ce professionnel n'est plus bloqué. Il devra à nouveau me demander mon accord."))
}

// physicianPage is the médecin traitant and those who could be.
type physicianPage struct {
	Current    *standing
	Candidates []standing
	Findings   []finding
}

// physician shows the médecin traitant.
func (s *Server) physician(v *visit) error { return s.showPhysician(v, http.StatusOK, nil) }

func (s *Server) showPhysician(v *visit, status int, refusal error) error {
	page := physicianPage{Findings: v.findings(refusal)}
	all, err := s.Rights.Authorizations(v.context(), v.call, "")
	if err != nil {
		return err
	}
	for _, a := range all {
		if one := v.standing(a, s.Now()); a.Administrator {
			page.Current = &one
		}
	}
	candidates, err := s.Rights.Physicians(v.context(), v.call)
	if err != nil {
		return err
	}
	for _, p := range candidates {
		if page.Current == nil || page.Current.Professional != p.ID {
			page.Candidates = append(page.Candidates, v.standing(record.Authorization{Professional: p.ID, Family: p.Family, Given: p.Given,
				Profession: p.Profession, Specialty: p.Specialty, StructureName: p.StructureName}, s.Now()))
		}
	}
	return v.render(status, "access-physician", v.T("Médecin traitant"), page)
}

// namePhysician names or replaces the médecin traitant (R-42, C-06).
func (s *Server) namePhysician(v *visit) error {
	_, err := s.Rights.NameAdministrator(v.context(), v.call, v.form("professional"))
	if status, refused := refusedForm(err); refused {
		return s.showPhysician(v, status, err)
	}
	if err != nil {
		return err
	}
	return v.done(v.at("acces", "medecin-traitant"), v.T("Le médecin traitant est enregistré."))
}

// removePhysician leaves the record without one.
func (s *Server) removePhysician(v *visit) error {
	if err := s.Rights.RemoveAdministrator(v.context(), v.call); err != nil {
		return err
	}
	return v.done(v.at("acces", "medecin-traitant"), v.T("Il n'y a plus de médecin traitant."))
}

// AccessMenu are the pages about who may enter.
func (v *visit) AccessMenu() []item {
	all := []item{{Text: "Professionnels", Path: v.at("acces")}, {Text: "Médecin traitant", Path: v.at("acces", "medecin-traitant")}, {Text: "En cas d'urgence", Path: v.at("acces", "urgence")}, {Text: "Proches", Path: v.at("acces", "proches")}}
	for i := range all {
		all[i].Text, all[i].Here = v.T(all[i].Text), v.ctx.Request.URL.Path == all[i].Path
	}
	return all
}

// At is a page of the record of the visit, for templates.
func (v *visit) At(parts ...string) string { return v.at(parts...) }
