package console

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

var proDepositRoutes = []route{
	{method: http.MethodGet, path: "/pro/{record}/deposer", handle: (*Server).proForm},
	{method: http.MethodPost, path: "/pro/{record}/deposer", upload: true, handle: (*Server).proDeposit},
}

// maxPDF bounds a file that a professional deposits here, in bytes.
const maxPDF = 20 << 20

// proDepositPage is the form of a deposit.
type proDepositPage struct {
	proSheet
	Findings []finding
	Types    []option
	Minor    bool
	Former   *proRow // the document that is replaced
	Title    string
	Type     string
	Act      string
	Masked   bool
	Hidden   bool
	Secret   bool
	Today    string
}

func (s *Server) proForm(v *visit) error {
	page := proDepositPage{Act: v.isoDay(s.Now())}
	if id := v.query("remplace"); id != "" {
		former, err := v.former(id)
		if err != nil {
			return err
		}
		row := v.proRowOf(former)
		page.Former, page.Title, page.Type = &row, row.Title, typeChoice(former.Entry.TypeCode)
	}
	return v.proDepositForm(http.StatusOK, page, nil)
}

// former is the document that is to be replaced, for whoever may see it.
func (v *visit) former(id string) (xds.Document, error) {
	found, _, err := v.visible(authz.Search, id)
	d, _ := found.Value()
	return d, err
}

// proDepositForm shows the form; who may not deposit at all is shown the door.
func (v *visit) proDepositForm(status int, page proDepositPage, refused error) error {
	deposit, err := v.server.Entrance.Opening(v.context(), v.call.Subject, v.call.Subject.Patient, string(v.call.Face)+":deposit")
	if err != nil {
		return err
	}
	if page.proSheet, err = v.sheet(); err != nil {
		return err
	}
	page.Minor, page.Findings, page.Today = deposit.Minor(), v.findings(refused), v.isoDay(v.server.Now())
	for _, c := range documentTypes {
		if !ofPatient(c) {
			page.Types = append(page.Types, option{Value: typeChoice(c)})
		}
	}
	title := v.T("Déposer un document")
	if page.Former != nil {
		title = v.T("Remplacer un document")
	}
	return v.render(status, "pro-deposer", title, page)
}

// proDeposit takes a PDF: a CDA of level 1 around it, in the name of the professional and
// of his structure, as his session says them, and of nobody else.
func (s *Server) proDeposit(v *visit) error {
	form, err := v.receive("fichier", maxPDF)
	if err != nil {
		return err
	}
	page := proDepositPage{Title: form.fields["titre"], Type: form.fields["type"], Act: form.fields["date"], Masked: form.fields["masque"] != "", Hidden: form.fields["cache"] != "", Secret: form.fields["secret"] != ""}
	file := entrance.File{Title: page.Title, MediaType: "application/pdf", Content: form.content}
	order := entrance.Order{Transaction: string(v.call.Face) + ":deposit", Marks: xds.Marks{MaskedPS: page.Masked, HiddenPatient: page.Hidden, HiddenReps: page.Secret}.Codes()}
	if id := form.fields["remplace"]; id != "" {
		former, err := v.former(id)
		if err != nil {
			return err
		}
		row := v.proRowOf(former)
		page.Former, file.Parent, order.Replace = &row, former.Entry.UniqueID, former.Entry.EntryUUID
	}
	var findings xds.Errors
	file.Type = v.typeOf(page.Type, &findings)
	if at, err := time.Parse(time.DateOnly, page.Act); err != nil || at.After(s.Now()) {
		findings.Add(&xds.Error{ID: "JSON-002", Where: v.T("Date de l'acte"), Expected: v.T("une date qui n'est pas à venir")})
	} else {
		file.Act = at.Format("20060102")
	}
	if page.Title == "" {
		findings.Add(&xds.Error{ID: "JSON-002", Where: v.T("Titre"), Expected: v.T("à remplir")})
	}
	if form.long || !bytes.HasPrefix(form.content, []byte("%PDF-")) {
		findings.Add(&xds.Error{ID: "JSON-002", Where: v.T("Fichier"), Expected: v.T("un PDF d'au plus 20 Mo")})
	} else if s.Scan != nil {
		if err := s.Scan(v.context(), form.content); err != nil {
			return err
		}
	}
	if len(findings) == 0 {
		_, err = s.Entrance.TakeFile(v.context(), v.call.Subject, v.call.Subject.Patient, file, order)
		if err != nil && (!told(err) || isDoor(err) && codeOf(err) != "ACC-31") {
			return err
		}
		findings, _ = xds.FindingsOf(err)
	}
	if len(findings) > 0 {
		return v.proDepositForm(http.StatusUnprocessableEntity, page, v.byField(findings))
	}
	message := v.T("Le document est déposé.")
	if page.Hidden {
		message = v.T("Le document est déposé, caché au patient. Après la consultation d'annonce, rendez-le visible depuis « Annonces à faire ».")
	}
	return v.done(v.at(), message)
}

