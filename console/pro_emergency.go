package console

import (
	"net/http"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

var proEmergencyRoutes = []route{
	{method: http.MethodGet, path: "/pro/{record}/urgence", handle: (*Server).proEmergency},
	{method: http.MethodPost, path: "/pro/{record}/urgence", handle: (*Server).proBreak},
	{method: http.MethodPost, path: "/pro/{record}/urgence/documents", handle: (*Server).proUrgentDocuments},
	{method: http.MethodPost, path: "/pro/{record}/urgence/document", handle: (*Server).proUrgentDocument},
	{method: http.MethodPost, path: "/pro/{record}/urgence/fichier", handle: (*Server).proUrgentFile},
	{method: http.MethodPost, path: "/pro/{record}/urgence/fin", handle: (*Server).proEnd},
}

// emergencyTime is how long the pages of an emergency access go on without its form
// being filled in again.
const emergencyTime = 15 * time.Minute

// emergencyUse is what its token is sealed for.
const emergencyUse = "urgence"

// urgent is what an emergency access is asked with. Bris de glace is per request and per
// patient and never remembered (C-12): the gateway keeps nothing of it, the page carries
// the four values, sealed, and each request of the access is judged with them anew.
type urgent struct {
	Mode    authz.Value
	Traits  authz.Traits
	Reason  string
	Expires time.Time
}

// emergencyAccess is how the pages show it, during the whole access (EX_0.3-1050).
type emergencyAccess struct {
	Title, Effect string
	Reason        string
	Until         time.Time
	Sealed        string
	End           string // where it is ended
}

// maxReason bounds a justification, in bytes.
const maxReason = 500

// proUrgency is the page of the form.
type proUrgency struct {
	proSheet
	Findings []finding
	Asked    urgent
	Born     string // as it was typed
}

// proEmergency shows the form. Whether there is such a record the existence test says;
// the name of the patient is the professional's to know.
func (s *Server) proEmergency(v *visit) error {
	at, err := s.Rights.Position(v.context(), v.call)
	if err != nil {
		return err
	}
	return v.proUrgencyForm(http.StatusOK, at, urgent{}, nil)
}

func (v *visit) proUrgencyForm(status int, at rights.Position, asked urgent, refused error) error {
	return v.render(status, "pro-urgence", v.T("Accès en urgence"), proUrgency{proSheet{Position: at}, v.findings(refused), asked, v.form("naissance")})
}

// proBreak opens an emergency access: the documents, or the refusal above the form.
func (s *Server) proBreak(v *visit) error {
	u := urgent{Mode: authz.BrisDeGlace, Expires: s.Now().Add(emergencyTime)}
	if v.form("mode") == "centre15" {
		u.Mode = authz.Centre15
	} else {
		u.Reason, u.Traits.Family, u.Traits.Given = v.form("raison"), v.form("nom"), v.form("prenom")
		u.Traits.BirthDate, _ = birthDate(v.form("naissance"))
	}
	if len(u.Reason) > maxReason {
		return v.proUrgencyForm(http.StatusUnprocessableEntity, rights.Position{}, u, &xds.Error{ID: "JSON-002", Where: v.T("Justification de l'accès"), Expected: v.T("500 caractères au plus")})
	}
	err := v.urgent(u)
	if err == nil {
		err = v.proList(u.filters(v))
	}
	all, refused := xds.FindingsOf(err)
	if !refused || all[0].ID != "ACC-24" && all[0].ID != "ACC-25" {
		return err
	}
	regulator, failed := s.Rights.Regulates(v.context(), v.call)
	if failed != nil {
		return failed
	}
	v.emergency = nil
	return v.proUrgencyForm(http.StatusForbidden, rights.Position{Regulator: regulator}, u, err)
}

// filters of the first page of an access: those of any first search.
func (urgent) filters(v *visit) proFilter { return v.proFilter(func(string) string { return "" }) }

// urgent makes the request one of an emergency access: the Gate judges it with these values
// and no others.
func (v *visit) urgent(u urgent) error {
	sealed, err := v.seal(emergencyUse, u)
	if err != nil {
		return err
	}
	v.call.Subject = account.Urgent(v.call.Subject, u.Mode, u.Traits, u.Reason)
	e := emergencyAccess{Title: v.T("Bris de glace."), Effect: v.T("Vous consultez ce dossier sans l'accord du patient ; il en est averti."), Reason: u.Reason, Until: u.Expires, Sealed: sealed, End: v.at("urgence", "fin")}
	if u.Mode == authz.Centre15 {
		e.Title, e.Effect = v.T("Régulation du centre 15."), v.T("Vous consultez ce dossier pour un appel en cours ; le patient en est averti.")
	}
	v.emergency = &e
	return nil
}

// resumed is the access that the page of a form carries. One that is over, was sealed for
// another session or record, or was altered, is none.
func (v *visit) resumed() error {
	var u urgent
	if !v.unseal(emergencyUse, v.ctx.PostForm("acces"), &u) || !v.server.Now().Before(u.Expires) {
		return &xds.Error{ID: "WEB-011"}
	}
	return v.urgent(u)
}

func (s *Server) proUrgentDocuments(v *visit) error {
	if err := v.resumed(); err != nil {
		return err
	}
	return v.proList(v.proFilter(v.form))
}

func (s *Server) proUrgentDocument(v *visit) error {
	if err := v.resumed(); err != nil {
		return err
	}
	return v.proShow(v.form("document"), v.ticked("ouvrir"))
}

func (s *Server) proUrgentFile(v *visit) error {
	if err := v.resumed(); err != nil {
		return err
	}
	return v.proFile(v.form("document"), v.form("partie"))
}

// proEnd leaves the access: the page that carried it is gone, and nothing else knew of it.
func (s *Server) proEnd(v *visit) error {
	return v.done("/pro", v.T("L'accès en urgence est terminé."))
}
