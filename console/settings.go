package console

import (
	"net/http"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/mail"
)

// What a person sets beside who may enter: e-mails, applications, the life of the record
// (users §5, the tree of settings of Mon Espace Santé).
var settingsRoutes = []route{
	{method: http.MethodGet, path: "/patient/{record}/parametres", handle: (*Server).settings},
	{method: http.MethodGet, path: "/patient/{record}/parametres/notifications", handle: (*Server).notifications},
	{method: http.MethodPost, path: "/patient/{record}/parametres/notifications", handle: (*Server).setNotifications},
	{method: http.MethodGet, path: "/patient/{record}/parametres/applications", handle: (*Server).applications},
	{method: http.MethodPost, path: "/patient/{record}/parametres/applications/{client}", handle: (*Server).authorize},
	{method: http.MethodPost, path: "/patient/{record}/parametres/applications/{client}/retirer", handle: (*Server).revoke},
	{method: http.MethodGet, path: "/patient/{record}/parametres/vie", handle: (*Server).life},
	{method: http.MethodPost, path: "/patient/{record}/parametres/vie/{act}", handle: (*Server).live},
	{method: http.MethodGet, path: "/patient/{record}/parametres/certificat", handle: (*Server).certificate},
}

// settings is the list of what there is to set.
func (s *Server) settings(v *visit) error { return v.show("settings-list", v.T("Paramètres"), nil) }

// eventWords are the events that one may decline to be told of (mail.Optional).
var eventWords = map[message.Event]string{
	message.Added: "un document est ajouté", message.Modified: "un document est modifié", message.Deleted: "un document est supprimé",
	message.JournalRead: "quelqu'un lit l'historique", message.SettingsChanged: "quelqu'un change mes réglages ou bloque un professionnel",
}

// digestWords are the rhythms, in their order.
var digestWords = []string{"Tout de suite", "Une fois par jour, le matin", "Une fois par semaine, le lundi"}

// choice is one that a form offers.
type choice struct {
	Value, Text string
	On          bool
}

type notificationsPage struct {
	Email    string
	Digests  []choice
	Events   []choice
	Readings bool
}

// notifications shows what the visitor is told of by e-mail.
func (s *Server) notifications(v *visit) error {
	own, err := s.Rights.Notifications(v.context(), v.call)
	if err != nil {
		return err
	}
	page := notificationsPage{Email: own.Email, Readings: own.Readings}
	for i, text := range digestWords {
		page.Digests = append(page.Digests, choice{string(rune('0' + i)), v.T(text), int(own.Digest) == i})
	}
	for _, e := range mail.Optional {
		page.Events = append(page.Events, choice{string(e), v.T(eventWords[e]), own.Wants(e)})
	}
	return v.show("settings-notifications", v.T("Courriels"), page)
}

// setNotifications stores it: what is not ticked is declined.
func (s *Server) setNotifications(v *visit) error {
	wanted := v.ctx.PostFormArray("event")
	p := mail.Preferences{Readings: v.ticked("readings")}
	for _, e := range mail.Optional {
		if !slices.Contains(wanted, string(e)) {
			p.Muted = append(p.Muted, e)
		}
	}
	if i := slices.Index([]string{"0", "1", "2"}, v.form("digest")); i > 0 {
		p.Digest = mail.Digest(i)
	}
	if err := s.Rights.Prefer(v.context(), v.call, p); err != nil {
		return err
	}
	return v.done(v.at("parametres", "notifications"), v.T("Mes choix pour les courriels sont enregistrés."))
}

// Told tells whether the visitor is written to about the record: not a delegate.
func (v *visit) Told() bool { return v.record.Role != authz.DelegateRole }
