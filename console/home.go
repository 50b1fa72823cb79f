package console

import (
	"net/http"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/account"
)

var homeRoutes = []route{
	{method: http.MethodGet, path: "/patient", handle: (*Server).choose},
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
	if !v.inside || v.call.Record == "" || v.emergency != nil { // whose pages are those of its forms
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

// choose goes to the one record of who has one, and lets others choose.
func (s *Server) choose(v *visit) error {
	if len(v.records) == 1 {
		v.redirect("/patient/" + v.records[0].Record)
		return nil
	}
	return v.show("choose", v.T("Choisir un dossier"), v.records)
}

// Roles are how a record is the visitor's, in words.
var roleWords = map[authz.Role]string{
	authz.HolderRole: "Mon dossier", authz.RepresentativeRole: "Enfant que je représente", authz.DelegateRole: "Proche qui m'a délégué l'accès",
}

// RoleOf is how a record is the visitor's.
func (v *visit) RoleOf(r account.Reachable) string { return v.T(roleWords[r.Role]) }

// Holder is the name of whose record it is.
func (v *visit) Holder() string { return v.record.Traits.Given + " " + v.record.Traits.Family }
