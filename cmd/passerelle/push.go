package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

type pushCommand struct {
	xdsFlags
	deposit
	Replace string   `placeholder:"ID" help:"Remplacer ce document : son entryUUID, ou son uniqueId."`
	Files   []string `arg:"" name:"FICHIER" help:"Documents CDA."`
}

// Help holds the examples.
func (pushCommand) Help() string {
	return `passerelle xds push --as chu-lille --patient alice --unique-id new testdata/cda/cr-accouchement.xml
passerelle xds push --as chu-lille --patient alice --unique-id new --confidentiality MASQUE_PS --curl testdata/cda/cr-accouchement.xml`
}

// pushed is what became of one file.
type pushed struct {
	File      string    `json:"file"`
	Status    string    `json:"status"` // Success or Failure
	UniqueID  string    `json:"uniqueId,omitempty"`
	LogicalID string    `json:"logicalId,omitempty"`   // FHIR answers it, ITI-41 does not
	NewID     bool      `json:"newUniqueId,omitempty"` // --unique-id gave the document another id
	Replaces  string    `json:"replaces,omitempty"`
	Millis    int64     `json:"ms"`
	Findings  []finding `json:"findings,omitempty"`
	text      string
}

type pushedAnswer struct {
	Documents []pushed `json:"documents"`
}

// Run submits each file as a lot of its own.
func (c *pushCommand) Run(ctx context.Context, p *program) error {
	face, err := c.face(ctx, "iti41")
	if err != nil {
		return err
	}
	all, err := face.cast(ctx)
	if err != nil {
		return err
	}
	sender, err := all.sender(c.As)
	if err != nil {
		return err
	}
	return p.pushAll(c.Files, func(file string) (pushed, error) {
		result, err := c.push(ctx, p, face, sender, file)
		return result, p.recorded(face, err)
	})
}

// push submits one file.
func (c *pushCommand) push(ctx context.Context, p *program, face soapFace, sender lot.Sender, file string) (pushed, error) {
	doc, err := c.read(file)
	if err != nil {
		return pushed{}, err
	}
	choice, err := c.choice(p.now())
	if err != nil {
		return pushed{}, err
	}
	if choice.Replaces, err = face.replaced(ctx, c.Replace, doc.header.Replaces()); err != nil {
		return pushed{}, err
	}
	submission := lot.Build(doc.header, sender, choice)
	const contentID = "document01@passerelle"
	body := ebrim.AppendProvideAndRegister(nil, &submission, []ebrim.SentDocument{{ID: lot.Document01, ContentID: contentID}})
	if face.recorder != nil {
		face.recorder.uniqueID = doc.header.Entry.UniqueID
	}
	started := p.now()
	reply, err := face.send(ctx, "/xds/repository", actionProvide, body,
		soap.OutPart{ContentID: contentID, ContentType: "text/xml", Body: bytes.NewReader(doc.bytes)})
	if err != nil {
		return pushed{}, err
	}
	defer reply.Close()
	answer, findings := ebrim.DecodeRegistryResponse(reply.Body)
	if err := findings.Err(); err != nil {
		return pushed{}, face.failed(err)
	}
	result := pushed{
		File: file, Status: "Success", UniqueID: doc.header.Entry.UniqueID, NewID: doc.renamed, Replaces: choice.Replaces,
		Millis: p.now().Sub(started).Round(time.Millisecond).Milliseconds(), Findings: fromResponse(answer),
	}
	if answer.Status != ebrim.StatusSuccess {
		result.Status, result.text = "Failure", "dépôt refusé : rien n'est enregistré"
	}
	return result, nil
}

// replaced is the entryUUID of the document to replace: named on the command line,
// else in the header of the CDA.
func (s soapFace) replaced(ctx context.Context, asked, inHeader string) (string, error) {
	where := "--replace"
	if asked == "" {
		asked, where = inHeader, "ClinicalDocument/relatedDocument/parentDocument/id"
	}
	if asked == "" || xds.IsUUID(asked) {
		return asked, nil
	}
	online := s
	online.recorder = nil // the id is looked up even when the message is only written
	ids, err := online.entryUUIDs(ctx, asked)
	if err != nil {
		return "", err
	}
	if len(ids) == 0 {
		return "", refused("le document à remplacer est introuvable", findingsOf(xds.Errors{xds.Found("REG-004", where, asked, "l'entryUUID ou l'uniqueId d'un document en cours")}))
	}
	return ids[0], nil
}

// pushAll submits files in their order and reports each one; the failure tells that
// some were refused.
func (p *program) pushAll(files []string, push func(file string) (pushed, error)) error {
	answer := pushedAnswer{Documents: []pushed{}}
	failed, exit := false, exitOK
	var next []string
	for _, file := range files {
		result, err := push(file)
		if err == nil && result.Status == "" { // written, not sent
			continue
		}
		if err != nil {
			f := asFailure(err)
			if f.exit != exitFindings {
				return err
			}
			result = pushed{File: file, Status: "Failure", Findings: f.findings, text: f.text}
		}
		if result.Status != "Success" {
			failed, exit = true, exitFindings
			next = nextSteps(result.Findings)
		}
		answer.Documents = append(answer.Documents, result)
		if !p.json {
			p.writePushed(result)
		}
	}
	if p.json && len(answer.Documents) > 0 {
		p.writeJSON(answer)
	}
	if failed {
		return failure{exit: exit, text: "dépôt refusé", next: next, told: true}
	}
	return nil
}

// writePushed prints the outcome of one file.
func (p *program) writePushed(r pushed) {
	if r.Status == "Success" {
		line := p.paint(green, "Success") + " uniqueId=" + r.UniqueID
		if r.LogicalID != "" {
			line += " logicalId=" + r.LogicalID
		}
		if r.Replaces != "" {
			line += " remplace=" + r.Replaces
		}
		fmt.Fprintf(p.stdout, "%s %d ms\n", line, r.Millis)
		if r.NewID {
			fmt.Fprintln(p.stdout, "  identifiant changé dans la copie envoyée (--unique-id) : ClinicalDocument/id/@root")
		}
	} else {
		fmt.Fprintln(p.stderr, p.paint(red, "Failure")+" "+r.File+" : "+r.text)
	}
	p.writeFindings(r.Findings)
}
