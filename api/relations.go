package api

import (
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

type knownAnswer struct {
	Records []knownRecord `json:"records"`
}

type knownRecord struct {
	Record    string     `json:"record"`
	Family    string     `json:"family"`
	Given     string     `json:"given"`
	BirthDate string     `json:"birthDate"`
	At        *time.Time `json:"at,omitempty"`
}

var knownBy = map[string]registry.KnownBy{"": registry.ByAuthorization, "authorization": registry.ByAuthorization, "document": registry.ByDocument}

// known lists the records into which the professional may go: TD0.4 of the DMP.
func (s *Server) known(c *call) (any, error) {
	by, ok := knownBy[c.ctx.Query("by")]
	if !ok {
		return nil, &xds.Error{ID: "JSON-002", Where: "by", Found: c.ctx.Query("by"), Expected: "authorization ou document"}
	}
	var since time.Time
	if text := c.ctx.Query("since"); text != "" {
		var err error
		if since, err = rights.Date(text); err != nil {
			return nil, &xds.Error{ID: "JSON-002", Where: "since", Found: text, Expected: "AAAA-MM-JJ ou RFC 3339"}
		}
	}
	answer := knownAnswer{Records: []knownRecord{}}
	all, err := s.Rights.Known(c.ctx, c.on(), since, by)
	for _, k := range all {
		answer.Records = append(answer.Records, knownRecord{k.Record, k.Traits.Family, k.Traits.Given, k.Traits.BirthDate, unlessZero(k.At)})
	}
	return answer, err
}

type authorizationsAnswer struct {
	Authorizations []authorization `json:"authorizations"`
}

type authorization struct {
	Professional  string       `json:"professional"`
	Family        string       `json:"family,omitempty"`
	Given         string       `json:"given,omitempty"`
	Profession    string       `json:"profession,omitempty"`
	Structure     string       `json:"structure,omitempty"`
	Administrator bool         `json:"administrator"`
	Basis         string       `json:"basis,omitempty"`
	Access        authz.Access `json:"access"`
	Since         *time.Time   `json:"since,omitempty"`
	Until         *time.Time   `json:"until,omitempty"`
}

var basisWords = map[authz.Value]string{authz.ConsentLink: "consent", authz.TeamLink: "team"}

// authorizations lists who may enter the record and who is barred: TD1.6 of the DMP.
func (s *Server) authorizations(c *call) (any, error) {
	wanted := authz.Access(c.ctx.Query("access"))
	switch wanted {
	case "", authz.AccessValid, authz.AccessExpired, authz.AccessForbidden:
	default:
		return nil, &xds.Error{ID: "JSON-002", Where: "access", Found: string(wanted), Expected: "valid, expired ou forbidden"}
	}
	answer := authorizationsAnswer{Authorizations: []authorization{}}
	all, err := s.Rights.Authorizations(c.ctx, c.on(), wanted)
	for _, a := range all {
		answer.Authorizations = append(answer.Authorizations, authorizationOf(a, s.Rights.Now()))
	}
	return answer, err
}

func authorizationOf(a record.Authorization, now time.Time) authorization {
	return authorization{
		Professional: a.Professional, Family: a.Family, Given: a.Given, Profession: a.Profession, Structure: a.Structure,
		Administrator: a.Administrator, Basis: basisWords[a.Basis], Access: a.Access(now), Since: unlessZero(a.Since), Until: unlessZero(a.Until),
	}
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
