package console

import (
	"net/http"
	"strings"

	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
)

var sessionRoutes = []route{
	{method: http.MethodGet, path: "/patient/connexions", handle: (*Server).listSessions},
	{method: http.MethodPost, path: "/patient/connexions", handle: (*Server).endSessions},
	{method: http.MethodGet, path: "/pro/connexions", handle: (*Server).listSessions},
	{method: http.MethodPost, path: "/pro/connexions", handle: (*Server).endSessions},
	{method: http.MethodPost, path: "/patient/deconnexion", handle: (*Server).leave},
	{method: http.MethodPost, path: "/pro/deconnexion", handle: (*Server).leave},
}

// listSessions shows where one is signed in.
func (s *Server) listSessions(v *visit) error {
	var all []account.Session
	err := s.Registry.Read(v.context(), func(in *registry.Session) (err error) {
		all, err = account.Sessions(v.context(), in.Handle(), v.session, s.Now())
		return err
	})
	if err != nil {
		return err
	}
	return v.show("signin-sessions", v.T("Mes connexions"), map[string]any{"All": all, "Own": v.session.ID, "Path": "/" + string(v.side) + "/connexions"})
}

// endSessions closes one of them, or all but this one.
func (s *Server) endSessions(v *visit) error {
	which, message := v.form("connexion"), v.T("La connexion est fermée.")
	err := s.Registry.Write(v.context(), func(in *registry.Session) error {
		if which == "autres" {
			return account.EndOthers(v.context(), in.Handle(), v.session)
		}
		return account.EndOne(v.context(), in.Handle(), v.session, which)
	})
	if err != nil {
		return err
	}
	if which == v.session.ID {
		http.SetCookie(v.ctx.Writer, s.Cookie(string(v.side), ""))
		v.redirect("/" + string(v.side) + "/connexion")
		return nil
	}
	if which == "autres" {
		message = v.T("Toutes les autres connexions sont fermées.")
	}
	return v.done("/"+string(v.side)+"/connexions", message)
}

// Agent is a browser in words: what it says of itself, as far as it matters.
func (v *visit) Agent(says string) string {
	name := v.T("Navigateur")
	for _, one := range []struct{ mark, name string }{ // Edge and Opera say Chrome, Chrome says Safari
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox", "Firefox"}, {"FxiOS", "Firefox"}, {"CriOS", "Chrome"}, {"Chrome", "Chrome"}, {"Safari", "Safari"}, {"curl", "curl"},
	} {
		if strings.Contains(says, one.mark) {
			name = one.name
			break
		}
	}
	for _, one := range []struct{ mark, name string }{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "Mac"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	} {
		if strings.Contains(says, one.mark) {
			return name + ", " + one.name
		}
	}
	return name
}

// leave ends the session. Who came by a provider of identities is still known there: the page
// that he sees then has the way to end that too.
func (s *Server) leave(v *visit) error {
	err := s.Registry.Write(v.context(), func(session *registry.Session) error {
		return account.End(v.context(), session.Handle(), v.cookie)
	})
	if err != nil {
		return err
	}
	http.SetCookie(v.ctx.Writer, s.Cookie(string(v.side), ""))
	elsewhere := s.SignIn.Farewell(v.context(), v.session)
	if elsewhere == "" {
		v.redirect("/" + string(v.side) + "/connexion")
		return nil
	}
	v.session, v.inside = account.Session{}, false
	return v.show("signin-bye", v.T("Vous êtes déconnecté"), map[string]any{"Elsewhere": elsewhere, "PSC": v.side == proSide})
}
