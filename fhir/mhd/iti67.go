package mhd

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// maxForm bounds the body of a POST _search, in bytes.
const maxForm = 1 << 20

// search is ITI-67 Find Document References and ITI-66 Find Document Lists (MHD 2:3.67,
// 2:3.66): what the reader may see of one patient. A patient never seen gives an empty
// answer, a closed record its door (policy §0).
func (s *Server) search(c *call) error {
	values, err := c.parameters()
	if err != nil {
		return err
	}
	query, findings := fhir.ParseSearch(c.route.resource, values, s.Base, c.strict())
	if err := findings.Err(); err != nil {
		return err
	}
	if err := c.aboutPatient(query.NamesPatient()); err != nil {
		return err
	}
	s.asking(c, values)
	found, err := s.find(c, query)
	if err != nil {
		return err
	}
	s.answers.Lend(func(b []byte) []byte {
		b = found.append(b, s.Base, query)
		err = c.write(b)
		return b
	})
	return err
}

// aboutPatient demands that the search names a patient, or the token does (D6).
func (c *call) aboutPatient(named bool) error {
	if !named && c.subject.Patient == "" {
		return xds.Found("QRY-002", "patient", "", "patient=Patient/{dossier} ou patient.identifier=urn:oid:…|…")
	}
	return nil
}

// asking keeps a search for the audit message of its trail row.
func (s *Server) asking(c *call, values url.Values) {
	if s.Registry.Audited {
		c.r = c.r.WithContext(registry.Asking(c.r.Context(), []byte(c.r.URL.Path+"?"+values.Encode())))
	}
}

// strict tells whether unknown parameters are refused (F10).
func (c *call) strict() bool { return strings.Contains(c.r.Header.Get("Prefer"), "handling=strict") }

// parameters are those of the URL and of a form body together (Q1).
func (c *call) parameters() (url.Values, error) {
	values := c.query
	if c.r.Method != http.MethodPost {
		return values, nil
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, &xds.Error{ID: "FHIR-006", Where: "Content-Type", Found: c.r.Header.Get("Content-Type"), Expected: "application/x-www-form-urlencoded", Hint: "envoyer les paramètres comme un formulaire"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxForm))
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return nil, &xds.Error{ID: "FHIR-007"}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &xds.Error{ID: "SOAP-010"}
	}
	form, bad := url.ParseQuery(string(body))
	if err != nil || bad != nil {
		return nil, xds.Found("FHIR-008", "corps", "", "un formulaire encodé (application/x-www-form-urlencoded)")
	}
	for name, more := range form {
		values[name] = append(values[name], more...)
	}
	return values, c.negotiate(values)
}

// found is the answer to a search before it is written.
type found struct {
	record    string
	total     int
	next      *xds.Cursor
	sealed    string // next, for the reader
	documents []authz.Visible[xds.Document]
	lists     []fhir.List
	relations map[string][]fhir.Relation // by entryUUID of the source
	included  fhir.Included
	warnings  xds.Errors
}

// find runs the search in one session.
func (s *Server) find(c *call, query fhir.Search) (found, error) {
	ctx := c.r.Context()
	var answer found
	err := s.Registry.Read(ctx, func(session *registry.Session) error {
		answer = found{record: query.Record}
		scope, empty, err := s.openSearch(ctx, session, c, query)
		if err != nil || empty {
			return err
		}
		answer.record = scope.Record()
		if query.Cursor != "" {
			if query.Query.After, err = s.Cursors.Open(c.reader(), query.Key(answer.record), query.Cursor); err != nil {
				return err
			}
		}
		if query.CountOnly {
			query.Query.Limit, query.Query.Count = 1, true
		}
		if query.Resource == "List" {
			err = answer.findLists(ctx, session, scope, query)
		} else {
			err = answer.findDocuments(ctx, session, scope, query)
		}
		if query.CountOnly {
			answer.documents, answer.lists, answer.included, answer.next = nil, nil, fhir.Included{}, nil
		}
		if answer.next != nil {
			answer.sealed = s.Cursors.Seal(c.reader(), query.Key(answer.record), *answer.next)
		}
		return err
	})
	return answer, err
}

