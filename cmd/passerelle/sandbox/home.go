package sandbox

import (
	_ "embed"
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/console"
	"github.com/passerelle-sante/passerelle/xds"
)

// home is what a browser finds at the sandbox's address: who can be played, a story,
// where software goes.
var (
	//go:embed home.html
	homeSource string
	homePage   = template.Must(template.New("home").Parse(homeSource))
)

// role is a member of the cast with the rule that he embodies.
type role struct{ As, Who string }

// roles are those of the seed, in words; who is not in the cast is not shown.
var roles = []role{
	{"patient:alice", "Adulte, dossier ouvert, tous les réglages par défaut. Léo est son délégué, le Dr Bridoux est bloqué."},
	{"patient:bruno", "Tous ses documents sont masqués par défaut, même en urgence."},
	{"rep:chloe", "Hélène, mère de Chloé, 15 ans : un document lui est caché."},
	{"rep:chloe:2", "Thomas, l'autre représentant de Chloé."},
	{"patient:david", "Refuse les deux accès d'urgence."},
	{"patient:emma", "Dossier fermé il y a deux ans."},
	{"patient:farid", "S'est opposé à la création de son dossier."},
	{"patient:gina", "Une biopsie lui est cachée jusqu'à la consultation d'annonce."},
	{"delegate:alice", "Léo, à qui alice a délégué l'accès."},
	{"dr-traitant", "Médecin traitant de tous : voit aussi ce qui est masqué."},
	{"dr-durand", "Médecin généraliste, avec l'accord d'alice, bruno, chloe et gina."},
	{"dr-urg", "Urgentiste sans lien : bris de glace."},
	{"samu-31", "Médecin régulateur du SAMU : Centre 15."},
	{"ide-nadia", "Infirmière de l'équipe de soins d'alice."},
	{"podo-paul", "Podologue : la matrice lui ferme beaucoup de types."},
	{"dent-rose", "Chirurgien-dentiste, avec l'accord d'alice."},
	{"dr-hopital", "Médecin du CHU, auteur de ce que le CHU dépose."},
	{"dr-bloque", "Bloqué par alice."},
	{"dr-inconnu", "Médecin sans aucun lien."},
}

// jump is a button that moves the clock.
type jump struct{ Value, Text string }

var jumps = []jump{{"1d", "+ 1 jour"}, {"1w", "+ 1 semaine"}, {"6w", "+ 6 semaines"}, {"1y", "+ 1 an"}, {"3y", "+ 3 ans"}, {"10y", "+ 10 ans"}}

func (s *Sandbox) home(c *gin.Context) {
	style, err := console.Asset("style.css")
	if err != nil {
		s.fail(c, err)
		return
	}
	st := s.cast()
	page := map[string]any{"Style": style, "Base": s.Base, "Now": s.clock.Now().In(s.Service.Gate.Paris).Format("02/01/2006 15:04"), "Jumps": jumps}
	var patients, professionals []role
	for _, r := range roles {
		_, err := st.who(r.As)
		_, pro := st.professional(r.As)
		switch {
		case err != nil:
		case pro:
			professionals = append(professionals, r)
		default:
			patients = append(patients, r)
		}
	}
	page["Patients"], page["Professionals"] = patients, professionals
	if alice, ok := st.patient("alice"); ok {
		page["Alice"] = alice.Family + " " + alice.Given + ", " + alice.BirthDate
	}
	c.Header("Content-Type", "text/html; charset=utf-8")
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	c.Status(http.StatusOK)
	if err := homePage.Execute(c.Writer, page); err != nil {
		s.Log.Warn("home", "error", err)
	}
}

// enter signs in from the home page, without a password: a click of the sandbox alone.
func (s *Sandbox) enter(c *gin.Context) {
	if !sameOrigin(c) {
		refuse(c, &xds.Error{ID: "WEB-001"})
		return
	}
	if page, ok := s.begin(c, c.PostForm("as")); ok {
		c.Redirect(http.StatusSeeOther, page.Page)
	}
}

// newcomer is who receives the notice that a record will be opened, from the home page.
const newcomer = `ins,nom,prenom,sexe,naissance,courriel,adresse,carte,telephone,parent,autre_parent
267055999900117^^^&1.2.250.1.213.1.4.10&ISO^NH,LEMAIRE,Hélène,F,1967-05-12,helene.lemaire@sandbox.invalid,,8025000001234567890,,,
`

// notify sends her the notice; a second time changes nothing.
func (s *Sandbox) notify(c *gin.Context) {
	if !sameOrigin(c) {
		refuse(c, &xds.Error{ID: "WEB-001"})
		return
	}
	if _, err := s.enrol(c, []byte(newcomer)); err != nil {
		s.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/mail?to=helene.lemaire@sandbox.invalid")
}

// forward moves the clock from the home page.
func (s *Sandbox) forward(c *gin.Context) {
	if !sameOrigin(c) {
		refuse(c, &xds.Error{ID: "WEB-001"})
		return
	}
	if s.moveClock(c, c.PostForm("advance")) {
		c.Redirect(http.StatusSeeOther, "/")
	}
}

// sameOrigin: a form of another site has no business with the sandbox. Browsers say where
// a form comes from; what is no browser says nothing.
func sameOrigin(c *gin.Context) bool {
	site := c.GetHeader("Sec-Fetch-Site")
	return site == "" || site == "same-origin"
}
