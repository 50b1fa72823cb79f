package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

// visit is one request of a browser.
type visit struct {
	ctx    *gin.Context
	server *Server
	side   side
	lang   string // fr or en
	gone   bool   // an answer was given

	cookie  string
	session account.Session
	inside  bool // signed in on this side

	records []account.Reachable // of a person: where he has a role
	record  account.Reachable   // of them, the one in the path
	call    rights.Call         // on the record in the path; its Subject is bound to that patient

	emergency *emergencyAccess // of a professional, when the request is one of it
}

// enter finds who visits, and refuses whoever may not be where the route is.
func (v *visit) enter(rt route) error {
	if err := v.find(); err != nil {
		return err
	}
	if !v.inside && !rt.open {
		v.redirect("/" + string(v.side) + "/connexion?suite=" + url.QueryEscape(v.ctx.Request.URL.Path))
		return nil
	}
	if v.ctx.Request.Method == http.MethodPost && !rt.upload && !v.tokenHolds(v.ctx.PostForm("csrf")) {
		return &xds.Error{ID: "WEB-001"}
	}
	if v.inside && v.ctx.Param("record") != "" {
		return v.bind(v.ctx.Param("record"))
	}
	v.call = rights.Call{Face: rights.Web}
	if v.inside && v.side == proSide {
		v.call.Subject = v.session.Pro("", v.server.issuer())
	}
	return nil
}

// find reads the session of the cookie, and for a person the records where he has a role.
func (v *visit) find() error {
	cookie, err := v.ctx.Cookie(v.cookieName())
	if err != nil || cookie == "" {
		return nil
	}
	return v.server.Registry.Write(v.context(), func(s *registry.Session) error {
		session, ok, err := account.Find(v.context(), s.Handle(), cookie, v.server.Now())
		if err != nil || !ok || (session.Account == "") != (v.side == proSide) {
			return err
		}
		v.session, v.inside, v.cookie = session, true, cookie
		if v.side == patientSide {
			v.records, err = account.Records(v.context(), s.Handle(), session)
		}
		return err
	})
}

// bind makes the record of the path that of the visit. Where a person has no role there
// is nothing: the answer is that of an id that does not exist.
func (v *visit) bind(id string) error {
	v.call = rights.Call{Face: rights.Web, Record: id}
	if v.side == patientSide {
		i := slices.IndexFunc(v.records, func(r account.Reachable) bool { return r.Record == id })
		if i < 0 {
			return &xds.Error{ID: "JSON-003"}
		}
		v.record = v.records[i]
		v.call.Subject = v.session.Person(v.record.Person, v.record.Patient, v.server.issuer())
		return nil
	}
	return v.server.Registry.Read(v.context(), func(s *registry.Session) error {
		patient, err := v.call.Patient(v.context(), s)
		v.call.Subject = v.session.Pro(patient, v.server.issuer())
		return err
	})
}

func (v *visit) context() context.Context { return v.ctx.Request.Context() }

// minor tells a record that is held for a child by who visits it.
func (v *visit) represented() bool { return v.record.Role == authz.RepresentativeRole }

// own tells the visitor's own record.
func (v *visit) own() bool { return v.record.Role == authz.HolderRole }

// param is a part of the path.
func (v *visit) param(name string) string { return v.ctx.Param(name) }

// query is a parameter of the address.
func (v *visit) query(name string) string { return v.ctx.Query(name) }

// form is a field of the form, without the space around it.
func (v *visit) form(name string) string { return strings.TrimSpace(v.ctx.PostForm(name)) }

// ticked tells whether a box of the form is ticked.
func (v *visit) ticked(name string) bool { return v.ctx.PostForm(name) != "" }

// at is a page of the record of the visit: at("documents") is /patient/ID/documents.
func (v *visit) at(parts ...string) string {
	path := "/" + string(v.side) + "/" + v.call.Record
	for _, p := range parts {
		path += "/" + p
	}
	return path
}

// issuer is who vouches for a session in the trail.
func (s *Server) issuer() string { return s.Base + "/console" }