// findDocuments is one statement, and one more where a document relates to another.
func (f *found) findDocuments(ctx context.Context, session *registry.Session, scope authz.Scope, query fhir.Search) error {
	q, err := narrow(ctx, session, scope, query)
	if err != nil {
		return err
	}
	page, err := session.Find(ctx, scope, q)
	if err != nil {
		return err
	}
	f.documents, f.total, f.next = page.Documents, page.Total, page.Next
	if page.Related {
		if f.relations, err = relations(ctx, session, scope, f.documents); err != nil {
			return err
		}
	}
	if query.CountOnly {
		return nil
	}
	return f.join(ctx, session, scope, query)
}

// nobody is an identifier that no patient has: a record id that is unknown is judged
// as a patient never seen, and as another patient than the token's.
const nobody xds.CX = "inconnu^^^&0.0&ISO"

// openSearch opens the Scope of the patient that the request names, else the
// token's. empty tells that there is nothing to find: a patient never seen, or one
// that two parameters name differently.
func (s *Server) openSearch(ctx context.Context, session *registry.Session, c *call, query fhir.Search) (scope authz.Scope, empty bool, err error) {
	judged, same, err := s.named(ctx, session, c, query.Record, query.Patient)
	if err != nil {
		return scope, false, err
	}
	scope, err = s.Gate.Open(ctx, session, c.subject, judged, c.purpose(authz.Search, false))
	if unseen(err) {
		return scope, true, nil
	}
	return scope, !same, err
}

// named is the patient whom a request names by his record, by an identifier or by both,
// and whose door is judged: of two, the one that is not the token's. same is false for two
// that differ; "" is nobody.
func (s *Server) named(ctx context.Context, session *registry.Session, c *call, record string, patient xds.CX) (judged xds.CX, same bool, err error) {
	var named []xds.CX
	if record != "" {
		holder, err := session.PatientOfRecord(ctx, record)
		if err != nil {
			return "", false, err
		}
		if holder == "" {
			holder = nobody
		}
		named = append(named, holder)
	}
	if patient != "" {
		named = append(named, patient)
	}
	for i, patient := range named {
		if i == 0 || c.subject.Patient != "" && !patient.Same(c.subject.Patient) {
			judged = patient
		}
	}
	return judged, len(named) < 2 || named[0].Same(named[1]), nil
}

// narrow completes the query with what needs the session: documents named by an
// identifier of any kind.
func narrow(ctx context.Context, session *registry.Session, scope authz.Scope, query fhir.Search) (xds.Query, error) {
	q := query.Query
	q.Patient, q.Relations = scope.Patient(), true
	for _, n := range query.Named {
		docs, err := session.Get(ctx, scope, n.IDs...)
		if err != nil {
			return q, err
		}
		named := []string{}
		for _, v := range docs {
			d, _ := v.Value()
			named = append(named, d.Entry.LogicalID)
		}
		q = q.With(xds.Match{Attribute: xds.AttrLogicalID, Op: xds.Equals, Texts: named, Not: n.Not})
	}
	return q.With(xds.EqualTexts(xds.AttrObjectType, xds.StableDocument)), nil // an on-demand entry has no document yet
}

// relations are what the documents relate to, where the Scope admits both ends.
func relations(ctx context.Context, session *registry.Session, scope authz.Scope, docs []authz.Visible[xds.Document]) (map[string][]fhir.Relation, error) {
	all, err := session.Relations(ctx, scope, docs)
	related := map[string][]fhir.Relation{}
	for _, r := range all {
		a, _ := r.Association.Value()
		related[a.Source] = append(related[a.Source], fhir.Relation{Type: a.Type, Target: r.Target})
	}
	return related, err
}

// related are the relations of one document.
func related(all map[string][]fhir.Relation) func(authz.Visible[xds.Document]) []fhir.Relation {
	return func(v authz.Visible[xds.Document]) []fhir.Relation {
		d, _ := v.Value()
		return all[d.Entry.EntryUUID]
	}
}

// append writes the searchset (Q6).
func (f found) append(b []byte, base string, query fhir.Search) []byte {
	set := fhir.Searchset{Base: base, Self: query.URL(base, f.record, query.Cursor), Lists: f.lists, Included: f.included, Warnings: f.warnings}
	if !query.NoTotal || query.CountOnly {
		set.Total = &f.total
	}
	if f.next != nil {
		set.Next = query.URL(base, f.record, f.sealed)
	}
	return fhir.AppendSearchset(b, set, f.documents, related(f.relations))
}
