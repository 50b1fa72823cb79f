package console

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/signin"
	"github.com/passerelle-sante/passerelle/xds"
)

var signinRoutes = []route{
	{method: http.MethodGet, path: "/patient/connexion", open: true, handle: (*Server).askPassword},
	{method: http.MethodPost, path: "/patient/connexion", open: true, handle: (*Server).takePassword},
	{method: http.MethodGet, path: "/patient/connexion/code", open: true, handle: (*Server).askCode},
	{method: http.MethodPost, path: "/patient/connexion/code", open: true, handle: (*Server).takeCode},
	{method: http.MethodPost, path: "/patient/connexion/code/renvoi", open: true, handle: (*Server).resendCode},
	{method: http.MethodGet, path: "/patient/mot-de-passe-oublie", open: true, handle: (*Server).askForgotten},
	{method: http.MethodPost, path: "/patient/mot-de-passe-oublie", open: true, handle: (*Server).takeForgotten},
	{method: http.MethodGet, path: signin.RecoverPath, open: true, handle: (*Server).askNewPassword},
	{method: http.MethodPost, path: signin.RecoverPath, open: true, handle: (*Server).takeNewPassword},
}

// Sample is somebody as whom a newcomer may sign in, in a sandbox.
type Sample struct{ Login, Name, Sentence string }

// Samples are what the sign-in page of a sandbox tells; the zero Samples is nothing.
type Samples struct {
	Password string
	People   func() []Sample
}

// Cookies of a browser that signs in: of what it is in the midst of, and of the accounts
// that know it.
const (
	flowCookie   = "passerelle-etape"
	deviceCookie = "passerelle-appareil"
	maxDevices   = 8 // accounts that one browser is known to
)

// browser is who knocks.
func (v *visit) browser() signin.Browser {
	b := signin.Browser{Address: v.server.address(v.ctx.Request), Agent: v.ctx.Request.UserAgent(), Lang: v.lang}
	b.Session, _ = v.ctx.Cookie(v.cookieName())
	if known := v.jar(deviceCookie); known != "" {
		b.Devices = strings.SplitN(known, ".", maxDevices+1)
	}
	return b
}

// address is where a request comes from, as the connection has it; behind a relay of the
// operator's own, as that one says last.
func (s *Server) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if s.Relay != nil && s.Relay(host) {
		said := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
		if last := strings.TrimSpace(said[strings.LastIndexByte(said, ',')+1:]); net.ParseIP(last) != nil {
			return last
		}
	}
	return host
}

// hostName is a cookie's name bound to this host, where there is TLS.
func (s *Server) hostName(name string) string {
	if s.secure() {
		return "__Host-" + name
	}
	return name
}

// jar reads a cookie of the sign-in.
func (v *visit) jar(name string) string {
	value, err := v.ctx.Cookie(v.server.hostName(name))
	if err != nil {
		return ""
	}
	return value
}

// keep sets a cookie of the sign-in for a time; "" takes it away.
func (v *visit) keep(name, value string, lasts time.Duration) {
	c := &http.Cookie{Name: v.server.hostName(name), Value: value, Path: "/", HttpOnly: true, Secure: v.server.secure(), SameSite: http.SameSiteLaxMode, MaxAge: int(lasts.Seconds())}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(v.ctx.Writer, c)
}

// entered gives a browser its session, and takes from it what it had before.
func (v *visit) entered(in signin.Entered, next string) {
	http.SetCookie(v.ctx.Writer, v.server.Cookie(string(v.side), in.Session))
	http.SetCookie(v.ctx.Writer, &http.Cookie{Name: v.server.hostName(before), Path: "/", HttpOnly: true, Secure: v.server.secure(), SameSite: http.SameSiteLaxMode, MaxAge: -1})
	v.keep(flowCookie, "", 0)
	if in.Device != "" {
		all := append([]string{in.Device}, v.browser().Devices...)
		v.keep(deviceCookie, strings.Join(all[:min(len(all), maxDevices)], "."), 400*24*time.Hour)
	}
	v.redirect(v.inward(next))
}

