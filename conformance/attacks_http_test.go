package conformance_test

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // XDS defines the hash attribute as SHA-1 (ITI TF-3 4.2.3.2.10)
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// assault asks one sandbox, over HTTP, for what it must not do.
type assault struct {
	*kit
	alice   kitPatient
	token   string // of alice's attending physician
	depot   *kitBearer
	outside string
	calls   atomic.Int64
}

// TestAttacksHTTP is group G of safety §2.3, with what groups A and E say of the FHIR
// face; the rows on TLS are elsewhere (see attacks.md).
func TestAttacksHTTP(t *testing.T) {
	k := openKit(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	a := &assault{kit: k, alice: k.seeded(t, "alice"), outside: "http://" + listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			a.calls.Add(1)
			_ = conn.Close()
		}
	}()
	a.token = k.token(t, kitClaims{As: "dr-traitant", Patient: "alice"})
	a.depot = k.bearer(kitClaims{As: "chu-lille", Patient: "alice"})
	for _, part := range []struct {
		name   string
		test   func(*testing.T)
		stores int // documents that are deposited, and nothing beside
	}{
		{"28 XML at a JSON endpoint", a.otherFormats, 0}, {"101 a document that would run", a.activeXML, 1}, {"102 HTML is never shown inline", a.activeHTML, 1},
		{"116 requests that two servers would read differently", a.smuggling, 0}, {"118 paths out of the store", a.traversal, 0}, {"119 searches without end", a.endless, 0},
		{"120 JSON that is too deep, double or too large", a.hostileJSON, 0}, {"121 bundle entries of other hosts", a.otherHosts, 1}, {"122 an attachment elsewhere", a.attachedElsewhere, 0},
		{"123 X-Forwarded-For", a.forwarded, 0}, {"124 Host of another site", a.otherHost, 0}, {"125 other sites' pages", a.otherOrigins, 0},
		{"quiet endpoints", a.quiet, 0},
	} {
		t.Run(part.name, func(t *testing.T) {
			before := len(a.held(t, "alice"))
			part.test(t)
			if after := len(a.held(t, "alice")); after != before+part.stores {
				t.Errorf("%d documents, then %d", before, after)
			}
			if n := a.calls.Load(); n > 0 {
				t.Errorf("%d calls outside", n)
			}
		})
	}
}

// fhirPost sends a body to the FHIR face as the hospital.
func (a *assault) fhirPost(t *testing.T, contentType string, body []byte) kitResponse {
	t.Helper()
	return a.send(t, http.MethodPost, "/fhir", a.depot.jwt(t), http.Header{"Content-Type": {contentType}, "Accept": {kitJSON}}, body)
}

func (a *assault) otherFormats(t *testing.T) {
	if got := a.fhirPost(t, "application/soap+xml", []byte("<Bundle/>")); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("SOAP at FHIR: %d", got.status)
	}
	if got := a.fhirPost(t, kitJSON, []byte("<Bundle/>")); got.status != http.StatusBadRequest {
		t.Errorf("XML called JSON: %d", got.status)
	}
	settings := "/api/v1/records/" + a.alice.Record + "/settings"
	patient := a.kit.token(t, kitClaims{As: "patient:alice"})
	if got := a.send(t, http.MethodPut, settings, patient, http.Header{"Content-Type": {"application/json"}}, []byte("<maskAll/>")); got.status != http.StatusBadRequest {
		t.Errorf("XML at the JSON calls: %d %s", got.status, got.body)
	}
}

// activeXML deposits a CDA that a browser would run.
func (a *assault) activeXML(t *testing.T) {
	a.givenBack(t, "text/xml", `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="OUT/x.xsl"?><!DOCTYPE x [<!ENTITY e SYSTEM "OUT/e">]><ClinicalDocument><img src="OUT/i.png"/>&e;</ClinicalDocument>`)
}

func (a *assault) activeHTML(t *testing.T) {
	a.givenBack(t, "text/html", `<html><img src="OUT/i.png"/><script src="OUT/x.js"></script></html>`)
}

// givenBack deposits a document and reads it: the same bytes, as an attachment, in no
// context where anything of them runs.
func (a *assault) givenBack(t *testing.T, mime, content string) {
	t.Helper()
	d, code := a.deposit(t, mime, strings.ReplaceAll(content, "OUT", a.outside))
	if code != "" {
		t.Fatal(code)
	}
	got := a.send(t, http.MethodGet, "/fhir/Binary/"+kitBare(d.entry.EntryUUID), a.token, nil, nil)
	if !bytes.Equal(got.body, d.content) {
		t.Errorf("other bytes: %d %s", got.status, got.body)
	}
	for name, want := range map[string]string{"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "private, no-store"} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q", name, got.header.Get(name))
		}
	}
}

