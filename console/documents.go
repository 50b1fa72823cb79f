package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

var documentRoutes = []route{
	{method: http.MethodGet, path: "/patient/{record}/documents", handle: (*Server).documents},
	{method: http.MethodGet, path: "/patient/{record}/documents/{document}", handle: (*Server).document},
	{method: http.MethodGet, path: "/patient/{record}/documents/{document}/fichier", handle: (*Server).original},
	{method: http.MethodGet, path: "/patient/{record}/documents/{document}/piece/{piece}", handle: (*Server).piece},
	{method: http.MethodPost, path: "/patient/{record}/documents/{document}/archiver", handle: (*Server).archive},
	{method: http.MethodPost, path: "/patient/{record}/documents/{document}/desarchiver", handle: (*Server).unarchive},
}

// line is a document as lists show it.
type line struct {
	Path, Title, Type, Category, Author, Structure string
	At                                             time.Time
	Own                                            bool // of the patient's side
	Tags                                           []tag
}

// tag is a mark or a state of a document in words.
type tag struct{ Text, Class string }

// line tells a document to the visitor.
func (v *visit) line(d xds.Document) line {
	e := d.Entry
	l := line{
		Path: v.at("documents", strings.TrimPrefix(e.LogicalID, "urn:uuid:")), Title: e.Title, Type: e.TypeCode.Display,
		Category: v.T(categoryOf(e).Label), At: e.CreationTime.Start(), Own: d.Origin == xds.FromPatient, Tags: v.tags(d),
	}
	if l.Title == "" {
		l.Title = l.Type
	}
	if l.Title == "" {
		l.Title = v.T("Document sans titre")
	}
	for _, a := range e.Authors {
		if l.Author = nameOf(a.Person); l.Author != "" {
			break
		}
	}
	for _, a := range e.Authors {
		if len(a.Institutions) > 0 {
			if l.Structure = xds.Unescape(a.Institutions[0].Name()); l.Structure == l.Author {
				l.Structure = ""
			}
			break
		}
	}
	return l
}

// nameOf is a person as we call him.
func nameOf(x xds.XCN) string {
	return strings.TrimSpace(strings.Trim(xds.Unescape(x.Given()), ".") + " " + xds.Unescape(x.Family()))
}

// tags are the marks and the state of a document, and who added it (policy §1.9: all
// marks of a visible entry are shown to its reader).
func (v *visit) tags(d xds.Document) (all []tag) {
	if d.Origin == xds.FromPatient {
		text := v.T("Ajouté par un proche")
		if d.Depositor == v.record.Person {
			text = v.T("Ajouté par moi")
		}
		all = append(all, tag{text, ""})
	}
	if d.Marks.MaskedPS {
		all = append(all, tag{v.T("Masqué aux professionnels"), "warn"})
	}
	if d.Marks.HiddenReps {
		all = append(all, tag{v.T("Non visible de mes représentants légaux"), "warn"})
	}
	switch d.Entry.AvailabilityStatus {
	case xds.Archived:
		all = append(all, tag{v.T("Archivé"), ""})
	case xds.Deprecated:
		all = append(all, tag{v.T("Ancienne version"), ""})
	}
	return all
}

// documentList is what the page of the documents is about.
type documentList struct {
	sought
	Lines      []line
	Total      int
	Partial    bool
	Next, All  string
	MaskAll    bool
	Categories []category
	States     []struct{ Code, Label string }
}

// documents lists what the visitor may see and looks for.
func (s *Server) documents(v *visit) error {
	list := documentList{sought: v.sought(), All: v.at("documents"), Categories: categories, States: states}
	err := s.Registry.Read(v.context(), func(session *registry.Session) error {
		list.Lines = nil
		scope, err := s.Rights.Gate.Open(v.context(), session, v.call.Subject, v.record.Patient, v.call.Purpose(authz.Search, "documents"))
		if err != nil {
			return err
		}
		page, err := v.listed(session, scope, list.sought)
		if err != nil {
			return err
		}
		for _, d := range page.Documents {
			list.Lines = append(list.Lines, v.line(d))
		}
		list.Total, list.Partial, list.MaskAll = page.Total, page.Partial, scope.Settings().MaskAll
		if page.next != nil {
			list.Next = list.path(list.All, v.place(page.next))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show("documents-list", v.T("Mes documents"), list)
}

// MayAct tells whether the visitor may change documents: the holder, or who represents
// him. The Gate decides; this leaves out buttons that it would refuse.
func (v *visit) MayAct() bool { return v.own() || v.represented() }

func (s *Server) archive(v *visit) error {
	return s.act(v, "archive", v.T("Le document est archivé."))
}

func (s *Server) unarchive(v *visit) error {
	return s.act(v, "unarchive", v.T("Le document n'est plus archivé."))
}

// act carries out an act on the document of the path, and shows it again.
func (s *Server) act(v *visit, name, done string) error {
	if _, err := s.Rights.Act(v.context(), v.call, "urn:uuid:"+v.param("document"), name, false); err != nil {
		return err
	}
	return v.done(v.at("documents", v.param("document")), done)
}

// Documents is the list of the record.
func (v *visit) Documents() string { return v.at("documents") }

// Mine tells the visitor's own record.
func (v *visit) Mine() bool { return v.own() }
