package mhd_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
)

// note is a DocumentReference of ITI-105 that carries a text.
func (w *world) note(changes ...string) string {
	w.t.Helper()
	w.lots++
	text := fmt.Sprintf(`{"resourceType":"DocumentReference","contained":[{"resourceType":"Practitioner","id":"doc","identifier":[{"system":"urn:oid:1.2.250.1.71.4.2.1","value":"899900063480"}]}],`+
		`"masterIdentifier":{"system":"urn:ietf:rfc:3986","value":"urn:oid:1.2.250.1.999.10.%d"},"status":"current","type":{"coding":[{"system":"http://loinc.org","code":"11488-4"}]},`+
		`"subject":{"reference":"Patient?identifier=%s"},"date":"2026-06-12T10:00:00+02:00","author":[{"reference":"#doc"}],`+
		`"content":[{"attachment":{"contentType":"text/plain","data":"SGVsbG8gV29ybGQ=","title":"Consultation"}}]}`, w.lots, ins)
	for i := 0; i+1 < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			w.t.Fatalf("the note has no %s", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return text
}

func (w *world) publish(who iua.Claims, note string, headers ...string) *answer {
	w.t.Helper()
	return w.as(who, http.MethodPost, "/fhir/DocumentReference", strings.NewReader(note), append([]string{"Content-Type", "application/fhir+json"}, headers...)...)
}

// mustPublish publishes a note as the hospital and gives the FHIR id of its document.
func (w *world) mustPublish(changes ...string) string {
	w.t.Helper()
	got := w.publish(chu, w.note(changes...))
	id, ok := strings.CutSuffix(strings.TrimPrefix(got.header.Get("Location"), base+"/DocumentReference/"), "/_history/1")
	if got.status != http.StatusCreated || !ok {
		w.t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	return id
}

// TestSimplifiedPublish: one request makes document, Binary and SubmissionSet, and is
// answered with what a reader then finds.
func TestSimplifiedPublish(t *testing.T) {
	w := newWorld(t)
	w.link("899900063480")
	got := w.publish(author(), w.note())
	id, _ := strings.CutSuffix(strings.TrimPrefix(got.header.Get("Location"), base+"/DocumentReference/"), "/_history/1")
	if got.status != http.StatusCreated || got.header.Get("ETag") != `W/"1"` {
		t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	read := w.get(author(), "DocumentReference/"+id)
	if string(read.body) != string(got.body) {
		t.Errorf("created %s\nread    %s", got.body, read.body)
	}
	if _, findings := fhir.ReadResource(bytes.NewReader(got.body), 1<<20, "DocumentReference"); len(findings) > 0 {
		t.Error(findings)
	}
	if binary := w.get(author(), "Binary/"+id); string(binary.body) != "Hello World" {
		t.Errorf("binary %s", binary.body)
	}
	// A structure is told what it sent, and reads nothing.
	if got := w.publish(chu, w.note()); got.status != http.StatusCreated || !strings.Contains(string(got.body), `"resourceType":"DocumentReference"`) {
		t.Errorf("the hospital: %d %s", got.status, got.body)
	}
	if got := w.publish(author(), w.note(), "Prefer", "return=minimal"); got.status != http.StatusCreated || len(got.body) > 0 {
		t.Errorf("minimal: %d %s", got.status, got.body)
	}
}

// TestSimplifiedReplace: relatesTo replaces supersedes by itself.
func TestSimplifiedReplace(t *testing.T) {
	w := newWorld(t)
	id := w.mustPublish()
	next := w.mustPublish(`"status":"current"`, `"status":"current","relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/`+id+`"}}]`)
	if now := w.get(w.holder(), "DocumentReference/"+id).state(); now != "superseded v1" {
		t.Errorf("the former: %s", now)
	}
	if now := w.get(w.holder(), "DocumentReference/"+next).state(); now != "current v1" {
		t.Errorf("the new one: %s", now)
	}
}

// TestReplacementTellsNoMark: who replaces a document that was masked meanwhile is not
// told so (C-05).
func TestReplacementTellsNoMark(t *testing.T) {
	w := newWorld(t)
	id := w.mustPublish()
	w.mask(id)
	got := w.publish(chu, w.note(`"status":"current"`, `"status":"current","relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/`+id+`"}}]`))
	if got.status != http.StatusCreated || strings.Contains(string(got.body), "MASQUE_PS") || got.header.Get("ETag") != `W/"1"` {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
}

// TestSimplifiedRefusals: each names its fault, and nothing of it is stored.
func TestSimplifiedRefusals(t *testing.T) {
	w := newWorld(t)
	first := w.note()
	if got := w.publish(chu, first); got.status != http.StatusCreated {
		t.Fatalf("%d %s", got.status, got.body)
	}
	attachment := `"data":"SGVsbG8gV29ybGQ="`
	rows, blobs := w.stored()
	for name, c := range map[string]struct{ note, want string }{
		"no document":         {w.note(attachment+",", ""), "422 FHIR-009 DocumentReference.content[0].attachment.data"},
		"a url":               {w.note(attachment, attachment+`,"url":"Binary/1"`), "422 FHIR-009 DocumentReference.content[0].attachment.url"},
		"another hash":        {w.note(attachment, attachment+`,"hash":"2jmj7l5rSw0yVb/vlWAYkK/YBwk="`), "422 META-006 DocumentReference.content[0].attachment.hash"},
		"another size":        {w.note(attachment, attachment+`,"size":12`), "422 META-007 DocumentReference.content[0].attachment.size"},
		"no base64":           {w.note(attachment, `"data":"SGVsbG8"`), "400 FHIR-002 DocumentReference.content[0].attachment.data"},
		"no masterIdentifier": {w.note(`"masterIdentifier"`, `"identifier":[],"masterIdentifier"`), "400 FHIR-001 DocumentReference.identifier"},
		"an entryUUID":        {w.note(`"masterIdentifier"`, `"identifier":[{"value":"urn:uuid:`+newID()+`"}],"masterIdentifier"`), "422 FHIR-009 DocumentReference.identifier"},
		"superseded":          {w.note(`"status":"current"`, `"status":"superseded"`), "422 FHIR-009 DocumentReference.status"},
		"docStatus":           {w.note(`"status":"current"`, `"status":"current","docStatus":"final"`), "422 FHIR-009 DocumentReference.docStatus"},
		"no subject":          {w.note(`"subject":{"reference":"Patient?identifier=`+ins+`"},`, ``), "422 FHIR-009 DocumentReference.subject"},
		"unknown patient":     {w.note("279035121518989", "179035121518989"), "422 REG-001 "},
		"unknown target":      {w.note(`"status":"current"`, `"status":"current","relatesTo":[{"code":"appends","target":{"reference":"DocumentReference/`+newID()+`"}}]`), "422 REG-004 DocumentReference.relatesTo"},
		"PDSm without a date": {w.note(`{"resourceType":"DocumentReference",`, `{"resourceType":"DocumentReference","meta":{"profile":["https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-simplified-publish"]},`, `"date":"2026-06-12T10:00:00+02:00",`, ``), "422 FHIR-009 DocumentReference.date"},
		"another content":     {strings.Replace(first, "SGVsbG8gV29ybGQ=", "SGVsbG8gd29ybGQ=", 1), "409 REG-003 DocumentReference.masterIdentifier"},
		"no resource":         {`{"resourceType":"Bundle","type":"transaction"}`, "400 FHIR-001 resourceType"},
		"an unknown element":  {w.note(`"status"`, `"colour":"red","status"`), "400 FHIR-001 DocumentReference.colour"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.publish(chu, c.note)
			if found := fmt.Sprintf("%d %s", got.status, got.outcome()[0]); !strings.HasPrefix(found, c.want) {
				t.Errorf("%s, want %s", found, c.want)
			}
			if r, b := w.stored(); r != rows || b != blobs {
				t.Errorf("stored: %s %d, before %s %d", r, b, rows, blobs)
			}
		})
	}
}

// TestIfNoneExist: a conditional create finds what its sender sees, and nothing else.
func TestIfNoneExist(t *testing.T) {
	w := newWorld(t)
	w.link("899900063480")
	id := w.mustPublish()
	there := "identifier=urn:ietf:rfc:3986|urn:oid:1.2.250.1.999.10.1"
	if got := w.publish(author(), w.note(), "If-None-Exist", there); got.status != http.StatusOK || got.state() != "current v1" || !strings.Contains(got.header.Get("Location"), id) {
		t.Errorf("one that he sees: %d %v %s", got.status, got.header, got.body)
	}
	if got := w.publish(chu, w.note(), "If-None-Exist", there); got.status != http.StatusOK || got.outcome()[0] != "FHIR-013 " || !strings.Contains(got.header.Get("Location"), id) {
		t.Errorf("the structure's own: %d %s", got.status, got.body)
	}
	if got := w.publish(author(), w.note(), "If-None-Exist", "identifier=1.2.3"); got.status != http.StatusCreated {
		t.Errorf("none: %d %s", got.status, got.body)
	}
	w.mask(id)
	durand := pro("durand")
	for name, uid := range map[string]string{"hidden": "1.2.250.1.999.10.1", "unknown": "1.2.3"} {
		if got := w.publish(durand, w.note(), "If-None-Exist", "identifier="+uid); got.status != http.StatusCreated {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	second := "identifier=1.2.250.1.999.10.4,1.2.250.1.999.10.5"
	if got := w.publish(author(), w.note(), "If-None-Exist", second); got.status != http.StatusPreconditionFailed {
		t.Errorf("two: %d %s", got.status, got.body)
	}
	if got := w.publish(author(), w.note(), "If-None-Exist", "status=current"); got.status != http.StatusBadRequest {
		t.Errorf("another condition: %d %s", got.status, got.body)
	}
}

// TestIfNoneExistTellsAStructureNoMark: the address of a document that the patient masked
// since is what it was before.
func TestIfNoneExistTellsAStructureNoMark(t *testing.T) {
	w := newWorld(t)
	id := w.mustPublish()
	ask := func() string {
		got := w.publish(chu, w.note(), "If-None-Exist", "identifier=1.2.250.1.999.10.1")
		got.header.Del("Date")
		return fmt.Sprint(got.status, got.header, string(got.body))
	}
	before := ask()
	w.mask(id)
	if after := ask(); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
}

// report is the CDA of the tests, as alice's.
func report(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../xds/cda/testdata/header.xml")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("293035999901185", "279035121518989", "19930314", "19790312").Replace(string(raw))
}

// TestDerived: what a source of limited metadata leaves out is taken from the header of
// its CDA (D5); Comprehensive never opens the document.
func TestDerived(t *testing.T) {
	w := newWorld(t)
	doc := report(t)
	data := base64.StdEncoding.EncodeToString([]byte(doc))
	note := `{"resourceType":"DocumentReference","masterIdentifier":{"value":"urn:oid:1.2.250.1.999.11.1"},"status":"current","subject":{"reference":"Patient?identifier=` + ins + `"},` +
		`"content":[{"attachment":{"contentType":"application/xml","data":"` + data + `"}}]}`
	got := w.publish(chu, note)
	var made struct {
		Type     struct{ Coding []struct{ Code string } }
		Category []struct{ Coding []struct{ Code string } }
		Author   []any
		Content  []struct {
			Attachment struct{ Title, Language, Creation string }
		}
	}
	if err := json.Unmarshal(got.body, &made); err != nil || got.status != http.StatusCreated || len(made.Type.Coding) != 1 || len(made.Author) == 0 ||
		made.Content[0].Attachment.Title == "" || made.Content[0].Attachment.Creation == "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	other := strings.Replace(note, ins, "urn:oid:1.2.250.1.213.1.4.10|277076322082910", 1)
	if got := w.publish(chu, other); got.status != http.StatusUnprocessableEntity {
		t.Errorf("another patient: %d %s", got.status, got.body)
	}
}
