package conformance_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// TestServe runs the program as an operator does.
func TestServe(t *testing.T) {
	binary := buildBinary(t)
	t.Run("installation", func(t *testing.T) {
		t.Parallel()
		installation(t, binary)
	})
	t.Run("sandbox drains", func(t *testing.T) {
		t.Parallel()
		sandboxDrains(t, binary)
	})
}

// installation is one on its own PostgreSQL and S3, from its first migration to its
// stop.
func installation(t *testing.T, binary string) {
	s := openSite(t, binary)
	s.firstDay(t)
	s.admit(t)
	g := s.serve(t)
	document := s.pushAndRead(t)
	s.newMatrix(t, g)
	s.noSandbox(t, g)
	s.demanding(t)
	s.opaque(t)
	s.full(t, g)
	s.databaseDown(t, g, document)
	s.measured(t, g, document)
	s.drained(t, g)
	s.tellsNoSecret(t, g, document)
}

// firstDay: serve refuses an empty database and says what to do; doctor sees it.
func (s *site) firstDay(t *testing.T) {
	if code, _, stderr := s.run(t, "serve"); code != 3 || !strings.Contains(stderr, "passerelle migrate -c") {
		t.Errorf("serve on no schema: %d %s", code, stderr)
	}
	if code, stdout, _ := s.run(t, "doctor"); code != 1 || !strings.Contains(stdout, "FAIL  schéma") || !strings.Contains(stdout, "OK    entrepôt") {
		t.Errorf("doctor on no schema: %d\n%s", code, stdout)
	}
	if code, stdout, _ := s.run(t, "migrate", "--dry-run"); code != 0 || !strings.Contains(stdout, "à appliquer  00001_schema.sql") {
		t.Errorf("dry run: %d %s", code, stdout)
	}
	if code, stdout, stderr := s.run(t, "migrate"); code != 0 || !strings.Contains(stdout, "appliqué  00001_schema.sql") {
		t.Fatalf("migrate: %d %s %s", code, stdout, stderr)
	}
	if code, stdout, _ := s.run(t, "migrate", "-o", "json"); code != 0 || !strings.Contains(stdout, `"steps": []`) {
		t.Errorf("migrate again: %d %s", code, stdout)
	}
	if code, stdout, stderr := s.run(t, "doctor"); code != 0 || strings.Contains(stdout, "FAIL") {
		t.Errorf("doctor: %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, _ := s.run(t, "doctor", "-o", "json"); code != 0 || !strings.Contains(stdout, `"failed": 0`) {
		t.Errorf("doctor: %d %s", code, stdout)
	}
	s.unmounted(t)
	s.misspelled(t)
}

// unmounted: an empty folder where the keys should be is no vault, until it is made one.
func (s *site) unmounted(t *testing.T) {
	t.Helper()
	keys := filepath.Join(s.dir, "cles")
	if err := errors.Join(os.Rename(keys, keys+".volume"), os.Mkdir(keys, 0o700)); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := s.run(t, "serve"); code != 3 || !strings.Contains(stderr, "passerelle keys init -c") {
		t.Errorf("serve without the volume of the keys: %d %s", code, stderr)
	}
	if code, stdout, _ := s.run(t, "doctor"); code != 1 || !strings.Contains(stdout, "FAIL  clés") {
		t.Errorf("doctor without the volume of the keys: %d\n%s", code, stdout)
	}
	if code, stdout, stderr := s.run(t, "keys init"); code != 0 || !strings.Contains(stdout, "copie hors ligne") {
		t.Errorf("keys init: %d %s %s", code, stdout, stderr)
	}
	if code, stdout, _ := s.run(t, "doctor"); code != 0 || !strings.Contains(stdout, "OK    clés") {
		t.Errorf("doctor after keys init: %d\n%s", code, stdout)
	}
	s.write(t, "maitresse", []byte("une autre clé maîtresse, de 32 octets au moins"))
	if code, _, stderr := s.run(t, "serve"); code != 3 || !strings.Contains(stderr, "clé maîtresse") {
		t.Errorf("serve with another master key: %d %s", code, stderr)
	}
	s.write(t, "maitresse", []byte(siteCursor+"\n"))
	if err := errors.Join(os.RemoveAll(keys), os.Rename(keys+".volume", keys)); err != nil {
		t.Fatal(err)
	}
}

// misspelled: one wrong key is enough, and its line is told.
func (s *site) misspelled(t *testing.T) {
	t.Helper()
	name := s.dir + "/passerelle.toml"
	right, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "passerelle.toml", []byte(strings.Replace(string(right), "certificates =", "certificate =", 1)))
	defer s.write(t, "passerelle.toml", right)
	if code, _, stderr := s.run(t, "serve"); code != 2 || !strings.Contains(stderr, "vihf[0].certificate (ligne 26") || !strings.Contains(stderr, "certificates") {
		t.Errorf("a misspelled key: %d %s", code, stderr)
	}
}

