package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

type fhirPushCommand struct {
	fhirFlags
	deposit
}

// Help holds the examples.
func (fhirPushCommand) Help() string {
	return `passerelle fhir push --as dr-hopital --patient alice --unique-id new testdata/cda/cr-accouchement.xml
passerelle fhir push --as chu-lille --patient alice --unique-id new --confidentiality MASQUE_PS -o json testdata/cda/cr-accouchement.xml
passerelle fhir push --as chu-lille --patient alice --unique-id new --curl testdata/cda/cr-accouchement.xml`
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

// Run submits each document by ITI-65.
func (c *fhirPushCommand) Run(ctx context.Context, p *program) error {
	face, err := c.face(ctx)
	if err != nil {
		return err
	}
	w := way{gateway: face.gateway, target: fhirTarget}
	if c.Curl {
		w.recorder, w.login = &recorder{name: "iti65"}, c.login()
		recording := *face.http
		recording.Transport = w.recorder
		face.http = &recording
	}
	w.provide = face.provide
	return batch{deposit: c.deposit, identity: c.identity, program: p, way: w}.run(ctx)
}

// fhirTarget is how a bundle names a registered document: by its FHIR id, else by
// its uniqueId, which the gateway resolves.
func fhirTarget(_ context.Context, id string) (string, error) {
	bare := strings.TrimPrefix(strings.TrimPrefix(id, "DocumentReference/"), "urn:uuid:")
	if xds.IsOID(id) || fhirID.MatchString(bare) {
		return strings.TrimPrefix(bare, "urn:oid:"), nil
	}
	return "", misuse("--replace : un id FHIR ou un uniqueId est attendu", "passerelle fhir search --as NOM --patient NOM -o json")
}

// provide submits one document by ITI-65, its base64 streamed.
func (f fhirFace) provide(ctx context.Context, doc sourceDocument, submission xds.Submission) (pushed, error) {
	content, err := doc.open()
	if err != nil {
		return pushed{}, err
	}
	defer content.Close()
	body, size, err := provideBundle(submission, content)
	if err != nil {
		return pushed{}, err
	}
	header := http.Header{"Content-Type": {typeFHIR}, "Accept": {typeFHIR}}
	answer, err := f.stream(ctx, http.MethodPost, f.base+"/fhir", f.bearer, header, body, size)
	if err != nil {
		return pushed{}, err
	}
	defer answer.Body.Close()
	var made transactionAnswer
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&made); err != nil {
		return pushed{}, environment("la réponse de " + f.base + " n'est pas une transaction-response")
	}
	result := pushed{Status: "Success"}
	for _, e := range made.Entry {
		if _, id, ok := strings.Cut(e.Response.Location, "DocumentReference/"); ok {
			result.LogicalID = "urn:uuid:" + strings.SplitN(id, "/", 2)[0]
		}
		result.Findings = append(result.Findings, e.Response.Outcome.findings()...)
	}
	return result, nil
}
