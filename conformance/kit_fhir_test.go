package conformance_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

const kitJSON = "application/fhir+json"

// fhir makes one request of the FHIR face; a refusal must have the status of the
// error table.
func (k *kit) fhir(t *testing.T, b *kitBearer, method, path string, body []byte) (kitResponse, kitAnswer) {
	t.Helper()
	header := http.Header{"Accept": {kitJSON}}
	if strings.HasPrefix(path, "Binary/") {
		header = http.Header{}
	}
	if body != nil {
		header.Set("Content-Type", kitJSON)
	}
	r := k.send(t, method, strings.TrimSuffix("/fhir/"+path, "/"), b.jwt(t), header, body)
	answer := kitAnswer{code: r.code(t), whole: kitWhole(r.status, r.header, r.body)}
	if want := (&xds.Error{ID: answer.code}).Problem().Status; answer.code != "" && r.status != want {
		t.Errorf("%s %s: %s is HTTP %d, want %d", method, path, answer.code, r.status, want)
	}
	return r, answer
}

// findReferences is ITI-67: by the record id, or, when that is "", by the INS.
func (k *kit) findReferences(t *testing.T, b *kitBearer, p kitPatient, filter string) kitAnswer {
	t.Helper()
	patient := "patient=Patient/" + p.Record
	if p.Record == "" {
		patient = "patient.identifier=" + url.QueryEscape("urn:oid:"+p.INS.Authority()+"|"+p.INS.ID())
	}
	r, answer := k.fhir(t, b, http.MethodGet, "DocumentReference?"+patient+"&_count=200&"+filter, nil)
	if r.status != http.StatusOK {
		return answer
	}
	var set struct {
		ResourceType string
		Total        *int
		Link         []struct{ Relation string }
		Entry        []struct{ Resource map[string]any }
	}
	r.decode(t, &set)
	if set.ResourceType != "Bundle" || set.Total == nil || *set.Total != len(set.Entry) || len(set.Link) != 1 {
		t.Fatalf("searchset: %s", r.body)
	}
	for _, e := range set.Entry {
		answer.resources = append(answer.resources, e.Resource)
		answer.ids = append(answer.ids, kitUniqueID(e.Resource))
	}
	slices.Sort(answer.ids)
	return answer
}

// kitUniqueID is the uniqueId of a DocumentReference.
func kitUniqueID(resource map[string]any) string {
	master, _ := resource["masterIdentifier"].(map[string]any)
	value, _ := master["value"].(string)
	return strings.TrimPrefix(value, "urn:oid:")
}

// readReference is GET DocumentReference/{id} for a logicalId.
func (k *kit) readReference(t *testing.T, b *kitBearer, logicalID string) kitAnswer {
	t.Helper()
	r, answer := k.fhir(t, b, http.MethodGet, "DocumentReference/"+kitBare(logicalID), nil)
	if r.status == http.StatusOK {
		resource := map[string]any{}
		r.decode(t, &resource)
		answer.resources, answer.ids = append(answer.resources, resource), []string{kitUniqueID(resource)}
	}
	return answer
}

// readBinary is ITI-68: the bytes of a document.
func (k *kit) readBinary(t *testing.T, b *kitBearer, logicalID string) kitAnswer {
	t.Helper()
	r, answer := k.fhir(t, b, http.MethodGet, "Binary/"+kitBare(logicalID), nil)
	if r.status == http.StatusOK {
		answer.content = r.body
	}
	return answer
}

// provideBundle is ITI-65 for the same submission as an ITI-41 message.
func (k *kit) provideBundle(t *testing.T, b *kitBearer, lot xds.Submission, content map[string][]byte) kitAnswer {
	t.Helper()
	_, answer := k.fhir(t, b, http.MethodPost, "", kitBundle(t, lot, content))
	return answer
}

// kitBare is a UUID without its prefix.
func kitBare(id string) string { return strings.TrimPrefix(id, "urn:uuid:") }
