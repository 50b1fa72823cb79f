package config

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds"
)

// userInfo is the endpoint that says whose an issuer's opaque tokens are. An opaque token
// names no issuer, so that one provider alone may have one.
func (c *checker) userInfo(key string, t Tokens) {
	if t.UserInfo == "" {
		return
	}
	u := &iua.UserInfo{Issuer: t.Issuer, URL: t.UserInfo, WithoutPatient: t.WithoutPatient}
	if t.CAFile != "" {
		u.Roots = pool(c.pemFiles(key+".ca_file", []string{t.CAFile}))
	}
	if c.config.UserInfo != nil {
		c.add(&xds.Error{ID: "CONF-006", Where: key + ".userinfo", Found: bare(t.UserInfo), Expected: "un seul fournisseur de jetons opaques"})
	}
	if u.Check() != nil {
		c.add(&xds.Error{ID: "CONF-009", Where: key + ".userinfo", Found: bare(t.UserInfo), Expected: "une adresse https, sans identifiants ni paramètres"})
	}
	c.config.UserInfo = u
}

// portals are the operator's own faces for patients: none of them is an application.
func (c *checker) portals(key string, t Tokens) {
	for i, client := range t.Portals {
		if client == "" {
			c.add(&xds.Error{ID: "CONF-005", Where: key + ".portals[" + strconv.Itoa(i) + "]", Found: "un texte vide", Expected: "un client_id"})
		}
	}
	c.config.Portals = append(c.config.Portals, t.Portals...)
}

// applications are the catalogue of those that patients may authorise.
func (c *checker) applications() {
	var seen []string
	for i, a := range c.config.Applications {
		key := "applications[" + strconv.Itoa(i) + "]"
		if c.required(key+".client", a.Client, "le client_id de ses jetons") && !authz.IsClient(a.Client) {
			c.add(&xds.Error{ID: "CONF-005", Where: key + ".client", Found: xds.Shorten(a.Client), Expected: "1 à 64 lettres, chiffres, points, tirets ou soulignés"})
		}
		switch {
		case slices.Contains(seen, a.Client):
			c.add(&xds.Error{ID: "CONF-006", Where: key + ".client", Found: a.Client, Expected: "une application une seule fois"})
		case slices.Contains(c.config.Portals, a.Client):
			c.add(&xds.Error{ID: "CONF-006", Where: key + ".client", Found: a.Client, Expected: "un portail, ou une application : un portail n'a pas besoin d'autorisation"})
		}
		seen = append(seen, a.Client)
		c.required(key+".name", a.Name, "le nom que le patient lit")
		c.required(key+".publisher", a.Publisher, "l'éditeur que le patient lit")
		c.reach(key, a)
		within(c, key+".longest_days", a.Longest, 1, 3650, number)
		c.config.Catalogue = append(c.config.Catalogue, authz.Application{
			Client: a.Client, Name: a.Name, Publisher: a.Publisher, Reach: authz.ReachOf(a.Scopes, "patient"), Types: a.Types,
			Longest: time.Duration(a.Longest) * 24 * time.Hour,
		})
	}
}

// reach checks scopes and types: each scope must be one that some application may have.
func (c *checker) reach(key string, a Application) {
	if len(a.Scopes) == 0 {
		c.add(&xds.Error{ID: "CONF-004", Where: key + ".scopes", Expected: "au moins une portée, comme patient/DocumentReference.rs"})
	}
	for i, scope := range a.Scopes {
		if one := authz.ReachOf([]string{scope}, "patient"); one == "" || !one.Within(authz.OfApplications) {
			c.add(&xds.Error{ID: "CONF-005", Where: key + ".scopes[" + strconv.Itoa(i) + "]", Found: xds.Shorten(scope),
				Expected: "des portées de " + strings.Join(authz.OfApplications.Scopes("patient"), " ")})
		}
	}
	if a.Types != nil && len(a.Types) == 0 {
		c.add(&xds.Error{ID: "CONF-005", Where: key + ".types", Found: "une liste vide", Expected: "des types de documents, ou pas de clé"})
	}
	for i, t := range a.Types {
		if code, scheme, ok := strings.Cut(t, "^^"); !ok || code == "" || !xds.IsOID(scheme) {
			c.add(&xds.Error{ID: "CONF-005", Where: key + ".types[" + strconv.Itoa(i) + "]", Found: xds.Shorten(t), Expected: "code^^OID, comme 11502-2^^2.16.840.1.113883.6.1"})
		}
	}
}
