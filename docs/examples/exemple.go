// Program examples is a client of the FHIR face in Go, with the standard library
// alone, for whoever writes one: it imports nothing of the gateway and nothing imports
// it. Usage: make run in another terminal, then go run ./docs/examples
package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

var base = cmp.Or(os.Getenv("B"), "http://127.0.0.1:8080")

type object = map[string]any

// bundle is what this client reads of an answer.
type bundle struct {
	Total int
	Entry []struct {
		Resource struct {
			Content []struct {
				Attachment struct{ URL, Hash, Title string }
			}
		}
	}
}

// outcome is how a refusal looks.
type outcome struct {
	Issue []struct {
		Code    string
		Details struct {
			Text   string
			Coding []struct{ Code string }
		}
	}
}

// call sends a request and gives the answer, whatever its status.
func call(method, url, token string, body []byte) (*http.Response, []byte) {
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		log.Fatal(err)
	}
	return answer, raw
}

// must is a call that has to succeed; what is refused is told as the gateway tells it.
func must(method, url, token string, body []byte, into any) *http.Response {
	answer, raw := call(method, url, token, body)
	if answer.StatusCode >= 300 {
		log.Fatalf("%s %s: %s\n%s", method, url, answer.Status, raw)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			log.Fatal(err)
		}
	}
	return answer
}

// token is minted by the sandbox; in production it comes from the identity provider.
func token(as string) string {
	var minted struct {
		Token string `json:"access_token"`
	}
	must("POST", base+"/sandbox/token", "", fmt.Appendf(nil, `{"as":%q,"patient":"alice"}`, as), &minted)
	return minted.Token
}

func main() {
	var cast struct {
		Patients []struct{ Name, Record string }
	}
	must("GET", base+"/sandbox/cast", "", nil, &cast)
	alice, durand := cast.Patients[0].Record, token("dr-durand")

	// 1. Her documents (ITI-67); the answer holds those that this reader may see.
	var found bundle
	must("GET", base+"/fhir/DocumentReference?patient="+alice+"&status=current&_count=5", durand, nil, &found)
	fmt.Println("documents :", found.Total)

	// 2. One of them (ITI-68), at the address that the search gives, checked by its hash.
	attachment := found.Entry[0].Resource.Content[0].Attachment
	_, document := call("GET", attachment.URL, durand, nil)
	if sum := sha1.Sum(document); base64.StdEncoding.EncodeToString(sum[:]) != attachment.Hash {
		log.Fatal("le document n'est pas celui que les métadonnées annoncent")
	}
	fmt.Printf("lu : %d octets, empreinte conforme\n", len(document))

	// 3. A new one (ITI-105): what its CDA header says need not be said again.
	cda, err := os.ReadFile(cmp.Or(os.Getenv("CDA"), "testdata/cda/cr-accouchement.xml"))
	if err != nil {
		log.Fatal(err)
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	identifier := func(system, value string) object { return object{"system": system, "value": value} }
	published, err := json.Marshal(object{
		"resourceType": "DocumentReference", "status": "current", "subject": object{"reference": "Patient/" + alice}, "date": "2026-11-21T07:00:00Z",
		"masterIdentifier": identifier("urn:ietf:rfc:3986", fmt.Sprint("urn:oid:2.25.", binary.BigEndian.Uint64(random[:]))),
		"type":             object{"coding": []object{{"system": "http://loinc.org", "code": "15508-5", "display": "CR d'accouchement"}}},
		"author":           []object{{"identifier": identifier("urn:oid:1.2.250.1.71.4.2.1", "899900001324"), "display": "LECLERCQ Hugo"}},
		"custodian":        object{"identifier": identifier("urn:oid:1.2.250.1.71.4.2.2", "1599990017")},
		"content":          []object{{"attachment": object{"contentType": "text/xml", "title": "Compte rendu d'accouchement", "data": cda}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	answer := must("POST", base+"/fhir/DocumentReference", token("dr-hopital"), published, nil)
	location, _, _ := strings.Cut(strings.TrimPrefix(answer.Header.Get("Location"), base+"/fhir/"), "/_history")
	fmt.Println("publié :", location)

	// 4. Her vaccinations.
	var vaccinations bundle
	must("GET", base+"/fhir/Immunization?patient="+alice, durand, nil, &vaccinations)
	fmt.Println("vaccinations :", vaccinations.Total)

	// 5. A refusal says what is wrong, and how to mend it, in an OperationOutcome.
	refusal, raw := call("GET", base+"/fhir/DocumentReference?patient="+alice, token("dr-bloque"), nil)
	var why outcome
	if err := json.Unmarshal(raw, &why); err != nil || refusal.StatusCode < 300 {
		log.Fatal(refusal.Status, err)
	}
	issue := why.Issue[0]
	fmt.Println("refus :", refusal.StatusCode, issue.Code, issue.Details.Coding[0].Code, issue.Details.Text)
}