// inward is an address of this side that a visitor wanted to go to; whatever leads elsewhere
// is the side's first page (open redirect).
func (v *visit) inward(next string) string {
	home := "/" + string(v.side)
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || strings.ContainsAny(next, "\\\t\r\n") || strings.Contains(u.Path, "//") || strings.Contains(u.Path, "..") {
		return home
	}
	if u.Path != home && !strings.HasPrefix(u.Path, home+"/") || u.Path == home+"/connexion" || strings.HasPrefix(u.Path, home+"/connexion/") {
		return home
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).RequestURI()
}

// again shows a form of the sign-in with what was wrong.
func (v *visit) again(status int, page, title string, problem string, data map[string]any) error {
	data["Problem"] = problem
	return v.render(status, page, v.T(title), data)
}

// shut renders an address from which nothing is tried for a while; done is false when the
// error is another one.
func (v *visit) shut(err error) (done bool, failed error) {
	var closed *signin.Shut
	if !errors.As(err, &closed) {
		return false, nil
	}
	wait := closed.Until.Sub(v.server.Now())
	v.ctx.Header("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
	return true, v.render(http.StatusTooManyRequests, "signin-shut", v.T("Trop d'essais"), map[string]any{"Minutes": int(wait/time.Minute) + 1})
}

// askPassword is the first page of a patient.
func (s *Server) askPassword(v *visit) error {
	if v.inside {
		v.redirect(v.inward(v.query("suite")))
		return nil
	}
	return v.show("signin-patient", v.T("Me connecter"), v.passwordForm(v.query("suite"), v.query("identifiant")))
}

func (v *visit) passwordForm(next, login string) map[string]any {
	form := map[string]any{"Next": next, "Login": xds.Shorten(login), "FranceConnect": v.server.SignIn.FranceConnect != nil}
	if v.server.Sandbox && v.server.Samples.People != nil {
		form["Samples"], form["SamplePassword"] = v.server.Samples.People(), v.server.Samples.Password
	}
	return form
}

// takePassword goes on to the code. What it answers to a wrong password says no more than
// to an unknown identifier: the page is the same, byte by byte.
func (s *Server) takePassword(v *visit) error {
	next := v.form("suite")
	flow, err := s.SignIn.Password(v.context(), v.browser(), v.form("identifiant"), v.ctx.PostForm("motdepasse"))
	if errors.Is(err, signin.ErrRefused) {
		return v.again(http.StatusUnauthorized, "signin-patient", "Me connecter", v.T("Identifiant ou mot de passe incorrect. Après plusieurs essais, la connexion reste fermée un moment, même avec le bon mot de passe."), v.passwordForm(next, ""))
	}
	if done, failed := v.shut(err); done {
		return failed
	}
	if err != nil {
		return err
	}
	v.keep(flowCookie, flow, 30*time.Minute)
	v.redirect("/patient/connexion/code?suite=" + url.QueryEscape(next))
	return nil
}

// codeForm is the page of the code; over is true when this browser waits for none.
func (v *visit) codeForm(next string) (form map[string]any, over bool, err error) {
	w, err := v.server.SignIn.Waiting(v.context(), v.jar(flowCookie))
	if errors.Is(err, signin.ErrOver) {
		return nil, true, nil
	}
	return map[string]any{"Next": next, "To": w.To, "SMS": w.SMS, "Other": w.Other, "Minutes": int(signin.CodeTime / time.Minute)}, false, err
}

// restart begins the sign-in anew.
func (v *visit) restart(next string) error {
	v.say(v.T("Cette connexion est terminée. Recommencez."))
	v.redirect("/patient/connexion?suite=" + url.QueryEscape(next))
	return nil
}

func (s *Server) askCode(v *visit) error {
	form, over, err := v.codeForm(v.query("suite"))
	if err != nil {
		return err
	}
	if over {
		return v.restart(v.query("suite"))
	}
	return v.show("signin-code", v.T("Mon code de connexion"), form)
}

func (s *Server) takeCode(v *visit) error {
	next := v.form("suite")
	in, err := s.SignIn.Code(v.context(), v.browser(), v.jar(flowCookie), v.form("code"))
	switch {
	case err == nil:
		v.entered(in, next)
		return nil
	case errors.Is(err, signin.ErrOver):
		return v.restart(next)
	case errors.Is(err, signin.ErrRefused):
		form, over, err := v.codeForm(next)
		if err != nil {
			return err
		}
		if over {
			return v.restart(next)
		}
		return v.again(http.StatusUnauthorized, "signin-code", "Mon code de connexion", v.T("Ce code n'est pas le bon, ou il n'est plus valable. Après cinq essais, il en faut un nouveau."), form)
	}
	if done, failed := v.shut(err); done {
		return failed
	}
	return err
}

func (s *Server) resendCode(v *visit) error {
	next := v.form("suite")
	page := "/patient/connexion/code?suite=" + url.QueryEscape(next)
	switch err := s.SignIn.Resend(v.context(), v.jar(flowCookie), v.form("par") == "sms"); {
	case errors.Is(err, signin.ErrOver):
		return v.restart(next)
	case errors.Is(err, signin.ErrSoon):
		return v.done(page, v.T("Attendez une demi-minute entre deux envois ; au bout de quatre, recommencez la connexion."))
	case errors.Is(err, signin.ErrContact):
		return v.done(page, v.T("Nous n'avons pas de numéro de téléphone pour ce compte."))
	case err != nil:
		return err
	}
	return v.done(page, v.T("Un nouveau code est parti. Le précédent n'est plus valable."))
}

func (s *Server) askForgotten(v *visit) error {
	return v.show("signin-forgotten", v.T("Mot de passe oublié"), nil)
}

// takeForgotten answers the same to everybody.
func (s *Server) takeForgotten(v *visit) error {
	err := s.SignIn.Forgotten(v.context(), v.browser(), v.form("identifiant"))
	if done, failed := v.shut(err); done {
		return failed
	}
	if err != nil {
		return err
	}
	return v.show("signin-sent", v.T("Mot de passe oublié"), nil)
}

// askNewPassword is where the link of a recovery leads. The secret goes from the address
// into a cookie, where no history and no neighbour reads it.
func (s *Server) askNewPassword(v *visit) error {
	if link := v.query("jeton"); link != "" {
		v.keep(flowCookie, xds.Shorten(link), 30*time.Minute)
		v.redirect(signin.RecoverPath)
		return nil
	}
	err := s.SignIn.Recovering(v.context(), v.jar(flowCookie))
	if errors.Is(err, signin.ErrOver) {
		return v.done("/patient/mot-de-passe-oublie", v.T("Ce lien n'est plus valable. Demandez-en un autre."))
	}
	if err != nil {
		return err
	}
	return v.show("signin-renew", v.T("Mon nouveau mot de passe"), map[string]any{"Least": signin.MinPassword})
}

func (s *Server) takeNewPassword(v *visit) error {
	password := v.ctx.PostForm("motdepasse")
	problem := ""
	if password != v.ctx.PostForm("encore") {
		problem = v.T("Les deux mots de passe ne sont pas les mêmes.")
	} else if err := s.SignIn.Recover(v.context(), v.jar(flowCookie), password); err != nil {
		if errors.Is(err, signin.ErrOver) {
			return v.done("/patient/mot-de-passe-oublie", v.T("Ce lien n'est plus valable. Demandez-en un autre."))
		}
		if problem = v.passwordProblem(err); problem == "" {
			return err
		}
	}
	if problem != "" {
		return v.again(http.StatusUnprocessableEntity, "signin-renew", "Mon nouveau mot de passe", problem, map[string]any{"Least": signin.MinPassword})
	}
	v.keep(flowCookie, "", 0)
	return v.done("/patient/connexion", v.T("Votre mot de passe est changé, et toutes vos connexions sont fermées. Connectez-vous."))
}

// passwordProblem says why a new password is refused, "" when the error is another one.
func (v *visit) passwordProblem(err error) string {
	switch {
	case errors.Is(err, signin.ErrShort):
		return v.T("Choisissez un mot de passe de %d caractères au moins : une phrase, par exemple.", signin.MinPassword)
	case errors.Is(err, signin.ErrLong):
		return v.T("Ce mot de passe est trop long.")
	case errors.Is(err, signin.ErrForbidden):
		return v.T("Ce mot de passe est trop facile à deviner. Choisissez-en un autre : une phrase, par exemple.")
	}
	return ""
}
