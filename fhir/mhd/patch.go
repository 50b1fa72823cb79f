package mhd

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// maxPatch bounds the body of a PATCH, in bytes.
const maxPatch = 64 << 10

// attestationHeader says that a professional acts at the patient's request (C-11):
// neither JSON Patch nor XML Patch has a place for it.
const attestationHeader = "Passerelle-Attestation"

// patch is PATCH DocumentReference/{id} and PATCH DocumentReference?identifier=…
// (PDSm flux 03 and 04, DMP TD3.3a–d; checklist U1–U4): what differs from the document
// as it is decides the acts of the policy, all of which must be permitted. They make
// one new version, or none.
func (s *Server) patch(c *call) error {
	asked, err := c.readPatch()
	if err != nil {
		return err
	}
	ids, err := c.named()
	if err != nil {
		return err
	}
	ctx := c.r.Context()
	var shown authz.Visible[xds.Document]
	var relates []fhir.Relation
	err = s.Registry.Write(ctx, func(session *registry.Session) error {
		shown, relates = authz.Visible[xds.Document]{}, nil
		t, err := s.amendable(ctx, session, c, asked, ids)
		if err != nil {
			return err
		}
		change, err := t.change(c, asked)
		if err != nil {
			return err
		}
		changed, err := session.Act(ctx, t.amend, change)
		if err != nil {
			return err
		}
		if !t.amend.Reading().Reaches(showing) { // he may change, and is told that it is done
			return nil
		}
		if shown, err = session.Acted(ctx, t.amend, changed); err != nil {
			return err
		}
		all, err := relations(ctx, session, t.amend.Reading(), []authz.Visible[xds.Document]{shown})
		if _, ok := shown.Value(); ok {
			relates = related(all)(shown)
		}
		return err
	})
	if err != nil {
		return unnamed(err)
	}
	return s.answerPatch(c, shown, relates)
}

// answerPatch gives the document as it is now; what the actor does not see, a deleted
// one first of all, is told as done (D3).
func (s *Server) answerPatch(c *call, shown authz.Visible[xds.Document], relates []fhir.Relation) error {
	d, ok := shown.Value()
	if ok {
		c.w.Header().Set("ETag", fhir.ETag(d))
		c.w.Header().Set("Last-Modified", time.Unix(d.Labels.UpdatedUnix, 0).UTC().Format(http.TimeFormat))
	}
	return c.prefer(http.StatusOK, func(b []byte) []byte { return fhir.AppendDocumentReference(b, shown, s.Base, relates...) }, ok)
}

// prefer answers a write as the client prefers (R4 http.html, Prefer: return=…): with
// the resource, which is there to be seen or not, with an OperationOutcome or with
// nothing.
func (c *call) prefer(status int, resource func([]byte) []byte, seen bool) error {
	wish := ""
	for part := range strings.FieldsFuncSeq(strings.Join(c.r.Header.Values("Prefer"), ","), func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		if value, ok := strings.CutPrefix(part, "return="); ok {
			wish = value
		}
	}
	switch {
	case wish == "minimal":
		c.w.Header().Set("Content-Length", "0")
		c.w.WriteHeader(status)
		return nil
	case wish == "OperationOutcome" || !seen:
		return c.send(status, fhir.AppendOutcome(nil, xds.Errors{{ID: "FHIR-013", Severity: xds.SeverityInformation}}, false))
	}
	return c.send(status, resource(nil))
}

// readPatch reads the body in one of the forms of PATCH.
func (c *call) readPatch() (fhir.Patch, error) {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	body := http.MaxBytesReader(c.w, c.r.Body, maxPatch+1)
	var p fhir.Patch
	var findings xds.Errors
	switch {
	case err == nil && kind == "application/json-patch+json":
		if err := c.uncompressed(); err != nil {
			return p, err
		}
		p, findings = fhir.ReadJSONPatch(body, maxPatch)
	case err == nil && kind == "application/xml-patch+xml":
		if err := c.uncompressed(); err != nil {
			return p, err
		}
		p, findings = fhir.ReadXMLPatch(body, maxPatch)
	default:
		n, err := c.body(maxPatch, "Parameters")
		if err != nil {
			return p, patchType(err)
		}
		p, findings = fhir.ReadPathPatch(n)
	}
	p.Attested = p.Attested || c.r.Header.Get(attestationHeader) == "true"
	return p, findings.Err()
}

// patchType names the media types of a patch in a refusal of another one, and of a list
// of operations that came as FHIR.
func patchType(err error) error {
	var findings xds.Errors
	if errors.As(err, &findings) && findings[0].Where == "Parameters" {
		findings[0].Hint = "une liste d'opérations (JSON Patch) s'envoie en application/json-patch+json"
	}
	if e, ok := err.(*xds.Error); ok && e.ID == "FHIR-006" && e.Where == "Content-Type" {
		e.Expected = strings.Join(patchFormats, ", ")
		e.Hint = e.Expected
	}
	return err
}

