package console

import (
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/xds"
)

// One's own documents: added, replaced, deleted (R-30, R-33, R-36; users §2).
var ownRoutes = []route{
	{method: http.MethodGet, path: "/patient/{record}/documents/ajouter", handle: (*Server).adding},
	{method: http.MethodPost, path: "/patient/{record}/documents/ajouter", upload: true, handle: (*Server).add},
	{method: http.MethodGet, path: "/patient/{record}/documents/{document}/remplacer", handle: (*Server).replacing},
	{method: http.MethodPost, path: "/patient/{record}/documents/{document}/remplacer", upload: true, handle: (*Server).replace},
	{method: http.MethodGet, path: "/patient/{record}/documents/{document}/supprimer", handle: (*Server).deleting},
	{method: http.MethodPost, path: "/patient/{record}/documents/{document}/supprimer", handle: (*Server).delete},
}

// addition is the form of a document to be added, as it is shown, and shown again.
type addition struct {
	Action, Back          string
	Title, Category, Date string
	Masked                bool
	Replaces              string // title of the document that it takes the place of
	Categories            []category
	Today                 string
	Findings              []finding
}

// form is an empty one.
func (v *visit) addition() addition {
	today := v.server.Now().In(v.server.pages.paris).Format(time.DateOnly)
	a := addition{Action: v.at("documents", "ajouter"), Back: v.at("documents"), Date: today, Today: today}
	for _, c := range categories {
		if c.own != "" {
			a.Categories = append(a.Categories, c)
		}
	}
	return a
}

func (s *Server) adding(v *visit) error {
	return v.show("documents-add", v.T("Ajouter un document"), v.addition())
}

func (s *Server) add(v *visit) error {
	return s.deposit(v, v.addition(), entrance.File{}, entrance.Order{Transaction: string(v.call.Face) + ":deposit"}, v.T("Le document est ajouté."))
}

// replacement is the form for a new version of the document of the path.
func (s *Server) replacement(v *visit) (a addition, old opened, err error) {
	if old, err = s.open(v, "document"); err != nil {
		return a, old, err
	}
	a = v.addition()
	l := v.line(old.Document)
	a.Action, a.Back, a.Replaces, a.Title, a.Category = l.Path+"/remplacer", l.Path, l.Title, l.Title, categoryOf(old.Entry).Code
	return a, old, nil
}

func (s *Server) replacing(v *visit) error {
	a, _, err := s.replacement(v)
	if err != nil {
		return err
	}
	return v.show("documents-add", v.T("Remplacer un document"), a)
}

func (s *Server) replace(v *visit) error {
	a, old, err := s.replacement(v)
	if err != nil {
		return err
	}
	order := entrance.Order{Transaction: string(v.call.Face) + ":replace", Replace: old.Entry.LogicalID}
	return s.deposit(v, a, entrance.File{Parent: old.Entry.UniqueID}, order, v.T("Le document est remplacé. L'ancienne version reste dans le dossier."))
}

// deposit reads the form, and deposits the file in a CDA of level 1, or shows the form
// again with all that speaks against it.
func (s *Server) deposit(v *visit, a addition, f entrance.File, o entrance.Order, done string) error {
	form, err := v.receive("fichier", maxUpload)
	if err != nil {
		return err
	}
	a.Title, a.Category, a.Date, a.Masked = form.fields["titre"], form.fields["categorie"], form.fields["date"], form.fields["masque"] != ""
	findings := a.check(v.server.Now().In(v.server.pages.paris))
	var found error
	f.MediaType, found = form.kind(v.context(), s.Scan)
	if more, isFound := xds.FindingsOf(found); isFound {
		findings.AddAll(more)
	} else if found != nil {
		return found
	}
	if findings.Failed() {
		return v.addAgain(a, findings)
	}
	c, _ := categoryNamed(a.Category)
	f.Title, f.Type, f.Act, f.Content = a.Title, ownType(c.own), strings.ReplaceAll(a.Date, "-", ""), form.content
	if a.Masked {
		o.Marks = xds.Marks{MaskedPS: true}.Codes()
	}
	taken, err := s.Entrance.TakeFile(v.context(), v.call.Subject, v.record.Patient, f, o)
	if status, mendable := refusedForm(err); mendable && status == http.StatusUnprocessableEntity {
		return v.addAgain(a, err)
	}
	if err != nil {
		return err
	}
	return v.done(v.at("documents", strings.TrimPrefix(taken.Document.LogicalID, "urn:uuid:")), done)
}

// addAgain shows the form with what speaks against it. The file is to be chosen again: no
// browser lets a page do that.
func (v *visit) addAgain(a addition, findings error) error {
	a.Findings = v.findings(findings)
	title := v.T("Ajouter un document")
	if a.Replaces != "" {
		title = v.T("Remplacer un document")
	}
	all, _ := xds.FindingsOf(findings)
	return v.render(all[0].Problem().Status, "documents-add", title, a)
}

// maxTitle is the length of a title in the DMP.
const maxTitle = 128

// check holds what the form says.
func (a addition) check(now time.Time) (findings xds.Errors) {
	if a.Title == "" || utf8.RuneCountInString(a.Title) > maxTitle || !utf8.ValidString(a.Title) || strings.ContainsFunc(a.Title, unicode.IsControl) {
		findings.Add(&xds.Error{ID: "JSON-002", Where: "titre", Expected: "un titre de 128 caractères au plus"})
	}
	if c, known := categoryNamed(a.Category); !known || c.own == "" {
		findings.Add(&xds.Error{ID: "JSON-002", Where: "catégorie", Expected: "une catégorie de la liste"})
	}
	if day, err := time.Parse(time.DateOnly, a.Date); err != nil || day.Year() < 1900 || a.Date > now.Format(time.DateOnly) {
		findings.Add(&xds.Error{ID: "JSON-002", Where: "date", Expected: "la date du document, qui n'est pas à venir"})
	}
	return findings
}

// deletion is the page that asks whether a document is to be deleted.
type deletion struct{ line }

func (s *Server) deleting(v *visit) error {
	o, err := s.open(v, "document")
	if err != nil {
		return err
	}
	return v.show("documents-delete", v.T("Supprimer ce document ?"), deletion{v.line(o.Document)})
}

func (s *Server) delete(v *visit) error {
	if _, err := s.Rights.Act(v.context(), v.call, "urn:uuid:"+v.param("document"), "delete", false); err != nil {
		return err
	}
	return v.done(v.at("documents"), v.T("Le document est supprimé."))
}
