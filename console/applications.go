package console

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// resourceWords are the types of FHIR that a grant may reach, in words.
var resourceWords = map[string]string{
	"DocumentReference": "les documents", "Binary": "le contenu des documents", "List": "les dépôts et classeurs", "Patient": "l'identité",
	"Immunization": "les vaccinations", "ImmunizationRecommendation": "les rappels de vaccins", "Provenance": "l'origine des documents",
	"Subscription": "les alertes de nouveautés", "AuditEvent": "l'historique", "Observation": "les mesures", "AllergyIntolerance": "les allergies",
	"Condition": "les antécédents", "MedicationStatement": "les traitements", "*": "tout le dossier",
}

// letterWords are what may be done with them.
var letterWords = []struct{ letters, text string }{{"rs", "lire"}, {"c", "ajouter"}, {"u", "modifier"}, {"d", "supprimer"}}

// Scope is a scope of SMART in words: lire, ajouter : les documents.
func (v *visit) Scope(scope string) string {
	_, rest, _ := strings.Cut(scope, "/")
	resource, letters, _ := strings.Cut(rest, ".")
	var verbs []string
	for _, w := range letterWords {
		if strings.ContainsAny(letters, w.letters) {
			verbs = append(verbs, v.T(w.text))
		}
	}
	what, told := resourceWords[resource]
	if !told {
		return scope
	}
	return strings.Join(verbs, ", ") + " : " + v.T(what)
}

// typeWords is a type of document (code^^system) as its value set calls it.
func typeWords(token string) string {
	code, _, _ := strings.Cut(token, "^^")
	for _, c := range dmp.ValueSets()[xds.AttrTypeCode].Codes {
		if c.Value == code {
			return c.Display
		}
	}
	return code
}

// offer is an application of the catalogue, and what the visitor may grant it.
type offer struct {
	Client, Name, Publisher string
	Scopes                  []choice
	Types                   []string
	Earliest, Latest        string
}

// given is a grant.
type given struct {
	rights.Granted
	Called string
	Words  []string
	Own    bool // by the visitor himself
}

type applicationsPage struct {
	Given    []given
	Offers   []offer
	Findings []finding
}

// applications shows the catalogue of services and what was granted (S0 "catalogue de
// service").
func (s *Server) applications(v *visit) error { return s.showApplications(v, http.StatusOK, nil) }

func (s *Server) showApplications(v *visit, status int, refusal error) error {
	all, err := s.Rights.Applications(v.context(), v.call)
	if err != nil {
		return err
	}
	page := applicationsPage{Findings: v.findings(refusal)}
	for _, g := range all {
		one := given{Granted: g, Called: g.Name, Own: g.Person == v.call.Subject.ID}
		if one.Called == "" {
			one.Called = g.Client
		}
		for _, scope := range g.Reach.Scopes(rights.Level) {
			one.Words = append(one.Words, v.Scope(scope))
		}
		page.Given = append(page.Given, one)
	}
	now := s.Now().In(s.pages.paris)
	for _, a := range s.Rights.Listed {
		one := offer{Client: a.Client, Name: a.Name, Publisher: a.Publisher, Earliest: now.AddDate(0, 0, 1).Format(time.DateOnly), Latest: now.Add(a.Longest).Format(time.DateOnly)}
		for _, t := range a.Types {
			one.Types = append(one.Types, typeWords(t))
		}
		i := slices.IndexFunc(page.Given, func(g given) bool { return g.Own && g.Client == a.Client })
		for _, scope := range a.Reach.Scopes(rights.Level) {
			one.Scopes = append(one.Scopes, choice{scope, v.Scope(scope), i < 0 || authz.ReachOf([]string{scope}, rights.Level).Within(page.Given[i].Reach)})
		}
		page.Offers = append(page.Offers, one)
	}
	return v.render(status, "settings-applications", v.T("Applications autorisées"), page)
}

// authorize grants an application what is ticked, until a day.
func (s *Server) authorize(v *visit) error {
	_, err := s.Rights.Authorize(v.context(), v.call, v.param("client"), rights.Wish{Scopes: v.ctx.PostFormArray("scope"), Expires: v.form("until")})
	if status, refused := refusedForm(err); refused {
		return s.showApplications(v, status, err)
	}
	if err != nil {
		return err
	}
	return v.done(v.at("parametres", "applications"), v.T("Cette application est autorisée."))
}

// revoke takes every grant of an application back.
func (s *Server) revoke(v *visit) error {
	if err := s.Rights.Revoke(v.context(), v.call, v.param("client")); err != nil {
		return err
	}
	return v.done(v.at("parametres", "applications"), v.T("Cette application n'a plus accès au dossier."))
}