// pushAndRead: what came by ITI-41 is read on both faces.
func (s *site) pushAndRead(t *testing.T) kitDocument {
	t.Helper()
	d := s.document(t, s.patient, "chu-lille", "dr-hopital", "11502-2")
	lot, content := s.lot(s.patient, "chu-lille", d)
	if answer := s.provide(t, s.as(t, "chu-lille", s.patient.INS), lot, content); answer.code != "" {
		t.Fatalf("ITI-41: %s", answer.whole)
	}
	reader := s.as(t, "dr-traitant", s.patient.INS)
	if got := s.findDocuments(t, reader, s.patient.INS, xds.Approved); !slices.Equal(got.ids, []string{d.entry.UniqueID}) {
		t.Errorf("ITI-18: %s", got.whole)
	}
	if got := s.findReferences(t, reader, s.patient, ""); !slices.Equal(got.ids, []string{d.entry.UniqueID}) {
		t.Errorf("ITI-67: %s", got.whole)
	}
	if got := s.readBinary(t, reader, d.entry.EntryUUID); string(got.content) != string(d.content) {
		t.Errorf("ITI-68: %s", got.whole)
	}
	if got := s.retrieveFrom(t, reader, "1.2.250.1.213.99.7", d.entry.UniqueID); got != string(d.content) {
		t.Errorf("ITI-43: %q", got)
	}
	return d
}

func (s *site) retrieveFrom(t *testing.T, b *kitBearer, repository, uniqueID string) string {
	t.Helper()
	reply, fault, _ := s.post(t, b, kitRetrieve, ebrim.AppendRetrieveRequest(nil, []ebrim.RetrieveRequest{{RepositoryUniqueID: repository, DocumentUniqueID: uniqueID}}))
	if fault != nil {
		t.Fatal(fault)
	}
	part, err := reply.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// noSandbox: nothing of the sandbox is there, and the metrics are apart.
func (s *site) noSandbox(t *testing.T, g *gateway) {
	t.Helper()
	for _, path := range []string{"/", "/sandbox", "/sandbox/cast", "/sandbox/ca.pem", "/sandbox/clock", "/mail", "/.well-known/jwks.json", "/metrics", "/debug/pprof/", "/config"} {
		if answer := s.call(t, http.MethodGet, path, "", nil); answer.status != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, answer.status)
		}
	}
	for _, path := range []string{"/sandbox/token", "/sandbox/vihf", "/sandbox/explain", "/sandbox/reset", "/sandbox/patients"} {
		if answer := s.call(t, http.MethodPost, path, "", map[string]string{"as": "dr-durand"}); answer.status != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, answer.status)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if answer := s.call(t, http.MethodGet, path, "", nil); answer.status != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, answer.status, answer.body)
		}
	}
	for _, path := range []string{"/fhir/metadata", "/xds/registry", "/api/openapi.json"} {
		if status, _ := g.probe(t, path); status != http.StatusNotFound {
			t.Errorf("%s on the metrics address: %d", path, status)
		}
	}
}

