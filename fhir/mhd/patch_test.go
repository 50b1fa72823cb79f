package mhd_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
)

const (
	xmlPatch   = "application/xml-patch+xml"
	jsonPatch  = "application/json-patch+json"
	visibility = "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument"
	masked     = `{"coding":[{"system":"` + visibility + `","code":"MASQUE_PS"}]}`
	hidden     = `{"coding":[{"system":"` + visibility + `","code":"INVISIBLE_PATIENT"}]}`
	normal     = `{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N"}]}`
	isArchived = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
	hiddenRow  = `"code": "N" }] }],
        "content"`
)

// diff is an XML Patch.
func diff(operations string) string {
	return `<?xml version="1.0"?><diff xmlns:f="http://hl7.org/fhir">` + operations + `</diff>`
}

// operation is a FHIRPath Patch of one operation.
func operation(kind, path string, parts ...string) string {
	return `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"` + kind + `"},{"name":"path","valueString":"` + path + `"}` +
		strings.Join(append([]string{""}, parts...), ",") + `]}]}`
}

// state is what a PATCH may change of a document.
type state struct {
	Status        string
	SecurityLabel []struct{ Coding []struct{ Code string } }
	Extension     []struct {
		URL          string
		ValueBoolean bool
	}
	Meta struct{ VersionID string }
}

func (s state) String() string {
	text := s.Status
	for _, l := range s.SecurityLabel {
		text += " " + l.Coding[0].Code
	}
	for _, x := range s.Extension {
		if x.URL == isArchived && x.ValueBoolean {
			text += " archived"
		}
	}
	return text + " v" + s.Meta.VersionID
}

func (c *answer) state() string {
	c.t.Helper()
	var s state
	if err := json.Unmarshal(c.body, &s); err != nil || c.status != http.StatusOK {
		c.t.Fatalf("%d %s", c.status, c.body)
	}
	return s.String()
}

func (w *world) patch(who iua.Claims, target, kind, body string, headers ...string) *answer {
	w.t.Helper()
	return w.as(who, http.MethodPatch, "/fhir/DocumentReference"+target, strings.NewReader(body), append([]string{"Content-Type", kind}, headers...)...)
}

func (w *world) holder() iua.Claims {
	return iua.Claims{Nature: authz.NaturePerson, ID: w.record, Patient: w.alice}
}

// author is the professional of the hospital whom the test lots name.
func author() iua.Claims {
	c := pro("899900063480")
	c.Structure = hospital
	return c
}

