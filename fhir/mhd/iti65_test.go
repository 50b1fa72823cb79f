package mhd_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

const (
	ihe         = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD."
	memberEntry = `"entry": [{ "item": { "reference": "urn:uuid:00000000-0000-4000-8000-000000000002" } }]`
	firstEntry  = `"entry": [
    {`
)

// locations are the addresses in the answer to a lot, of which each entry must have one.
func (c *answer) locations() []string {
	c.t.Helper()
	var response struct {
		Entry []struct {
			Response struct{ Status, Location string }
		}
	}
	if err := json.Unmarshal(c.body, &response); err != nil || c.status != http.StatusOK || len(response.Entry) == 0 {
		c.t.Fatalf("%d %s", c.status, c.body)
	}
	var all []string
	for _, e := range response.Entry {
		if !regexp.MustCompile(`^[A-Za-z]+/[0-9a-f-]{36}$`).MatchString(e.Response.Location) {
			c.t.Errorf("location %q", e.Response.Location)
		}
		all = append(all, e.Response.Status[:3]+" "+e.Response.Location)
	}
	return all
}

// folderEntry is a Folder of a bundle, with members.
func folderEntry(method, url, uid, title string, members ...string) string {
	var items []string
	for _, m := range members {
		items = append(items, `{"item":{"reference":"`+m+`"}}`)
	}
	return `{"fullUrl":"urn:uuid:00000000-0000-4000-8000-00000000000f","resource":{"resourceType":"List","status":"current","mode":"working","title":"` + title + `",` +
		`"extension":[{"url":"https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-designationType","valueCodeableConcept":{"coding":[{"system":"urn:oid:1.2.3","code":"F"}]}}],` +
		`"code":{"coding":[{"system":"https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes","code":"folder"}]},"identifier":[{"use":"usual","system":"urn:ietf:rfc:3986","value":"urn:oid:` + uid + `"}],` +
		`"subject":{"reference":"Patient?identifier=` + ins + `"},"entry":[` + strings.Join(items, ",") + `]},"request":{"method":"` + method + `","url":"` + url + `"}},`
}

// inside are the documents in a folder, as their holder sees them.
func (w *world) inside(folder string) (ids []string) {
	w.do(func(s *registry.Session) error {
		scope, err := w.gate.Open(w.t.Context(), s, authz.Subject{Nature: authz.NaturePerson, ID: w.record}, w.alice, authz.Purpose{Action: authz.Search})
		if err != nil {
			return err
		}
		contents, err := s.FolderAndContents(w.t.Context(), scope, folder, nil, nil, xds.Approved)
		for _, v := range contents.Documents {
			d, _ := v.Value()
			ids = append(ids, strings.TrimPrefix(d.Entry.LogicalID, "urn:uuid:"))
		}
		return err
	})
	return ids
}

