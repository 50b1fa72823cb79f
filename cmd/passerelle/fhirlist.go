package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// bundle is a searchset as a client reads it.
type bundle struct {
	Link []struct {
		Relation string `json:"relation"`
		URL      string `json:"url"`
	} `json:"link"`
	Entry []struct {
		Resource json.RawMessage `json:"resource"`
	} `json:"entry"`
}

func (b bundle) next() string {
	for _, l := range b.Link {
		if l.Relation == "next" {
			return l.URL
		}
	}
	return ""
}

// documentReference is a DocumentReference as far as a listing needs it.
type documentReference struct {
	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
	Meta         struct {
		VersionID string `json:"versionId"`
	} `json:"meta"`
	Extension []struct {
		URL     string `json:"url"`
		Boolean bool   `json:"valueBoolean"`
	} `json:"extension"`
	Master     fhirIdentifier   `json:"masterIdentifier"`
	Identifier []fhirIdentifier `json:"identifier"`
	Status     string           `json:"status"`
	Type       fhirConcept      `json:"type"`
	Category   []fhirConcept    `json:"category"`
	Date       string           `json:"date"`
	Label      []fhirConcept    `json:"securityLabel"`
	Content    []struct {
		Attachment struct {
			ContentType string `json:"contentType"`
			URL         string `json:"url"`
			Size        int64  `json:"size"`
			Hash        string `json:"hash"`
			Title       string `json:"title"`
		} `json:"attachment"`
	} `json:"content"`
}

type fhirIdentifier struct {
	Use    string `json:"use"`
	System string `json:"system"`
	Value  string `json:"value"`
}

type fhirConcept struct {
	Coding []struct {
		Code    string `json:"code"`
		Display string `json:"display"`
	} `json:"coding"`
}

func (c fhirConcept) code() (code, display string) {
	if len(c.Coding) == 0 {
		return "", ""
	}
	return c.Coding[0].Code, c.Coding[0].Display
}

// documents are the DocumentReferences of a page, and what its OperationOutcome warns of.
func (b bundle) documents() (documents []listed, warnings []finding, err error) {
	for _, e := range b.Entry {
		var d documentReference
		if err := json.Unmarshal(e.Resource, &d); err != nil {
			return nil, nil, environment("une ressource de la réponse n'est pas lisible")
		}
		switch d.ResourceType {
		case "DocumentReference":
			documents = append(documents, d.listed())
		case "OperationOutcome":
			var o outcome
			if json.Unmarshal(e.Resource, &o) == nil {
				warnings = append(warnings, o.findings()...)
			}
		}
	}
	return documents, warnings, nil
}

func (d documentReference) listed() listed {
	l := listed{UniqueID: strings.TrimPrefix(d.Master.Value, "urn:oid:"), LogicalID: "urn:uuid:" + d.ID, Status: d.Status, Confidentiality: []string{}}
	l.Version, _ = strconv.Atoi(d.Meta.VersionID)
	for word, status := range fhirStatus {
		if status == d.Status {
			l.Status = word
		}
	}
	for _, e := range d.Extension {
		if e.Boolean && strings.HasSuffix(strings.ToLower(e.URL), "isarchived") {
			l.Status = "archived"
		}
	}
	for _, id := range d.Identifier {
		if id.Use == "official" && xds.IsUUID(id.Value) {
			l.EntryUUID = id.Value
		}
	}
	l.Type, l.TypeDisplay = d.Type.code()
	if len(d.Category) > 0 {
		l.Class, _ = d.Category[0].code()
	}
	l.Date, _, _ = strings.Cut(d.Date, "T")
	for _, label := range d.Label {
		code, _ := label.code()
		l.Confidentiality = append(l.Confidentiality, code)
	}
	if len(d.Content) > 0 {
		a := d.Content[0].Attachment
		l.Title, l.MimeType, l.Size = a.Title, a.ContentType, a.Size
		if sum, err := base64.StdEncoding.DecodeString(a.Hash); err == nil {
			l.Hash = hex.EncodeToString(sum)
		}
	}
	return l
}
