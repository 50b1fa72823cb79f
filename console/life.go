package console

import (
	"net/http"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

// lifePage is where the record stands in its life, and what can be done with it.
type lifePage struct {
	State      string
	Word       string    // to be typed
	Kept       time.Time // at the soonest, if it were closed now
	OtherAgree bool      // the other parent's agreement has to be attested
	Findings   []finding
}

// lifeWords are the states of a record in words (policy §1.5).
var lifeWords = map[authz.Value]string{
	authz.ProfileNotified: "La création du dossier est annoncée", authz.ProfileOpposed: "L'ouverture du dossier est refusée",
	authz.ProfileOpen: "Le dossier est ouvert, il n'est pas encore activé", authz.ProfileActive: "Le dossier est activé",
	authz.ProfileClosed: "Le dossier est fermé", authz.ProfileErased: "Le dossier est supprimé",
}

// life shows what can be done with the record as a whole (R-50…R-54).
func (s *Server) life(v *visit) error { return s.showLife(v, http.StatusOK, nil) }

func (s *Server) showLife(v *visit, status int, refusal error) error {
	standing, err := s.Rights.State(v.context(), v.call)
	if err != nil {
		return err
	}
	page := lifePage{State: authz.Profile.Name(standing.State.Profile), Word: rights.Confirmation, Kept: s.Now().AddDate(record.RetentionYears, 0, 0), Findings: v.findings(refusal)}
	all, _ := xds.FindingsOf(refusal)
	page.OtherAgree = len(all) > 0 && all[0].ID == "LIFE-003"
	return v.render(status, "settings-life", v.T(lifeWords[standing.State.Profile]), page)
}

// live carries an act of the life cycle out.
func (s *Server) live(v *visit) error {
	ctx, call := v.context(), v.call
	var err error
	message := ""
	switch v.param("act") {
	case "activer":
		_, err = s.Rights.Activate(ctx, call, v.ticked("accord"))
		message = v.T("Le dossier est activé.")
	case "refuser":
		_, err = s.Rights.Oppose(ctx, call)
		message = v.T("L'ouverture est refusée. Je peux changer d'avis à tout moment.")
	case "fermer":
		_, err = s.Rights.Close(ctx, call)
		message = v.T("Le dossier est fermé. Personne ne le consulte ni ne l'alimente.")
	case "rouvrir":
		_, err = s.Rights.Reopen(ctx, call)
		message = v.T("Le dossier est rouvert, avec tout ce qu'il contenait.")
	case "supprimer":
		_, err = s.Rights.Erase(ctx, call, v.form("confirm"))
		message = v.T("Tout est supprimé. Rien ne peut être récupéré.")
	default:
		return &xds.Error{ID: "JSON-003"}
	}
	if status, refused := refusedForm(err); refused {
		return s.showLife(v, status, err)
	}
	if err != nil {
		return err
	}
	return v.done(v.at("parametres", "vie"), message)
}

// certificate is the signed certificate of the definitive deletion, to be kept.
func (s *Server) certificate(v *visit) error {
	file, err := s.Rights.Certificate(v.context(), v.call)
	if err != nil {
		return err
	}
	v.gone = true
	v.ctx.Header("Content-Disposition", `attachment; filename="certificat-de-suppression.json"`)
	v.ctx.Data(http.StatusOK, "application/json; charset=utf-8", file)
	return nil
}
