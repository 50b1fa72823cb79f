package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// named is the stored query of --query with the parameters as they are given.
func (c *queryCommand) named(ctx context.Context, g gateway) (ebrim.QueryRequest, error) {
	row := ebrim.Lookup(c.Query)
	if row == nil {
		return ebrim.QueryRequest{}, misuse("--query : requête stockée inconnue "+xds.Shorten(c.Query)+" ; attendu : "+strings.Join(queryNames(), ", "), xds.Nearest(c.Query, queryNames(), 3)...)
	}
	return c.withParams(ctx, g, row)
}

func queryNames() []string {
	var names []string
	for _, row := range ebrim.Catalogue {
		names = append(names, row.Name)
	}
	return names
}

// withParams adds to the given parameters the patient and the statuses that the query
// demands and nobody named.
func (c *queryCommand) withParams(ctx context.Context, g gateway, row *ebrim.CatalogueRow) (ebrim.QueryRequest, error) {
	q := ebrim.QueryRequest{ID: row.UUID, ReturnType: ebrim.LeafClass}
	if c.Ref {
		q.ReturnType = ebrim.ObjectRef
	}
	given := []string{}
	for _, param := range c.Param {
		name, values, ok := strings.Cut(param, "=")
		if !ok {
			return q, misuse("--param : NOM=VALEUR est attendu", "--param XDSFolderCodeList=code^^système")
		}
		name = "$" + strings.TrimPrefix(name, "$")
		given = append(given, name)
		q.Params = append(q.Params, ebrim.QueryParam{Name: name, Values: strings.Split(values, "|")})
	}
	for _, name := range row.Required {
		switch {
		case slices.Contains(given, name):
		case strings.HasSuffix(strings.ToLower(name), "patientid"):
			ins, _, err := g.patientOf(ctx, c.Patient)
			if err != nil {
				return q, err
			}
			q.Params = append(q.Params, ebrim.QueryParam{Name: name, Values: []string{string(ins.Key())}})
		case strings.HasSuffix(name, "Status"):
			q.Params = append(q.Params, ebrim.QueryParam{Name: name, Values: []string{string(xds.Approved)}})
		}
	}
	return q, nil
}

// object is a set, a folder or an association as a query shows it.
type object struct {
	Kind      string `json:"kind"`
	EntryUUID string `json:"entryUUID"`
	UniqueID  string `json:"uniqueId,omitempty"`
	Time      string `json:"time,omitempty"` // DTM
	Title     string `json:"title,omitempty"`
	Status    string `json:"status"`
	Type      string `json:"type,omitempty"`
	Source    string `json:"source,omitempty"`
	Target    string `json:"target,omitempty"`
}

// writeObjects writes an answer of any query: documents as ever, then the rest.
func (p *program) writeObjects(answer ebrim.QueryResponse) {
	var documents []listed
	for _, d := range answer.Documents {
		documents = append(documents, listedEntry(d))
	}
	others := []object{}
	for _, s := range answer.Sets {
		others = append(others, object{Kind: "lot", EntryUUID: s.EntryUUID, UniqueID: s.UniqueID, Time: string(s.SubmissionTime), Title: s.Title, Status: statusWord(s.AvailabilityStatus)})
	}
	for _, f := range answer.Folders {
		others = append(others, object{Kind: "classeur", EntryUUID: f.EntryUUID, UniqueID: f.UniqueID, Time: string(f.LastUpdateTime), Title: f.Title, Status: statusWord(f.AvailabilityStatus)})
	}
	for _, a := range answer.Associations {
		kind := string(a.Type)
		others = append(others, object{Kind: "association", EntryUUID: a.EntryUUID, Status: statusWord(a.AvailabilityStatus), Type: kind[strings.LastIndex(kind, ":")+1:], Source: a.Source, Target: a.Target})
	}
	if p.json {
		if documents == nil {
			documents = []listed{}
		}
		p.writeJSON(map[string]any{"total": len(documents) + len(others), "documents": documents, "others": others, "warnings": fromResponse(answer.Response)})
		return
	}
	if len(documents) > 0 || len(others) == 0 {
		p.writeListing(documents, fromResponse(answer.Response))
	} else {
		p.writeFindings(fromResponse(answer.Response))
	}
	if len(others) == 0 {
		return
	}
	var rows [][]string
	for _, o := range others {
		what := narrow(o.Title, 40)
		if o.Source != "" {
			what = fmt.Sprintf("%s %s → %s", o.Type, o.Source, o.Target)
		}
		rows = append(rows, []string{o.Kind, o.Time, o.Status, what, o.EntryUUID})
	}
	p.writeTable([]string{"OBJET", "HEURE", "STATUT", "TITRE OU LIEN", "ENTRYUUID"}, rows)
	fmt.Fprintln(p.stdout, plural(len(others), "objet"))
}