// TestPatch walks one document through the flows of the DMP (TD3.3a–d) and the forms of
// PATCH: the base confidentiality stays whatever is done to the marks.
func TestPatch(t *testing.T) {
	w := newWorld(t)
	id := w.mustPush()
	uid := "?identifier=urn:ietf:rfc:3986%7Curn:oid:1.2.250.1.999.9.1"
	for _, step := range []struct{ name, target, kind, body, want string }{
		{"mask, TD3.3a", uid, jsonPatch, `[{"op":"replace","path":"/securityLabel/0","value":` + masked + `}]`, "current N MASQUE_PS v2"},
		{"again changes nothing", uid, jsonPatch, `[{"op":"replace","path":"/securityLabel/0","value":` + masked + `}]`, "current N MASQUE_PS v2"},
		{"unmask, TD3.3a", uid, jsonPatch, `[{"op":"replace","path":"/securityLabel/0","value":` + normal + `}]`, "current N v3"},
		{"add a label", "/" + id, jsonPatch, `[{"op":"test","path":"/status","value":"current"},{"op":"add","path":"/securityLabel/-","value":` + masked + `}]`, "current N MASQUE_PS v4"},
		{"remove it", "/" + id, jsonPatch, `[{"op":"remove","path":"/securityLabel/1"}]`, "current N v5"},
		{"the whole list", "/" + id, jsonPatch, `[{"op":"replace","path":"/securityLabel","value":[` + masked + `]}]`, "current N MASQUE_PS v6"},
		{"FHIRPath, one element", "/" + id, "application/fhir+json", operation("replace", "DocumentReference.securityLabel", `{"name":"value","valueCodeableConcept":`+normal+`}`), "current N v7"},
		{"FHIRPath, add", "/" + id, "application/fhir+json", operation("add", "DocumentReference", `{"name":"name","valueString":"securityLabel"}`, `{"name":"value","valueCodeableConcept":`+masked+`}`), "current N MASQUE_PS v8"},
		{"FHIRPath, delete where", "/" + id, "application/fhir+json", operation("delete", "DocumentReference.securityLabel.where(coding.code='MASQUE_PS')"), "current N v9"},
		{"archive, TD3.3d", uid, jsonPatch, `[{"op":"replace","path":"/extension[url:'` + isArchived + `']/valueBoolean","value":true}]`, "current N archived v10"},
		{"unarchive", uid, jsonPatch, `[{"op":"replace","path":"/extension/0/valueBoolean","value":false}]`, "current N v11"},
		{"archive by an extension", uid, jsonPatch, `[{"op":"add","path":"/extension/-","value":{"url":"` + isArchived + `","valueBoolean":true}}]`, "current N archived v12"},
		{"unarchive by FHIRPath", "/" + id, "application/fhir+json", operation("replace", "DocumentReference.extension.where(url='"+isArchived+"').value", `{"name":"value","valueBoolean":false}`), "current N v13"},
		{"XML, mask", "/" + id, xmlPatch, diff(`<add sel="f:DocumentReference"><securityLabel xmlns="http://hl7.org/fhir"><coding><system value="` + visibility + `"/><code value="MASQUE_PS"/></coding></securityLabel></add>`), "current N MASQUE_PS v14"},
		{"XML, remove by position", "/" + id, xmlPatch, diff(`<remove sel="/f:DocumentReference/f:securityLabel[2]"/>`), "current N v15"},
		{"XML, replace the first", uid, xmlPatch, diff(`<replace sel="f:DocumentReference/f:securityLabel[1]"><securityLabel xmlns="http://hl7.org/fhir"><coding><system value="` + visibility + `"/><code value="MASQUE_PS"/></coding></securityLabel></replace>`), "current N MASQUE_PS v16"},
		{"XML, remove by code", "/" + id, xmlPatch, diff(`<remove sel="f:DocumentReference/f:securityLabel[f:coding/f:code/@value='MASQUE_PS']"/>`), "current N v17"},
		{"XML, archive", "/" + id, xmlPatch, diff(`<replace sel="f:DocumentReference/f:extension[@url='` + isArchived + `']/f:valueBoolean/@value">true</replace>`), "current N archived v18"},
		{"XML, unarchive", "/" + id, xmlPatch, diff(`<remove sel="f:DocumentReference/f:extension[@url='` + isArchived + `']"/>`), "current N v19"},
		{"mask and archive at once", "/" + id, jsonPatch, `[{"op":"add","path":"/securityLabel/1","value":` + masked + `},{"op":"replace","path":"/extension/0/valueBoolean","value":true}]`, "current N MASQUE_PS archived v20"},
	} {
		got := w.patch(w.holder(), step.target, step.kind, step.body)
		if got.status != http.StatusOK || got.state() != step.want {
			t.Fatalf("%s: %d %s, want %s", step.name, got.status, got.body, step.want)
		}
		read := w.get(w.holder(), "DocumentReference/"+id)
		if read.state() != step.want || read.header.Get("ETag") != got.header.Get("ETag") || string(read.body) != string(got.body) {
			t.Errorf("%s: read %s %v, patched %s %v", step.name, read.body, read.header, got.body, got.header)
		}
	}
}

