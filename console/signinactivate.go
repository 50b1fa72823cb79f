package console

import (
	"errors"
	"net/http"
	"time"

	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/signin"
)

var activateRoutes = []route{
	{method: http.MethodGet, path: "/patient/activation", open: true, handle: (*Server).askThree},
	{method: http.MethodPost, path: "/patient/activation", open: true, handle: (*Server).takeThree},
	{method: http.MethodGet, path: "/patient/opposition", open: true, handle: (*Server).askOpposition},
	{method: http.MethodPost, path: "/patient/opposition", open: true, handle: (*Server).takeOpposition},
	{method: http.MethodGet, path: "/patient/activation/compte", open: true, handle: (*Server).askAccount},
	{method: http.MethodPost, path: "/patient/activation/compte", open: true, handle: (*Server).takeAccount},
	{method: http.MethodPost, path: "/patient/activation/code", open: true, handle: (*Server).takeContact},
	{method: http.MethodPost, path: "/patient/activation/confirmation", open: true, handle: (*Server).takeConfirmation},
}

const (
	activateTitle = "Activer mon espace santé"
	opposeTitle   = "M'opposer à la création"
)

func (s *Server) askThree(v *visit) error {
	return v.show("signin-three", v.T("Activer mon espace santé"), map[string]any{"Code": v.query("code")})
}

func (s *Server) askOpposition(v *visit) error {
	return v.show("signin-three", v.T("M'opposer à la création"), map[string]any{"Oppose": true, "Code": v.query("code")})
}

// three are the data of the notice.
func (v *visit) three() signin.Three {
	return signin.Three{Code: v.form("code"), Number: v.form("numero"), Card: v.form("carte")}
}

// refusedThree shows the form again: which of the three is wrong is not said.
func (v *visit) refusedThree(title string, oppose bool) error {
	problem := v.T("Ces trois informations ne vont pas ensemble, ou le code n'est plus valable. Vérifiez-les toutes les trois. Après plusieurs essais, il faut attendre un moment.")
	return v.again(http.StatusUnprocessableEntity, "signin-three", title, problem, map[string]any{"Oppose": oppose, "Code": ""})
}

func (s *Server) takeThree(v *visit) error {
	flow, err := s.SignIn.Activate(v.context(), v.browser(), v.three())
	if errors.Is(err, signin.ErrRefused) {
		return v.refusedThree(activateTitle, false)
	}
	if done, failed := v.shut(err); done {
		return failed
	}
	if err != nil {
		return err
	}
	v.keep(flowCookie, flow, 30*time.Minute)
	v.redirect("/patient/activation/compte")
	return nil
}

func (s *Server) takeOpposition(v *visit) error {
	if !v.ticked("sur") {
		return v.again(http.StatusUnprocessableEntity, "signin-three", opposeTitle, v.T("Cochez la case pour confirmer."), map[string]any{"Oppose": true, "Code": v.form("code")})
	}
	err := s.SignIn.Oppose(v.context(), v.browser(), v.three())
	if errors.Is(err, signin.ErrRefused) {
		return v.refusedThree(opposeTitle, true)
	}
	if done, failed := v.shut(err); done {
		return failed
	}
	if err != nil {
		return err
	}
	return v.show("signin-opposed", v.T("Votre opposition est enregistrée"), nil)
}

// askAccount is the step of an activation that this browser is at.
func (s *Server) askAccount(v *visit) error {
	return v.step(http.StatusOK, "", nil)
}

// step shows where an activation stands: the choice of an account, the code of a contact, or
// for who has an account already the confirmation.
func (v *visit) step(status int, problem string, typed map[string]any) error {
	at, err := v.server.SignIn.Activating(v.context(), v.jar(flowCookie))
	if errors.Is(err, signin.ErrOver) {
		return v.done("/patient/activation", v.T("Cette activation est terminée ou a duré trop longtemps. Recommencez."))
	}
	if err != nil {
		return err
	}
	form := map[string]any{"At": at, "Least": signin.MinPassword, "Minutes": int(signin.CodeTime / time.Minute), "Problem": problem, "Login": "", "Email": at.Email, "Phone": "",
		"Action": "/patient/activation/code", "Back": "/patient/activation/compte?changer=1"}
	for name, value := range typed {
		form[name] = value
	}
	switch {
	case at.Known:
		return v.render(status, "signin-confirm", v.T("Activer un espace santé"), form)
	case at.Chosen && v.query("changer") == "" && typed == nil:
		return v.render(status, "signin-prove", v.T("Vérifier mes coordonnées"), form)
	}
	return v.render(status, "signin-account", v.T("Créer mon compte"), form)
}

