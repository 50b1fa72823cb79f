package mhd

import (
	"net/http"
	"strings"

	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
)

// generate is ITI-106 Generate Metadata (MHD 2:3.106): a CDA is registered with the
// metadata that its header says, as a bare CDA is, and the reference to it answered. With
// persist=false its DocumentReference is only described: nothing is stored and no record
// is asked.
func (s *Server) generate(c *call) error {
	ctx := c.r.Context()
	leave, err := s.bundles.enter(ctx, c.r.ContentLength)
	if err != nil {
		return err
	}
	defer leave()
	n, err := c.body(maxBundle, "Parameters", "Binary")
	if err != nil {
		return err
	}
	asked, findings := fhir.ReadGenerate(n)
	if err := findings.Err(); err != nil {
		return err
	}
	if !asked.Describe && c.query.Get("persist") != "false" {
		taken, err := s.Entrance.Take(ctx, c.subject, asked.Document.Open(), entrance.Order{Transaction: c.route.name})
		if err != nil {
			return err
		}
		id := taken.Document.LogicalID
		c.w.Header().Set("Location", s.Base+"/DocumentReference/"+strings.TrimPrefix(id, "urn:uuid:"))
		return c.send(http.StatusOK, fhir.AppendGeneratedReference(nil, id))
	}
	entry, err := s.described(asked.Document)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, fhir.AppendGenerated(nil, entry, "urn:uuid:"+s.NewID()))
}

// described is a document as its header and its bytes tell it, in the form in which it
// would be registered.
func (s *Server) described(d fhir.BundleDocument) (xds.DocumentEntry, error) {
	document, err := cda.Arrive(d.Open(), cda.Options{ClassOf: s.Entrance.ClassOf}, cda.MaxHeader)
	if err != nil {
		return xds.DocumentEntry{}, err
	}
	content, err := s.Repository.Measure(document, s.Intake.Limit)
	if err != nil {
		return xds.DocumentEntry{}, err
	}
	findings := document.Findings
	findings.AddAll(document.End())
	if err := findings.Err(); err != nil {
		return xds.DocumentEntry{}, err
	}
	lot := xds.Submission{Documents: []xds.DocumentEntry{document.Entry}}
	s.Intake.Profile.Normalise(&lot)
	entry := lot.Documents[0]
	entry.Hash, entry.Size = content.SHA1, content.Size
	return entry, nil
}
