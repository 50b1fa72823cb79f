package mhd

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// An Immunization is a view of a vaccination document that the reader may see (I5): it
// has no table, no rights and no marks of its own. Search and read open the reader's
// Scope, find his visible documents of the two types, and read the acts in them.

// maxVaccinationDocuments bounds the documents that one request reads, the newest ones.
const maxVaccinationDocuments = 200

// reading is a document as it was read.
type reading struct {
	document vaccination.Document
	findings xds.Errors
}

// shelved is how many documents a shelf remembers.
const shelved = 512

func readVaccinations(content []byte) (r reading) {
	r.document, r.findings = vaccination.Read(content)
	return r
}

// unread is what is said of a document that is not opened.
var unread = reading{findings: xds.Errors{xds.Found("XML-003", "", "", fmt.Sprintf("un document de cet entrepôt, d'au plus %d octets", vaccination.MaxBytes))}}

// carnet is what a reader may see of one record's vaccinations.
type carnet struct {
	record    string
	born      string // YYYYMMDD
	concerned bool   // the reader's matrix has vaccination documents
	reads     bool   // his token, and the grant of his application, reach reading
	traces    bool   // and where an act was read from
	documents []authz.Visible[xds.Document]
	read      []vaccination.Document // in the order of documents
	acts      []fhir.Immunization
	warnings  xds.Errors
}

// at is an act of the carnet, the zero Immunization for -1.
func (c carnet) at(i int) fhir.Immunization {
	if i < 0 {
		return fhir.Immunization{}
	}
	return c.acts[i]
}

// findVaccinations are the visible documents that acts are read from, newest first.
func findVaccinations(ctx context.Context, session *registry.Session, scope authz.Scope, statuses ...xds.Status) (registry.Page, error) {
	q := xds.Query{Patient: scope.Patient(), Limit: maxVaccinationDocuments}
	q = q.With(xds.EqualCodes(xds.AttrTypeCode, vaccination.Types()...)).With(xds.StatusIs(statuses...))
	q = q.With(xds.EqualTexts(xds.AttrObjectType, xds.StableDocument))
	return session.Find(ctx, scope, q)
}

// gather reads the acts of documents that were seen, once the session is over.
func (s *Server) gather(ctx context.Context, c *carnet, page registry.Page) error {
	c.documents = page.Documents
	// Which of two is newer goes by their registration: a document may be dated back.
	slices.SortStableFunc(c.documents, func(a, b authz.Visible[xds.Document]) int {
		one, _ := a.Value()
		other, _ := b.Value()
		return cmp.Compare(other.Labels.RegisteredUnix, one.Labels.RegisteredUnix)
	})
	if page.Next != nil {
		e := xds.Found("QRY-006", "", "", fmt.Sprintf("au plus %d documents de vaccination : les plus anciens ne sont pas lus", maxVaccinationDocuments))
		e.Severity = xds.SeverityWarning
		c.warnings.Add(e)
	}
	c.read = make([]vaccination.Document, len(page.Documents))
	for i, v := range page.Documents {
		read, ok, err := s.shelf.Open(ctx, s.Repository, v)
		if err != nil {
			return err
		}
		if !ok {
			read = unread
		}
		c.read[i] = read.document
		d, _ := v.Value()
		for _, f := range read.findings {
			f := *f
			f.Severity, f.Where = xds.SeverityWarning, strings.TrimSuffix("DocumentReference/"+fhir.ID(d)+" "+f.Where, " ")
			c.warnings.Add(&f)
		}
	}
	for _, e := range vaccination.Gather(c.record, c.read) {
		act := fhir.Immunization{Entry: e, Source: page.Documents[e.Source], Version: c.read[e.Source].Version}
		c.acts = append(c.acts, act)
	}
	return nil
}

// immunizations is the search (PCC-44 of QEDm; R4 Immunization).
func (s *Server) immunizations(c *call) error {
	values, err := c.parameters()
	if err != nil {
		return err
	}
	query, findings := fhir.ParseImmunizationSearch(values, s.Base, c.strict())
	if err := findings.Err(); err != nil {
		return err
	}
	if err := c.aboutPatient(query.Record != "" || query.Patient != ""); err != nil {
		return err
	}
	s.asking(c, values)
	shown, err := s.carnet(c, query.Record, query.Patient)
	if err != nil {
		return err
	}
	set, page, err := s.immunizationPage(c, query, shown)
	if err != nil {
		return err
	}
	return c.write(fhir.AppendImmunizationSet(nil, set, page, s.ImmunizationProfiles, query.Origins && shown.traces))
}

