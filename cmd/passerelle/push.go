package main

import (
	"context"
	"strings"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

type pushCommand struct {
	xdsFlags
	deposit
}

// Help holds the examples.
func (pushCommand) Help() string {
	return `passerelle xds push --as chu-lille --patient alice --unique-id new testdata/cda/cr-accouchement.xml
passerelle xds push --as chu-lille --patient alice --unique-id new --confidentiality MASQUE_PS --curl testdata/cda/cr-accouchement.xml
passerelle xds push --as chu-lille --patient alice --dry-run testdata/cda`
}

// Run submits each document by ITI-41.
func (c *pushCommand) Run(ctx context.Context, p *program) error {
	face, err := c.face(ctx, "iti41")
	if err != nil {
		return err
	}
	return batch{deposit: c.deposit, identity: c.identity, program: p, way: way{
		gateway: face.gateway, recorder: face.recorder, target: face.target, provide: face.provide,
	}}.run(ctx)
}

// provide submits one document by ITI-41, its bytes streamed.
func (s soapFace) provide(ctx context.Context, doc sourceDocument, submission xds.Submission) (pushed, error) {
	content, err := doc.open()
	if err != nil {
		return pushed{}, err
	}
	defer content.Close()
	const contentID = "document01@passerelle"
	body := ebrim.AppendProvideAndRegister(nil, &submission, []ebrim.SentDocument{{ID: lot.Document01, ContentID: contentID}})
	reply, err := s.send(ctx, "/xds/repository", actionProvide, body, soap.OutPart{ContentID: contentID, ContentType: "text/xml", Body: content})
	if err != nil {
		return pushed{}, err
	}
	defer reply.Close()
	answer, findings := ebrim.DecodeRegistryResponse(reply.Body)
	if err := findings.Err(); err != nil {
		return pushed{}, s.failed(err)
	}
	result := pushed{Status: "Success", Findings: fromResponse(answer)}
	if answer.Status != ebrim.StatusSuccess {
		result.Status, result.text = "Failure", "dépôt refusé : rien n'est enregistré"
	}
	return result, nil
}

// target is the entryUUID behind an id: itself, one without its prefix, or that of
// the current document with this uniqueId; "" when the sender may find none.
func (s soapFace) target(ctx context.Context, id string) (string, error) {
	if uuid := "urn:uuid:" + strings.ToLower(strings.TrimPrefix(id, "urn:uuid:")); xds.IsUUID(uuid) {
		return uuid, nil
	}
	online := s
	online.recorder = nil // the id is looked up even when the message is only written
	ids, err := online.entryUUIDs(ctx, id)
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}