// TestFolders: POST makes a folder with documents, PUT adds to it, also what was
// registered before; who may not name it finds it unknown.
func TestFolders(t *testing.T) {
	w := newWorld(t)
	const doc, uid = "urn:uuid:00000000-0000-4000-8000-000000000002", "1.2.250.1.999.20.1"
	both := strings.Replace(memberEntry, `"entry": [`, `"entry": [{ "item": { "reference": "urn:uuid:00000000-0000-4000-8000-00000000000f" } }, `, 1)
	made := w.push(chu, w.lot(memberEntry, both, firstEntry, strings.Replace(firstEntry, "{", folderEntry("POST", "List", uid, "Suivi", doc)+"{", 1))).locations()
	if len(made) != 4 || !strings.HasPrefix(made[0], "201 List/") {
		t.Fatalf("%v", made)
	}
	folder := strings.TrimPrefix(made[0], "201 List/")
	if got := w.inside(uid); len(got) != 1 || "201 DocumentReference/"+got[0] != made[2] {
		t.Errorf("inside %v, made %v", got, made)
	}
	before := w.mustPush()
	rows, _ := w.stored()
	put := func(url string) string {
		return w.lot(memberEntry, both, firstEntry, strings.Replace(firstEntry, "{", folderEntry("PUT", url, uid, "Suivi", doc, "DocumentReference/"+before, "DocumentReference/"+strings.TrimPrefix(made[2], "201 DocumentReference/"))+"{", 1))
	}
	if got := w.push(pro("inconnu"), put("List/"+folder)); got.status != http.StatusUnprocessableEntity || !strings.HasPrefix(strings.Join(got.outcome(), "\n"), "REG-004 ") {
		t.Errorf("a stranger: %d %s", got.status, got.body)
	}
	if after, _ := w.stored(); after != rows {
		t.Errorf("stored %s, before %s", after, rows)
	}
	for i, url := range []string{"List/" + folder, "List?identifier=urn:ietf:rfc:3986|urn:oid:" + uid, "List"} {
		links := w.count("association")
		added := w.push(chu, put(url)).locations()
		if more := w.count("association") - links; more != 3 && (i > 0 || more != 5) { // what is inside already is not put in again
			t.Errorf("%s: %d associations more", url, more)
		}
		if added[0] != "200 List/"+folder {
			t.Errorf("%s: %v", url, added)
		}
		if got := w.inside(uid); len(got) != 3+i {
			t.Errorf("%s: %v", url, got)
		}
	}
	other := w.push(chu, w.lot(memberEntry, both, firstEntry, strings.Replace(firstEntry, "{", folderEntry("PUT", "List", uid, "Autre titre", doc)+"{", 1)))
	if !strings.Contains(string(other.body), "META-018") {
		t.Errorf("another title: %s", other.body)
	}
}

