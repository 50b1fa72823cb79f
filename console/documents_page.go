package console

import (
	"bytes"
	"html/template"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/readable"
)

// maxShown bounds the document that a page shows; a longer one can be downloaded.
const maxShown = 16 << 20

// opened is a document that the visitor may read, with what relates to it.
type opened struct {
	visible authz.Visible[xds.Document]
	xds.Document
	relations []registry.Relation
	replaced  []xds.Document // that it took the place of, as far as they are visible
	settings  authz.Settings
}

// open finds the document of the path. A hidden one and an unknown one are one answer.
func (s *Server) open(v *visit, purpose string) (o opened, err error) {
	err = s.Registry.Read(v.context(), func(session *registry.Session) error {
		o = opened{}
		p := v.call.Purpose(authz.Retrieve, purpose)
		p.ByID = true
		scope, err := s.Rights.Gate.Open(v.context(), session, v.call.Subject, v.record.Patient, p)
		if err != nil {
			return err
		}
		id := "urn:uuid:" + v.param("document")
		all, err := session.Get(v.context(), scope, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(one authz.Visible[xds.Document]) bool {
			d, _ := one.Value()
			return d.Entry.LogicalID == id
		})
		if i < 0 {
			return &xds.Error{ID: "JSON-003"}
		}
		o.visible, o.settings = all[i], scope.Settings()
		o.Document, _ = all[i].Value()
		if o.relations, err = session.Relations(v.context(), scope, all[i:i+1]); err != nil {
			return err
		}
		for _, r := range o.relations {
			a, _ := r.Association.Value()
			if d, ok := r.Target.Value(); ok && a.Type.Supersedes() {
				o.replaced = append(o.replaced, d)
			}
		}
		return nil
	})
	return o, err
}

// documentPage is what the page of one document is about.
type documentPage struct {
	line
	LID                string // its logicalId, as addresses have it
	Document           xds.Document
	Depositor          string
	Registered         time.Time
	From, To           time.Time
	Body               template.HTML // what there is to read
	PDF                string        // address of a PDF
	File               string        // address of the file that it carries, to be downloaded
	Original           string
	Trouble            string // why it is not shown
	Omitted            bool
	Former             []line
	MayAct, MayReplace bool
	MaskAll            bool
}

// Archiving is what can be done about the archives: archive, unarchive or nothing.
func (p documentPage) Archiving() string {
	return map[xds.Status]string{xds.Approved: "archive", xds.Archived: "unarchive"}[p.Document.Entry.AvailabilityStatus]
}

// document shows one.
func (s *Server) document(v *visit) error {
	o, err := s.open(v, "document")
	if err != nil {
		return err
	}
	e := o.Entry
	p := documentPage{
		line: v.line(o.Document), LID: v.param("document"), Document: o.Document, Registered: time.Unix(o.Labels.RegisteredUnix, 0), From: e.ServiceStart.Start(), To: e.ServiceStop.Start(),
		Original: v.at("documents", v.param("document"), "fichier"), MayAct: v.MayAct(), MaskAll: o.settings.MaskAll,
	}
	p.MayReplace = p.MayAct && p.Own && e.AvailabilityStatus == xds.Approved
	if p.From.Equal(p.To) || v.day(p.From) == v.day(p.To) {
		p.To = time.Time{}
	}
	for _, d := range o.replaced {
		p.Former = append(p.Former, v.line(d))
	}
	shown, err := s.read(v, o)
	switch {
	case told(err):
		p.Trouble = v.T("Ce document ne peut pas être affiché ici. Il peut être téléchargé.")
	case err != nil:
		return err
	default:
		p.fill(v, shown)
	}
	return v.show("documents-one", p.Title, p)
}

// fill puts the content in: a page, a PDF in a frame, or a file to be downloaded.
func (p *documentPage) fill(v *visit, shown readable.Document) {
	piece := func(n int) string { return v.at("documents", v.param("document"), "piece", strconv.Itoa(n)) }
	p.Body = shown.HTML(piece)
	p.Omitted = shown.Omitted
	a, carried := shown.Attachment()
	if carried {
		p.File = piece(0) + "?telecharger=1"
	}
	switch {
	case shown.Kind == readable.PDF && a.Shown() != "":
		p.PDF = piece(0)
	case p.Body == "":
		p.Trouble = v.T("Ce type de fichier ne s'affiche pas ici. Il peut être téléchargé.")
	}
}

