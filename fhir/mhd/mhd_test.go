package mhd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds"
)

// TestPushFindRetrieve is the main road: a hospital pushes, a GP finds and reads the
// same bytes and the same metadata.
func TestPushFindRetrieve(t *testing.T) {
	w := newWorld(t)
	id := w.mustPush()
	durand := pro("durand")

	set := w.search(durand, "patient=Patient/"+w.record+"&status=current")
	if set.ids() != id || *set.Total != 1 || set.Entry[0].FullURL != base+"/DocumentReference/"+id {
		t.Fatalf("%+v", set)
	}
	got := w.get(durand, "DocumentReference/"+id)
	var doc struct {
		Content []struct {
			Attachment struct {
				URL, Hash, ContentType string
				Size                   int
			}
		}
		Subject struct{ Reference string }
	}
	if err := json.Unmarshal(got.body, &doc); err != nil || got.status != http.StatusOK || got.header.Get("ETag") != `W/"1"` || got.header.Get("Last-Modified") == "" {
		t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	attachment := doc.Content[0].Attachment
	if attachment.URL != base+"/Binary/"+id || attachment.Size != 11 || attachment.Hash != "Ck1VqNd45QIvq3AZd8XYQLvEhtA=" || doc.Subject.Reference != "Patient/"+w.record {
		t.Errorf("%+v", doc)
	}
	if again := w.get(durand, "DocumentReference/"+id, "If-None-Match", `W/"1"`); again.status != http.StatusNotModified || len(again.body) > 0 {
		t.Errorf("304: %d %s", again.status, again.body)
	}
	if old := w.get(durand, "DocumentReference/"+id, "If-None-Match", `W/"0"`); old.status != http.StatusOK {
		t.Errorf("another version: %d", old.status)
	}

	binary := w.get(durand, "Binary/"+id)
	if binary.status != http.StatusOK || string(binary.body) != "Hello World" || binary.header.Get("Content-Type") != "text/plain" || binary.header.Get("Content-Length") != "11" {
		t.Errorf("%d %v %s", binary.status, binary.header, binary.body)
	}
	for name, want := range map[string]string{
		"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment", "Content-Security-Policy": "sandbox; default-src 'none'",
	} {
		if got := binary.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if again := w.get(durand, "Binary/"+id, "If-None-Match", binary.header.Get("ETag")); again.status != http.StatusNotModified {
		t.Errorf("Binary 304: %d", again.status)
	}
	head := w.as(durand, http.MethodHead, "/fhir/Binary/"+id, nil)
	if head.status != http.StatusOK || len(head.body) != 0 || head.header.Get("Content-Length") != "11" {
		t.Errorf("HEAD: %d %v", head.status, head.header)
	}
	resource := w.get(durand, "Binary/"+id, "Accept", "application/fhir+json")
	if !strings.Contains(string(resource.body), `"data":"SGVsbG8gV29ybGQ="`) || resource.header.Get("Content-Length") != fmt.Sprint(len(resource.body)) || !json.Valid(resource.body) {
		t.Errorf("Binary resource: %v %s", resource.header, resource.body)
	}
}

// TestRefusals: each kind of refusal as policy §0 wants it.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	id := w.mustPush()
	durand, nobody := pro("durand"), iua.Claims{}
	bound := pro("durand")
	bound.Patient = "1^^^&1.2.250.1.213.1.4.10&ISO^NH"
	mine := pro("durand")
	mine.Patient = w.alice
	expired := pro("durand")
	expired.ExpiresIn = -600_000_000_000
	stranger, blockedBound := pro("inconnu"), pro("inconnu")
	blockedBound.Patient = w.alice
	patient := "DocumentReference?patient=" + w.record
	for name, c := range map[string]struct {
		who     iua.Claims
		path    string
		headers []string
		status  int
		code    string
	}{
		"no token":                    {nobody, patient, nil, 401, "TOK-001"},
		"expired token":               {expired, patient, nil, 401, "TOK-003"},
		"no link":                     {stranger, patient, nil, 403, "ACC-23"},
		"structure":                   {chu, patient, nil, 403, "ACC-03"},
		"another patient":             {bound, patient, nil, 403, "ACC-67"},
		"another patient by INS":      {bound, "DocumentReference?patient.identifier=" + ins, nil, 403, "ACC-67"},
		"unknown record, bound token": {mine, "DocumentReference?patient=none", nil, 403, "ACC-67"},
		"no patient":                  {durand, "DocumentReference?status=current", nil, 400, "QRY-002"},
		"identifier without patient":  {durand, "DocumentReference?identifier=1.2.3", nil, 400, "QRY-002"},
		"bad parameter":               {durand, patient + "&date=2026-02-31", nil, 400, "FHIR-008"},
		"unknown parameter, strict":   {durand, patient + "&colour=red", []string{"Prefer", "handling=strict"}, 400, "FHIR-008"},
		"bad cursor":                  {durand, patient + "&_cursor=abc", nil, 400, "FHIR-008"},
		"unknown id":                  {durand, "DocumentReference/" + newID(), nil, 404, "FHIR-003"},
		"strange id":                  {durand, "DocumentReference/x", nil, 404, "FHIR-003"},
		"by id without a link":        {stranger, "DocumentReference/" + id, nil, 404, "FHIR-003"},
		"by id, door of the token":    {blockedBound, "DocumentReference/" + newID(), nil, 403, "ACC-23"},
		"binary without a link":       {stranger, "Binary/" + id, nil, 404, "FHIR-003"},
		"unknown resource":            {durand, "Appointment", nil, 404, "FHIR-003"},
		"history":                     {durand, "DocumentReference/" + id + "/_history", nil, 404, "FHIR-003"},
		"Turtle":                      {durand, patient, []string{"Accept", "text/turtle"}, 406, "FHIR-005"},
		"Turtle by _format":           {durand, patient + "&_format=ttl", []string{"Accept", "application/fhir+json"}, 406, "FHIR-005"},
		"Binary as an image":          {durand, "Binary/" + id, []string{"Accept", "image/png"}, 406, "FHIR-005"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.get(c.who, c.path, c.headers...)
			if got.status != c.status || !strings.HasPrefix(got.outcome()[0], c.code+" ") {
				t.Errorf("%d %s", got.status, got.body)
			}
			if c.status == 401 && got.header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
	for method, path := range map[string]string{"PUT": "/fhir/DocumentReference/" + id, "DELETE": "/fhir/Binary/" + id, "POST": "/fhir/metadata"} {
		if got := w.as(durand, method, path, nil); got.status != 405 || got.header.Get("Allow") == "" || got.outcome()[0] != "FHIR-004 " {
			t.Errorf("%s %s: %d %s", method, path, got.status, got.body)
		}
	}
	if hidden, unknown := w.get(stranger, "DocumentReference/"+id), w.get(stranger, "DocumentReference/"+newID()); string(hidden.body) != string(unknown.body) {
		t.Error("a hidden document answers otherwise than an unknown one")
	}
}

// TestUnknownPatientIsEmpty: a patient never seen is 200 and empty (policy §0.4).
func TestUnknownPatientIsEmpty(t *testing.T) {
	w := newWorld(t)
	w.mustPush()
	opposed, other := newID(), xds.NewCX("179035121518989", "1.2.250.1.213.1.4.10", "NH")
	w.create(opposed, other, authz.ProfileOpposed)
	for _, query := range []string{
		"patient.identifier=urn:oid:1.2.250.1.213.1.4.10|999", "patient=Patient/none", "patient=" + opposed, "patient.identifier=urn:oid:1.2.250.1.213.1.4.10|179035121518989",
		"patient=" + w.record + "&patient.identifier=urn:oid:1.2.250.1.213.1.4.10|179035121518989",
	} {
		if set := w.search(pro("durand"), query); set.ids() != "" || *set.Total != 0 || strings.Contains(set.link("self"), "identifier") {
			t.Errorf("%s: %+v", query, set)
		}
	}
}

// TestMaskedIsAbsent: a mask empties searches, reads and retrievals alike, and its
// author still reads.
func TestMaskedIsAbsent(t *testing.T) {
	w := newWorld(t)
	id := w.mustPush()
	entryUUID := w.mask(id)
	durand := pro("durand")
	if set := w.search(durand, "patient="+w.record); set.ids() != "" || *set.Total != 0 {
		t.Errorf("found %+v", set)
	}
	for _, path := range []string{"DocumentReference/" + id, "Binary/" + id} {
		if got := w.get(durand, path, "If-None-Match", "*"); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	author := pro("899900063480")
	w.link("899900063480")
	if set := w.search(author, "patient="+w.record); set.ids() != id {
		t.Errorf("the author finds %+v", set)
	}
	if set := w.search(author, "patient="+w.record+"&security-label=MASQUE_PS"); set.ids() != id {
		t.Errorf("the mark shows to him: %+v", set)
	}
	if set := w.search(author, "patient="+w.record+"&identifier="+entryUUID); set.ids() != id {
		t.Errorf("by its new entryUUID: %+v", set)
	}
	if got := w.get(author, "DocumentReference/"+strings.TrimPrefix(entryUUID, "urn:uuid:")); got.status != http.StatusNotFound {
		t.Errorf("an entryUUID is no FHIR id: %d", got.status)
	}
	if got := w.get(author, "DocumentReference/"+id); got.header.Get("ETag") != `W/"2m"` || !strings.Contains(string(got.body), "MASQUE_PS") {
		t.Errorf("%s %s", got.header.Get("ETag"), got.body)
	}
}

// TestSearchParameters: the conditions reach the registry and do what they say.
func TestSearchParameters(t *testing.T) {
	w := newWorld(t)
	durand := pro("durand")
	id := w.mustPush()
	for query, found := range map[string]bool{
		"": true, "type=http://loinc.org|11490-0": true, "type=urn:oid:2.16.840.1.113883.6.1|11490-0": true, "type=11490-0": true, "type=http://loinc.org|": true,
		"type=http://loinc.org|11502-2": false, "type=|11490-0": false, "type:not=11490-0": false, "type=11502-2,11490-0": true, "category=11": true, "format=urn:ihe:iti:xds-sd:text:2008": true,
		"facility=SA01": true, "setting=ETABLISSEMENT": true, "security-label=N": true, "security-label=R": false, "event:missing=true": true, "event:missing=false": false,
		"date=2026-06-12": true, "creation=2026-06": true, "date=ge2026-06-12T10:00:00%2B02:00": true, "date=gt2026-06-12T08:00:00Z": false, "date=lt2026": false, "date=ne2026": false, "date=sa2026": false,
		"period-start=2026-06-10": true, "period=ge2026": true, "period=eb2026": false, "status=superseded": false, "status=current": true, "isArchived=true": false, "isArchived=false": true,
		"identifier=urn:oid:1.2.250.1.999.9.1": true, "identifier=urn:ietf:rfc:3986|urn:oid:1.2.250.1.999.9.1": true, "identifier=1.2.250.1.999.9.1": true, "identifier=urn:uuid:" + id: true, "identifier=" + id: true,
		"identifier=1.2.250.1.999.9.2": false, "identifier=|1.2.250.1.999.9.1": false, "_id=" + id: true, "_id=" + newID(): false, "_id=x": false,
		"related:identifier=urn:oid:1.2.250.1.999.2|ACC-1": true, "related:identifier=urn:oid:1.2.250.1.999.2|ACC": false, "related.identifier=ACC-1": true,
		"author.family=max": true, "author.family=MA": true, "author.given=lib": true, "author.family=zorro": false, "author:identifier=urn:oid:1.2.250.1.71.4.2.1|899900063480": true, "author:identifier=1": false,
		"_lastUpdated=ge2020": true, "_lastUpdated=lt2020": false, "_lastUpdated:missing=true": false,
		"author:Practitioner.family=max": true, "author.PractitionerRole.name=lib": true, "author.name=zorro": false, "author.family:missing=false": true, "author:missing=true": false,
		"identifier:not=urn:oid:1.2.250.1.999.9.1": false, "identifier:not=urn:oid:1.2.250.1.999.9.2": true, "identifier:missing=true": false, "_id:not=" + id: false, "_id:not=x": true,
		"period=ne2026": true, "period=ne2026-06": true, "period=lt2026-06-11": true, "period=lt2026-06-10": false, "period=sa2026-06-09": true, "period=ap2026-06-11": true, "period:missing=false": true,
		"date=2025,2026-06-12": true, "date=2025,2024": false, "date=ap2026-06-13": true, "date=ap2026-06-15": false, "date=ne2025,ne2026": true,
		"related:missing=true": false, "related.identifier:not=ACC-1": false, "PDSm_isArchived=true": false, "PDSm_DocumentReference_period-start=2026-06-10": true,
	} {
		set := w.search(durand, "patient="+w.record+"&"+query)
		if (set.ids() == id) != found || (*set.Total == 1) != found {
			t.Errorf("%s: found %+v, want %v", query, set, found)
		}
	}
	for _, query := range []string{"_count=0", "_summary=count"} {
		if set := w.search(durand, "patient="+w.record+"&"+query); len(set.Entry) != 0 || *set.Total != 1 {
			t.Errorf("%s: %+v", query, set)
		}
	}
	if set := w.search(durand, "patient="+w.record+"&_total=none"); set.Total != nil {
		t.Errorf("_total=none: %d", *set.Total)
	}
	post := w.as(durand, http.MethodPost, "/fhir/DocumentReference/_search?status=current", strings.NewReader("patient.identifier="+ins), "Content-Type", "application/x-www-form-urlencoded")
	if post.status != http.StatusOK || !strings.Contains(string(post.body), id) || strings.Contains(string(post.body[:600]), "279035121518989") {
		t.Errorf("POST: %d %s", post.status, post.body)
	}
	if got := w.as(durand, http.MethodPost, "/fhir/DocumentReference/_search", strings.NewReader("{}"), "Content-Type", "application/json"); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("POST of JSON: %d", got.status)
	}
	bound := pro("durand")
	bound.Patient = w.alice
	if set := w.search(bound, "identifier=urn:oid:1.2.250.1.999.9.1"); set.ids() != id {
		t.Errorf("identifier under a token that names its patient: %+v", set)
	}
}

// TestAuthorNames: a name is searched as FHIR shows it, without the escapes of HL7 v2,
// whatever its case, its accents and the form of their letters.
func TestAuthorNames(t *testing.T) {
	w := newWorld(t)
	durand := pro("durand")
	id := w.mustPush(`"family": "MAX", "given": ["LIBRE"] }] },`, `"family": "ÉLÉONORE-CŒUR & FILS", "given": ["Zo\\^e"] }] },`)
	for name, found := range map[string]bool{
		"eleonore": true, "Éléonore-Cœur": true, "ELEONORE-COEUR%20%26%20F": true, "E%CC%81le": true, "%C3%A9l%C3%A9": true, "leonore": false, `eleonore-coeur%20%5C%5CT`: false, "el%25": false, "el_": false,
	} {
		if set := w.search(durand, "patient="+w.record+"&author.family="+name); (set.ids() == id) != found {
			t.Errorf("author.family=%s: %q", name, set.ids())
		}
	}
	for query, found := range map[string]bool{
		"author.family:exact=%C3%89L%C3%89ONORE-C%C5%92UR%20%26%20FILS": true, "author.family:exact=eleonore-coeur%20%26%20fils": false, "author.family:contains=%26%20fils": true, "author.family:contains=T": false,
		`author.given=zo%5C%5C^E`: true, `author.given:exact=Zo%5C%5C^e`: true, "author.given=zo^": false, "author.name=zo": true, "author.name:contains=coeur": true, `author.family=el,nobody`: true, `author.family=nobody\,el`: false,
	} {
		if set := w.search(durand, "patient="+w.record+"&"+query); (set.ids() == id) != found {
			t.Errorf("%s: %q", query, set.ids())
		}
	}
	if got := w.get(durand, "DocumentReference/"+id); !strings.Contains(string(got.body), `"family":"ÉLÉONORE-CŒUR & FILS","given":["Zo\\^e"]`) {
		t.Errorf("%s", got.body)
	}
}

// TestPaging: next links walk over everything once, and for their subject alone.
func TestPaging(t *testing.T) {
	w := newWorld(t)
	want := map[string]bool{}
	for i := range 5 {
		want[w.mustPush("2026-06-12T10:00:00+02:00", fmt.Sprintf("2026-06-%02dT10:00:00+02:00", 10+i/2), `"creation": "2026-06-12T10:00:00+02:00"`, fmt.Sprintf(`"creation": "2026-06-%02dT10:00:00+02:00"`, 10+i/2))] = true
	}
	durand := pro("durand")
	path := "patient=" + w.record + "&_count=2&_sort=date"
	seen := map[string]bool{}
	for pages := 1; path != ""; pages++ {
		set := w.search(durand, path)
		if *set.Total != 5 || pages > 3 {
			t.Fatalf("page %d: %+v", pages, set)
		}
		for _, e := range set.Entry {
			if seen[e.Resource.ID] || !want[e.Resource.ID] {
				t.Errorf("page %d shows %s again", pages, e.Resource.ID)
			}
			seen[e.Resource.ID] = true
		}
		next := set.link("next")
		if next != "" {
			if got := w.get(pro("hopital"), next); got.status != http.StatusBadRequest {
				t.Errorf("another subject's link: %d", got.status)
			}
			if got := w.get(durand, next+"&type=a"); got.status != http.StatusBadRequest {
				t.Errorf("another query's link: %d", got.status)
			}
		}
		path = strings.TrimPrefix(next, "DocumentReference?")
	}
	if len(seen) != 5 {
		t.Errorf("saw %d of 5", len(seen))
	}
}

// TestReplace: relatesTo replaces supersedes its target; both stay readable and the
// new one says what it replaces. Only who may replace does.
func TestReplace(t *testing.T) {
	w := newWorld(t)
	v1 := w.mustPush()
	const status = `"status": "current",
        "type"`
	relates := func(target string) []string {
		return []string{status, `"relatesTo": [{ "code": "replaces", "target": { "reference": "DocumentReference/` + target + `" } }], ` + status}
	}
	v2 := w.mustPush(relates(v1)...)
	durand := pro("durand")
	if set := w.search(durand, "patient="+w.record+"&status=superseded"); set.ids() != v1 {
		t.Errorf("superseded: %+v", set)
	}
	set := w.search(durand, "patient="+w.record+"&status=current")
	if set.ids() != v2 || len(set.Entry[0].Resource.RelatesTo) != 1 || set.Entry[0].Resource.RelatesTo[0].Target.Reference != "DocumentReference/"+v1 {
		t.Errorf("current: %+v", set)
	}
	if got := w.get(durand, "Binary/"+v1); got.status != http.StatusOK {
		t.Errorf("a superseded document is served: %d", got.status)
	}
	v3 := w.mustPush(status, `"relatesTo": [{ "code": "replaces", "target": { "identifier": { "system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.250.1.999.9.2" } } }], `+status)
	if set := w.search(durand, "patient="+w.record+"&status=current"); set.ids() != v3 {
		t.Errorf("replaced by its uniqueId: %+v", set)
	}
	for name, c := range map[string]struct {
		who    iua.Claims
		target string
		status int
		code   string
	}{
		"superseded already": {chu, v1, 409, "REG-005"},
		"unknown target":     {chu, newID(), 422, "REG-004"},
		"not ours at all":    {chu, "doc-x-id", 422, "REG-004"},
		"another author's":   {pro("durand"), v3, 403, "ACC-31"},
		"unseen":             {pro("inconnu"), v3, 422, "REG-004"},
	} {
		got := w.push(c.who, w.lot(relates(c.target)...))
		if got.status != c.status || !strings.HasPrefix(got.outcome()[0], c.code+" Bundle.entry[1].resource") {
			t.Errorf("%s: %d %v", name, got.status, got.outcome())
		}
	}
}

// TestRefusedBundles: nothing is stored, and every finding stands at its element.
func TestRefusedBundles(t *testing.T) {
	w := newWorld(t)
	same := w.lot()
	if got := w.push(chu, same); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for name, c := range map[string]struct {
		who    iua.Claims
		bundle string
		status int
		want   string
	}{
		"not JSON":        {chu, "{", 400, "FHIR-001 Bundle"},
		"wrong hash":      {chu, w.lot("Ck1VqNd45QIvq3AZd8XYQLvEhtA=", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="), 422, "META-006 Bundle.entry[1].resource.content[0].attachment.hash"},
		"wrong size":      {chu, w.lot(`"size": 11`, `"size": 12`), 422, "META-007 Bundle.entry[1].resource.content[0].attachment.size"},
		"sent again":      {chu, same, 409, "REG-002 Bundle.entry[0].resource.identifier"},
		"other bytes":     {chu, strings.Replace(w.lot("SGVsbG8gV29ybGQ=", "SGVsbG8=", `"size": 11, "hash": "Ck1VqNd45QIvq3AZd8XYQLvEhtA=", `, ""), fmt.Sprintf("1.999.9.%d", w.lots), "1.999.9.1", 1), 409, "REG-003 Bundle.entry[1].resource.masterIdentifier"},
		"unknown patient": {chu, strings.ReplaceAll(w.lot(), "279035121518989", "279035121518988"), 422, "REG-001 "},
		"no type":         {chu, w.lot(`"type": { "coding": [{ "system": "http://loinc.org", "code": "11490-0", "display": "Lettre de liaison à la sortie" }] },`, ""), 422, "FHIR-009 Bundle.entry[1].resource.type"},
		"birth date":      {chu, w.lot("1979-03-12", "1979-03-13"), 422, "C-09 Bundle.entry[1].resource.context.sourcePatientInfo"},
		"insurer":         {iua.Claims{Nature: authz.NatureOther, ID: "assureur"}, w.lot(), 403, "ACC-02 "},
	} {
		got := w.push(c.who, c.bundle)
		if got.status != c.status || !strings.HasPrefix(got.outcome()[0], c.want) {
			t.Errorf("%s: %d %v", name, got.status, got.outcome())
		}
	}
	if set := w.search(pro("durand"), "patient="+w.record); *set.Total != 1 {
		t.Errorf("%d documents are stored", *set.Total)
	}
	if got := w.as(chu, http.MethodPost, "/fhir", strings.NewReader("<Bundle/>"), "Content-Type", "text/turtle"); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("Turtle: %d", got.status)
	}
	endless := io.LimitReader(spaces{}, 65<<20)
	if got := w.as(chu, http.MethodPost, "/fhir", endless, "Content-Type", "application/fhir+json"); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", got.status)
	}
}

// spaces is JSON white space without end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestMetadata needs no token and offers nothing that is not there.
func TestMetadata(t *testing.T) {
	w := newWorld(t)
	got := w.get(iua.Claims{}, "metadata")
	if got.status != http.StatusOK || !strings.Contains(string(got.body), `"fhirVersion":"4.0.1"`) || !strings.Contains(string(got.body), `"format":["json","xml"]`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestLogsHoldNoIdentity: neither a name, nor an INS, nor a title reaches the log.
func TestLogsHoldNoIdentity(t *testing.T) {
	w := newWorld(t)
	w.mustPush()
	w.search(pro("durand"), "patient.identifier="+ins+"&author.family=MAX")
	w.push(chu, w.lot("1979-03-12", "1979-03-13"))
	for _, secret := range []string{"279035121518989", "DURAND", "Alice", "MAX", "Lettre", "1979"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("%q in the log:\n%s", secret, w.log)
		}
	}
}
