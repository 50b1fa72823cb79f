package archive

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/readable"
)

//go:embed pages.html
var source string

//go:embed style.css
var style []byte

var templates = template.Must(template.New("").Parse(source))

// pagesFolder holds what a browser reads.
const pagesFolder = "dossier/"

// maxShown is how long a document may be that is made into a page; a longer one is linked.
const maxShown = 32 << 20

// row is a document in the index.
type row struct {
	Title, Type, Day, Author, Status string
	Page                             string // "" = it is not kept here
}

// shown is a document as a page.
type shown struct {
	Row      row
	Header   readable.Header
	Body     template.HTML
	Files    []link
	Original string
	Omitted  bool
	Unread   bool // the original alone
}

type link struct{ Href, Text string }

// pages writes the index and a page for each document.
func (a *archive) pages(ctx context.Context) error {
	places := map[string]string{}
	for _, d := range a.writer.Documents {
		places[d.UniqueID] = "../IHE_XDM/SUBSET01/" + d.URI
	}
	var rows []row
	for i, v := range a.Documents {
		d, ok := v.Value()
		if !ok {
			continue
		}
		r := rowOf(d.Entry)
		if original := places[d.Entry.UniqueID]; original != "" && a.keeps(v) {
			r.Page = fmt.Sprintf("%05d.html", i+1)
			if err := a.page(ctx, v, r, strings.TrimSuffix(r.Page, ".html"), original); err != nil {
				return err
			}
		}
		rows = append(rows, r)
	}
	css, err := a.writer.Beside(pagesFolder + "style.css")
	if err != nil {
		return err
	}
	if _, err := css.Write(style); err != nil {
		return err
	}
	return a.render("index.html", "index", map[string]any{"Rows": rows, "At": a.At.Format("02/01/2006 15:04 -0700"), "Gateway": a.Signer.Gateway})
}

// keeps tells whether the bytes on the medium are those of this entry, not of a twin.
func (a *archive) keeps(v authz.Visible[xds.Document]) bool {
	d, _ := v.Value()
	kept, _ := a.kept[d.Entry.UniqueID].Value()
	return kept.Entry.EntryUUID == d.Entry.EntryUUID
}

var statuses = map[xds.Status]string{xds.Deprecated: "ancienne version | superseded", xds.Archived: "archivé | archived"}

func rowOf(e xds.DocumentEntry) row {
	r := row{Title: e.Title, Type: e.TypeCode.Display, Status: statuses[e.AvailabilityStatus], Day: readable.Date(string(e.CreationTime))}
	if len(r.Day) > len("02/01/2006") {
		r.Day = r.Day[:len("02/01/2006")]
	}
	if r.Title == "" {
		r.Title = r.Type
	}
	if len(e.Authors) > 0 {
		r.Author = strings.TrimSpace(e.Authors[0].Person.Given() + " " + e.Authors[0].Person.Family())
	}
	return r
}

// page writes the page of one document, with the files that it carries.
func (a *archive) page(ctx context.Context, v authz.Visible[xds.Document], r row, name, original string) error {
	s := shown{Row: r, Original: original}
	d, _ := v.Value()
	doc, err := a.read(ctx, v, d.Entry)
	var refused xds.Errors
	switch {
	case errors.As(err, &refused):
		s.Unread = true
	case err != nil:
		return err
	}
	carried := d.Entry.MimeType == "text/xml"
	for n, f := range doc.Attachments {
		file := fmt.Sprintf("%s-%d%s", name, n+1, f.Extension())
		if !carried { // the original itself
			break
		}
		s.Files = append(s.Files, link{file, strings.ToUpper(strings.TrimPrefix(f.Extension(), "."))})
		part, err := a.writer.Beside(pagesFolder + file)
		if err != nil {
			return err
		}
		if _, err := part.Write(f.Content); err != nil {
			return err
		}
	}
	if !s.Unread {
		s.Body = doc.HTML(func(n int) string { return s.Files[n].Href })
		s.Header, s.Omitted = doc.Header, doc.Omitted
	}
	return a.render(r.Page, "page", s)
}

func (a *archive) read(ctx context.Context, v authz.Visible[xds.Document], e xds.DocumentEntry) (readable.Document, error) {
	r, err := a.Open(ctx, v)
	if err != nil {
		return readable.Document{}, err
	}
	defer r.Close()
	if e.MimeType == "text/xml" {
		return readable.Open(r, maxShown)
	}
	return readable.Bare(e.MimeType, r, maxShown)
}

func (a *archive) render(name, which string, data any) error {
	part, err := a.writer.Beside(pagesFolder + name)
	if err != nil {
		return err
	}
	return templates.ExecuteTemplate(io.Writer(part), which, data)
}