// named are the ids by which the request names its document: of the path, or of its
// parameter identifier.
func (c *call) named() ([]string, error) {
	if c.id != "" {
		if lid := fhir.LogicalID(c.id); lid != "" {
			return []string{lid}, nil
		}
		return nil, nil
	}
	return fhir.ParseIdentifier(c.query)
}

// target is the document of a PATCH: seen, or not seen and perhaps his to change.
type target struct {
	amend    authz.Amend
	document authz.Visible[xds.Document]
	id       string
}

// amendable finds the one document that the request names, the newest twin that the
// actor sees (D9). The doors of a token's patient come before any id is looked up; what
// he may neither see nor change answers as an unknown id, by the same way.
func (s *Server) amendable(ctx context.Context, session *registry.Session, c *call, asked fhir.Patch, ids []string) (target, error) {
	patients := []xds.CX{c.subject.Patient}
	if c.subject.Patient == "" {
		var err error
		if patients, err = session.Patients(ctx, ids...); err != nil {
			return target{}, err
		}
	}
	purpose := c.purpose(asked.Nominal(), true)
	purpose.Attested = asked.Attested
	var seen, unseen []target
	for _, patient := range patients {
		amend, err := s.Gate.OpenAmend(ctx, session, c.subject, patient, purpose, fhir.PatchActs...)
		if unknownID(err) {
			continue
		}
		if err != nil {
			return target{}, err
		}
		docs, err := session.Get(ctx, amend.Reading(), ids...)
		if err != nil {
			return target{}, err
		}
		if len(docs) == 0 {
			unseen = append(unseen, target{amend: amend})
		}
		named := map[string]bool{}
		for _, v := range docs {
			d, _ := v.Value()
			asIDed := c.id == "" || d.Entry.LogicalID == ids[0]
			if asIDed && !named[d.Entry.UniqueID] && d.Entry.ObjectType != xds.OnDemandDocument {
				named[d.Entry.UniqueID] = true
				seen = append(seen, target{amend, v, d.Entry.LogicalID})
			}
		}
	}
	switch {
	case len(seen) == 1:
		return seen[0], nil
	case len(seen) > 1:
		for _, t := range seen {
			t.amend.Refuse("FHIR-014")
		}
		return target{}, &xds.Error{ID: "FHIR-014", Where: "identifier"}
	case len(unseen) == 1 && len(ids) == 1 && c.r.Header.Get("If-Match") == "": // nobody has the ETag of what he does not see
		unseen[0].id = ids[0]
		return unseen[0], nil
	}
	return target{}, &xds.Error{ID: "FHIR-003"}
}

// unknownID tells the answers for what is not there for the actor.
func unknownID(err error) bool {
	var refusal *xds.Error
	return errors.As(err, &refusal) && slices.Contains([]string{"JSON-003", "REG-001", "FHIR-003"}, refusal.ID)
}

// unnamed gives an unknown id its code on this face, and the attestation its place.
func unnamed(err error) error {
	var refusal *xds.Error
	switch {
	case unknownID(err):
		return &xds.Error{ID: "FHIR-003"}
	case errors.As(err, &refusal) && refusal.ID == "C-11":
		return &xds.Error{ID: "C-11", Where: attestationHeader, Hint: "en-tête " + attestationHeader + ": true ; dans un Parameters, aussi un parameter " + fhir.AttestationParameter + " avec valueBoolean true"}
	}
	return err
}

// change is what the patch asks for of the document.
func (t target) change(c *call, asked fhir.Patch) (registry.Change, error) {
	change := registry.Change{Document: t.id, Attested: asked.Attested}
	d, seen := t.document.Value()
	if !seen {
		var ok bool
		if change.Acts, change.Unarchive, ok = asked.Blind(); !ok {
			t.amend.Refuse("FHIR-003")
			return change, &xds.Error{ID: "FHIR-003"}
		}
		return change, nil
	}
	if header := c.r.Header.Get("If-Match"); header != "" && !matches(header, fhir.ETag(d)) {
		t.amend.Refuse("FHIR-011")
		return change, &xds.Error{ID: "FHIR-011", Where: "If-Match"}
	}
	acts, unarchive, findings := asked.Acts(t.document)
	if findings.Failed() {
		t.amend.Refuse(findings.First().ID)
		return change, findings
	}
	change.Acts, change.Unarchive = append([]authz.Value{}, acts...), unarchive
	return change, nil
}

// matches tells whether a header of validators names an ETag; a weak one is as good.
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}
