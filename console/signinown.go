package console

import (
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/passerelle-sante/passerelle/signin"
)

var ownAccountRoutes = []route{
	{method: http.MethodGet, path: "/patient/compte", handle: (*Server).ownAccount},
	{method: http.MethodPost, path: "/patient/compte/mot-de-passe", handle: (*Server).changePassword},
	{method: http.MethodPost, path: "/patient/compte/coordonnees", handle: (*Server).changeContacts},
	{method: http.MethodGet, path: "/patient/compte/code", handle: (*Server).askContactCode},
	{method: http.MethodPost, path: "/patient/compte/code", handle: (*Server).takeContactCode},
}

// ownAccount is where one changes what one signs in with.
func (s *Server) ownAccount(v *visit) error { return v.account(http.StatusOK, nil) }

// account shows the account, with what was wrong in a form of it.
func (v *visit) account(status int, wrong map[string]any) error {
	own, err := v.server.SignIn.Own(v.context(), v.session)
	if err != nil {
		return err
	}
	page := map[string]any{"Own": own, "Least": signin.MinPassword, "Problem": "", "Email": own.Email, "Phone": own.Phone}
	maps.Copy(page, wrong)
	return v.render(status, "signin-own", v.T("Mon compte"), page)
}

// changePassword replaces the password; the page that did it stays open, all others do not.
func (s *Server) changePassword(v *visit) error {
	password := v.ctx.PostForm("motdepasse")
	if password != v.ctx.PostForm("encore") {
		return v.account(http.StatusUnprocessableEntity, map[string]any{"Problem": v.T("Les deux mots de passe ne sont pas les mêmes.")})
	}
	err := s.SignIn.ChangePassword(v.context(), v.browser(), v.session, v.ctx.PostForm("actuel"), password)
	if err == nil {
		return v.done("/patient/compte", v.T("Mon mot de passe est changé. Mes autres connexions sont fermées."))
	}
	return v.refuseChange(err, nil)
}

// changeContacts goes on to the code of what is new.
func (s *Server) changeContacts(v *visit) error {
	flow, err := s.SignIn.ChangeContacts(v.context(), v.browser(), v.session, v.ctx.PostForm("actuel"), v.form("email"), v.form("telephone"))
	switch {
	case err != nil:
		return v.refuseChange(err, map[string]any{"Email": v.form("email"), "Phone": v.form("telephone")})
	case flow == "":
		return v.done("/patient/compte", v.T("Mes coordonnées sont enregistrées."))
	}
	v.keep(flowCookie, flow, 30*time.Minute)
	v.redirect("/patient/compte/code")
	return nil
}

// refuseChange shows the account again with what is wrong in a form.
func (v *visit) refuseChange(err error, typed map[string]any) error {
	if done, failed := v.shut(err); done {
		return failed
	}
	problem := v.choiceProblem(err)
	switch {
	case errors.Is(err, signin.ErrRefused):
		problem = v.T("Le mot de passe actuel n'est pas le bon. Après plusieurs essais, il reste refusé un moment, même s'il est le bon.")
	case errors.Is(err, signin.ErrKeep):
		problem = v.T("Une adresse e-mail se remplace, elle ne se retire pas : c'est là que nous vous avertissons de ce que d'autres font dans votre dossier.")
	case errors.Is(err, signin.ErrSoon):
		problem = v.T("Trop de codes ont été envoyés. Attendez un moment.")
	case problem == "":
		return err
	}
	page := map[string]any{"Problem": problem}
	maps.Copy(page, typed)
	return v.account(http.StatusUnprocessableEntity, page)
}

func (s *Server) askContactCode(v *visit) error { return v.contactCode(http.StatusOK, "") }

// contactCode asks for the code of a new address or number.
func (v *visit) contactCode(status int, problem string) error {
	at, err := v.server.SignIn.Changing(v.context(), v.session, v.jar(flowCookie))
	if errors.Is(err, signin.ErrOver) {
		return v.done("/patient/compte", v.T("Ce changement est terminé ou a duré trop longtemps. Recommencez."))
	}
	if err != nil {
		return err
	}
	return v.render(status, "signin-prove", v.T("Vérifier mes coordonnées"), map[string]any{
		"At": at, "Minutes": int(signin.CodeTime / time.Minute), "Problem": problem, "Action": "/patient/compte/code", "Back": "/patient/compte",
	})
}

// takeContactCode takes that code; after the last one the new contacts count.
func (s *Server) takeContactCode(v *visit) error {
	done, err := s.SignIn.ProveContact(v.context(), v.browser(), v.session, v.jar(flowCookie), v.form("code"))
	switch {
	case done:
		v.keep(flowCookie, "", 0)
		return v.done("/patient/compte", v.T("Mes coordonnées sont enregistrées."))
	case err == nil:
		v.redirect("/patient/compte/code")
		return nil
	case errors.Is(err, signin.ErrOver):
		return v.contactCode(http.StatusOK, "") // which tells
	case errors.Is(err, signin.ErrRefused):
		return v.contactCode(http.StatusUnprocessableEntity, v.T("Ce code n'est pas le bon, ou il n'est plus valable. Après cinq essais, il en faut un nouveau."))
	}
	return v.refuseChange(err, nil)
}
