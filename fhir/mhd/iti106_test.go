package mhd_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
)

func (w *world) generate(who iua.Claims, query, body string) *answer {
	w.t.Helper()
	return w.as(who, http.MethodPost, "/fhir/DocumentReference/$generate-metadata"+query, strings.NewReader(body), "Content-Type", "application/fhir+json")
}

// TestGenerateMetadata: a CDA is registered by its header; with persist=false, in either
// place, it is described and nothing is stored.
func TestGenerateMetadata(t *testing.T) {
	w := newWorld(t)
	binary := `{"resourceType":"Binary","contentType":"text/xml","data":"` + base64.StdEncoding.EncodeToString([]byte(report(t))) + `"}`
	parameters := `{"resourceType":"Parameters","parameter":[{"name":"document","resource":` + binary + `}]}`
	rows, blobs := w.stored()
	trail := w.count("trail")
	described := strings.Replace(parameters, `"parameter":[`, `"parameter":[{"name":"persist","valueBoolean":false},`, 1)
	for _, ask := range [][2]string{{"?persist=false", parameters}, {"?persist=false", binary}, {"", described}} {
		got := w.generate(pro("inconnu"), ask[0], ask[1])
		var made struct {
			Parameter []struct {
				Name     string
				Resource struct {
					ResourceType, ID string
					Type             struct{ Coding []struct{ Code string } }
					Content          []struct {
						Attachment struct {
							URL, Hash string
							Size      int
						}
					}
				}
			}
		}
		if err := json.Unmarshal(got.body, &made); err != nil || got.status != http.StatusOK || len(made.Parameter) != 1 || made.Parameter[0].Name != "DocumentReference" {
			t.Fatalf("%d %s", got.status, got.body)
		}
		if _, findings := fhir.ReadResource(bytes.NewReader(got.body), 1<<20, "Parameters"); len(findings) > 0 {
			t.Error(findings)
		}
		r := made.Parameter[0].Resource
		if r.ResourceType != "DocumentReference" || r.ID != "" || r.Type.Coding[0].Code != "11502-2" || r.Content[0].Attachment.Size != len(report(t)) || !strings.HasPrefix(r.Content[0].Attachment.URL, "urn:uuid:") {
			t.Errorf("%s", got.body)
		}
	}
	for name, c := range map[string]struct{ body, want string }{
		"no CDA":          {`{"resourceType":"Binary","contentType":"text/plain","data":"SGVsbG8gV29ybGQ="}`, "XML-001"},
		"no header":       {strings.Replace(binary, binary[len(`{"resourceType":"Binary","contentType":"text/xml","data":"`):len(binary)-2], "PENsaW5pY2FsRG9jdW1lbnQgeG1sbnM9InVybjpobDctb3JnOnYzIi8+", 1), "META-001"},
		"no document":     {`{"resourceType":"Parameters","parameter":[{"name":"persist","valueBoolean":true}]}`, "FHIR-009"},
		"a FHIR document": {`{"resourceType":"Parameters","parameter":[{"name":"document","resource":{"resourceType":"Bundle","type":"document"}}]}`, "FHIR-012"},
		"another name":    {strings.Replace(parameters, `"document"`, `"content"`, 1), "FHIR-009"},
	} {
		if got := w.generate(pro("inconnu"), "", c.body); got.status/100 != 4 || !strings.HasPrefix(got.outcome()[0], c.want+" ") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := w.generate(iua.Claims{}, "", parameters); got.status != http.StatusUnauthorized {
		t.Errorf("no token: %d", got.status)
	}
	if r, b := w.stored(); r != rows || b != blobs || w.count("trail") != trail {
		t.Errorf("stored %s, before %s", r, rows)
	}
	got := w.generate(author(), "", parameters)
	var made struct {
		Parameter []struct{ ValueReference struct{ Reference string } }
	}
	if err := json.Unmarshal(got.body, &made); err != nil || got.status != http.StatusOK || len(made.Parameter) != 1 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if read := w.get(w.holder(), made.Parameter[0].ValueReference.Reference); read.status != http.StatusOK || w.count("trail") != trail+2 {
		t.Errorf("%d %s", read.status, read.body)
	}
}
