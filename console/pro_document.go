package console

import (
	"html/template"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/readable"
)

// proDocumentPage is one document.
type proDocumentPage struct {
	proSheet
	Findings []finding
	Row      proRow
	Comments string
	Warning  bool // not visible to the patient, and not opened yet (EX_3.2-1025)
	Header   readable.Header
	Body     template.HTML
	Files    []proFile
	Omitted  bool
	Unshown  bool // its bytes cannot be shown, or are elsewhere
	Acts     []proAct
	Replace  bool
}

// proFile is a file that a document carries.
type proFile struct {
	Name, URL, Part string
	PDF             bool
}

// proAct is an act that the page offers.
type proAct struct {
	Name, Button, Effect string
	Attest               bool // « à la demande du patient » (C-11)
	Confirm              string
	Danger               bool
}

func (s *Server) proDocument(v *visit) error {
	return v.proShow(v.param("document"), v.query("ouvrir") != "")
}

// visible reads one document by its logicalId. A hidden one and an unknown id are one
// path (policy §0.2).
func (v *visit) visible(action authz.Value, id string) (found authz.Visible[xds.Document], sheet proSheet, err error) {
	p := v.call.Purpose(action, "document")
	p.ByID = true
	lid := "urn:uuid:" + id
	sheet.Emergency = v.emergency
	sheet.Position, err = v.server.Rights.Consult(v.context(), v.call, p, func(session *registry.Session, scope authz.Scope) error {
		found = authz.Visible[xds.Document]{}
		all, err := session.Get(v.context(), scope, lid)
		for _, one := range all {
			if d, ok := one.Value(); ok && d.Entry.LogicalID == lid {
				found = one
			}
		}
		return err
	})
	if _, ok := found.Value(); err == nil && !ok {
		err = &xds.Error{ID: "JSON-003"}
	}
	return found, sheet, err
}

// proShow is the page of a document. One that the patient does not see is opened by a
// second step, after the warning of EX_3.2-1025.
func (v *visit) proShow(id string, open bool) error { return v.proShown(http.StatusOK, id, open, nil) }

func (v *visit) proShown(status int, id string, open bool, refused error) error {
	found, sheet, err := v.visible(authz.Retrieve, id)
	if err != nil {
		return err
	}
	d, _ := found.Value()
	page := proDocumentPage{proSheet: sheet, Findings: v.findings(refused), Row: v.proRowOf(d), Comments: d.Entry.Comments}
	if page.Warning = d.Marks.HiddenPatient && !open; !page.Warning {
		if err := v.proRead(found, &page); err != nil {
			return err
		}
	}
	if v.emergency == nil {
		page.Acts, page.Replace = v.proActs(d, sheet.Administrator)
	}
	return v.render(status, "pro-document", page.Row.Title, page)
}

// proRead renders what the document holds.
func (v *visit) proRead(found authz.Visible[xds.Document], page *proDocumentPage) error {
	d, _ := found.Value()
	shown, err := v.server.read(v, opened{visible: found, Document: d})
	if told(err) {
		page.Unshown = true
		page.Files = append(page.Files, v.proFileAt(page.Row.ID, "", v.T("Télécharger le document")))
		return nil
	}
	if err != nil {
		return err
	}
	page.Header, page.Omitted = shown.Header, shown.Omitted
	for i, a := range shown.Attachments {
		f := v.proFileAt(page.Row.ID, strconv.Itoa(i), v.T("Ouvrir la pièce jointe %d", i+1))
		if f.PDF = a.Shown() == "application/pdf"; f.PDF {
			f.Name = v.T("Ouvrir le PDF")
		}
		if shown.Kind != readable.Image {
			page.Files = append(page.Files, f)
		}
	}
	page.Body = shown.HTML(func(n int) string {
		if v.emergency != nil {
			return "" // its address would carry nothing to judge it by
		}
		return v.proFileAt(page.Row.ID, strconv.Itoa(n), "").URL
	})
	page.Files = append(page.Files, v.proFileAt(page.Row.ID, "", v.T("Télécharger le document")))
	return nil
}

func (v *visit) proFileAt(id, part, name string) proFile {
	f := proFile{Name: name, Part: part, URL: v.at("documents", id, "fichier")}
	if part != "" {
		f.URL += "?partie=" + part
	}
	return f
}

func (s *Server) proDownload(v *visit) error {
	return v.proFile(v.param("document"), v.query("partie"))
}

// proFile sends the document as it was deposited, or one of the files that it carries.
// What browsers show of it they show without a script and without a frame of others.
func (v *visit) proFile(id, part string) error {
	found, _, err := v.visible(authz.Retrieve, id)
	if err != nil {
		return err
	}
	d, _ := found.Value()
	if d.Content.Blob == "" {
		return &xds.Error{ID: "JSON-003"}
	}
	if part == "" {
		return v.proWhole(found)
	}
	shown, err := v.server.read(v, opened{visible: found, Document: d})
	if err != nil && !told(err) {
		return err
	}
	n, bad := strconv.Atoi(part)
	if bad != nil || n < 0 || n >= len(shown.Attachments) {
		return &xds.Error{ID: "JSON-003"}
	}
	v.give(d.Entry.Title, shown.Attachments[n], false)
	return nil
}

