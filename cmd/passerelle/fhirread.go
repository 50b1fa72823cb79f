package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"regexp"
	"strings"
)

type fhirReadCommand struct {
	fhirFlags
	Content bool   `help:"Rendre le contenu du document plutôt que sa description."`
	ID      string `arg:"" name:"ID" help:"id FHIR, logicalId ou DocumentReference/id."`
}

// Help holds the examples.
func (fhirReadCommand) Help() string {
	return `passerelle fhir read --as dr-durand --patient alice 5b1c9a52-3f0e-4d57-9f3b-0a4c7d2e8f61
passerelle fhir read --as dr-durand --patient alice --content 5b1c9a52-3f0e-4d57-9f3b-0a4c7d2e8f61 > cr.xml`
}

var fhirID = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)

// Run reads the description, and with --content the bytes that it points to.
func (c *fhirReadCommand) Run(ctx context.Context, p *program) error {
	id := strings.TrimPrefix(strings.TrimPrefix(c.ID, "DocumentReference/"), "urn:uuid:")
	if !fhirID.MatchString(id) {
		return misuse("« "+c.ID+" » n'est pas un id FHIR", "passerelle fhir search --as NOM --patient NOM -o json")
	}
	face, err := c.face(ctx)
	if err != nil {
		return err
	}
	address := face.base + "/fhir/DocumentReference/" + id
	if c.Curl && !c.Content {
		return c.curl(p, address, typeFHIR)
	}
	var raw json.RawMessage
	if err := face.getJSON(ctx, address, &raw); err != nil {
		return err
	}
	var d documentReference
	if err := json.Unmarshal(raw, &d); err != nil || len(d.Content) == 0 {
		return environment("la réponse de " + face.base + " n'est pas un DocumentReference")
	}
	switch attachment := d.Content[0].Attachment; {
	case c.Content && c.Curl:
		return c.curl(p, attachment.URL, attachment.ContentType)
	case c.Content:
		return c.content(ctx, p, face, attachment.URL, attachment.ContentType)
	case p.json:
		p.writeJSON(raw)
	default:
		p.writeListing([]listed{d.listed()}, nil)
	}
	return nil
}

func (c *fhirReadCommand) content(ctx context.Context, p *program, face fhirFace, address, kind string) error {
	answer, err := face.get(ctx, address, kind)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if p.json {
		raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
		if err != nil {
			return environment("document interrompu : " + err.Error())
		}
		p.writeJSON(map[string]string{"contentType": kind, "data": base64.StdEncoding.EncodeToString(raw)})
		return nil
	}
	if _, err := io.Copy(p.stdout, answer.Body); err != nil {
		return environment("document interrompu : " + err.Error())
	}
	return nil
}
