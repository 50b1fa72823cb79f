package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/fhir/iua"

	"github.com/passerelle-sante/passerelle/authz"
)

// fhirType is the media type of FHIR in JSON.
const fhirType = "application/fhir+json"

//go:embed bundle.json
var bundleJSON string

// peerLoad is the load of the FHIR face on any server: deposits by transaction
// (ITI-65), searches (ITI-67) and reads (ITI-68) of what it deposited itself.
type peerLoad struct {
	base     string // of the FHIR endpoint
	header   http.Header
	patients []string // ids
	document []byte
	o        options
}

// peerFigure is what one kind of request gave.
type peerFigure struct {
	name  string
	users int
	round
}

// peer runs the load on -base and prints its figures.
func peer(ctx context.Context, o options) error {
	document, err := os.ReadFile("testdata/cda/cr-accouchement.xml")
	if err != nil {
		return fmt.Errorf("run it from the root of the repository: %w", err)
	}
	l := &peerLoad{base: strings.TrimRight(o.base, "/"), header: http.Header{"Accept": {fhirType}, "Content-Type": {fhirType}}, o: o, document: document}
	if o.token != "" {
		l.header.Set("Authorization", "Bearer "+o.token)
	}
	if o.patient != "" {
		l.patients = strings.Split(o.patient, ",")
	}
	figures, err := l.run(ctx)
	if err != nil {
		return err
	}
	fmt.Println("| request | clients | requests/s | p50 | p95 |\n|---|---|---|---|---|")
	for _, f := range figures {
		fmt.Printf("| %s | %d | %s | %s | %s |\n", f.name, f.users, number(f.rate), short(f.mid), short(f.p95))
	}
	return nil
}

