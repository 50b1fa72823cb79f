package console

import (
	"net/http"

	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

// emergency shows the three consents for emergencies (S2, S4, Q-03).
func (s *Server) emergency(v *visit) error {
	standing, err := s.Rights.State(v.context(), v.call)
	if err != nil {
		return err
	}
	return v.show("access-emergency", v.T("En cas d'urgence"), standing.State.Settings)
}

// setEmergency stores them. A box that is not ticked is a refusal; masked documents are
// shown to nobody when nobody may enter.
func (s *Server) setEmergency(v *visit) error {
	samu, others, masked := v.ticked("samu"), v.ticked("autres"), v.ticked("masques")
	now, err := s.Rights.SetSettings(v.context(), v.call, rights.Switches{SamuOK: &samu, BdgOK: &others, MaskedOK: &masked})
	if err != nil {
		return err
	}
	message := v.T("Mes choix pour les urgences sont enregistrés.")
	if masked && !now.MaskedOK {
		message = v.T("Mes choix pour les urgences sont enregistrés. Les documents masqués restent masqués : personne ne peut consulter en urgence.")
	}
	return v.done(v.at("acces", "urgence"), message)
}

// refusedForm tells a refusal that a form is shown again with, and its status: one about
// what was typed or chosen, not one about who asks.
func refusedForm(err error) (status int, ok bool) {
	all, told := xds.FindingsOf(err)
	if err == nil || !told {
		return 0, false
	}
	status = all[0].Problem().Status
	return status, status == http.StatusUnprocessableEntity || status == http.StatusConflict
}