// carnet opens the Scope of the patient that the request names, else the token's, and
// reads what it admits. A patient never seen has an empty one.
func (s *Server) carnet(c *call, record string, patient xds.CX) (carnet, error) {
	ctx := c.r.Context()
	shown := carnet{record: record}
	var page registry.Page
	err := s.Registry.Read(ctx, func(session *registry.Session) error {
		page = registry.Page{}
		scope, empty, err := s.openSearch(ctx, session, c, fhir.Search{Record: record, Patient: patient})
		if err != nil || empty {
			return err
		}
		shown = through(scope)
		page, err = findVaccinations(ctx, session, scope, xds.Approved)
		return err
	})
	if err != nil {
		return shown, err
	}
	return shown, s.gather(ctx, &shown, page)
}

// through is a carnet that a Scope opens, before it is read.
func through(scope authz.Scope) carnet {
	return carnet{
		record: scope.Record(), born: scope.BirthDate(), concerned: concerned(scope),
		reads: scope.Reaches(authz.Interaction{Resource: "Immunization", Letter: "r"}), traces: scope.Reaches(authz.Interaction{Resource: "Provenance", Letter: "r"}),
	}
}

// immunizationPage is one page of the acts that the search matches.
func (s *Server) immunizationPage(c *call, query fhir.ImmunizationSearch, shown carnet) (set fhir.Searchset, page []fhir.Immunization, err error) {
	for _, im := range shown.acts {
		if query.Matches(im) {
			page = append(page, im)
		}
	}
	total := len(page)
	set = fhir.Searchset{Base: s.Base, Self: query.URL(s.Base, shown.record, query.Cursor), Warnings: shown.warnings}
	if !query.NoTotal || query.CountOnly {
		set.Total = &total
	}
	if query.CountOnly {
		return set, nil, nil
	}
	slices.SortFunc(page, query.Compare)
	if query.Cursor != "" {
		at, err := s.Cursors.Open(c.reader(), query.Key(shown.record), query.Cursor)
		if err != nil {
			return set, nil, err
		}
		page = slices.DeleteFunc(page, func(im fhir.Immunization) bool { return !query.After(im, *at) })
	}
	if len(page) > query.Count {
		page = page[:query.Count]
		next := s.Cursors.Seal(c.reader(), query.Key(shown.record), query.Position(page[len(page)-1]))
		set.Next = query.URL(s.Base, shown.record, next)
	}
	return set, page, nil
}

// immunization finds the act that the path names. Its document is looked for first,
// without a trace; then it is opened as any document is, by the way on which a hidden
// one and an unknown one are one (policy §0.2).
func (s *Server) immunization(c *call, action authz.Value) (fhir.Immunization, error) {
	shown, at, err := s.lookIn(c, c.id, xds.Approved)
	if err != nil {
		return fhir.Immunization{}, err
	}
	return s.confirm(c, shown.at(at), action)
}

// confirm opens the document of an act; of no act, of a document that is not there.
func (s *Server) confirm(c *call, found fhir.Immunization, action authz.Value) (fhir.Immunization, error) {
	sought, _ := found.Source.Value()
	c.id, c.vid = fhir.ID(sought), ""
	v, _, err := s.one(c, action)
	found.Source = v
	return found, err
}

// lookIn looks for an act in what the subject may see of the record that the id names,
// -1 when there is none for him. The error is a failure.
func (s *Server) lookIn(c *call, id string, statuses ...xds.Status) (shown carnet, at int, err error) {
	ctx := c.r.Context()
	record := vaccination.Record(id)
	shown.record = record
	var page registry.Page
	err = s.Registry.Peek(ctx, func(session *registry.Session) error {
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
				shown = through(scope)
				page, err = findVaccinations(ctx, session, scope, statuses...)
			}
		}
		return err
	})
	if _, told := xds.FindingsOf(err); told {
		return shown, -1, nil // the door is told, and traced, by who opens the document
	}
	if err != nil {
		return shown, -1, err
	}
	err = s.gather(ctx, &shown, page)
	return shown, slices.IndexFunc(shown.acts, func(im fhir.Immunization) bool { return im.Key == id }), err
}

// readImmunization is GET Immunization/{id}.
func (s *Server) readImmunization(c *call) error {
	im, err := s.immunization(c, authz.Retrieve)
	if err != nil {
		return err
	}
	c.w.Header().Set("Last-Modified", im.Updated().Format(http.TimeFormat))
	if c.unchanged(immunizationETag(im)) {
		return nil
	}
	return c.write(fhir.AppendImmunization(nil, im, s.Base, s.ImmunizationProfiles))
}

// readOrigin is GET Provenance/{id}: what an act was read from.
func (s *Server) readOrigin(c *call) error {
	im, err := s.immunization(c, authz.Retrieve)
	if err != nil {
		return err
	}
	if c.unchanged(immunizationETag(im)) {
		return nil
	}
	return c.write(fhir.AppendOrigin(nil, im))
}

func immunizationETag(im fhir.Immunization) string { return `W/"` + im.VersionID() + `"` }
