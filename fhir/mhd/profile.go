package mhd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
)

// A resource of the medical profile is a view of a document of the patient that the
// reader may see: it has no table, no rights and no marks of its own, as an Immunization
// has none. It is written by the pages of the patient and by the JSON calls.

// maxSections bounds the documents that one request reads, the newest ones.
const maxSections = 200

func readSection(content []byte) medical.Document {
	d, _ := medical.Read(content)
	return d
}

// findSections are the visible documents that entries are read from.
func findSections(ctx context.Context, session *registry.Session, scope authz.Scope, sections []medical.Section) (registry.Page, error) {
	q := xds.Query{Patient: scope.Patient(), Limit: maxSections}
	q = q.With(xds.EqualCodes(xds.AttrTypeCode, medical.Types(sections...)...)).With(xds.EqualCodes(xds.AttrEventCodes, medical.Events(sections...)...))
	q = q.With(xds.StatusIs(xds.Approved)).With(xds.EqualTexts(xds.AttrObjectType, xds.StableDocument))
	return session.Find(ctx, scope, q)
}

// told keeps of the entries of documents that were seen those that are resources of the
// type.
func (s *Server) told(ctx context.Context, record, resource string, page registry.Page) (entries []fhir.ProfileEntry, warnings xds.Errors, err error) {
	if page.Next != nil {
		e := xds.Found("QRY-006", "", "", fmt.Sprintf("au plus %d documents du profil médical : les plus anciens ne sont pas lus", maxSections))
		e.Severity = xds.SeverityWarning
		warnings.Add(e)
	}
	all, err := s.entries(ctx, record, page.Documents)
	for _, e := range all {
		if e.Resource() == resource {
			entries = append(entries, e)
		}
	}
	return entries, warnings, err
}

// entries reads those of documents that were seen, once the session is over. A document
// that says it is a section without the type of one is none: its row of the matrix is
// another one's.
func (s *Server) entries(ctx context.Context, record string, seen []authz.Visible[xds.Document]) (entries []fhir.ProfileEntry, err error) {
	documents := make([]medical.Document, len(seen))
	for i, v := range seen {
		read, ok, err := s.profile.Open(ctx, s.Repository, v)
		if err != nil {
			return nil, err
		}
		if d, _ := v.Value(); ok && d.Entry.TypeCode.Same(read.Section.Type) {
			documents[i] = read
		}
	}
	for _, told := range medical.Gather(record, documents) {
		entries = append(entries, fhir.ProfileEntry{Told: told, Source: seen[told.Source]})
	}
	return entries, nil
}

// findProfile is a search on a resource of the profile (PCC-44).
func (s *Server) findProfile(c *call) error {
	query, err := s.terms(c, c.route.resource)
	if err != nil {
		return err
	}
	ctx := c.r.Context()
	var page registry.Page
	record := query.Record
	err = s.Registry.Read(ctx, func(session *registry.Session) error {
		page, record = registry.Page{}, query.Record
		scope, empty, err := s.openSearch(ctx, session, c, query)
		if err != nil || empty {
			return err
		}
		record = scope.Record()
		page, err = findSections(ctx, session, scope, fhir.ProfileSections(query.Resource))
		return err
	})
	if err != nil {
		return err
	}
	entries, warnings, err := s.told(ctx, record, query.Resource, page)
	if err != nil {
		return err
	}
	var found []fhir.Found
	for _, e := range entries {
		if query.FitsProfile(e) {
			found = append(found, fhir.Found{Kind: query.Resource, ID: e.Key, Key: e.Order(), JSON: fhir.AppendProfileEntry(nil, e, s.Base, s.Now())})
		}
	}
	slices.SortFunc(found, func(a, b fhir.Found) int { return strings.Compare(a.Key, b.Key) })
	shown, next, err := s.page(c, query, record, found)
	if err != nil {
		return err
	}
	return s.writeFound(c, query, record, shown, len(found), next, warnings...)
}

// readProfile is GET of one resource. Its document is looked for first, without a trace;
// then it is opened as any document is (policy §0.2).
func (s *Server) readProfile(c *call) error {
	e, err := s.lookProfile(c)
	if err != nil {
		return err
	}
	sought, _ := e.Source.Value()
	c.id, c.vid = fhir.ID(sought), ""
	if e.Source, _, err = s.one(c, authz.Retrieve); err != nil {
		return err
	}
	body := fhir.AppendProfileEntry(nil, e, s.Base, s.Now())
	sum := sha256.Sum256(body)
	if c.unchanged(`W/"` + hex.EncodeToString(sum[:8]) + `"`) {
		return nil
	}
	return c.write(body)
}

// lookProfile looks for the entry that the path names in what the subject may see of the
// record that it names, the zero entry when there is none for him.
func (s *Server) lookProfile(c *call) (fhir.ProfileEntry, error) {
	ctx := c.r.Context()
	record, resource := xds.RecordOfPart(c.id), c.route.resource
	var page registry.Page
	err := s.Registry.Peek(ctx, func(session *registry.Session) error {
		page = registry.Page{}
		patient, err := session.PatientOfRecord(ctx, record)
		if err != nil || patient == "" {
			return err
		}
		scopes, err := s.Gate.OpenByID(ctx, session, c.subject, []xds.CX{patient}, c.purpose(authz.Search, true))
		if err != nil {
			return err
		}
		for _, scope := range scopes {
			if scope.Record() == record {
				page, err = findSections(ctx, session, scope, fhir.ProfileSections(resource))
			}
		}
		return err
	})
	if _, told := xds.FindingsOf(err); told {
		return fhir.ProfileEntry{}, nil // the door is told, and traced, by who opens the document
	}
	if err != nil {
		return fhir.ProfileEntry{}, err
	}
	entries, _, err := s.told(ctx, record, resource, page)
	if at := slices.IndexFunc(entries, func(e fhir.ProfileEntry) bool { return e.Key == c.id }); at >= 0 {
		return entries[at], err
	}
	return fhir.ProfileEntry{}, err
}