// demanding: the DMP profile in production takes no token without patient, and no
// test INS.
func (s *site) demanding(t *testing.T) {
	t.Helper()
	unbound := s.as(t, "dr-traitant", "")
	if got := s.findReferences(t, unbound, s.patient, ""); got.code != "TOK-002" {
		t.Errorf("a token without patient: %s", got.whole)
	}
	_, fault, _ := s.post(t, unbound, kitQuery, findAll(s.patient.INS))
	if fault == nil || len(fault.Findings) != 1 || fault.Findings[0].ID != "SAML-005" {
		t.Errorf("a VIHF without patient: %v", fault)
	}
	lot, content := s.lot(s.tester, "chu-lille", s.document(t, s.tester, "chu-lille", "dr-hopital", "11502-2"))
	if got := s.provide(t, s.as(t, "chu-lille", s.tester.INS), lot, content); got.code != "META-004" {
		t.Errorf("a deposit for a test INS: %q %s", got.code, got.whole)
	}
}

func findAll(patient xds.CX) []byte {
	return ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup("FindDocuments").UUID, ReturnType: ebrim.LeafClass, Params: []ebrim.QueryParam{
		{Name: "$XDSDocumentEntryPatientId", Values: []string{string(patient.Key())}}, {Name: "$XDSDocumentEntryStatus", Values: []string{string(xds.Approved)}}}})
}

// slowUpload is an ITI-41 message whose document ends when it is told to.
type slowUpload struct {
	document kitDocument
	more     *io.PipeWriter
	answered chan string // "" = stored
}

// upload begins one: the gateway has read half of the document when it returns.
func (s *site) upload(t *testing.T) *slowUpload {
	t.Helper()
	d := s.document(t, s.patient, "chu-lille", "dr-hopital", "11502-2")
	lot, content := s.lot(s.patient, "chu-lille", d)
	reader, writer := io.Pipe()
	body, parts := kitMessage(lot, content)
	parts[0].Body = reader
	up := &slowUpload{d, writer, make(chan string, 1)}
	client := soap.Client{HTTP: &http.Client{Transport: s.http.Transport}, URL: s.url + "/xds/repository", NewID: kitUUID}
	security := s.as(t, "chu-lille", s.patient.INS).security(t)
	go func() {
		reply, err := client.Post(t.Context(), kitProvide, security, func(w *soap.Writer) { w.Raw(body) }, parts)
		if err != nil {
			up.answered <- err.Error()
			return
		}
		defer reply.Close()
		answer, findings := ebrim.DecodeRegistryResponse(reply.Body)
		if findings.Err() != nil || answer.Status != ebrim.StatusSuccess {
			up.answered <- fmt.Sprint(answer, findings)
			return
		}
		up.answered <- ""
	}()
	if _, err := writer.Write(d.content[:len(d.content)/2]); err != nil {
		t.Fatal(err)
	}
	return up
}

// finish sends the rest and waits for the answer.
func (up *slowUpload) finish(t *testing.T) {
	t.Helper()
	if _, err := up.more.Write(up.document.content[len(up.document.content)/2:]); err != nil {
		t.Error(err)
	}
	up.more.Close()
	if got := <-up.answered; got != "" {
		t.Errorf("the slow upload: %s", got)
	}
}

// full: a face with as many requests as it takes refuses others at once; the others
// and the other face go on.
func (s *site) full(t *testing.T, g *gateway) {
	t.Helper()
	ups := []*slowUpload{s.upload(t), s.upload(t)}
	eventually(t, "two uploads in flight", func() bool {
		_, body := g.probe(t, "/metrics")
		return strings.Contains(body, `passerelle_requests_in_flight{face="xds"} 2`)
	})
	reader := s.as(t, "dr-traitant", s.patient.INS)
	_, fault, whole := s.post(t, reader, kitQuery, findAll(s.patient.INS)) // while the uploads go on: at once
	if fault == nil || fault.Code != "Receiver" || fault.Findings[0].ID != "REG-006" || !strings.Contains(whole, "Retry-After: 1") {
		t.Errorf("a third SOAP request: %v\n%s", fault, whole)
	}
	if got := s.findReferences(t, reader, s.patient, ""); got.code != "" {
		t.Errorf("the other face: %s", got.whole)
	}
	for _, up := range ups {
		up.finish(t)
	}
	if got := s.findDocuments(t, reader, s.patient.INS, xds.Approved); len(got.ids) != 3 {
		t.Errorf("after the rush: %v", got.ids)
	}
}