// proWhole streams the bytes as they were deposited, to be kept and not shown.
func (v *visit) proWhole(found authz.Visible[xds.Document]) error {
	d, _ := found.Value()
	body, err := v.server.Repository.Open(v.context(), found)
	if err != nil {
		return err
	}
	defer body.Close()
	v.attach(fileName(d.Entry.Title, extensionOf(d.Entry.MimeType)))
	h := v.ctx.Writer.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(d.Content.Size, 10))
	v.gone = true
	v.ctx.Status(http.StatusOK)
	if _, err := io.Copy(v.ctx.Writer, body); err != nil {
		v.server.Log.Error("incident", "path", v.ctx.FullPath(), "error", err)
		panic(http.ErrAbortHandler) // the status is gone: cut short, it is no document
	}
	return nil
}

// proActs are the acts that the page offers: to the author and the médecin traitant,
// those of. The Gate decides when one is asked for.
func (v *visit) proActs(d xds.Document, administrator bool) (acts []proAct, replace bool) {
	id := v.call.Subject.ID
	author, first := slices.Contains(d.Authors, id), slices.Contains(d.LineageAuthors, id)
	add := func(may bool, a proAct) {
		if may {
			acts = append(acts, a)
		}
	}
	add((first || administrator) && d.Marks.HiddenPatient, proAct{Name: "reveal-patient", Button: v.T("L'annonce a eu lieu"), Effect: v.T("Le document devient visible du patient, qui en est averti. On ne peut pas revenir en arrière."), Confirm: v.T("J'ai annoncé au patient ce que dit ce document.")})
	add((first || administrator) && d.Marks.HiddenReps, proAct{Name: "reveal-representatives", Button: v.T("Rendre visible aux représentants légaux"), Effect: v.T("Les représentants légaux verront ce document. C'est irréversible."), Confirm: v.T("Le mineur demande que ses représentants légaux voient ce document."), Danger: true})
	add((first || administrator) && !d.Marks.MaskedPS && !d.Marks.HiddenPatient, proAct{Name: "mask", Button: v.T("Masquer ce document aux professionnels"), Effect: v.T("Masqué, il reste visible du patient, de la personne qui l'a déposé et du médecin traitant."), Attest: true})
	add((first || administrator) && d.Marks.MaskedPS, proAct{Name: "unmask", Button: v.T("Démasquer ce document"), Effect: v.T("Démasqué, il est visible des professionnels autorisés, selon leur profession."), Attest: true})
	status := d.Entry.AvailabilityStatus
	add((author || administrator) && status == xds.Approved, proAct{Name: "archive", Button: v.T("Archiver"), Effect: v.T("Archivé, il n'apparaît plus que si on demande les documents archivés.")})
	add((author || administrator) && status == xds.Archived, proAct{Name: "unarchive", Button: v.T("Sortir de l'archive"), Effect: v.T("Sorti de l'archive, il apparaît de nouveau parmi les documents en cours.")})
	own := author && d.Origin == xds.FromPro
	add(own, proAct{Name: "delete", Button: v.T("Supprimer ce document"), Effect: v.T("Le document et ses versions précédentes ne seront plus visibles de personne. Le patient en est averti."), Confirm: v.T("Je supprime mon document."), Danger: true})
	return acts, own && status == xds.Approved
}

// acted is what a page says once an act is done.
var actedWords = map[string]string{
	"mask": "Le document est masqué aux professionnels.", "unmask": "Le document n'est plus masqué.", "reveal-patient": "Le document est visible du patient.",
	"reveal-representatives": "Le document est visible des représentants légaux.", "archive": "Le document est archivé.", "unarchive": "Le document n'est plus archivé.", "delete": "Le document est supprimé.",
}

// confirmed are the acts that cannot be taken back, which are confirmed by a box.
var confirmed = []string{"reveal-patient", "reveal-representatives", "delete"}

func (s *Server) proAct(v *visit) error {
	id, act := v.param("document"), v.form("acte")
	if slices.Contains(confirmed, act) && !v.ticked("confirme") {
		return v.proShown(http.StatusUnprocessableEntity, id, false, &xds.Error{ID: "JSON-002", Where: v.T("Confirmation"), Expected: v.T("la case cochée")})
	}
	_, err := s.Rights.Act(v.context(), v.call, "urn:uuid:"+id, act, v.ticked("attested"))
	if all, ok := xds.FindingsOf(err); ok && all[0].ID != "JSON-003" && !isDoor(err) {
		return v.proShown(all[0].Problem().Status, id, false, err)
	}
	if err != nil {
		return err
	}
	to := v.at("documents", id)
	if act == "delete" {
		to = v.at("documents")
	}
	return v.done(to, v.T(actedWords[act]))
}