// TestPatchRefusals: what may not be changed so is not, whoever asks, and what is not
// there for somebody is not there for his PATCH.
func TestPatchRefusals(t *testing.T) {
	w := newWorld(t)
	id := w.mustPush()
	w.link("899900063480")
	mask := `[{"op":"replace","path":"/securityLabel/0","value":` + masked + `}]`
	stranger := w.holder()
	stranger.ID = newID()
	for name, c := range map[string]struct {
		who    iua.Claims
		target string
		kind   string
		body   string
		match  string
		want   string
	}{
		"another element":         {author(), "/" + id, jsonPatch, `[{"op":"replace","path":"/description","value":"x"}]`, "", "405 FHIR-004"},
		"the whole resource":      {author(), "/" + id, jsonPatch, `[{"op":"replace","path":"","value":{}}]`, "", "405 FHIR-004"},
		"another extension":       {author(), "/" + id, jsonPatch, `[{"op":"add","path":"/extension/-","value":{"url":"urn:x","valueBoolean":true}}]`, "", "405 FHIR-004"},
		"another one by FHIRPath": {author(), "/" + id, "application/fhir+json", operation("replace", "DocumentReference.content.attachment.title", `{"name":"value","valueString":"x"}`), "", "405 FHIR-004"},
		"no CodeableConcept (U3)": {author(), "/" + id, jsonPatch, `[{"op":"replace","path":"/securityLabel","value":"restricted"}]`, "", "422 FHIR-009"},
		"base confidentiality":    {author(), "/" + id, jsonPatch, `[{"op":"replace","path":"/securityLabel/0","value":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}}]`, "", "422 FHIR-009"},
		"hide from the patient":   {author(), "/" + id, jsonPatch, `[{"op":"add","path":"/securityLabel/-","value":` + hidden + `}]`, "", "422 C-04"},
		"superseded":              {author(), "/" + id, jsonPatch, `[{"op":"replace","path":"/status","value":"superseded"}]`, "", "422 FHIR-009"},
		"no status":               {author(), "/" + id, jsonPatch, `[{"op":"remove","path":"/status"}]`, "", "422 FHIR-009"},
		"no such label":           {author(), "/" + id, jsonPatch, `[{"op":"remove","path":"/securityLabel/7"}]`, "", "422 FHIR-009"},
		"test fails":              {author(), "/" + id, jsonPatch, `[{"op":"test","path":"/status","value":"superseded"},{"op":"replace","path":"/status","value":"entered-in-error"}]`, "", "422 FHIR-009"},
		"not attested":            {author(), "/" + id, jsonPatch, mask, "", "422 C-11"},
		"no JSON":                 {author(), "/" + id, jsonPatch, `[`, "", "400 FHIR-001"},
		"no operation":            {author(), "/" + id, jsonPatch, `[]`, "", "400 FHIR-001"},
		"unknown operation":       {author(), "/" + id, jsonPatch, `[{"op":"merge","path":"/status","value":"x"}]`, "", "400 FHIR-001"},
		"no pointer":              {author(), "/" + id, jsonPatch, `[{"op":"remove","path":"status"}]`, "", "400 FHIR-001"},
		"no Parameters":           {author(), "/" + id, "application/fhir+json", `{"resourceType":"DocumentReference"}`, "", "400 FHIR-001"},
		"XML of another element":  {author(), "/" + id, xmlPatch, diff(`<replace sel="f:DocumentReference/f:description/@value">x</replace>`), "", "405 FHIR-004"},
		"XML of another kind":     {author(), "/" + id, xmlPatch, diff(`<replace sel="f:DocumentReference/f:securityLabel[1]"><securityLabel xmlns="http://hl7.org/fhir" value="restricted"/></replace>`), "", "400 FHIR-001"},
		"XML of no such element":  {author(), "/" + id, xmlPatch, diff(`<replace sel="f:DocumentReference/f:securityLabel[1]/f:colour"><colour xmlns="http://hl7.org/fhir" value="red"/></replace>`), "", "400 FHIR-001"},
		"XML of a second name":    {author(), "/" + id, xmlPatch, diff(`<replace sel="f:DocumentReference/f:securityLabel[1]"><status xmlns="http://hl7.org/fhir" value="current"/></replace>`), "", "400 FHIR-001"},
		"XML with a DTD":          {author(), "/" + id, xmlPatch, `<!DOCTYPE diff><diff/>`, "", "400 XML-002"},
		"XML without a selector":  {author(), "/" + id, xmlPatch, diff(`<remove/>`), "", "400 FHIR-001"},
		"XML of another language": {author(), "/" + id, xmlPatch, `<patch/>`, "", "400 FHIR-001"},
		"merge patch":             {author(), "/" + id, "application/merge-patch+json", `{"status":"entered-in-error"}`, "", "415 FHIR-006"},
		"another version":         {author(), "/" + id, jsonPatch, mask, `W/"9"`, "412 FHIR-011"},
		"another identifier":      {author(), "?identifier=urn:oid:1.2.3", jsonPatch, mask, "", "404 FHIR-003"},
		"no identifier":           {author(), "", jsonPatch, mask, "", "400 FHIR-008"},
		"another parameter":       {author(), "?identifier=1.2.3&status=current", jsonPatch, mask, "", "400 FHIR-008"},
		"not his":                 {pro("durand"), "/" + id, jsonPatch, mask, "", "403 ACC-39"},
		"deletes another's":       {w.holder(), "/" + id, jsonPatch, `[{"op":"replace","path":"/status","value":"entered-in-error"}]`, "", "403 ACC-34"},
		"no link":                 {pro("inconnu"), "/" + id, jsonPatch, mask, "", "404 FHIR-003"},
		"a structure":             {chu, "/" + id, jsonPatch, mask, "", "404 FHIR-003"},
		"nobody's record":         {stranger, "/" + id, jsonPatch, mask, "", "403 ACC-02"},
		"no token":                {iua.Claims{}, "/" + id, jsonPatch, mask, "", "401 TOK-001"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.patch(c.who, c.target, c.kind, c.body, "If-Match", c.match)
			if status, code, _ := strings.Cut(c.want, " "); fmt.Sprint(got.status) != status || !strings.HasPrefix(got.outcome()[0], code+" ") {
				t.Errorf("%d %s, want %s", got.status, got.body, c.want)
			}
		})
	}
	if now := w.get(w.holder(), "DocumentReference/"+id).state(); now != "current N v1" {
		t.Errorf("after the refusals: %s", now)
	}
	missing := w.patch(pro("inconnu"), "/"+newID(), jsonPatch, mask)
	if not := w.patch(pro("inconnu"), "/"+id, jsonPatch, mask); string(not.body) != string(missing.body) {
		t.Errorf("%s\n%s", not.body, missing.body)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		if got := w.as(author(), method, "/fhir/DocumentReference/"+id, strings.NewReader("{}")); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, PATCH" {
			t.Errorf("%s: %d %v", method, got.status, got.header)
		}
	}
}

