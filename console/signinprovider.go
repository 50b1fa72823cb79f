package console

import (
	"errors"
	"net/http"
	"time"

	"github.com/passerelle-sante/passerelle/signin"
	"github.com/passerelle-sante/passerelle/xds"
)

var providerRoutes = []route{
	{method: http.MethodGet, path: "/patient/connexion/franceconnect", open: true, handle: (*Server).toFranceConnect},
	{method: http.MethodGet, path: "/patient/connexion/franceconnect/retour", open: true, handle: (*Server).fromFranceConnect},
	{method: http.MethodGet, path: "/pro/connexion", open: true, handle: (*Server).askProfessional},
	{method: http.MethodGet, path: "/pro/connexion/psc", open: true, handle: (*Server).toPSC},
	{method: http.MethodGet, path: "/pro/connexion/psc/retour", open: true, handle: (*Server).fromPSC},
}

// ProviderBack are where browsers come back to from FranceConnect and Pro Santé Connect: what
// is registered there.
const (
	FranceConnectBack = "/patient/connexion/franceconnect/retour"
	PSCBack           = "/pro/connexion/psc/retour"
)

// askProfessional is the first page of a professional.
func (s *Server) askProfessional(v *visit) error {
	if v.inside {
		v.redirect(v.inward(v.query("suite")))
		return nil
	}
	return v.show("signin-pro", v.T("Me connecter"), map[string]any{"Next": v.query("suite"), "PSC": s.SignIn.PSC != nil})
}

func (s *Server) toFranceConnect(v *visit) error { return v.away(s.SignIn.FranceConnect) }
func (s *Server) toPSC(v *visit) error           { return v.away(s.SignIn.PSC) }

// away sends the browser to a provider of identities.
func (v *visit) away(p *signin.Provider) error {
	if p == nil {
		return &xds.Error{ID: "JSON-003"}
	}
	flow, address, err := v.server.SignIn.Away(v.context(), v.browser(), p, v.inward(v.query("suite")))
	if done, failed := v.shut(err); done {
		return failed
	}
	if err != nil {
		return v.unanswered(err)
	}
	v.keep(flowCookie, flow, 15*time.Minute)
	v.redirect(address)
	return nil
}

func (s *Server) fromFranceConnect(v *visit) error {
	if s.SignIn.FranceConnect == nil {
		return &xds.Error{ID: "JSON-003"}
	}
	in, next, err := s.SignIn.Person(v.context(), v.browser(), v.jar(flowCookie), v.ctx.Request.URL.Query())
	if err != nil {
		return v.unanswered(err)
	}
	v.entered(in, next)
	return nil
}

func (s *Server) fromPSC(v *visit) error {
	if s.SignIn.PSC == nil {
		return &xds.Error{ID: "JSON-003"}
	}
	in, next, err := s.SignIn.Professional(v.context(), v.browser(), v.jar(flowCookie), v.ctx.Request.URL.Query())
	if err != nil {
		return v.unanswered(err)
	}
	v.entered(in, next)
	return nil
}

// unanswered says why a sign-in at a provider came to nothing, in words for who tried. What
// the provider said is for the log, which holds no token of it.
func (v *visit) unanswered(err error) error {
	v.keep(flowCookie, "", 0)
	status, why := http.StatusBadGateway, ""
	switch {
	case errors.Is(err, signin.ErrCancelled):
		return v.done("/"+string(v.side)+"/connexion", v.T("Vous avez renoncé à la connexion. Vous pouvez recommencer."))
	case errors.Is(err, signin.ErrOver), errors.Is(err, signin.ErrMismatch):
		status, why = http.StatusBadRequest, v.T("Cette connexion n'est plus valable dans ce navigateur : elle a déjà servi, elle a duré trop longtemps, ou elle a été commencée ailleurs. Recommencez.")
	case errors.Is(err, signin.ErrNobody):
		status, why = http.StatusForbidden, v.T("Nous n'avons pas trouvé d'espace santé activé à votre nom. Si vous avez reçu un code provisoire, activez d'abord votre espace santé.")
	case errors.Is(err, signin.ErrLevel):
		status, why = http.StatusForbidden, v.T("Cette connexion n'est pas assez sûre pour des données de santé.")
	case errors.Is(err, signin.ErrProvider):
		why = v.T("Le service d'identité ne répond pas comme il le doit. Réessayez dans un moment.")
	case told(err):
		status, why = http.StatusForbidden, v.T("Pro Santé Connect ne nous dit pas que vous êtes un professionnel de santé, avec une seule profession et une seule spécialité. Cet espace est réservé aux professionnels, en leur nom.")
	default:
		return err
	}
	v.server.Log.Warn("sign-in at a provider", "side", string(v.side), "error", xds.Shorten(err.Error()))
	return v.render(status, "signin-failed", v.T("La connexion n'a pas abouti"), map[string]any{"Why": why, "Activate": errors.Is(err, signin.ErrNobody)})
}