// TestRefusedLotsStoreNothing: whatever is wrong with a lot, rows and blobs stay as they
// were (P2), and the status is that of D9.
func TestRefusedLotsStoreNothing(t *testing.T) {
	w := newWorld(t)
	first := w.lot()
	id := strings.TrimPrefix(w.push(chu, first).locations()[1], "201 DocumentReference/")
	second := w.mustPush()
	replaces := func(target string) string {
		return `"relatesTo":[{"code":"replaces","target":{"reference":"` + target + `"}}],"status": "current",
        "type"`
	}
	const status = `"status": "current",
        "type"`
	patch := func(target, path, value string) string {
		return strings.Replace(firstEntry, "{", `{"fullUrl":"urn:uuid:00000000-0000-4000-8000-000000000004","resource":`+operation("replace", path, `{"name":"value","valueCode":"`+value+`"}`)+
			`,"request":{"method":"PATCH","url":"`+target+`"}},{`, 1)
	}
	w.mustPush(status, replaces("DocumentReference/"+second))
	rows, blobs := w.stored()
	for name, c := range map[string]struct{ lot, want string }{
		"the same again":             {first, "409 REG-002"},
		"another content":            {strings.NewReplacer("urn:oid:1.2.250.1.999.8.1", "urn:oid:1.2.250.1.999.8.99", "SGVsbG8gV29ybGQ=", "SGVsbG8gd29ybGQ=", `"hash": "Ck1VqNd45QIvq3AZd8XYQLvEhtA=",`, "").Replace(first), "409 REG-003"},
		"wrong hash":                 {w.lot("Ck1VqNd45QIvq3AZd8XYQLvEhtA=", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="), "422 META-006"},
		"wrong size":                 {w.lot(`"size": 11`, `"size": 12`), "422 META-007"},
		"no Binary":                  {w.lot(`"url": "urn:uuid:00000000-0000-4000-8000-000000000003"`, `"url": "urn:uuid:00000000-0000-4000-8000-000000000009"`), "422 DOC-001"},
		"no set":                     {w.lot(`"code": "submissionset"`, `"code": "folder"`), "422 FHIR-009"},
		"two patients":               {w.lot("Patient?identifier="+ins, "Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|179035121518989"), "422 REG-001"},
		"a condition of two":         {w.lot("Patient?identifier="+ins, "Patient?identifier="+ins+"&active=true"), "422 REG-001"},
		"a patient from elsewhere":   {w.lot("Patient?identifier="+ins, "https://other.example/fhir/Patient/1"), "422 REG-001"},
		"an unknown record":          {w.lot("Patient?identifier="+ins, "Patient/"+newID()), "422 REG-001"},
		"unknown target":             {w.lot(status, replaces("DocumentReference/"+newID())), "422 REG-004"},
		"a target that is replaced":  {w.lot(status, replaces("DocumentReference/"+second)), "409 REG-005"},
		"PATCH without relatesTo":    {w.lot(firstEntry, patch("DocumentReference/"+id, "DocumentReference.status", "superseded")), "422 FHIR-009"},
		"PATCH of something else":    {w.lot(status, replaces("DocumentReference/"+id), firstEntry, patch("DocumentReference/"+id, "DocumentReference.description", "superseded")), "422 FHIR-009"},
		"PATCH to another status":    {w.lot(status, replaces("DocumentReference/"+id), firstEntry, patch("DocumentReference/"+id, "DocumentReference.status", "entered-in-error")), "422 FHIR-009"},
		"PATCH of another":           {w.lot(status, replaces("DocumentReference/"+id), firstEntry, patch("DocumentReference/"+second, "DocumentReference.status", "superseded")), "422 FHIR-009"},
		"a FHIR document":            {w.lot(firstEntry, strings.Replace(firstEntry, "{", `{"fullUrl":"urn:uuid:00000000-0000-4000-8000-000000000004","resource":{"resourceType":"Bundle","type":"document"},"request":{"method":"POST","url":"Bundle"}},{`, 1)), "422 FHIR-012"},
		"two Patients":               {w.lot(firstEntry, strings.Replace(firstEntry, "{", strings.Repeat(`{"resource":{"resourceType":"Patient","active":true},"request":{"method":"POST","url":"Patient"}},`, 2)+"{", 1)), "422 FHIR-009"},
		"another resource":           {w.lot(firstEntry, strings.Replace(firstEntry, "{", `{"resource":{"resourceType":"Practitioner","active":true},"request":{"method":"POST","url":"Practitioner"}},{`, 1)), "422 FHIR-009"},
		"DELETE":                     {w.lot(`"method": "POST", "url": "Binary"`, `"method": "DELETE", "url": "Binary/1"`), "422 FHIR-009"},
		"a folder that is not there": {w.lot(firstEntry, strings.Replace(firstEntry, "{", folderEntry("PUT", "List", "1.2.3.4.5", "x", "urn:uuid:00000000-0000-4000-8000-000000000002")+"{", 1)), "422 REG-004"},
		"a folder left out":          {w.lot(firstEntry, strings.Replace(firstEntry, "{", folderEntry("POST", "List", "1.2.3.4.5", "x", "urn:uuid:00000000-0000-4000-8000-000000000002")+"{", 1)), "422 FHIR-009"},
		"batch":                      {w.lot(`"transaction"`, `"batch"`), "422 FHIR-009"},
		"no JSON":                    {w.lot(`"type": "transaction",`, `"type": "transaction"`), "400 FHIR-001"},
		"unknown element":            {w.lot(`"mode": "working",`, `"mode": "working", "mood": "happy",`), "400 FHIR-001"},
		"a date that is none":        {w.lot(`2026-06-10`, `2026-02-31`), "400 FHIR-002"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.push(chu, c.lot)
			if found := fmt.Sprint(got.status, " ", strings.Join(got.outcome(), " ")); !strings.HasPrefix(found, c.want[:4]) || !strings.Contains(found, c.want[4:]+" ") {
				t.Errorf("%s, want %s", found, c.want)
			}
			if r, b := w.stored(); r != rows || b != blobs {
				t.Errorf("stored %s and %d blobs, before %s and %d", r, b, rows, blobs)
			}
		})
	}
}

// TestProfiles: the same lot in each profile is read as the same document; people may
// stand outside their resource in UnContained alone.
func TestProfiles(t *testing.T) {
	w := newWorld(t)
	const claim = `IHE.MHD.Comprehensive.ProvideBundle`
	pdsm := "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-provide-document-bundle"
	read := map[string]string{}
	for name, profile := range map[string]string{"Comprehensive": ihe + "Comprehensive.ProvideBundle", "UnContained": ihe + "UnContained.Comprehensive.ProvideBundle", "Minimal": ihe + "Minimal.ProvideBundle", "PDSm": pdsm} {
		id := w.mustPush(ihe+"Comprehensive.ProvideBundle", profile)
		text := string(w.get(w.holder(), "DocumentReference/"+id).body)
		text = regexp.MustCompile(`urn:oid:1\.2\.250\.1\.999\.9\.\d+|"lastUpdated":"[^"]*"`).ReplaceAllString(strings.ReplaceAll(text, id, "ID"), "UID")
		read[text] += name + " "
	}
	if len(read) != 1 {
		t.Errorf("%v", read)
	}
	bare := []string{ihe + "Comprehensive.ProvideBundle", ihe + "Minimal.ProvideBundle",
		`"type": { "coding": [{ "system": "http://loinc.org", "code": "11490-0", "display": "Lettre de liaison à la sortie" }] },`, ``, `"author": [{ "reference": "#role" }],`, ``}
	id := w.mustPush(bare...)
	if got := string(w.get(w.holder(), "DocumentReference/"+id).body); !strings.Contains(got, "Minimal.DocumentReference") || strings.Contains(got, `"type":{"coding":[{"system":"http://loinc.org"`) {
		t.Errorf("minimal: %s", got)
	}
	bare[1] = bare[0]
	if got := w.push(chu, w.lot(bare[2:]...)); got.status != http.StatusUnprocessableEntity {
		t.Errorf("the same as %s: %d", claim, got.status)
	}
}

// TestMinimalCDA: what a Minimal lot leaves out is in the header of its CDA; the same
// document in a Comprehensive lot is not opened, whoever's it is (D5).
func TestMinimalCDA(t *testing.T) {
	w := newWorld(t)
	other := base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(report(t), "279035121518989", "277076322082910")))
	doc := []string{`"contentType": "text/plain", "language"`, `"contentType": "text/xml", "language"`, `"resourceType": "Binary", "contentType": "text/plain"`, `"resourceType": "Binary", "contentType": "text/xml"`,
		`"size": 11, "hash": "Ck1VqNd45QIvq3AZd8XYQLvEhtA=",`, ``, `SGVsbG8gV29ybGQ=`}
	w.mustPush(append(doc, other)...)
	minimal := []string{ihe + "Comprehensive.ProvideBundle", ihe + "Minimal.ProvideBundle"}
	if got := w.push(chu, w.lot(append(append(doc, other), minimal...)...)); got.status != http.StatusUnprocessableEntity || !strings.HasPrefix(got.outcome()[0], "DOC-006 Bundle.entry[1].resource.subject") {
		t.Errorf("another patient's: %d %s", got.status, got.body)
	}
	own := base64.StdEncoding.EncodeToString([]byte(report(t)))
	id := w.mustPush(append(append(append(doc, own), minimal...), `"practiceSetting": { "coding": [{ "system": "https://mos.esante.gouv.fr/NOS/TRE_A01-CadreExercice/FHIR/TRE-A01-CadreExercice", "code": "ETABLISSEMENT" }] },`, ``,
		`"type": { "coding": [{ "system": "http://loinc.org", "code": "11490-0", "display": "Lettre de liaison à la sortie" }] },`, ``)...)
	if got := string(w.get(w.holder(), "DocumentReference/"+id).body); !strings.Contains(got, `"code":"11502-2"`) || !strings.Contains(got, "practiceSetting") {
		t.Errorf("%s", got)
	}
}

