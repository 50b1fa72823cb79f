package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxPages bounds how many pages of one search are followed.
const maxPages = 200

// fhirFlags are the flags of every command of the FHIR face.
type fhirFlags struct {
	connection
	identity
	Curl bool `help:"Écrire la commande curl équivalente, sans l'envoyer."`
}

// fhirFace is the FHIR face for one identity.
type fhirFace struct {
	gateway
	bearer string
}

func (f fhirFlags) face(ctx context.Context) (fhirFace, error) {
	g, err := f.open()
	if err != nil {
		return fhirFace{}, err
	}
	token, err := g.token(ctx, f.identity)
	return fhirFace{g, token.AccessToken}, err
}

// login is the header of a curl command whose token is asked for when it runs.
func (f fhirFlags) login() string {
	token := "passerelle token --base " + quoted(f.Base) + " --as " + quoted(f.As)
	if f.Patient != "" {
		token += " --patient " + quoted(f.Patient)
	}
	if f.Mode != "normal" {
		token += " --mode " + f.Mode
	}
	if f.Reason != "" {
		token += " --reason " + quoted(f.Reason)
	}
	return ` -H "Authorization: Bearer $(` + token + `)"`
}

// curl prints the equal curl command.
func (f fhirFlags) curl(p *program, address, accept string) error {
	command := "curl -sS" + f.login() + ` -H 'Accept: ` + accept + `' ` + quoted(address)
	if p.json {
		p.writeJSON(map[string]string{"url": address, "command": command})
		return nil
	}
	fmt.Fprintln(p.stdout, command)
	return nil
}

const typeFHIR = "application/fhir+json"

// get reads one address of the gateway, and of no other: a link in an answer does
// not lead the token elsewhere.
func (f fhirFace) get(ctx context.Context, address, accept string) (*http.Response, error) {
	if !strings.HasPrefix(address, f.base+"/") {
		return nil, environment("la passerelle renvoie vers une autre adresse que "+f.base, "--base doit être l'adresse que la passerelle connaît")
	}
	return f.send(ctx, http.MethodGet, address, f.bearer, http.Header{"Accept": {accept}}, nil)
}

func (f fhirFace) getJSON(ctx context.Context, address string, into any) error {
	answer, err := f.get(ctx, address, typeFHIR)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into); err != nil {
		return environment("la réponse de " + f.base + " n'est pas du FHIR en JSON")
	}
	return nil
}

type fhirSearchCommand struct {
	fhirFlags
	filters
	Identifier string `placeholder:"ID" help:"uniqueId, entryUUID ou logicalId du document."`
}

// Help holds the examples.
func (fhirSearchCommand) Help() string {
	return `passerelle fhir search --as dr-durand --patient alice
passerelle fhir search --as dr-urg --patient alice --mode bris_de_glace --reason "Patient inconscient" -o json`
}

// Run searches and follows the pages.
func (c *fhirSearchCommand) Run(ctx context.Context, p *program) error {
	face, err := c.face(ctx)
	if err != nil {
		return err
	}
	_, record, err := face.patientOf(ctx, c.Patient)
	if err != nil {
		return err
	}
	searches, err := c.searches(record)
	if err != nil {
		return err
	}
	var documents []listed
	var warnings []finding
	for _, q := range searches {
		address := face.base + "/fhir/DocumentReference?" + q.Encode()
		if c.Curl {
			if err := c.curl(p, address, typeFHIR); err != nil {
				return err
			}
			continue
		}
		for page := 0; address != "" && page < maxPages; page++ {
			var b bundle
			if err := face.getJSON(ctx, address, &b); err != nil {
				return err
			}
			found, warned, err := b.documents()
			if err != nil {
				return err
			}
			documents, warnings = append(documents, found...), append(warnings, warned...)
			address = b.next()
		}
	}
	if !c.Curl {
		p.writeListing(documents, warnings)
	}
	return nil
}

// fhirStatus are the words of status for availabilityStatus; archived documents are
// current ones that only isArchived=true brings.
var fhirStatus = map[string]string{"approved": "current", "deprecated": "superseded", "deleted": "entered-in-error"}

// searches are the requests that the flags ask for, one more for archived documents.
func (c *fhirSearchCommand) searches(record string) ([]url.Values, error) {
	q := url.Values{"patient": {"Patient/" + record}}
	for name, values := range map[string][]string{"type": c.Type, "category": c.Class, "security-label": c.Confidentiality} {
		var tokens []string
		for _, text := range values {
			value, _, _ := strings.Cut(text, "^^")
			tokens = append(tokens, value)
		}
		if len(tokens) > 0 {
			q.Set(name, strings.Join(tokens, ","))
		}
	}
	since, err := c.since()
	if err != nil {
		return nil, err
	}
	if !since.IsZero() {
		q.Set("date", "ge"+since.Format("2006-01-02"))
	}
	if c.Identifier != "" {
		q.Set("identifier", c.Identifier)
	}
	var words []string
	for _, s := range c.Status {
		if word := fhirStatus[s]; word != "" {
			words = append(words, word)
		}
	}
	var all []url.Values
	if len(words) > 0 {
		one := maps.Clone(q)
		one.Set("status", strings.Join(words, ","))
		all = append(all, one)
	}
	if slices.Contains(c.Status, "archived") {
		one := maps.Clone(q)
		one.Set("isArchived", "true")
		all = append(all, one)
	}
	return all, nil
}
