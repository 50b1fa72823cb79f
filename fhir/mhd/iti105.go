package mhd

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
)

// publish is ITI-105 Simplified Publish (MHD 2:3.105): a DocumentReference that carries
// its document becomes a lot of one, with a SubmissionSet of the token's identity, and
// passes the checks of any other.
func (s *Server) publish(c *call) error {
	ctx := c.r.Context()
	leave, err := s.bundles.enter(ctx, c.r.ContentLength)
	if err != nil {
		return err
	}
	defer leave()
	resource, err := c.body(maxBundle, "DocumentReference")
	if err != nil {
		return err
	}
	if existing, err := s.alreadyThere(c); err != nil || existing {
		return err
	}
	look := lookup{server: s, ctx: ctx, call: c}
	lot, findings := fhir.ReadSimplifiedPublish(resource, fhir.References{Base: s.Base, Patient: look.patient, Document: look.document})
	if look.failed != nil {
		return look.failed
	}
	findings.AddAll(c.warnings)
	lot.Submission.Set.UniqueID = s.newOID()
	taken, err := s.deposit(c, lot, findings)
	if err != nil {
		return err
	}
	d := taken.Documents[0]
	id := strings.TrimPrefix(d.LogicalID, "urn:uuid:")
	c.w.Header().Set("Location", s.Base+"/DocumentReference/"+id+"/_history/1")
	c.w.Header().Set("ETag", `W/"1"`)
	if len(taken.Registered) == 0 { // it was registered before
		return c.prefer(http.StatusOK, nil, false)
	}
	v := taken.Registered[0]
	registered, _ := v.Value()
	c.w.Header().Set("ETag", fhir.ETag(registered))
	return c.prefer(http.StatusCreated, func(b []byte) []byte { return fhir.AppendDocumentReference(b, v, s.Base) }, true)
}

// alreadyThere answers a conditional create (R4 http.html, If-None-Exist): 200 with the
// one document that the depositor sees under the identifier, or has deposited for his
// structure; 412 for several. One that is hidden from him is not there: the deposit then
// goes on, and is judged as without the header. So it does for a token, or the grant of an
// application, that reaches creating and not reading: the condition finds nothing for it.
func (s *Server) alreadyThere(c *call) (bool, error) {
	values, conditional, err := c.noneExistCriteria("DocumentReference", "identifier=système|valeur")
	if !conditional || err != nil {
		return false, err
	}
	ids, err := fhir.ParseIdentifier(values)
	if err != nil {
		return false, err
	}
	if c.subject.Nature != authz.NatureStructure { // which is told an address, and reads nothing
		if !c.subject.Reaches(showing) {
			return false, nil
		}
		asked := c.subject
		c.subject = c.subject.Asking(showing)
		defer func() { c.subject = asked }()
	}
	found := map[string]bool{}
	for _, id := range ids {
		lid, err := s.Intake.Target(c.r.Context(), c.subject, c.route.name, id)
		if err != nil {
			return false, err
		}
		if lid != "" {
			found[lid] = true
			c.id = strings.TrimPrefix(lid, "urn:uuid:")
		}
	}
	switch len(found) {
	case 0:
		return false, nil
	case 1:
		return true, s.answerExisting(c)
	}
	return false, &xds.Error{ID: "FHIR-014", Where: "If-None-Exist"}
}

// answerExisting gives the document that a conditional create found; a structure, which
// reads nothing, its address alone: its version would tell that the patient has
// masked it.
func (s *Server) answerExisting(c *call) error {
	action := authz.Search
	if c.subject.Nature == authz.NatureStructure {
		action = authz.Exists
	}
	v, relates, err := s.one(c, action)
	if err != nil {
		return err
	}
	address := s.Base + "/DocumentReference/" + c.id
	if action == authz.Exists {
		c.w.Header().Set("Location", address)
		return c.prefer(http.StatusOK, nil, false)
	}
	d, _ := v.Value()
	c.w.Header().Set("Location", address+"/_history/"+strconv.Itoa(d.Entry.Version))
	c.w.Header().Set("ETag", fhir.ETag(d))
	return c.prefer(http.StatusOK, func(b []byte) []byte { return fhir.AppendDocumentReference(b, v, s.Base, relates...) }, true)
}
