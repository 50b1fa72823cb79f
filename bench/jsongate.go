package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
)

// jsonBundle and what is below it are the structs that encoding/json is given: every
// member that a searchset of documents has, and no others.
type jsonBundle struct {
	ResourceType string      `json:"resourceType"`
	Type         string      `json:"type"`
	Total        int         `json:"total"`
	Link         []jsonLink  `json:"link"`
	Entry        []jsonEntry `json:"entry"`
}

type jsonLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

type jsonEntry struct {
	FullURL  string `json:"fullUrl"`
	Resource any    `json:"resource"` // a Bundle holds resources of any type
	Search   struct {
		Mode string `json:"mode"`
	} `json:"search"`
}

type jsonReference struct {
	ResourceType     string           `json:"resourceType"`
	ID               string           `json:"id"`
	Meta             jsonMeta         `json:"meta"`
	Contained        []any            `json:"contained,omitempty"`
	MasterIdentifier jsonIdentifier   `json:"masterIdentifier"`
	Identifier       []jsonIdentifier `json:"identifier,omitempty"`
	Status           string           `json:"status"`
	Type             jsonConcept      `json:"type"`
	Category         []jsonConcept    `json:"category,omitempty"`
	Subject          jsonPointer      `json:"subject"`
	Date             string           `json:"date,omitempty"`
	Author           []jsonPointer    `json:"author,omitempty"`
	Authenticator    *jsonPointer     `json:"authenticator,omitempty"`
	Custodian        *jsonPointer     `json:"custodian,omitempty"`
	Description      string           `json:"description,omitempty"`
	SecurityLabel    []jsonConcept    `json:"securityLabel,omitempty"`
	Content          []jsonContent    `json:"content"`
	Context          struct {
		Event           []jsonConcept `json:"event,omitempty"`
		Period          *jsonPeriod   `json:"period,omitempty"`
		FacilityType    *jsonConcept  `json:"facilityType,omitempty"`
		PracticeSetting *jsonConcept  `json:"practiceSetting,omitempty"`
		SourcePatient   *jsonPointer  `json:"sourcePatientInfo,omitempty"`
		Related         []jsonPointer `json:"related,omitempty"`
	} `json:"context"`
}

type jsonContent struct {
	Attachment struct {
		ContentType string `json:"contentType"`
		Language    string `json:"language,omitempty"`
		URL         string `json:"url"`
		Size        int64  `json:"size,omitempty"`
		Hash        string `json:"hash,omitempty"`
		Title       string `json:"title,omitempty"`
		Creation    string `json:"creation,omitempty"`
	} `json:"attachment"`
	Format *jsonCoding `json:"format,omitempty"`
}

type jsonMeta struct {
	VersionID   string   `json:"versionId"`
	LastUpdated string   `json:"lastUpdated"`
	Profile     []string `json:"profile,omitempty"`
}

type jsonPerson struct {
	ResourceType string           `json:"resourceType"`
	ID           string           `json:"id"`
	Extension    []jsonExtension  `json:"extension,omitempty"`
	Identifier   []jsonIdentifier `json:"identifier,omitempty"`
	Name         any              `json:"name,omitempty"` // a text, or names of persons
	Gender       string           `json:"gender,omitempty"`
	BirthDate    string           `json:"birthDate,omitempty"`
	Practitioner *jsonPointer     `json:"practitioner,omitempty"`
	Organization *jsonPointer     `json:"organization,omitempty"`
	Specialty    []jsonConcept    `json:"specialty,omitempty"`
}

type jsonName struct {
	Use    string   `json:"use,omitempty"`
	Family string   `json:"family,omitempty"`
	Given  []string `json:"given,omitempty"`
}

type jsonExtension struct {
	URL         string `json:"url"`
	ValueString string `json:"valueString"`
}

type jsonIdentifier struct {
	Use    string       `json:"use,omitempty"`
	Type   *jsonConcept `json:"type,omitempty"`
	System string       `json:"system,omitempty"`
	Value  string       `json:"value,omitempty"`
}

type jsonConcept struct {
	Coding []jsonCoding `json:"coding"`
}

type jsonCoding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code,omitempty"`
	Display string `json:"display,omitempty"`
}

type jsonPointer struct {
	Reference  string          `json:"reference,omitempty"`
	Identifier *jsonIdentifier `json:"identifier,omitempty"`
	Display    string          `json:"display,omitempty"`
}

type jsonPeriod struct {
	Start string `json:"start,omitempty"`
	End   string `json:"end,omitempty"`
}

// jsonGate compares the writer of ITI-67 with encoding/json: the same answer of the same
// real entries that a reader was shown, straight from the domain and by structs.
func jsonGate(ctx context.Context, w *world) ([]result, error) {
	shown, err := w.shown(ctx, visiblePerType)
	if err != nil {
		return nil, err
	}
	documents := make([]xds.Document, len(shown))
	for i, v := range shown {
		documents[i], _ = v.Value()
	}
	total, base := len(shown), w.base()+"/fhir"
	set := fhir.Searchset{Base: base, Self: base + "/DocumentReference?patient=Patient/" + w.readers[0].record, Total: &total}
	text := fhir.AppendSearchset(nil, set, shown, nil)
	filled := fillBundle(set.Self, base, documents)
	if err := sameJSON(text, filled); err != nil {
		return nil, err
	}
	var own, theirs, bare []time.Duration
	buffer := make([]byte, 0, len(text))
	for range 400 {
		began := time.Now()
		buffer = fhir.AppendSearchset(buffer[:0], set, shown, nil)
		own = append(own, time.Since(began))
		began = time.Now()
		if _, err := json.Marshal(fillBundle(set.Self, base, documents)); err != nil {
			return nil, err
		}
		theirs = append(theirs, time.Since(began))
		began = time.Now()
		if _, err := json.Marshal(filled); err != nil {
			return nil, err
		}
		bare = append(bare, time.Since(began))
	}
	a, b, c := middle(theirs), middle(own), middle(bare)
	share := float64(a) / float64(b)
	return []result{{gate: "json", what: fmt.Sprintf("entries to structs to encoding/json ÷ writer, searchset of %d entries, %d kB", total, len(text)/1000),
		target: "≥ 5", figure: fmt.Sprintf("%.1f", share), spread: short(a) + " ÷ " + short(b), pass: share >= 5}, {
		gate: "json", what: "encoding/json alone, on structs that are already filled ÷ writer", target: "–",
		figure: fmt.Sprintf("%.1f", float64(c)/float64(b)), spread: short(c) + " ÷ " + short(b), told: true}}, nil
}

// sameJSON tells whether the structs say what the text says.
func sameJSON(text []byte, filled *jsonBundle) error {
	again, err := json.Marshal(filled)
	if err != nil {
		return err
	}
	var a, b any
	if err := json.Unmarshal(text, &a); err != nil {
		return err
	}
	if err := json.Unmarshal(again, &b); err != nil {
		return err
	}
	if !reflect.DeepEqual(a, b) {
		return fmt.Errorf("encoding/json writes something else: %.3000s", again)
	}
	return nil
}