// databaseDown: without its database the gateway says so, without
// detail, and goes on by itself when it is back.
func (s *site) databaseDown(t *testing.T, g *gateway, d kitDocument) {
	t.Helper()
	reader := s.as(t, "dr-traitant", s.patient.INS)
	s.stopDatabase(t)
	r, answer := s.fhir(t, reader, http.MethodGet, "DocumentReference?patient=Patient/"+s.patient.Record, nil)
	if answer.code != "INT-002" || r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("ITI-67 without a database: %s", answer.whole)
	}
	_, fault, whole := s.post(t, reader, kitQuery, findAll(s.patient.INS))
	if fault == nil || fault.Code != "Receiver" || fault.Findings[0].ID != "INT-002" || !strings.Contains(whole, "Retry-After") {
		t.Errorf("ITI-18 without a database: %v\n%s", fault, whole)
	}
	call := s.call(t, http.MethodGet, "/api/v1/records/"+s.patient.Record, reader.token, nil)
	if call.code(t) != "INT-002" || call.status != http.StatusServiceUnavailable {
		t.Errorf("the API without a database: %d %s", call.status, call.body)
	}
	for _, text := range []string{answer.whole, whole, string(call.body)} {
		for _, detail := range []string{"postgres", "socket", "connect", s.database, "SQLSTATE", "pgx"} {
			if strings.Contains(strings.ToLower(text), detail) {
				t.Errorf("%q is told: %s", detail, text)
			}
		}
	}
	eventually(t, "not ready", func() bool {
		status, body := g.probe(t, "/readyz")
		return status == http.StatusServiceUnavailable && body == "registre indisponible\n"
	})
	if status, _ := g.probe(t, "/healthz"); status != http.StatusOK {
		t.Errorf("/healthz %d", status)
	}
	s.startDatabase(t)
	eventually(t, "ready again", func() bool { status, _ := g.probe(t, "/readyz"); return status == http.StatusOK })
	if got := s.findDocuments(t, reader, s.patient.INS, xds.Approved); !slices.Contains(got.ids, d.entry.UniqueID) {
		t.Errorf("after the restart of the database: %s", got.whole)
	}
}