func (s *Server) takeAccount(v *visit) error {
	typed := map[string]any{"Login": v.form("identifiant"), "Email": v.form("email"), "Phone": v.form("telephone")}
	password := v.ctx.PostForm("motdepasse")
	if password != v.ctx.PostForm("encore") {
		return v.step(http.StatusUnprocessableEntity, v.T("Les deux mots de passe ne sont pas les mêmes."), typed)
	}
	err := s.SignIn.Choose(v.context(), v.jar(flowCookie), signin.Choice{Login: v.form("identifiant"), Password: password, Email: v.form("email"), Phone: v.form("telephone"), Agreed: v.ticked("accord")})
	if err == nil {
		v.redirect("/patient/activation/compte")
		return nil
	}
	if problem := v.choiceProblem(err); problem != "" {
		return v.step(http.StatusUnprocessableEntity, problem, typed)
	}
	return err
}

// choiceProblem says why an account is refused, "" when the error is another one.
func (v *visit) choiceProblem(err error) string {
	switch {
	case errors.Is(err, account.ErrTaken):
		return v.T("Cet identifiant est déjà pris. Choisissez-en un autre.")
	case errors.Is(err, signin.ErrLogin):
		return v.T("Choisissez un identifiant de 4 à 64 caractères : lettres sans accent, chiffres, point, tiret, ou votre adresse e-mail.")
	case errors.Is(err, signin.ErrEmail):
		return v.T("Cette adresse e-mail n'a pas la bonne forme.")
	case errors.Is(err, signin.ErrPhone):
		return v.T("Ce numéro de téléphone n'a pas la bonne forme.")
	case errors.Is(err, signin.ErrContact):
		return v.T("Donnez une adresse e-mail ou un numéro de téléphone : vos codes de connexion y arriveront.")
	case errors.Is(err, signin.ErrAgree):
		return v.T("L'accord de l'autre parent est nécessaire : cochez la case si vous l'avez.")
	case errors.Is(err, signin.ErrSoon):
		return v.T("Trop de codes ont été envoyés. Recommencez l'activation depuis le début.")
	case errors.Is(err, signin.ErrOver):
		return v.T("Cette activation est terminée ou a duré trop longtemps. Recommencez.")
	}
	return v.passwordProblem(err)
}

// takeContact takes the code of a contact; after the last one the visitor is in.
func (s *Server) takeContact(v *visit) error {
	in, err := s.SignIn.Prove(v.context(), v.browser(), v.jar(flowCookie), v.form("code"))
	if done, failed := v.shut(err); done {
		return failed
	}
	if in.Session != "" { // also when the record refuses to be activated: its holder sees why there
		v.entered(in, "/patient")
	}
	switch {
	case errors.Is(err, signin.ErrRefused):
		return v.step(http.StatusUnprocessableEntity, v.T("Ce code n'est pas le bon, ou il n'est plus valable. Après cinq essais, il en faut un nouveau."), nil)
	case err == nil && in.Session == "":
		v.redirect("/patient/activation/compte")
		return nil
	case err == nil:
		return nil
	}
	if problem := v.choiceProblem(err); problem != "" {
		return v.step(http.StatusUnprocessableEntity, problem, nil)
	}
	return err
}

// takeConfirmation activates for who has an account already.
func (s *Server) takeConfirmation(v *visit) error {
	err := s.SignIn.Confirm(v.context(), v.jar(flowCookie), v.ticked("accord"))
	if err == nil {
		v.keep(flowCookie, "", 0)
		return v.done("/patient/connexion", v.T("L'espace santé est activé. Connectez-vous avec votre compte habituel."))
	}
	if problem := v.choiceProblem(err); problem != "" {
		return v.step(http.StatusUnprocessableEntity, problem, nil)
	}
	return err
}
