package console

import (
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// deed is an act in words: what was done after "a", what was tried after "a voulu".
type deed struct{ done, tried string }

// acts are the actions of the trail in words (policy §1.1, authz.Action).
var acts = map[authz.Value]deed{
	authz.Search:            {"consulté la liste des documents", "consulter la liste des documents"},
	authz.Retrieve:          {"consulté un document", "consulter un document"},
	authz.Submit:            {"déposé un document", "déposer un document"},
	authz.Replace:           {"remplacé un document", "remplacer un document"},
	authz.Delete:            {"supprimé un document", "supprimer un document"},
	authz.Mask:              {"masqué un document aux professionnels", "masquer un document aux professionnels"},
	authz.Unmask:            {"démasqué un document", "démasquer un document"},
	authz.RevealPatient:     {"rendu un document visible au patient", "rendre un document visible au patient"},
	authz.RevealReps:        {"rendu un document visible aux représentants", "rendre un document visible aux représentants"},
	authz.Archive:           {"archivé ou désarchivé un document", "archiver ou désarchiver un document"},
	authz.Journal:           {"consulté l'historique", "consulter l'historique"},
	authz.OwnJournal:        {"consulté l'historique de ses propres accès", "consulter l'historique de ses propres accès"},
	authz.ReadState:         {"consulté l'état du dossier et ses réglages", "consulter l'état du dossier et ses réglages"},
	authz.Block:             {"bloqué un professionnel", "bloquer un professionnel"},
	authz.NameAdministrator: {"changé le médecin traitant", "changer le médecin traitant"},
	authz.Resign:            {"quitté son rôle de médecin traitant", "quitter son rôle de médecin traitant"},
	authz.SetParams:         {"changé les réglages du dossier", "changer les réglages du dossier"},
	authz.DeclareLink:       {"déclaré suivre le patient, avec son accord ou dans l'équipe de soins", "déclarer suivre le patient"},
	authz.Unlink:            {"mis fin à une autorisation", "mettre fin à une autorisation"},
	authz.Exists:            {"vérifié que le dossier existe", "vérifier que le dossier existe"},
	authz.Activate:          {"activé le dossier", "activer le dossier"},
	authz.Oppose:            {"refusé l'ouverture du dossier", "refuser l'ouverture du dossier"},
	authz.Close:             {"fermé le dossier", "fermer le dossier"},
	authz.Reopen:            {"rouvert le dossier", "rouvrir le dossier"},
	authz.Erase:             {"supprimé définitivement le dossier", "supprimer définitivement le dossier"},
	authz.Notice:            {"informé de la création du dossier", "informer de la création du dossier"},
	authz.Opening:           {"ouvert le dossier, faute d'opposition dans les six semaines", "ouvrir le dossier"},
	authz.Majority:          {"remis le dossier au titulaire devenu majeur", "remettre le dossier au titulaire devenu majeur"},
	authz.Retention:         {"détruit ce que le dossier gardait, au terme de sa conservation", "détruire ce que le dossier gardait"},
}

// calls are acts that their action alone does not tell apart, by the name of the call.
var calls = map[string]deed{
	"unblock":               {"débloqué un professionnel", "débloquer un professionnel"},
	"unarchive":             {"désarchivé un document", "désarchiver un document"},
	"archive":               {"archivé un document", "archiver un document"},
	"history-export":        {"exporté l'historique", "exporter l'historique"},
	"export":                {"emporté tout le dossier", "emporter tout le dossier"},
	"authorizations":        {"consulté la liste des professionnels", "consulter la liste des professionnels"},
	"physicians":            {"consulté la liste des médecins", "consulter la liste des médecins"},
	"authorize-application": {"autorisé une application", "autoriser une application"},
	"revoke-application":    {"retiré l'autorisation d'une application", "retirer l'autorisation d'une application"},
	"invite-delegate":       {"invité un proche", "inviter un proche"},
	"revoke-delegate":       {"mis fin à l'accès d'un proche", "mettre fin à l'accès d'un proche"},
	"delegates":             {"consulté la liste des proches", "consulter la liste des proches"},
	"accept-delegation":     {"accepté l'accès qui lui est délégué", "accepter l'accès qui lui est délégué"},
	"refuse-delegation":     {"refusé l'accès qui lui était proposé", "refuser l'accès qui lui était proposé"},
	"renounce-delegation":   {"renoncé à l'accès qui lui était délégué", "renoncer à l'accès qui lui était délégué"},
	"delegation-expired":    {"constaté la fin d'un accès délégué, ou d'une invitation", "constater la fin d'un accès délégué"},
	"notifications":         {"consulté ou changé ses choix pour les courriels", "consulter ou changer ses choix pour les courriels"},
	"certificate":           {"consulté le certificat de suppression", "consulter le certificat de suppression"},
	"report":                {"fait un signalement", "faire un signalement"},
	"reports":               {"consulté ses signalements", "consulter ses signalements"},
	"applications":          {"consulté les applications autorisées", "consulter les applications autorisées"},
}

// deedOf is what a line tells of, in words.
func deedOf(e registry.Event) deed {
	_, name, _ := strings.Cut(e.Transaction, ":")
	if d, told := calls[name]; told {
		return d
	}
	if d, told := acts[e.Action]; told {
		return d
	}
	return deed{"fait un acte dans le dossier", "faire un acte dans le dossier"}
}

// historyLine is a line of the history as a page tells it.
type historyLine struct {
	registry.Event
	Who      string // with profession: Dr Philippe Durand (médecin généraliste)
	Sentence string
	Where    string // structure
	Card     string // page of the professional
	Page     string // of the document
	By       string // application that acted
	Report   string // page to report the line
}

// tell puts a line into words; known is the directory.
func (v *visit) tell(e registry.Event, known map[string]record.Professional) historyLine {
	t := historyLine{Event: e, Who: v.actor(e, known[e.Actor]), Where: known[e.Structure].StructureName}
	if p := known[e.Actor]; t.Where == "" && p.Structure == e.Structure {
		t.Where = p.StructureName
	}
	d := deedOf(e)
	switch {
	case e.Own && e.Permit:
		t.Sentence = v.T("J'ai %s", v.T(d.done))
	case e.Own:
		t.Sentence = v.T("J'ai voulu %s : refusé", v.T(d.tried))
	case e.Permit:
		t.Sentence = v.T("%s a %s", t.Who, v.T(d.done))
	default:
		t.Sentence = v.T("%s a voulu %s : refusé", t.Who, v.T(d.tried))
	}
	t.Report = v.reportOf(e)
	if e.Line.Kind == authz.Pro {
		t.Card = v.at("acces", "professionnel", e.Actor)
	}
	if e.Document != "" && e.Permit && e.Action != authz.Delete {
		t.Page = v.at("documents", strings.TrimPrefix(e.Document, "urn:uuid:"))
	}
	if e.Application != "" {
		t.By = e.Application
		if a, listed := v.server.Rights.Application(e.Application); listed {
			t.By = a.Name
		}
	}
	return t
}

// actor is who did it, with his profession.
func (v *visit) actor(e registry.Event, p record.Professional) string {
	if e.Own {
		return v.T("Moi")
	}
	name := e.ActorName
	switch e.Line.Kind {
	case authz.Patient:
		return v.T("%s (titulaire du dossier)", name)
	case authz.Representative:
		return v.T("%s (représentant légal)", name)
	case authz.Delegate:
		return v.T("%s (proche)", name)
	case authz.Pro:
		if p.ID != "" {
			name = v.Professional(p)
		} else if doctors[e.Profession] {
			name = "Dr " + name
		}
		if words := v.Profession(e.Profession, p.Specialty); words != "" {
			return name + " (" + words + ")"
		}
	case authz.Structure:
		return v.T("%s (établissement)", name)
	}
	if e.Actor == authz.Oneself {
		return v.T("La plateforme")
	}
	return name
}