// read opens what a document holds. The error is findings when it cannot be shown.
func (s *Server) read(v *visit, o opened) (readable.Document, error) {
	if o.Content.Blob == "" { // in another repository
		return readable.Document{}, &xds.Error{ID: "JSON-003"}
	}
	if o.Content.Size > maxShown {
		return readable.Document{}, &xds.Error{ID: "XML-003"}
	}
	body, err := s.Repository.Open(v.context(), o.visible)
	if err != nil {
		return readable.Document{}, err
	}
	defer body.Close()
	if kind, _, _ := strings.Cut(o.Entry.MimeType, ";"); kind == "text/xml" || kind == "application/xml" {
		raw, err := io.ReadAll(body)
		if err != nil {
			return readable.Document{}, err
		}
		shown, err := readable.Open(bytes.NewReader(raw), maxShown)
		if !told(err) {
			return shown, err
		}
		return readable.Bare("text/xml", bytes.NewReader(raw), maxShown)
	}
	return readable.Bare(o.Entry.MimeType, body, maxShown)
}

// original gives the bytes as they were deposited, to be kept by the visitor: whatever
// they are, they never become a page of ours.
func (s *Server) original(v *visit) error {
	o, err := s.open(v, "download")
	if err != nil {
		return err
	}
	if o.Content.Blob == "" {
		return &xds.Error{ID: "JSON-003"}
	}
	body, err := s.Repository.Open(v.context(), o.visible)
	if err != nil {
		return err
	}
	defer body.Close()
	v.gone = true
	v.attach(fileName(v.line(o.Document).Title, extensionOf(o.Entry.MimeType)))
	h := v.ctx.Writer.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(o.Content.Size, 10))
	v.ctx.Status(http.StatusOK)
	if _, err := io.Copy(v.ctx.Writer, body); err != nil && v.context().Err() == nil {
		s.Log.Error("download", "error", err)
		panic(http.ErrAbortHandler) // a part must not pass for the whole
	}
	return nil
}

// piece gives a file that a document carries: shown where its bytes are what they are
// said to be and a browser can show them safely, else to be downloaded.
func (s *Server) piece(v *visit) error {
	o, err := s.open(v, "document")
	if err != nil {
		return err
	}
	shown, err := s.read(v, o)
	if err != nil && !told(err) {
		return err
	}
	n, bad := strconv.Atoi(v.param("piece"))
	if bad != nil || n < 0 || n >= len(shown.Attachments) {
		return &xds.Error{ID: "JSON-003"}
	}
	v.give(v.line(o.Document).Title, shown.Attachments[n], v.query("telecharger") != "")
	return nil
}

// give answers with a file that a document carries: shown where a browser can show it
// safely, unless it is to be kept.
func (v *visit) give(title string, a readable.Attachment, keep bool) {
	kind := a.Shown()
	v.attach(fileName(title, a.Extension()))
	if kind != "" && !keep {
		v.ctx.Header("Content-Disposition", "inline")
	} else {
		kind = "application/octet-stream"
	}
	if kind == "application/pdf" { // the viewer of a browser does not work in a sandbox, and is one
		v.ctx.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; form-action 'none'; base-uri 'none'")
	}
	v.gone = true
	v.ctx.Data(http.StatusOK, kind, a.Content)
}

// attach heads an answer that is a file: not a page, to be kept under a name.
func (v *visit) attach(name string) {
	h := v.ctx.Writer.Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// fileName is a title as the name of a file on any machine.
func fileName(title, extension string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, title)
	name = strings.Trim(strings.Join(strings.Fields(name), " "), ". ")
	if runes := []rune(name); len(runes) > 80 {
		name = strings.TrimSpace(string(runes[:80]))
	}
	if name == "" {
		name = "document"
	}
	return name + extension
}

// extensionOf is the ending of a file of a media type.
func extensionOf(mimeType string) string {
	kind, _, _ := strings.Cut(mimeType, ";")
	if known := map[string]string{"text/xml": ".xml", "application/xml": ".xml", "application/pdf": ".pdf", "text/plain": ".txt", "text/rtf": ".rtf", "application/rtf": ".rtf",
		"image/jpeg": ".jpg", "image/tiff": ".tif", "image/png": ".png"}[strings.ToLower(strings.TrimSpace(kind))]; known != "" {
		return known
	}
	return ".bin"
}