// measured: the metrics count what was asked, and name nobody.
func (s *site) measured(t *testing.T, g *gateway, d kitDocument) {
	t.Helper()
	_, body := g.probe(t, "/metrics")
	for _, want := range []string{
		`passerelle_requests_total{face="xds",status="200",transaction="ITI-41"} 4`, `passerelle_requests_total{face="fhir",status="503",transaction="ITI-67"} 1`,
		`passerelle_request_duration_seconds_count{face="fhir",transaction="ITI-68"} 1`, `passerelle_deposits_total{code="",face="xds",outcome="stored"} 3`,
		`passerelle_deposits_total{code="META-004",face="xds",outcome="refused"} 1`, `passerelle_shed_total{face="xds"} 1`,
		`passerelle_requests_in_flight{face="xds"} 0`, `passerelle_decisions_total{action="submit",outcome="permit"} 4`,
		`passerelle_repository_operations_total{operation="create"} 3`, `passerelle_repository_operations_total{operation="open"} 2`,
		`policy_disagreement_total 0`, `passerelle_panics_total 0`, `passerelle_pool_max_connections 32`, `passerelle_build_info{`,
		`passerelle_sent_bytes_total{face="fhir"}`, `passerelle_received_bytes_total{face="xds"}`, `passerelle_housekeeping_last_run_timestamp_seconds 1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	if t.Failed() {
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "passerelle_") && !strings.Contains(line, "_bucket") {
				t.Log(strings.TrimSpace(line))
			}
		}
	}
	for what, id := range s.identities(d) {
		if strings.Contains(body, id) {
			t.Errorf("the metrics hold %s", what)
		}
	}
}

func (s *site) identities(d kitDocument) map[string]string {
	traitant, _ := s.people.Professional("dr-traitant")
	return map[string]string{
		"an INS": s.patient.INS.ID(), "a record": s.patient.Record, "a uniqueId": d.entry.UniqueID, "a logicalId": kitBare(d.entry.EntryUUID),
		"a professional": traitant.ID, "a name": s.patient.Family, "a title": d.entry.Title,
	}
}

// drained: what is in flight at SIGTERM ends, nothing new begins (safety FM-16).
func (s *site) drained(t *testing.T, g *gateway) {
	t.Helper()
	up := s.upload(t)
	eventually(t, "an upload in flight", func() bool {
		_, body := g.probe(t, "/metrics")
		return strings.Contains(body, `passerelle_requests_in_flight{face="xds"} 1`)
	})
	g.signal(t, syscall.SIGTERM)
	eventually(t, "not ready at once", func() bool {
		status, body := g.probe(t, "/readyz")
		return status == http.StatusServiceUnavailable && body == "arrêt en cours\n"
	})
	eventually(t, "refusing connections", func() bool { return refusesConnections(t, g.listen) })
	select {
	case got := <-up.answered:
		t.Fatalf("the upload in flight was cut: %s", got)
	default:
	}
	up.finish(t)
	if code := g.wait(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, g.log)
	}
	again := s.serve(t)
	reader := s.as(t, "dr-traitant", s.patient.INS)
	if got := s.readBinary(t, reader, up.document.entry.EntryUUID); string(got.content) != string(up.document.content) {
		t.Errorf("the document in flight: %s", got.whole)
	}
	again.signal(t, syscall.SIGTERM)
	if code := again.wait(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, again.log)
	}
}

func refusesConnections(t *testing.T, address string) bool {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// tellsNoSecret: the log of all that has been asked holds no secret and no identity.
func (s *site) tellsNoSecret(t *testing.T, g *gateway, d kitDocument) {
	t.Helper()
	log := g.log.String()
	if !strings.Contains(log, `"msg":"soap"`) || !strings.Contains(log, `"msg":"incident"`) {
		t.Fatalf("the log does not tell what was asked:\n%s", log)
	}
	secret, err := os.ReadFile(s.dir + "/s3-secret")
	if err != nil {
		t.Fatal(err)
	}
	hidden := s.identities(d)
	hidden["the password of the database"], hidden["the key of the cursors"], hidden["the key of the bucket"] = sitePassword, siteCursor, strings.TrimSpace(string(secret))
	for what, text := range hidden {
		if strings.Contains(log, text) {
			t.Errorf("the log holds %s", what)
		}
	}
	if line := strings.Join(g.cmd.Args, " "); strings.Contains(line, sitePassword) || slices.ContainsFunc(g.cmd.Environ(), func(e string) bool { return strings.Contains(e, sitePassword) }) {
		t.Errorf("ps shows a secret: %s", line)
	}
}

// sandboxDrains: the sandbox lets a request in flight end too.
func sandboxDrains(t *testing.T, binary string) {
	g := startGateway(t, binary, "sandbox", "--listen", "127.0.0.1:0", "--data", openFolder(t), "--empty", "--ci")
	reader, writer := io.Pipe()
	answered := make(chan int, 1)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+g.listen+"/sandbox/patients", reader)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			answered <- -1
			return
		}
		answer.Body.Close()
		answered <- answer.StatusCode
	}()
	body := `{"name":"zoe","family":"PETIT","given":"Zoé","sex":"F","birthDate":"1990-01-02"}`
	if _, err := io.WriteString(writer, body[:20]); err != nil {
		t.Fatal(err)
	}
	g.metrics = g.listen
	eventually(t, "a request in flight", func() bool {
		_, page := g.probe(t, "/metrics")
		return strings.Contains(page, `passerelle_requests_in_flight{face="sandbox"} 1`)
	})
	g.signal(t, syscall.SIGTERM)
	eventually(t, "refusing connections", func() bool { return refusesConnections(t, g.listen) })
	if _, err := io.WriteString(writer, body[20:]); err != nil {
		t.Error(err)
	}
	writer.Close()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the request in flight: %d", status)
	}
	if code := g.wait(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, g.log)
	}
}
