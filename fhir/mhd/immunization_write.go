package mhd

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// maxImmunization bounds the body of an Immunization, in bytes.
const maxImmunization = 256 << 10

// createImmunization is POST Immunization: a CDA vaccination note in the record, with
// the rights and by the way of any deposit, so that SOAP readers see it at once.
func (s *Server) createImmunization(c *call) error {
	sent, findings, err := s.readSent(c)
	if err != nil {
		return err
	}
	if sent.Patient == "" && c.subject.Patient == "" {
		return findings
	}
	deposit, err := s.openNote(c, sent.Patient)
	if err != nil {
		return err
	}
	known, err := s.visibleActs(c, deposit.Patient())
	if err != nil {
		return err
	}
	criteria, conditional, err := c.noneExistCriteria("Immunization", "des paramètres de recherche d'Immunization")
	if err != nil {
		return err
	}
	if conditional {
		done, err := s.existing(c, criteria, deposit.Patient(), known)
		if done || err != nil {
			return err
		}
	}
	note, refused := s.note(c, sent, deposit)
	findings.AddAll(refused)
	for _, im := range known.acts {
		if len(sent.Act.IDs) > 0 && im.IDs[0].Same(sent.Act.IDs[0]) {
			findings.Add(&xds.Error{ID: "REG-002", Where: "Immunization.identifier[0]", Hint: "cette vaccination est déjà dans le carnet : PUT Immunization/{id} pour la corriger"})
		}
	}
	note.SetID, note.Version = s.newOID(), 1
	if len(note.Act.IDs) == 0 {
		note.Act.IDs = []vaccination.ID{{Root: strings.ToUpper(s.NewID())}}
	}
	return s.deposited(c, http.StatusCreated, deposit, note, findings, entrance.Order{Transaction: c.route.name, Marks: sent.Marks}, known.reads)
}

// updateImmunization is PUT Immunization/{id}: a new version of the note that holds
// the act alone (RPLC), by whoever may replace it (R-31…R-33). An act in a history, or
// in a note of several, is corrected where that document is made.
func (s *Server) updateImmunization(c *call) error {
	sent, findings, err := s.readSent(c)
	if err != nil {
		return err
	}
	if sent.ID != c.id {
		return xds.Found("FHIR-002", "Immunization.id", "", "l'id de l'adresse")
	}
	key := c.id
	shown, at, err := s.lookIn(c, key, xds.Approved)
	if err != nil {
		return err
	}
	found := fhir.Immunization{}
	if at >= 0 {
		found = shown.acts[at]
	}
	if at >= 0 && found.Note >= 0 {
		found.Source = shown.documents[found.Note]
	}
	if found, err = s.confirm(c, found, authz.Search); err != nil {
		return err
	}
	current, _ := found.Source.Value()
	if found.Note < 0 || vaccination.Gather(shown.record, shown.read[found.Note:found.Note+1])[0].Key != key {
		return &xds.Error{ID: "FHIR-009", Where: "Immunization", Expected: "une vaccination qui est seule dans sa note",
			Hint: "elle figure dans le document DocumentReference/" + fhir.ID(current) + ", qui en tient d'autres : la corriger à la source de ce document"}
	}
	if header := c.r.Header.Get("If-Match"); header != "" && !matches(header, immunizationETag(shown.acts[at])) {
		return &xds.Error{ID: "FHIR-011", Where: "If-Match"}
	}
	deposit, err := s.openNote(c, sent.Patient)
	if err != nil {
		return err
	}
	note, refused := s.note(c, sent, deposit)
	findings.AddAll(refused)
	if deposit.Record() != shown.record {
		findings.Add(xds.Found("FHIR-009", "Immunization.patient", "", "le patient de la vaccination, qui ne change pas"))
	}
	former := shown.read[found.Note]
	note.SetID, note.Version, note.Parent = cmp.Or(former.SetID, s.newOID()), former.Version+1, current.Entry.UniqueID
	if first := former.Acts[0].IDs[0]; len(note.Act.IDs) == 0 {
		note.Act.IDs = former.Acts[0].IDs
	} else if !note.Act.IDs[0].Same(first) {
		findings.Add(xds.Found("FHIR-009", "Immunization.identifier[0]", "", "l'identifiant de la vaccination, qui ne change pas"))
	}
	return s.deposited(c, http.StatusOK, deposit, note, findings, entrance.Order{Transaction: c.route.name, Replace: current.Entry.EntryUUID}, shown.reads)
}

// readSent reads the body. The error is what makes it unreadable; the findings are what
// a note cannot hold.
func (s *Server) readSent(c *call) (fhir.SentImmunization, xds.Errors, error) {
	n, err := c.body(maxImmunization, "Immunization")
	if err != nil {
		return fhir.SentImmunization{}, nil, err
	}
	look := lookup{server: s, ctx: c.r.Context(), call: c}
	sent, findings := fhir.ReadImmunization(n, fhir.References{Base: s.Base, Patient: look.patient})
	return sent, findings, look.failed
}

// openNote takes the early decision on the deposit, which leaves no trace when it
// permits: the one that registers is binding.
func (s *Server) openNote(c *call, patient xds.CX) (deposit authz.Deposit, err error) {
	ctx := c.r.Context()
	err = s.Registry.Probe(ctx, func(session *registry.Session) (err error) {
		deposit, err = s.Gate.OpenDeposit(ctx, session, c.subject, patient, authz.Purpose{Transaction: c.route.name})
		return err
	})
	return deposit, err
}

