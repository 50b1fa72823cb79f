package console

import (
	"net/http"
	"net/url"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/rights"
)

// Confidentiality: of one document, and of all of them. What a change does
// is said before it is made (users §4 e 3).
var confidentialityRoutes = []route{
	{method: http.MethodGet, path: "/patient/{record}/documents/{document}/confidentialite", handle: (*Server).audience},
	{method: http.MethodPost, path: "/patient/{record}/documents/{document}/confidentialite", handle: (*Server).mask},
	{method: http.MethodGet, path: "/patient/{record}/confidentialite", handle: (*Server).maskingAll},
	{method: http.MethodPost, path: "/patient/{record}/confidentialite", handle: (*Server).maskAll},
}

// audiencePage is who sees a document, now and after the one change that there is.
type audiencePage struct {
	line
	Past                      string // address of the history of the document
	Masked, MaskAll, MaskedOK bool
	Changes                   bool // the visitor may make it: the answers of after are shown
	Regulator                 authz.Answer
	Professions               []professionAnswer
	Named                     []namedAnswer
	People                    []personAnswer
	Seen, Unseen              int // professions, now
}

type professionAnswer struct {
	Words                 string
	Authorised, Emergency authz.Answer
}

type namedAnswer struct {
	standing
	Author bool
	Answer authz.Answer
}

type personAnswer struct {
	Words  string
	Answer authz.Answer
}

// audience shows who sees the document, and what masking or unmasking it would change.
func (s *Server) audience(v *visit) error {
	id := "urn:uuid:" + v.param("document")
	a, err := s.Rights.Audience(v.context(), v.call, id, func(masked bool) authz.Supposed { other := !masked; return authz.Supposed{Masked: &other} })
	if err != nil {
		return err
	}
	p := audiencePage{
		line: v.line(a.Document), Past: v.at("historique") + "?" + url.Values{"document": {v.param("document")}}.Encode(), Masked: a.Document.Marks.MaskedPS, MaskAll: a.Settings.MaskAll, MaskedOK: a.Settings.MaskedOK && (a.Settings.SamuOK || a.Settings.BdgOK),
		Changes: v.MayAct(), Regulator: a.Regulator,
	}
	for _, one := range a.Professions {
		words := one.Label
		if v.lang != "fr" {
			words = v.Profession(one.Code, one.Specialty)
		}
		p.Professions = append(p.Professions, professionAnswer{words, one.Authorised, one.Emergency})
		if one.Authorised.Now {
			p.Seen++
		} else {
			p.Unseen++
		}
	}
	for _, one := range a.Named {
		p.Named = append(p.Named, namedAnswer{v.standing(one.Authorization, s.Now()), one.Author, one.Answer})
	}
	for _, one := range a.People {
		p.People = append(p.People, personAnswer{v.relative(one), one.Answer})
	}
	return v.show("documents-audience", v.T("Qui peut voir ce document ?"), p)
}

// relative is somebody of the patient's side in words.
func (v *visit) relative(p rights.ByPerson) string {
	words := map[authz.Role]string{authz.RepresentativeRole: v.T("représentant légal"), authz.DelegateRole: v.T("proche, par délégation")}[p.Role]
	return p.Given + " " + capitals(p.Family) + ", " + words
}

// mask masks or unmasks the document, as the form says.
func (s *Server) mask(v *visit) error {
	if v.form("masque") == "oui" {
		return s.act(v, "mask", v.T("Le document est masqué : je le vois, ainsi que la personne qui l'a déposé et mon médecin traitant."))
	}
	return s.act(v, "unmask", v.T("Le document n'est plus masqué : les professionnels que j'autorise le voient, selon leur métier."))
}

// maskingAll shows the setting for all documents.
func (s *Server) maskingAll(v *visit) error {
	standing, err := s.Rights.State(v.context(), v.call)
	if err != nil {
		return err
	}
	return v.show("documents-all", v.T("Confidentialité de tous mes documents"), standing.State.Settings)
}

// maskAll changes it.
func (s *Server) maskAll(v *visit) error {
	all := v.form("tout") == "oui"
	if _, err := s.Rights.SetSettings(v.context(), v.call, rights.Switches{MaskAll: &all}); err != nil {
		return err
	}
	message := v.T("Mes documents ne sont plus tous masqués.")
	if all {
		message = v.T("Tous mes documents sont masqués, ceux à venir aussi.")
	}
	return v.done(v.at("confidentialite"), message)
}
