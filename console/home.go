package console

import (
	"net/http"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

var homeRoutes = []route{
	{method: http.MethodGet, path: "/patient", handle: (*Server).choose},
	{method: http.MethodPost, path: "/patient/accords/{child}", handle: (*Server).agree},
	{method: http.MethodGet, path: "/patient/{record}", handle: (*Server).home},
}

// item is a line of the menu.
type item struct {
	Text, Path string
	Here       bool
}

// entries are the lines of the menus: each part adds its own.
var entries = map[side][]item{
	patientSide: {
		{Text: "Accueil", Path: ""},
		{Text: "Documents", Path: "documents"},
		{Text: "Profil médical", Path: "profil"},
		{Text: "Accès", Path: "acces"},
		{Text: "Historique", Path: "historique"},
		{Text: "Paramètres", Path: "parametres"},
	},
	proSide: {
		{Text: "Le dossier", Path: ""}, {Text: "Documents", Path: "documents"}, {Text: "Profil médical", Path: "profil"}, {Text: "Vaccinations", Path: "profil/vaccinations"},
		{Text: "Déposer", Path: "deposer"}, {Text: "Historique", Path: "historique"},
	},
}

// menu is that of the record of the visit; none without one.
func (v *visit) menu() []item {
	if !v.inside || v.call.Record == "" || v.side == patientSide && v.record.Record == "" || v.emergency != nil { // whose pages are those of its forms
		return nil
	}
	var all []item
	for _, e := range entries[v.side] {
		path := v.at()
		if e.Path != "" {
			path = v.at(e.Path)
		}
		all = append(all, item{v.T(e.Text), path, v.ctx.Request.URL.Path == path || e.Path != "" && strings.HasPrefix(v.ctx.Request.URL.Path, path+"/")})
	}
	return all
}

// choose goes to the one record of who has one and is asked nothing, and lets others
// choose, or answer.
func (s *Server) choose(v *visit) error {
	asked, err := s.Rights.Asked(v.context(), v.session.Persons)
	if err != nil {
		return err
	}
	if len(v.records) == 1 && len(asked) == 0 {
		v.redirect("/patient/" + v.records[0].Record)
		return nil
	}
	return v.show("choose", v.T("Choisir un dossier"), map[string]any{"Records": v.records, "Asked": asked})
}

// agree takes the answer of the other parent of a minor (S3).
func (s *Server) agree(v *visit) error {
	asked, err := s.Rights.Asked(v.context(), v.session.Persons)
	if err != nil {
		return err
	}
	for _, a := range asked {
		if a.Record == v.param("child") {
			c := rights.Call{Face: rights.Web, Record: a.Record, Subject: v.session.Person(a.Person, "", s.issuer())}
			if err := s.Rights.Agree(v.context(), c, v.form("accord") == "oui"); err != nil {
				return err
			}
			return v.done("/patient", v.T("Ma réponse est enregistrée."))
		}
	}
	return &xds.Error{ID: "JSON-003"}
}

// Roles are how a record is the visitor's, in words.
var roleWords = map[authz.Role]string{
	authz.HolderRole: "Mon dossier", authz.RepresentativeRole: "Enfant que je représente", authz.DelegateRole: "Proche qui m'a délégué l'accès",
}

// RoleOf is how a record is the visitor's.
func (v *visit) RoleOf(r account.Reachable) string { return v.T(roleWords[r.Role]) }

// Holder is the name of whose record it is.
func (v *visit) Holder() string { return v.record.Traits.Given + " " + v.record.Traits.Family }