// deposit sends a document of alice by ITI-41.
func (a *assault) deposit(t *testing.T, mime, content string) (d kitDocument, code string) {
	t.Helper()
	d = a.document(t, a.alice, "chu-lille", "", "11502-2")
	sum := sha1.Sum([]byte(content)) //nolint:gosec // see the import
	d.content, d.entry.MimeType, d.entry.Hash, d.entry.Size = []byte(content), mime, hex.EncodeToString(sum[:]), int64(len(content))
	lot, contents := a.lot(a.alice, "chu-lille", d)
	return d, a.provide(t, a.depot, lot, contents).code
}

// raw sends bytes over a connection and gives the statuses of the answers to them.
func (a *assault) raw(t *testing.T, text string) (statuses []int) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	reader := bufio.NewReader(conn)
	for {
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			return statuses
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		statuses = append(statuses, answer.StatusCode)
	}
}

// smuggling: a request whose length could be read in two ways is refused, or read in the
// one way of RFC 9112, and its connection closed.
func (a *assault) smuggling(t *testing.T) {
	const line, host = "POST /xds/registry HTTP/1.1\r\n", "Host: x\r\n"
	for name, text := range map[string]string{
		"two lengths":                     line + host + "Content-Length: 4\r\nContent-Length: 5\r\n\r\naaaaa",
		"length with a sign":              line + host + "Content-Length: +4\r\n\r\naaaa",
		"length in a list":                line + host + "Content-Length: 4, 5\r\n\r\naaaaa",
		"unknown transfer coding":         line + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"two transfer codings":            line + host + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"blank before the colon":          line + host + "Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\naaaa",
		"control character in a name":     line + host + "Transfer\x00-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"no Host":                         line + "Content-Length: 0\r\n\r\n",
		"two Hosts":                       line + host + "Host: y\r\nContent-Length: 0\r\n\r\n",
		"chunk sizes end with LF alone":   line + host + "Content-Type: application/soap+xml\r\nTransfer-Encoding: chunked\r\n\r\n4\naaaa\r\n0\r\n\r\n",
		"chunk size that is no number":    line + host + "Content-Type: application/soap+xml\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\naaaa\r\n0\r\n\r\n",
		"headers of 2 MB":                 line + host + strings.Repeat("X: "+strings.Repeat("x", 8000)+"\r\n", 256) + "\r\n",
		"request line with two protocols": "GET /healthz HTTP/1.1 HTTP/1.1\r\n" + host + "\r\n",
	} {
		for _, status := range a.raw(t, text+"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") {
			if status < 400 {
				t.Errorf("%s: answered %d", name, status)
			}
		}
	}
	if got := a.raw(t, line+host+"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"); len(got) != 1 || got[0] < 400 {
		t.Errorf("both lengths: %v", got)
	}
}

