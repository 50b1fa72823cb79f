package main

import (
	"context"
	"fmt"
	"io"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xdm"
)

type xdmImportCommand struct {
	xdmFlags
	File string `arg:"" name:"FICHIER" help:"Archive XDM."`
}

// Help holds the examples.
func (xdmImportCommand) Help() string {
	return `passerelle xdm import alice.zip --as chu-lille --patient alice
passerelle xdm import alice.zip --as chu-lille -o json`
}

// imported is what became of one lot of a medium.
type imported struct {
	Lot       string    `json:"lot"`
	Status    string    `json:"status"` // Success or Failure
	Documents int       `json:"documents"`
	Findings  []finding `json:"findings,omitempty"`
}

// Run deposits each lot by ITI-41, once the whole archive has been verified.
func (c *xdmImportCommand) Run(ctx context.Context, p *program) error {
	medium, file, err := openMedium(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	face, err := c.face(ctx)
	if err != nil {
		return err
	}
	var results []imported
	failed := false
	for _, l := range medium.Lots {
		if err := c.own(ctx, face, &l.Submission); err != nil {
			return err
		}
		result, err := face.deposit(ctx, l)
		if err != nil {
			return err
		}
		failed = failed || result.Status != "Success"
		results = append(results, result)
	}
	if p.json {
		p.writeJSON(results)
	} else {
		for _, r := range results {
			fmt.Fprintf(p.stdout, "%s  %s  %s\n", r.Lot, r.Status, plural(r.Documents, "document"))
			p.writeFindings(r.Findings)
		}
	}
	if failed {
		return failure{exit: exitFindings, text: "dépôt refusé", told: true}
	}
	return nil
}

// own makes the lot one of who imports it: he is the author of the submission, as his
// token demands; the documents keep theirs, and the set its uniqueId, so that a second
// import of one medium is noticed. Under a VIHF of one's own it stays as it is.
func (c *xdmImportCommand) own(ctx context.Context, face soapFace, s *xds.Submission) error {
	for i := range s.Documents {
		d := &s.Documents[i]
		d.URI, d.HomeCommunityID, d.RepositoryUniqueID = "", "", ""
	}
	s.Set.HomeCommunityID = ""
	if c.VIHF != "" {
		return nil
	}
	all, err := face.cast(ctx)
	if err != nil {
		return err
	}
	sender, err := all.sender(c.As)
	if err != nil {
		return err
	}
	s.Set.Authors = []xds.Author{sender.Author(s.Set.PatientID)}
	return nil
}

// deposit submits a lot, its documents streamed out of the archive.
func (s soapFace) deposit(ctx context.Context, l *xdm.Lot) (imported, error) {
	result := imported{Lot: l.Folder, Documents: len(l.Submission.Documents), Findings: findingsOf(l.Warnings)}
	var sent []ebrim.SentDocument
	var parts []soap.OutPart
	for i, d := range l.Submission.Documents {
		id := fmt.Sprintf("document%d@passerelle", i+1)
		sent = append(sent, ebrim.SentDocument{ID: d.EntryUUID, ContentID: id})
		parts = append(parts, soap.OutPart{ContentID: id, ContentType: d.MimeType, Body: &lateDocument{lot: l, index: i}})
	}
	reply, err := s.send(ctx, "/xds/repository", actionProvide, ebrim.AppendProvideAndRegister(nil, &l.Submission, sent), parts...)
	if err != nil {
		return result, err
	}
	defer reply.Close()
	answer, findings := ebrim.DecodeRegistryResponse(reply.Body)
	if err := findings.Err(); err != nil {
		return result, s.failed(err)
	}
	result.Status, result.Findings = shortStatus(answer.Status), append(result.Findings, fromResponse(answer)...)
	return result, nil
}

// lateDocument is a document of an archive that is opened when its turn comes.
type lateDocument struct {
	lot   *xdm.Lot
	index int
	body  io.ReadCloser
}

func (d *lateDocument) Read(p []byte) (int, error) {
	if d.body == nil {
		body, err := d.lot.Document(d.index)
		if err != nil {
			return 0, err
		}
		d.body = body
	}
	return d.body.Read(p)
}

// Close lets the document go.
func (d *lateDocument) Close() error {
	if d.body == nil {
		return nil
	}
	return d.body.Close()
}