// codeOf is the code of the first finding, "" for a failure.
func codeOf(err error) string {
	if all, ok := xds.FindingsOf(err); ok && len(all) > 0 {
		return all[0].ID
	}
	return ""
}

// isoDay is the day of an instant in Paris, as the field of a date takes it.
func (v *visit) isoDay(at time.Time) string { return at.In(v.server.pages.paris).Format(time.DateOnly) }

// typeChoice is a type as the field of the form has it: what it is called, and its code.
func typeChoice(c xds.Code) string { return typeName(c) + " (" + c.Value + ")" }

// ofPatient tells the types of documents that patients write themselves (EX_3.1-1040).
func ofPatient(c xds.Code) bool {
	return strings.HasPrefix(c.Value, "EXPPAT") || strings.HasPrefix(c.Value, "DOCPAT")
}

// typeOf is the type that was chosen or typed: by its choice, its code or its name.
func (v *visit) typeOf(text string, findings *xds.Errors) xds.Code {
	i := slices.IndexFunc(documentTypes, func(c xds.Code) bool {
		return !ofPatient(c) && (strings.EqualFold(text, typeChoice(c)) || strings.EqualFold(text, c.Value) || strings.EqualFold(text, c.Display))
	})
	if i >= 0 {
		return documentTypes[i]
	}
	e := &xds.Error{ID: "META-003", Where: v.T("Type de document"), Expected: v.T("un type de la liste")}
	set := dmp.ValueSets()[xds.AttrTypeCode]
	for _, near := range set.Nearest(xds.Shorten(text), 3) {
		if c, ok := xds.ParseCode(near); ok {
			near = c.Value
		}
		e.Nearest = append(e.Nearest, near)
	}
	findings.Add(e)
	return xds.Code{}
}

// depositFields are the fields of the form, by a word of the place that a finding about
// the written document names.
var depositFields = []struct{ word, field string }{
	{"title", "Titre"}, {"typeCode", "Type de document"}, {"confidentiality", "Confidentialité"}, {"serviceStart", "Date de l'acte"}, {"replace", "Document remplacé"}, {"Association", "Document remplacé"},
	{"hash", "Fichier"}, {"size", "Fichier"}, {"nonXMLBody", "Fichier"},
}

// byField gives findings about the document that was written the places that its
// depositor knows: the fields of the form.
func (v *visit) byField(findings xds.Errors) xds.Errors {
	fields := map[string]bool{}
	for _, f := range depositFields {
		fields[v.T(f.field)] = true
	}
	for _, e := range findings {
		if fields[e.Where] {
			continue
		}
		where := ""
		for _, f := range depositFields {
			if where == "" && strings.Contains(e.Where, f.word) {
				where = v.T(f.field)
			}
		}
		e.Where = where
	}
	return findings
}
