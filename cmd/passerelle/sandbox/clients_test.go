package sandbox

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// TestMutualTLS is the port of `sandbox --tls`, as a kit uses it: a certificate from
// the sandbox, an unsigned assertion, a request.
func TestMutualTLS(t *testing.T) {
	s, server := open(t, Options{Empty: true})
	post := func(path, body string) (int, []byte) {
		t.Helper()
		answer, err := http.Post(server.URL+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		raw, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, raw
	}
	for _, body := range []string{`{"name":"dr-un","profession":"10","family":"UN","given":"Un"}`, `{"name":"dr-deux","profession":"10","family":"DEUX","given":"Deux"}`} {
		if code, raw := post("/sandbox/professionals", body); code >= 300 {
			t.Fatalf("%d %s", code, raw)
		}
	}
	if code, raw := post("/sandbox/pki/client", `{"as":"patient:zoe"}`); code != http.StatusBadRequest && code != http.StatusUnprocessableEntity {
		t.Errorf("a patient's card: %d %s", code, raw)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secured, err := s.MutualTLS()
	if err != nil {
		t.Fatal(err)
	}
	front := &http.Server{Handler: s.SOAP(), TLSConfig: secured, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	go func() { _ = front.ServeTLS(l, "", "") }()
	t.Cleanup(func() { front.Close() })
	over := func(as string) *http.Client {
		code, text := post("/sandbox/pki/client", `{"as":"`+as+`"}`)
		pair, err := tls.X509KeyPair(text, text)
		if code != http.StatusOK || err != nil {
			t.Fatalf("%d %v", code, err)
		}
		answer, err := http.Get(server.URL + "/sandbox/pki/ca.pem")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		root, _ := io.ReadAll(answer.Body)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(root)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	ask := func(client *http.Client, base, vihf string) string {
		_, assertion := post("/sandbox/vihf", vihf)
		security := append(append([]byte(`<wsse:Security xmlns:wsse="`+soap.NSSecurity+`">`), assertion...), "</wsse:Security>"...)
		body := ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup("FindDocuments").UUID, ReturnType: ebrim.ObjectRef, Params: []ebrim.QueryParam{
			{Name: "$XDSDocumentEntryPatientId", Values: []string{"1^^^&1.2.3&ISO"}}, {Name: "$XDSDocumentEntryStatus", Values: []string{"urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"}}}})
		reply, err := (&soap.Client{HTTP: client, URL: base + "/xds/registry", NewID: service.NewID}).Post(t.Context(), "urn:ihe:iti:2007:RegistryStoredQuery", security,
			func(w *soap.Writer) { w.Raw(body) }, nil)
		var fault *soap.FaultError
		if errors.As(err, &fault) {
			return fault.Error()
		}
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Close()
		return "answered"
	}
	mutual := "https://" + l.Addr().String()
	one := over("dr-un")
	for _, c := range []struct {
		name, base, vihf, want string
		client                 *http.Client
	}{
		{"unsigned, over one's own card", mutual, `{"as":"dr-un","direct":true}`, "answered", one},
		{"signed, over one's own card", mutual, `{"as":"dr-un"}`, "answered", one},
		{"unsigned, over another's card", mutual, `{"as":"dr-deux","direct":true}`, "SAML-002", one},
		{"signed, over another's card", mutual, `{"as":"dr-deux"}`, "SAML-005", one},
		{"unsigned, without TLS", server.URL, `{"as":"dr-un","direct":true}`, "SAML-002", http.DefaultClient},
		{"signed, without TLS", server.URL, `{"as":"dr-un"}`, "answered", http.DefaultClient},
	} {
		if got := ask(c.client, c.base, c.vihf); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, wanted %s", c.name, got, c.want)
		}
	}
	answer, err := one.Get(mutual + "/sandbox/cast")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if raw, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusNotFound || bytes.Contains(raw, []byte("patients\"")) {
		t.Errorf("the sandbox on the SOAP port: %d %s", answer.StatusCode, raw)
	}
}
