package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/xds"
)

type fhirPushCommand struct {
	connection
	identity
	deposit
	Replace string   `placeholder:"ID" help:"Remplacer ce document : son id FHIR ou son logicalId."`
	Files   []string `arg:"" name:"FICHIER" help:"Documents CDA."`
}

// Help holds the examples.
func (fhirPushCommand) Help() string {
	return `passerelle fhir push --as dr-hopital --patient alice --unique-id new testdata/cda/cr-accouchement.xml
passerelle fhir push --as chu-lille --patient alice --unique-id new --confidentiality MASQUE_PS -o json testdata/cda/cr-accouchement.xml`
}

// transactionAnswer is a transaction-response.
type transactionAnswer struct {
	Entry []struct {
		Response struct {
			Location string  `json:"location"`
			Outcome  outcome `json:"outcome"`
		} `json:"response"`
	} `json:"entry"`
}

// Run submits each file as a bundle of its own.
func (c *fhirPushCommand) Run(ctx context.Context, p *program) error {
	replaces := strings.TrimPrefix(strings.TrimPrefix(c.Replace, "DocumentReference/"), "urn:uuid:")
	if c.Replace != "" && !fhirID.MatchString(replaces) {
		return misuse("--replace : un id FHIR est attendu", "passerelle fhir search --as NOM --patient NOM -o json")
	}
	face, err := (fhirFlags{connection: c.connection, identity: c.identity}).face(ctx)
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
		return c.push(ctx, p, face, sender, file, replaces)
	})
}

// push submits one file.
func (c *fhirPushCommand) push(ctx context.Context, p *program, face fhirFace, sender lot.Sender, file, replaces string) (pushed, error) {
	doc, err := c.read(file)
	if err != nil {
		return pushed{}, err
	}
	if named := doc.header.Replaces(); named != "" && replaces == "" {
		return pushed{}, refused("ce CDA remplace un autre document : dire lequel",
			findingsOf(xds.Errors{xds.Found("REG-004", "ClinicalDocument/relatedDocument", named, "--replace et l'id FHIR de ce document")}))
	}
	choice, err := c.choice(p.now())
	if err != nil {
		return pushed{}, err
	}
	body, err := provideBundle(lot.Build(doc.header, sender, choice), doc.bytes, replaces)
	if err != nil {
		return pushed{}, err
	}
	started := p.now()
	answer, err := face.send(ctx, http.MethodPost, face.base+"/fhir", face.bearer, http.Header{"Content-Type": {typeFHIR}, "Accept": {typeFHIR}}, body)
	if err != nil {
		return pushed{}, err
	}
	defer answer.Body.Close()
	result := pushed{
		File: file, Status: "Success", UniqueID: doc.header.Entry.UniqueID, NewID: doc.renamed, Replaces: replaces,
		Millis: p.now().Sub(started).Round(time.Millisecond).Milliseconds(),
	}
	var made transactionAnswer
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&made); err != nil {
		return pushed{}, environment("la réponse de " + face.base + " n'est pas une transaction-response")
	}
	for _, e := range made.Entry {
		if _, id, ok := strings.Cut(e.Response.Location, "DocumentReference/"); ok {
			result.LogicalID = "urn:uuid:" + strings.SplitN(id, "/", 2)[0]
		}
		result.Findings = append(result.Findings, e.Response.Outcome.findings()...)
	}
	return result, nil
}
