package rights

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Level is the level of the scopes that patients grant, as SMART writes it.
const Level = "patient"

// Application is one of the catalogue; ok is false when it is not there.
func (d *Desk) Application(client string) (a authz.Application, ok bool) {
	i := slices.IndexFunc(d.Listed, func(a authz.Application) bool { return a.Client == client })
	if i < 0 {
		return authz.Application{}, false
	}
	return d.Listed[i], true
}

// Granted is a grant with what the catalogue says of its application.
type Granted struct {
	record.Authorized
	Name, Publisher string // "" when it left the catalogue
	Active          bool   // in the catalogue, and not expired
}

func (d *Desk) granted(a record.Authorized) Granted {
	app, listed := d.Application(a.Client)
	return Granted{a, app.Name, app.Publisher, listed && d.Now().Before(a.Expires)}
}

// Applications are all grants on the record, expired ones too: what is not there any
// more stands in the history.
func (d *Desk) Applications(ctx context.Context, c Call) (all []Granted, err error) {
	err = d.profile(ctx, c, c.Purpose(authz.ReadState, "applications"), func(session *registry.Session, allowed authz.Allowed) error {
		found, err := record.Applications(ctx, session.Handle(), allowed)
		all = all[:0]
		for _, a := range found {
			all = append(all, d.granted(a))
		}
		return err
	})
	return all, err
}

// Wish is what a person wants to grant: scopes of SMART, types code^^scheme (nil: all),
// and an end ("": the longest that the catalogue allows).
type Wish struct {
	Scopes  []string
	Types   []string
	Expires string
}

// Authorize grants an application of the catalogue, within what it may have at most and
// for a time. It acts for the one who authorised it, and for nobody else.
func (d *Desk) Authorize(ctx context.Context, c Call, client string, w Wish) (g Granted, err error) {
	p := c.Purpose(authz.SetParams, "authorize-application")
	p.Application = concerned(client)
	err = d.profile(ctx, c, p, func(session *registry.Session, allowed authz.Allowed) error {
		app, listed := d.Application(client)
		if !listed {
			return &xds.Error{ID: "JSON-003"}
		}
		grant, err := w.grant(app, d.Now())
		if err != nil {
			return err
		}
		g = d.granted(record.Authorized{Client: app.Client, Person: allowed.Subject().ID, Since: d.Now(), Grant: grant})
		return record.Authorize(ctx, session.Handle(), allowed, app.Client, grant, d.Now())
	})
	return g, err
}

// Revoke takes the grants of an application back, whoever gave them, and whether or not
// it is still in the catalogue. There being none any more is what was wanted.
func (d *Desk) Revoke(ctx context.Context, c Call, client string) error {
	p := c.Purpose(authz.SetParams, "revoke-application")
	p.Application = concerned(client)
	return d.profile(ctx, c, p, func(session *registry.Session, allowed authz.Allowed) error {
		return record.Revoke(ctx, session.Handle(), allowed, client)
	})
}

// concerned is the application for the history, "" when the name is none: one that left
// the catalogue is still named when its grant is taken back.
func concerned(client string) string {
	if !authz.IsClient(client) {
		return ""
	}
	return client
}

// maxTypes bounds the list of types of a grant.
const maxTypes = 200

// grant is what is wished, held against the catalogue; all findings at once.
func (w Wish) grant(app authz.Application, now time.Time) (authz.Grant, error) {
	var findings xds.Errors
	g := authz.Grant{Given: true, Types: w.Types, Expires: now.Add(app.Longest)}
	most := strings.Join(app.Reach.Scopes(Level), " ")
	if len(w.Scopes) == 0 {
		findings.Add(&xds.Error{ID: "JSON-002", Where: "scopes", Found: "aucune portée", Expected: most})
	}
	for _, scope := range w.Scopes {
		if one := authz.ReachOf([]string{scope}, Level); one == "" || !one.Within(app.Reach) {
			findings.Add(&xds.Error{ID: "JSON-002", Where: "scopes", Found: xds.Shorten(scope), Expected: "des portées de " + most})
		}
	}
	g.Reach = authz.ReachOf(w.Scopes, Level)
	if w.Types != nil && len(w.Types) == 0 || len(w.Types) > maxTypes {
		findings.Add(&xds.Error{ID: "JSON-002", Where: "types", Found: "une liste vide ou trop longue", Expected: "des types de documents, ou pas de membre types"})
	}
	for _, t := range w.Types {
		if code, scheme, ok := strings.Cut(t, "^^"); !ok || code == "" || !xds.IsOID(scheme) || app.Types != nil && !slices.Contains(app.Types, t) {
			findings.Add(&xds.Error{ID: "JSON-002", Where: "types", Found: xds.Shorten(t), Expected: "un type de document que l'application peut avoir, code^^OID"})
		}
	}
	if w.Expires != "" {
		at, err := Date(w.Expires)
		if err != nil || !at.After(now) || at.After(g.Expires) {
			findings.Add(&xds.Error{ID: "JSON-002", Where: "expires", Found: xds.Shorten(w.Expires), Expected: "une date à venir, au plus tard le " + g.Expires.UTC().Format(time.DateOnly)})
		}
		g.Expires = at
	}
	return g, findings.Err()
}