func (a *assault) traversal(t *testing.T) {
	for _, path := range []string{
		"/fhir/Binary/..%2f..%2f..%2fetc%2fpasswd", "/fhir/Binary/%252e%252e%252fetc%252fpasswd", "/fhir/Binary/....//....//etc/passwd", "/fhir/Binary/%00",
		"/fhir/Binary/%c0%ae%c0%ae", `/fhir/Binary/..%5c..%5cetc`, "/fhir/DocumentReference/..%2fBinary", "/fhir/../../etc/passwd", "/xds/../../etc/passwd", "/fhir/Binary/" + strings.Repeat("a", 4000),
		"/api/v1/records/..%2f..%2fetc/settings", "/errors/..%2f..%2fetc%2fpasswd",
	} {
		got := a.send(t, http.MethodGet, path, a.token, nil, nil)
		if got.status != http.StatusNotFound && got.status != http.StatusBadRequest && got.status != http.StatusMovedPermanently && got.status != http.StatusTemporaryRedirect && got.status != http.StatusForbidden ||
			bytes.Contains(got.body, []byte("root:")) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
		if strings.HasPrefix(path, "/fhir/Binary/") && got.status < 300 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

// endless: what a search asks for is bounded, or refused.
func (a *assault) endless(t *testing.T) {
	patient := "/fhir/DocumentReference?patient=Patient/" + a.alice.Record
	for query, bad := range map[string]bool{
		"&_count=1000000000": false, "&_count=-1": true, "&_count=99999999999999999999": true,
		"&type=" + strings.Repeat("a|b,", 3000) + "a|b": true, "&_filter=" + strings.Repeat("a and ", 500): false,
		"&_include=*&_revinclude=*&_include:iterate=DocumentReference:related": false, strings.Repeat("&type=a|b", 3000): true,
	} {
		got := a.send(t, http.MethodGet, patient+query, a.token, nil, nil)
		if got.status >= 500 || bad && got.status < 400 {
			t.Errorf("%.60s: %d %.300s", query, got.status, got.body)
		}
		var set struct{ Entry []json.RawMessage }
		if got.status == http.StatusOK {
			if got.decode(t, &set); len(set.Entry) > 1000 {
				t.Errorf("%.60s: %d entries", query, len(set.Entry))
			}
		}
	}
}

// bundle is a good ITI-65 message for alice.
func (a *assault) bundle(t *testing.T) string {
	t.Helper()
	lot, content := a.lot(a.alice, "chu-lille", a.document(t, a.alice, "chu-lille", "", "11502-2"))
	return string(kitBundle(t, lot, content))
}

func (a *assault) hostileJSON(t *testing.T) {
	good := a.bundle(t)
	for name, body := range map[string]string{
		"depth":            `{"resourceType":"Bundle","entry":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}",
		"depth of objects": strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000),
		"double key":       strings.Replace(good, `"resourceType":"Bundle"`, `"resourceType":"Bundle","resourceType":"Bundle"`, 1),
		"double key, case": strings.Replace(good, `"type":"transaction"`, `"type":"transaction","Type":"batch"`, 1),
		"large number":     strings.Replace(good, `"type":"transaction"`, `"type":"transaction","total":1`+strings.Repeat("0", 10_000), 1),
		"100 000 entries":  `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Repeat(`{},`, 100_000) + `{}]}`,
		"not UTF-8":        strings.Replace(good, "Document d", "Document \xff", 1),
		"two values":       good + good,
	} {
		if got := a.fhirPost(t, kitJSON, []byte(body)); got.status < 400 || got.status >= 500 || len(got.body) > 1<<20 {
			t.Errorf("%s: %d, %d bytes", name, got.status, len(got.body))
		}
	}
}

// spoil replaces a text of a good bundle.
func (a *assault) spoil(t *testing.T, old, new string) []byte {
	t.Helper()
	good := a.bundle(t)
	_, rest, _ := strings.Cut(good, `"url":"urn:uuid:`)
	binary, _, _ := strings.Cut(rest, `"`)
	body := strings.ReplaceAll(good, strings.ReplaceAll(old, "BINARY", "urn:uuid:"+binary), new)
	if body == good {
		t.Fatalf("the bundle has no %s", old)
	}
	return []byte(body)
}

// otherHosts: an entry that asks another host is refused; one that is only named like a
// resource of another host is that entry, and nothing is fetched.
func (a *assault) otherHosts(t *testing.T) {
	for _, host := range []string{a.outside, "https://evil.example/fhir"} {
		if got := a.fhirPost(t, kitJSON, a.spoil(t, `"url":"DocumentReference"`, `"url":"`+host+`/DocumentReference"`)); got.status < 400 || got.status >= 500 {
			t.Errorf("request.url: %d %s", got.status, got.body)
		}
	}
	if got := a.fhirPost(t, kitJSON, a.spoil(t, "BINARY", a.outside+"/Binary/1")); got.status != http.StatusOK {
		t.Errorf("fullUrl: %d %s", got.status, got.body)
	}
}

// attachedElsewhere: the bytes of a document are in the bundle or nowhere.
func (a *assault) attachedElsewhere(t *testing.T) {
	for _, url := range []string{a.outside + "/Binary/1", "file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain;base64,AAAA", "Binary/1", "//evil.example/x"} {
		if got := a.fhirPost(t, kitJSON, a.spoil(t, `"url":"BINARY"`, `"url":"`+url+`"`)); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d %s", url, got.status, got.body)
		}
	}
}

// forwarded: who asks is the connection, not what the request says of it.
func (a *assault) forwarded(t *testing.T) {
	const spoof = "203.0.113.66"
	header := http.Header{"X-Forwarded-For": {spoof}, "X-Real-Ip": {spoof}, "Forwarded": {"for=" + spoof}, "X-Forwarded-Proto": {"https"}}
	got := a.send(t, http.MethodGet, "/fhir/DocumentReference?patient=Patient/"+a.alice.Record, a.token, header, nil)
	history := a.send(t, http.MethodGet, "/api/v1/records/"+a.alice.Record+"/history", a.kit.token(t, kitClaims{As: "patient:alice"}), nil, nil)
	if got.status != http.StatusOK || history.status != http.StatusOK || bytes.Contains(append(got.body, history.body...), []byte(spoof)) {
		t.Errorf("%d %s\n%d %s", got.status, got.body, history.status, history.body)
	}
	if bytes.Contains(got.body, []byte("https://"+strings.TrimPrefix(a.url, "http://"))) {
		t.Error("a link took its scheme from X-Forwarded-Proto")
	}
}

// otherHost: links are made of the configured address.
func (a *assault) otherHost(t *testing.T) {
	for _, path := range []string{"/fhir/DocumentReference?_count=1&patient=Patient/" + a.alice.Record, "/fhir/metadata", "/xds/registry?wsdl"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "evil.example"
		request.Header = http.Header{"Authorization": {"Bearer " + a.token}, "X-Forwarded-Host": {"evil.example"}}
		answer, err := a.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if bytes.Contains(body, []byte("evil.example")) || strings.Contains(fmt.Sprint(answer.Header), "evil.example") {
			t.Errorf("%s: %d %v %s", path, answer.StatusCode, answer.Header, body)
		}
	}
}

// otherOrigins: no page of another site may read an answer, and there is no cookie that
// a browser would send by itself.
func (a *assault) otherOrigins(t *testing.T) {
	origin := http.Header{"Origin": {"https://evil.example"}, "Access-Control-Request-Method": {"PUT"}, "Access-Control-Request-Headers": {"authorization"}}
	for _, path := range []string{"/fhir/metadata", "/fhir/DocumentReference?patient=Patient/" + a.alice.Record, "/api/v1/records/" + a.alice.Record, "/xds/registry", "/"} {
		for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodPost} {
			got := a.send(t, method, path, a.token, origin, nil)
			for name := range got.header {
				if strings.HasPrefix(name, "Access-Control-Allow-") || name == "Set-Cookie" {
					t.Errorf("%s %s: %s: %s", method, path, name, got.header.Get(name))
				}
			}
		}
	}
	unauthenticated := a.send(t, http.MethodPut, "/api/v1/records/"+a.alice.Record+"/settings", "", http.Header{"Content-Type": {"text/plain"}, "Origin": {"https://evil.example"}}, []byte(`{"maskAll":true}`))
	if unauthenticated.status != http.StatusUnauthorized {
		t.Errorf("a form of another site: %d", unauthenticated.status)
	}
}

