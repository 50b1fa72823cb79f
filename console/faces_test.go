package console_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// seen is what both protocol faces say to somebody who searches a record: a closed door,
// or the uniqueIds of the documents that he finds.
type seen struct {
	door string
	ids  []string
}

// ask is who searches, as /sandbox/token takes it: as, patient, mode, reason.
type ask map[string]string

// searches asks ITI-18 and ITI-67 the same and holds that they agree: what is changed in
// the console holds on both at once.
func searches(t *testing.T, base string, who ask) seen {
	t.Helper()
	soap, fhir := iti18(t, base, who), iti67(t, base, who)
	if soap.door != fhir.door || !slices.Equal(soap.ids, fhir.ids) {
		t.Fatalf("%v: ITI-18 says %v, ITI-67 %v", who, soap, fhir)
	}
	return soap
}

// castINS is the identifier of a patient of the cast, CX.
func castINS(t *testing.T, base, name string) string {
	t.Helper()
	var members struct{ Patients []struct{ Name, INS string } }
	if err := json.Unmarshal([]byte(send(t, http.MethodGet, base+"/sandbox/cast", nil, "")), &members); err != nil {
		t.Fatal(err)
	}
	for _, p := range members.Patients {
		if p.Name == name {
			return p.INS
		}
	}
	t.Fatalf("no patient %s", name)
	return ""
}

// castID is the national id of a professional of the cast.
func castID(t *testing.T, base, name string) string {
	t.Helper()
	var members struct{ Professionals []struct{ Name, ID string } }
	if err := json.Unmarshal([]byte(send(t, http.MethodGet, base+"/sandbox/cast", nil, "")), &members); err != nil {
		t.Fatal(err)
	}
	for _, p := range members.Professionals {
		if p.Name == name {
			return p.ID
		}
	}
	t.Fatalf("no professional %s", name)
	return ""
}

func send(t *testing.T, method, url string, header http.Header, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func form(who ask) string {
	raw, err := json.Marshal(who)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// bearer is a token of somebody, for calls.
func bearer(t *testing.T, base string, who ask) http.Header {
	t.Helper()
	var token struct {
		Text string `json:"access_token"`
	}
	answer := send(t, http.MethodPost, base+"/sandbox/token", nil, form(who))
	if err := json.Unmarshal([]byte(answer), &token); err != nil || token.Text == "" {
		t.Fatalf("%v: no token: %s", who, answer)
	}
	return http.Header{"Authorization": {"Bearer " + token.Text}}
}

var (
	doorCode  = regexp.MustCompile(`ACC-[0-9]{2}`)
	uniqueIDs = regexp.MustCompile(`identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"`)
)

func iti18(t *testing.T, base string, who ask) seen {
	t.Helper()
	id, authority, _ := strings.Cut(castINS(t, base, who["patient"]), "^^^&")
	oid, _, _ := strings.Cut(authority, "&")
	vihf := send(t, http.MethodPost, base+"/sandbox/vihf", nil, form(who))
	answer := send(t, http.MethodPost, base+"/xds/registry", http.Header{"Content-Type": {"application/soap+xml; charset=UTF-8"}},
		`<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"><soap:Header>`+
			`<wsa:Action>urn:ihe:iti:2007:RegistryStoredQuery</wsa:Action><wsa:MessageID>urn:uuid:3f8c6a52-0000-4000-8000-000000000000</wsa:MessageID>`+
			`<wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">`+strings.TrimPrefix(vihf, `<?xml version="1.0" encoding="UTF-8"?>`)+`</wsse:Security></soap:Header><soap:Body>`+
			`<query:AdhocQueryRequest xmlns:query="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">`+
			`<query:ResponseOption returnType="LeafClass" returnComposedObjects="true"/><rim:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d">`+
			`<rim:Slot name="$XDSDocumentEntryPatientId"><rim:ValueList><rim:Value>'`+id+`^^^&amp;`+oid+`&amp;ISO'</rim:Value></rim:ValueList></rim:Slot>`+
			`<rim:Slot name="$XDSDocumentEntryStatus"><rim:ValueList><rim:Value>('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')</rim:Value></rim:ValueList></rim:Slot>`+
			`</rim:AdhocQuery></query:AdhocQueryRequest></soap:Body></soap:Envelope>`)
	if !strings.Contains(answer, "ResponseStatusType:") {
		t.Fatalf("%v: ITI-18: %s", who, answer)
	}
	var s seen
	if strings.Contains(answer, "ResponseStatusType:Failure") {
		if s.door = doorCode.FindString(answer); s.door == "" {
			t.Fatalf("%v: ITI-18: %s", who, answer)
		}
		return s
	}
	for _, m := range uniqueIDs.FindAllStringSubmatch(answer, -1) {
		s.ids = append(s.ids, m[1]+m[2])
	}
	slices.Sort(s.ids)
	return s
}

func iti67(t *testing.T, base string, who ask) (s seen) {
	t.Helper()
	id, authority, _ := strings.Cut(castINS(t, base, who["patient"]), "^^^&")
	oid, _, _ := strings.Cut(authority, "&")
	next := fmt.Sprintf("%s/fhir/DocumentReference?patient.identifier=urn:oid:%s%%7C%s&status=current", base, oid, id)
	for header := bearer(t, base, who); next != ""; {
		var bundle struct {
			Issue []struct {
				Details struct{ Coding []struct{ Code string } }
			}
			Link  []struct{ Relation, URL string }
			Entry []struct {
				Resource struct {
					MasterIdentifier struct{ Value string }
				}
			}
		}
		answer := send(t, http.MethodGet, next, header, "")
		if err := json.Unmarshal([]byte(answer), &bundle); err != nil {
			t.Fatalf("%v: ITI-67: %v %s", who, err, answer)
		}
		if len(bundle.Issue) > 0 {
			if s.door = doorCode.FindString(answer); s.door == "" {
				t.Fatalf("%v: ITI-67: %s", who, answer)
			}
			return s
		}
		next = ""
		for _, l := range bundle.Link {
			if l.Relation == "next" {
				next = l.URL
			}
		}
		for _, e := range bundle.Entry {
			s.ids = append(s.ids, strings.TrimPrefix(e.Resource.MasterIdentifier.Value, "urn:oid:"))
		}
	}
	slices.Sort(s.ids)
	return s
}