// TestPatchOfWhatIsNotSeen: an author without a link deletes what he does not see
// (policy §0.3), and is told no more than that it is done.
func TestPatchOfWhatIsNotSeen(t *testing.T) {
	w := newWorld(t)
	id := w.mustPush()
	got := w.patch(author(), "/"+id, jsonPatch, `[{"op":"replace","path":"/securityLabel/0","value":`+masked+`}]`, "Passerelle-Attestation", "true")
	if got.status != http.StatusOK || got.outcome()[0] != "FHIR-013 " || got.header.Get("ETag") != "" {
		t.Fatalf("mask: %d %s", got.status, got.body)
	}
	if now := w.get(w.holder(), "DocumentReference/"+id).state(); now != "current N MASQUE_PS v2" {
		t.Errorf("after the mask: %s", now)
	}
	test := `[{"op":"test","path":"/status","value":"current"},{"op":"replace","path":"/status","value":"entered-in-error"}]`
	if got := w.patch(author(), "/"+id, jsonPatch, test); got.status != http.StatusNotFound {
		t.Errorf("test of a document that is not seen: %d %s", got.status, got.body)
	}
	got = w.patch(chu, "?identifier=urn:oid:1.2.250.1.999.9.1", jsonPatch, `[{"op":"replace","path":"/status","value":"entered-in-error"}]`)
	if got.status != http.StatusOK || got.outcome()[0] != "FHIR-013 " {
		t.Fatalf("delete: %d %s", got.status, got.body)
	}
	for _, who := range []iua.Claims{w.holder(), pro("durand"), author()} {
		if gone := w.get(who, "DocumentReference/"+id); gone.status != http.StatusNotFound {
			t.Errorf("after the delete: %d", gone.status)
		}
	}
}