// quiet: what describes or checks the service writes nothing, and no address gives away
// its configuration, its secrets or its inside.
func (a *assault) quiet(t *testing.T) {
	history := func() (lines int) {
		var answer struct {
			Entries []struct{ Transaction string }
		}
		a.must(t, http.MethodGet, "/api/v1/records/"+a.alice.Record+"/history", a.kit.token(t, kitClaims{As: "patient:alice"}), nil, &answer)
		for _, e := range answer.Entries {
			if e.Transaction != "JSON:history" { // this very question
				lines++
			}
		}
		return lines
	}
	before := history()
	for _, path := range []string{"/healthz", "/readyz", "/fhir/metadata", "/xds/registry?wsdl", "/xds/repository?wsdl", "/api/openapi.json"} {
		for range 3 {
			if got := a.send(t, http.MethodGet, path, "", nil, nil); got.status != http.StatusOK {
				t.Errorf("%s: %d", path, got.status)
			}
		}
	}
	for _, path := range []string{"/fhir/DocumentReference/$validate", "/fhir/$validate", "/fhir/Bundle/$validate"} {
		if got := a.send(t, http.MethodPost, path, a.depot.jwt(t), http.Header{"Content-Type": {kitJSON}}, []byte(a.bundle(t))); got.status < 400 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	for _, path := range []string{"/config", "/conf", "/passerelle.toml", "/.env", "/.git/config", "/debug/pprof/", "/debug/vars", "/env", "/secrets", "/admin", "/api/v1/config", "/xds/", "/fhir/$export", "/swagger.json", "/server-status"} {
		if got := a.send(t, http.MethodGet, path, a.token, nil, nil); got.status == http.StatusOK {
			t.Errorf("%s: 200 %.200s", path, got.body)
		}
	}
	if after := history(); after != before {
		t.Errorf("%d lines in the history, then %d", before, after)
	}
}
