package console

import (
	"net/http"

	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// What a professional sees of the history, and what the médecin traitant may do about
// other professionals (S0, R-41, R-43, R-47, J-4, J-5).
var proHistoryRoutes = []route{
	{method: http.MethodGet, path: "/pro/{record}/historique", handle: (*Server).proHistory},
	{method: http.MethodGet, path: "/pro/{record}/professionnels", handle: (*Server).proTeam},
	{method: http.MethodPost, path: "/pro/{record}/professionnels/bloquer", handle: (*Server).proBlock},
	{method: http.MethodPost, path: "/pro/{record}/demission", handle: (*Server).proResign},
}

// proHistoryPage is a page of the history.
type proHistoryPage struct {
	proSheet
	Lines       []historyLine
	Next, First string
	All         bool // the administrator's: everybody's lines
}

// proHistory shows one's own lines, and the médecin traitant all of them.
func (s *Server) proHistory(v *visit) error {
	events, next, err := s.Rights.History(v.context(), v.call, registry.HistoryQuery{Page: v.query("suite"), Limit: linesOfPage})
	if err != nil {
		return err
	}
	page := proHistoryPage{}
	if page.proSheet, err = v.sheet(); err != nil {
		return err
	}
	if page.Lines, err = v.tellAll(events); err != nil {
		return err
	}
	for _, l := range page.Lines {
		page.All = page.All || !l.Own
	}
	if next != "" {
		page.Next = v.with("suite", next)
	}
	if v.query("suite") != "" {
		page.First = v.at("historique")
	}
	return v.show("pro-historique", v.T("Historique"), page)
}

// proTeamPage are those who may enter and those who are barred.
type proTeamPage struct {
	proSheet
	Findings []finding
	People   []standing
	Asked    string
	Found    []standing
}

// proTeam lists the professionals of the record for its médecin traitant, and finds others
// in the directory, which is public.
func (s *Server) proTeam(v *visit) error { return v.proTeam(http.StatusOK, nil) }

func (v *visit) proTeam(status int, refused error) error {
	s := v.server
	at, err := s.Rights.Position(v.context(), v.call)
	if err != nil {
		return err
	}
	if !at.Administrator {
		return &xds.Error{ID: "ACC-42"}
	}
	page := proTeamPage{proSheet: proSheet{Position: at}, Findings: v.findings(refused), Asked: v.query("nom")}
	all, err := s.Rights.Authorizations(v.context(), v.call, "")
	if err != nil {
		return err
	}
	for _, a := range all {
		page.People = append(page.People, v.standing(a, s.Now()))
	}
	if page.Asked != "" {
		found, err := s.Rights.Professionals(v.context(), page.Asked)
		if err != nil {
			return err
		}
		for _, p := range found {
			page.Found = append(page.Found, v.standing(authorizationOf(p), s.Now()))
		}
	}
	return v.render(status, "pro-professionnels", v.T("Professionnels du dossier"), page)
}

// proBlock bars a professional at the patient's request (C-11).
func (s *Server) proBlock(v *visit) error {
	_, err := s.Rights.Block(v.context(), v.call, v.form("professionnel"), v.ticked("attested"))
	if all, ok := xds.FindingsOf(err); ok && (all[0].ID == "C-11" || all[0].ID == "C-07" || all[0].ID == "JSON-003") {
		return v.proTeam(http.StatusUnprocessableEntity, err)
	}
	if err != nil {
		return err
	}
	return v.done(v.at("professionnels"), v.T("Ce professionnel est bloqué : il ne consulte plus ce dossier, même en urgence."))
}

// proResign ends one's own role of médecin traitant.
func (s *Server) proResign(v *visit) error {
	if !v.ticked("confirme") {
		return v.proRecord(http.StatusUnprocessableEntity, &xds.Error{ID: "JSON-002", Where: v.T("Confirmation"), Expected: v.T("la case cochée")})
	}
	if err := s.Rights.RemoveAdministrator(v.context(), v.call); err != nil {
		return err
	}
	return v.done(v.at(), v.T("Vous n'êtes plus le médecin traitant de ce patient."))
}

// authorizationOf is a professional of the directory as one who has no relation here.
func authorizationOf(p record.Professional) record.Authorization {
	return record.Authorization{Professional: p.ID, Family: p.Family, Given: p.Given, Profession: p.Profession, Specialty: p.Specialty, StructureName: p.StructureName}
}