// run makes the patients and their documents, then the loads that are wanted.
func (l *peerLoad) run(ctx context.Context) ([]peerFigure, error) {
	if err := l.makePatients(ctx); err != nil {
		return nil, err
	}
	for _, p := range l.patients {
		for range visiblePerType {
			q, _ := l.transaction(p)
			if _, err := l.do(ctx, q); err != nil {
				return nil, fmt.Errorf("deposit: %w", err)
			}
		}
	}
	read, resource, err := l.firstRead(ctx)
	if err != nil {
		return nil, err
	}
	var figures []peerFigure
	// Deposits come last: they make the searches longer.
	for _, kind := range []struct {
		name  string
		users int
		next  func(i int) *request
	}{
		{"iti67", findUsers, func(i int) *request { return l.search(l.patients[i%len(l.patients)]) }},
		{"iti68", findUsers, func(int) *request { return read }},
		{"read", findUsers, func(int) *request { return resource }},
		{"iti65", findUsers, func(i int) *request {
			q, _ := l.transaction(l.patients[i%len(l.patients)])
			return q
		}},
	} {
		if !l.o.wants(kind.name) && l.o.base != "" {
			continue
		}
		f := peerFigure{name: kind.name, users: kind.users}
		for _, each := range []time.Duration{l.o.each / 3, l.o.each} { // the first one warms up
			r, err := load{base: "", users: kind.users, each: each, next: kind.next}.run(ctx)
			if err != nil {
				return nil, err
			}
			f.round = r
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// peerPatients is how many patients are made when none is named.
const peerPatients = 20

// makePatients creates patients by plain POST where the server takes them.
func (l *peerLoad) makePatients(ctx context.Context) error {
	for i := len(l.patients); i < peerPatients && l.o.patient == ""; i++ {
		body := fmt.Sprintf(`{"resourceType":"Patient","active":true,"name":[{"family":"BANC","given":["Essai %d"]}],"gender":"female","birthDate":"1984-07-01"}`, i)
		answer, err := l.do(ctx, l.request(http.MethodPost, "/Patient", []byte(body)))
		if err != nil {
			return fmt.Errorf("creating a Patient (or name one with -patient): %w", err)
		}
		var made struct{ ID string }
		if err := json.Unmarshal(answer, &made); err != nil || made.ID == "" {
			return fmt.Errorf("the server does not answer with the Patient that it created: Prefer: return=representation")
		}
		l.patients = append(l.patients, made.ID)
	}
	return nil
}

func (l *peerLoad) request(method, path string, body []byte) *request {
	h := l.header.Clone()
	if method == http.MethodPost {
		h.Set("Prefer", "return=representation")
	}
	q := &request{method: method, path: l.base + path, header: h}
	if body != nil {
		q.parts = [][]byte{body}
	}
	return q
}

// transaction is a Provide Document Bundle of one document (MHD, ITI-65), and the ids
// that nobody has used before.
func (l *peerLoad) transaction(p string) (*request, []string) {
	sum := sha1.Sum(l.document)
	ids := []string{service.NewID(), service.NewID(), service.NewID(), newOID(43), newOID(43)}
	body := strings.NewReplacer("@PATIENT@", p, "@BIRTH@", l.o.birth, "@LIST@", ids[0], "@DOCUMENT@", ids[1], "@BINARY@", ids[2],
		"@SET@", ids[3], "@UID@", ids[4], "@SIZE@", strconv.Itoa(len(l.document)),
		"@HASH@", base64.StdEncoding.EncodeToString(sum[:]), "@DATA@", base64.StdEncoding.EncodeToString(l.document)).Replace(bundleJSON)
	return l.request(http.MethodPost, "", []byte(body)), ids
}

// search asks for twenty documents of a patient.
func (l *peerLoad) search(p string) *request {
	q := l.request(http.MethodGet, "/DocumentReference?"+url.Values{"patient": {p}, "type": {"http://loinc.org|15508-5"}, "_count": {strconv.Itoa(visiblePerType)}}.Encode(), nil)
	q.want = []byte(`"DocumentReference"`)
	return q
}

// firstRead is the read of a document that a search names, and that of its resource.
func (l *peerLoad) firstRead(ctx context.Context) (document, resource *request, err error) {
	answer, err := l.do(ctx, l.search(l.patients[0]))
	if err != nil {
		return nil, nil, err
	}
	var found searchset
	if err := json.Unmarshal(answer, &found); err != nil {
		return nil, nil, err
	}
	if len(found.Entry) != visiblePerType || len(found.Entry[0].Resource.Content) == 0 {
		return nil, nil, fmt.Errorf("a search answers %d entries, not %d", len(found.Entry), visiblePerType)
	}
	address := found.Entry[0].Resource.Content[0].Attachment.URL
	if !strings.Contains(address, "://") {
		address = l.base + "/" + strings.TrimPrefix(address, "/")
	}
	q := l.request(http.MethodGet, "", nil)
	q.path = address
	q.header.Set("Accept", "text/xml")
	q.least = int64(len(l.document))
	resource = l.request(http.MethodGet, "/DocumentReference/"+found.Entry[0].Resource.ID, nil)
	resource.want = []byte(`"DocumentReference"`)
	return q, resource, nil
}

func (l *peerLoad) do(ctx context.Context, q *request) ([]byte, error) {
	answer := &bytes.Buffer{}
	status, err := send(ctx, http.DefaultClient, "", q, answer)
	return answer.Bytes(), errors.Join(err, q.check(status, answer.Bytes()))
}

// hapiRates are the requests a second of a HAPI FHIR JPA server, from bench/peers.md.
var hapiRates = map[string]int{"iti67": 125, "iti68": 760, "read": 1070, "iti65": 135}

// peerGate runs the load for other servers on ourselves, with all that an operator
// would pass: it shows that the hook works.
func peerGate(ctx context.Context, w *world) ([]result, error) {
	who := w.cast.professional(author)
	token, err := w.issuers.tokens.Issue(iua.Claims{Nature: authz.NaturePro, ID: who.ID, Name: who.Family + " " + who.Given, Profession: who.Profession,
		Specialty: who.Specialty, Structure: who.Structure, StructureName: "STRUCTURE"})
	if err != nil {
		return nil, err
	}
	l := &peerLoad{base: w.base() + "/fhir", o: w.o, document: w.document,
		header: http.Header{"Accept": {fhirType}, "Content-Type": {fhirType}, "Authorization": {"Bearer " + token}}}
	for i := range peerPatients {
		l.patients = append(l.patients, w.deposits[100+i].record)
	}
	l.o.patient = strings.Join(l.patients, ",")
	figures, err := l.run(ctx)
	if err != nil {
		return nil, err
	}
	var all []result
	for _, f := range figures {
		if hapi := hapiRates[f.name]; hapi > 0 {
			f.name += fmt.Sprintf(" (HAPI, elsewhere: %d/s; %.1f times)", hapi, f.rate/float64(hapi))
		}
		all = append(all, result{gate: "peer", what: fmt.Sprintf("%s, %d clients, %d patients", f.name, f.users, len(l.patients)), target: "–",
			figure: number(f.rate) + "/s", spread: "p50 " + short(f.mid) + ", p95 " + short(f.p95), told: true})
	}
	return all, nil
}