// TestPatchReveal: INVISIBLE_PATIENT is lifted by its author, at no request of the
// patient, who knows nothing of it; one twin of two is enough to name it (D9).
func TestPatchReveal(t *testing.T) {
	w := newWorld(t)
	w.link("899900063480")
	id := w.mustPush(hiddenRow, `"code": "N" }] }, `+hidden+`],
        "content"`)
	n := `[{"op":"replace","path":"/securityLabel/0","value":` + normal + `}]`
	if got := w.patch(w.holder(), "/"+id, jsonPatch, n); got.status != http.StatusNotFound {
		t.Fatalf("the patient: %d %s", got.status, got.body)
	}
	got := w.patch(author(), "?identifier=1.2.250.1.999.9.1", jsonPatch, n, "If-Match", `W/"1p"`)
	if got.state() != "current N v2" {
		t.Errorf("%s", got.body)
	}
	if now := w.get(w.holder(), "DocumentReference/"+id).state(); now != "current N v2" {
		t.Errorf("the patient: %s", now)
	}
	other := w.mustPush()
	if got := w.patch(w.holder(), "?identifier=1.2.250.1.999.9.1,1.2.250.1.999.9.2", jsonPatch, n); got.status != http.StatusPreconditionFailed || got.outcome()[0] != "FHIR-014 identifier" {
		t.Errorf("two documents (%s): %d %s", other, got.status, got.body)
	}
}

// TestPrefer: the client chooses how much of the answer it wants.
func TestPrefer(t *testing.T) {
	w := newWorld(t)
	id := w.mustPush()
	mask := `[{"op":"replace","path":"/securityLabel/0","value":` + masked + `}]`
	if got := w.patch(w.holder(), "/"+id, jsonPatch, mask, "Prefer", "return=minimal"); got.status != 200 || len(got.body) != 0 || got.header.Get("ETag") != `W/"2m"` {
		t.Errorf("minimal: %d %q %v", got.status, got.body, got.header)
	}
	if got := w.patch(w.holder(), "/"+id, jsonPatch, mask, "Prefer", "return=OperationOutcome"); got.outcome()[0] != "FHIR-013 " {
		t.Errorf("outcome: %s", got.body)
	}
}

// TestVersions: a metadata version by its number, for who sees the document now.
func TestVersions(t *testing.T) {
	w := newWorld(t)
	id := w.mustPush()
	w.mask(id)
	first, second := w.get(w.holder(), "DocumentReference/"+id+"/_history/1"), w.get(w.holder(), "DocumentReference/"+id+"/_history/2")
	if first.state() != "superseded N MASQUE_PS v1" || second.state() != "current N MASQUE_PS v2" {
		t.Errorf("%s\n%s", first.body, second.body)
	}
	if now := w.get(w.holder(), "DocumentReference/"+id); string(now.body) != string(second.body) {
		t.Errorf("the current version reads otherwise: %s", now.body)
	}
	for _, vid := range []string{"0", "3", "01", "x", strings.Repeat("9", 30)} {
		if got := w.get(w.holder(), "DocumentReference/"+id+"/_history/"+vid); got.status != http.StatusNotFound {
			t.Errorf("version %s: %d", vid, got.status)
		}
	}
	masked, unknown := w.get(pro("durand"), "DocumentReference/"+id+"/_history/1"), w.get(pro("durand"), "DocumentReference/"+newID()+"/_history/1")
	if masked.status != http.StatusNotFound || !slices.Equal(masked.body, unknown.body) {
		t.Errorf("%d %s", masked.status, masked.body)
	}
}
