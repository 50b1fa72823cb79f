package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// filters are the flags of both faces that narrow a search.
type filters struct {
	Status          []string `enum:"approved,deprecated,archived,deleted" default:"approved" placeholder:"STATUT" help:"Statuts : approved, deprecated, archived (${default})."`
	Type            []string `placeholder:"CODE" help:"typeCode : code, ou code^^système. Plusieurs : l'un d'eux."`
	Class           []string `placeholder:"CODE" help:"classCode."`
	Confidentiality []string `placeholder:"CODE" help:"Code de confidentialité."`
	Since           string   `placeholder:"AAAA-MM-JJ" help:"Créés ce jour ou après."`
}

// set tells whether the user narrows the search.
func (f filters) set() bool {
	return len(f.Type)+len(f.Class)+len(f.Confidentiality) > 0 || f.Since != "" || !slices.Equal(f.Status, []string{"approved"})
}

type queryCommand struct {
	xdsFlags
	filters
	Ref   bool     `help:"Ne demander que les identifiants (ObjectRef)."`
	Query string   `placeholder:"NOM" help:"Une autre requête stockée que FindDocuments : FindFolders, GetAll, GetAssociations…"`
	Param []string `sep:"none" placeholder:"NOM=VALEUR" help:"Paramètre de --query, sans son $$ ; plusieurs valeurs : a|b. Patient et statuts en cours sont ajoutés s'ils manquent."`
}

// Help holds the examples.
func (queryCommand) Help() string {
	return `passerelle xds query --as ide-nadia --patient alice
passerelle xds query --as dr-durand --patient alice --type 11502-2 --since 2026-01-01 -o json
passerelle xds query --as dr-durand --patient alice --query FindSubmissionSets --param XDSSubmissionSetSubmissionTimeFrom=2026`
}

// Run asks FindDocuments, or the query that is named.
func (c *queryCommand) Run(ctx context.Context, p *program) error {
	switch {
	case c.Query != "" && c.filters.set():
		return misuse("--status, --type, --class, --confidentiality et --since ne valent que sans --query",
			"--query "+c.Query+" --param XDSDocumentEntryTypeCode=code^^système")
	case c.Query == "" && len(c.Param) > 0:
		return misuse("--param va avec --query", "--query FindDocuments")
	}
	face, err := c.face(ctx, "iti18")
	if err != nil {
		return err
	}
	ask := c.request
	if c.Query != "" {
		ask = c.named
	}
	request, err := ask(ctx, face.gateway)
	if err != nil {
		return err
	}
	answer, err := face.query(ctx, request)
	if err != nil {
		return p.recorded(face, err)
	}
	if c.Ref {
		p.writeRefs(answer.Refs)
		return nil
	}
	if c.Query != "" {
		p.writeObjects(answer)
		return nil
	}
	var documents []listed
	for _, d := range answer.Documents {
		documents = append(documents, listedEntry(d))
	}
	p.writeListing(documents, fromResponse(answer.Response))
	return nil
}

// request is the stored query that the flags ask for.
func (c *queryCommand) request(ctx context.Context, g gateway) (ebrim.QueryRequest, error) {
	q := ebrim.QueryRequest{ID: storedQuery("FindDocuments"), ReturnType: ebrim.LeafClass}
	if c.Ref {
		q.ReturnType = ebrim.ObjectRef
	}
	ins, _, err := g.patientOf(ctx, c.Patient)
	if err != nil {
		return q, err
	}
	var status []string
	for _, word := range c.Status {
		status = append(status, string(statuses[word]))
	}
	q.Params = []ebrim.QueryParam{
		{Name: "$XDSDocumentEntryPatientId", Values: []string{string(ins.Key())}},
		{Name: "$XDSDocumentEntryStatus", Values: status},
	}
	for _, by := range []struct {
		attribute xds.Attribute
		name      string
		texts     []string
	}{
		{xds.AttrTypeCode, "$XDSDocumentEntryTypeCode", c.Type},
		{xds.AttrClassCode, "$XDSDocumentEntryClassCode", c.Class},
		{xds.AttrConfidentiality, "$XDSDocumentEntryConfidentialityCode", c.Confidentiality},
	} {
		codes, err := codesOf(by.attribute, by.texts)
		if err != nil {
			return q, err
		}
		if len(codes) > 0 {
			q.Params = append(q.Params, ebrim.QueryParam{Name: by.name, Values: keys(codes)})
		}
	}
	since, err := c.since()
	if err == nil && !since.IsZero() {
		q.Params = append(q.Params, ebrim.QueryParam{Name: "$XDSDocumentEntryCreationTimeFrom", Values: []string{since.Format("20060102")}})
	}
	return q, err
}

// since is the day of --since, the zero time when there is none.
func (f filters) since() (time.Time, error) {
	if f.Since == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse("20060102", strings.ReplaceAll(f.Since, "-", ""))
	if err != nil {
		return day, misuse("--since : une date AAAA-MM-JJ est attendue")
	}
	return day, nil
}

func keys(codes []xds.Code) []string {
	var all []string
	for _, c := range codes {
		all = append(all, c.Key())
	}
	return all
}

// patientOf is the INS and the record of --patient.
func (g gateway) patientOf(ctx context.Context, name string) (xds.CX, string, error) {
	if name == "" {
		return "", "", misuse("--patient est obligatoire pour une recherche", "--patient alice")
	}
	all, err := g.cast(ctx)
	if err != nil {
		return "", "", err
	}
	return all.patient(name)
}

func (p *program) writeRefs(refs []string) {
	if p.json {
		p.writeJSON(map[string]any{"total": len(refs), "refs": append([]string{}, refs...)})
		return
	}
	for _, id := range refs {
		fmt.Fprintln(p.stdout, id)
	}
}