// TestRecipients: an intendedRecipient is kept, and its sender told that nobody is
// notified of it.
func TestRecipients(t *testing.T) {
	w := newWorld(t)
	got := w.push(chu, w.lot(`"extension": [
          {`, `"extension": [
          { "url": "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-intendedRecipient", "valueReference": { "reference": "#doc" } }, {`))
	if got.status != http.StatusOK || !strings.Contains(string(got.body), "UnavailableRecipient") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// published are the examples of the guides beside the repository, which hold patients
// that nobody has.
var published = []struct{ path, want string }{
	{"dmp/fhir-examples/Bundle-example-td2-iti65-lot-soumission.json", "200"},
	{"fhir/mhd-4.2.3/examples/Bundle-ex-comprehensiveProvideDocumentBundleSimple.json", "200"},
	{"fhir/mhd-4.2.3/examples/Bundle-ex-comprehensiveProvideDocumentBundleComplete.json", "422 META-021 Bundle.entry[0].resource.extension[2]; REG-004 "}, // relates to what nobody has
	{"fhir/mhd-4.2.3/examples/Bundle-ex-comprehensiveProvideDocumentBundleMultiple.json", "422 META-017"},                                                 // one masterIdentifier for two
	{"fhir/mhd-4.2.3/examples/Bundle-ex-comprehensiveProvideDocumentBundleReplace.json", "422 REG-004"},                                                   // of a document that nobody has
	{"fhir/mhd-4.2.3/examples/Bundle-ex-comprehensiveProvideDocumentBundleDocument.json", "422 FHIR-012"},
	{"fhir/mhd-4.2.3/examples/Bundle-ex-unContainedComprehensiveProvideDocumentBundleComplete.json", "422 FHIR-009 Bundle.entry[0].resource.source"},
	{"fhir/mhd-4.2.3/examples/Bundle-ex-ProvideDocumentBundle-addToFolder.json", "422 REG-004"},
	{"fhir/mhd-4.2.3/examples/Bundle-ex-minimalProvideDocumentBundleSimple.json", "422 META-001"}, // no subject
	{"fhir/mhd-4.2.3/examples/Bundle-ex-minimalProvideDocumentBundleSimpleContained.json", "422 FHIR-009 Bundle.entry[0].resource.subject"},
	{"fhir/pdsm-3.1.1/examples/Bundle-a9c10f8a-882d-4000-a280-7150e0aeb478.json", "422"},
	{"dmp/fhir-examples/DocumentReference-example-td2-iti105-publication-simplifiee.json", "201"},
	{"fhir/mhd-4.2.3/examples/DocumentReference-ex-DocumentReferenceSimplifiedPublish.json", "201"},
	{"fhir/pdsm-3.1.1/examples/DocumentReference-PDSmSimplifiedExample.json", "422 FHIR-009"},
}

// TestPublishedExamples: the examples of MHD, PDSm and the DMP, with alice as their
// patient, are taken, or refused for what is wrong with them.
func TestPublishedExamples(t *testing.T) {
	const folder = "../../../shared"
	if _, err := os.Stat(folder); err != nil {
		t.Log("the guides are not beside the repository: nothing was compared")
		return
	}
	w := newWorld(t)
	for _, example := range published {
		t.Run(filepath.Base(example.path), func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(folder, example.path))
			if err != nil {
				t.Fatal(err)
			}
			text := regexp.MustCompile(`"reference"\s*:\s*"Patient/[^"]*"`).ReplaceAllString(string(raw), `"reference":"Patient/`+w.record+`"`)
			text = strings.NewReplacer("1.2.250.1.213.1.4.8|123456789012345", strings.TrimPrefix(ins, "urn:oid:"),
				"1.2.840.113556.1.8000.2554.", "1.2.840.", "http://example.org/patients", "urn:oid:1.2.840.9").Replace(text) // OIDs of more than 64 characters, and none
			got := w.publish(chu, text)
			if strings.HasPrefix(filepath.Base(example.path), "Bundle") {
				got = w.push(chu, text)
			}
			found := fmt.Sprint(got.status)
			if got.status >= 400 {
				found += " " + strings.Join(got.outcome(), "; ")
			}
			if !strings.HasPrefix(found, example.want) {
				t.Errorf("%s, want %s", found, example.want)
			}
		})
	}
}