// visibleActs are the acts of a patient that the subject may see, for a condition or a
// duplicate; whoever may not read sees none. They are no answer.
func (s *Server) visibleActs(c *call, patient xds.CX) (carnet, error) {
	ctx := c.r.Context()
	shown := carnet{}
	var page registry.Page
	err := s.Registry.Peek(ctx, func(session *registry.Session) error {
		scope, err := s.Gate.Open(ctx, session, c.subject, patient, c.purpose(authz.Search, false))
		if err != nil {
			return err
		}
		if shown = through(scope); !shown.reads {
			return nil
		}
		page, err = findVaccinations(ctx, session, scope, xds.Approved)
		return err
	})
	if _, told := xds.FindingsOf(err); told {
		return shown, nil
	}
	if err != nil {
		return shown, err
	}
	return shown, s.gather(ctx, &shown, page)
}

// existing answers a conditional create (R4 3.1.0.8.1): nothing is created where one
// visible act matches, nor where several do. A hidden one is no match.
func (s *Server) existing(c *call, criteria url.Values, patient xds.CX, known carnet) (done bool, err error) {
	query, findings := fhir.ParseImmunizationSearch(criteria, s.Base, true)
	if findings.Failed() {
		return true, findings
	}
	var found []fhir.Immunization
	for _, im := range known.acts {
		if query.Matches(im) {
			found = append(found, im)
		}
	}
	switch {
	case query.Record != "" && query.Record != known.record, query.Patient != "" && !query.Patient.Same(patient):
		return false, nil // another patient's are none of this one
	case len(found) > 1:
		return true, &xds.Error{ID: "FHIR-014", Where: "If-None-Exist"}
	case len(found) == 0:
		return false, nil
	}
	im, err := s.confirm(c, found[0], authz.Search)
	if err != nil {
		return true, err
	}
	c.located(s.Base, im.Key, im.VersionID())
	return true, c.write(fhir.AppendImmunization(nil, im, s.Base, s.ImmunizationProfiles))
}

// The identifier spaces of professionals and structures (domain §3.1).
const (
	proSpace       = "1.2.250.1.71.4.2.1"
	structureSpace = "1.2.250.1.71.4.2.2"
)

// deposited writes the note and hands it to the entrance of bare documents, which
// derives its metadata, checks and registers it, and traces the deposit.
func (s *Server) deposited(c *call, status int, deposit authz.Deposit, note vaccination.Note, findings xds.Errors, order entrance.Order, reads bool) error {
	ctx := c.r.Context()
	if findings.Failed() {
		return s.refuseNote(ctx, c, deposit.Patient(), findings)
	}
	doc, err := vaccination.Write(note)
	if err != nil {
		return err
	}
	taken, err := s.Entrance.Take(ctx, c.subject, bytes.NewReader(doc), order)
	if refused, told := xds.FindingsOf(err); told {
		return inResource(refused)
	}
	if err != nil {
		return err
	}
	written, _ := vaccination.Read(doc)
	_, marks := xds.SplitMarks(taken.Document.Confidentiality)
	key := vaccination.Gather(taken.Record, []vaccination.Document{written})[0].Key
	findings.AddAll(inResource(taken.Warnings))
	return s.acknowledge(c, status, key, fhir.ImmunizationVersion(note.Version, max(taken.Document.Version, 1), marks), findings, reads)
}

// inResource gives findings about the note the one place that its sender knows: he
// did not write it.
func inResource(findings xds.Errors) xds.Errors {
	for _, e := range findings {
		if e.Where != "" {
			e.Where, e.Line, e.Column, e.Found = "Immunization", 0, 0, ""
		}
	}
	return findings
}

// refuseNote traces a deposit that was permitted and whose content is refused
// (policy §1.9).
func (s *Server) refuseNote(ctx context.Context, c *call, patient xds.CX, findings xds.Errors) error {
	return s.Registry.Read(ctx, func(session *registry.Session) error {
		deposit, err := s.Gate.OpenDeposit(ctx, session, c.subject, patient, authz.Purpose{Transaction: c.route.name})
		if err != nil {
			return err
		}
		deposit.Refuse(findings.First().ID)
		return findings
	})
}

// acknowledge answers a write as Prefer asks (R4 3.1.0.1.7): the resource, which is
// read as any reader reads it and is left out for who may only write; the outcome,
// with the warnings; or nothing.
func (s *Server) acknowledge(c *call, status int, key, version string, findings xds.Errors, reads bool) error {
	c.located(s.Base, key, version)
	prefer := c.r.Header.Get("Prefer")
	if strings.Contains(prefer, "return=OperationOutcome") {
		if len(findings) == 0 {
			findings.Add(&xds.Error{ID: "FHIR-013", Severity: xds.SeverityWarning})
		}
		return c.send(status, fhir.AppendOutcome(nil, findings, false))
	}
	if reads && !strings.Contains(prefer, "return=minimal") {
		c.id = key
		im, err := s.immunization(c, authz.Search)
		if err == nil {
			c.w.Header().Set("Last-Modified", im.Updated().Format(http.TimeFormat))
			return c.send(status, fhir.AppendImmunization(nil, im, s.Base, s.ImmunizationProfiles))
		}
		if _, told := xds.FindingsOf(err); !told {
			s.Log.Error("incident", "request", c.request, "transaction", c.route.name, "error", err) // it is registered all the same
		}
	}
	c.w.WriteHeader(status)
	return nil
}

// located tells where a resource is and which version it has.
func (c *call) located(base, key, version string) {
	c.w.Header().Set("Location", base+"/Immunization/"+key+"/_history/"+version)
	c.w.Header().Set("ETag", `W/"`+version+`"`)
}
