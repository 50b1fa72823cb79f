package send_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/message/send"
)

// server is a mail server that takes what comes, or refuses a recipient as told.
type server struct {
	mutex   sync.Mutex
	took    []string // from, to, raw
	plain   int      // letters that came in clear
	refusal map[string]*smtp.SMTPError
}

type session struct {
	*server
	conn     *smtp.Conn
	from, to string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	if e := s.refusal[to]; e != nil {
		return e
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, secured := s.conn.TLSConnectionState(); !secured {
		s.plain++
	}
	s.took = append(s.took, s.from, s.to, string(raw))
	return err
}
func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// certificate is one of localhost, and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	model := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, model, model, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// serve starts a mail server; without a configuration it does not offer STARTTLS.
func serve(t *testing.T, s *server, secured *tls.Config) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
	srv.TLSConfig, srv.Domain = secured, "localhost"
	go srv.Serve(l) //nolint:errcheck // it ends by Close
	t.Cleanup(func() { srv.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

func letter(to string) send.Letter {
	return send.Letter{ID: "5b0f3ad4-0f27-4b52-9a8e-f4a1d2c3b4e5", To: to, At: time.Date(2031, 3, 1, 12, 0, 0, 0, time.UTC),
		Text: message.Text{Subject: "Un événement dans votre espace santé", Body: "Bonjour,\n\nété\n.\nfin\n"}}
}

func TestSMTP(t *testing.T) {
	pair, roots := certificate(t)
	s := &server{refusal: map[string]*smtp.SMTPError{
		"gone@b.example": {Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no gone@b.example here"},
		"full@b.example": {Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "full@b.example is full"},
	}}
	way := &send.SMTP{Host: "127.0.0.1", Port: serve(t, s, &tls.Config{Certificates: []tls.Certificate{pair}}), TLS: &tls.Config{RootCAs: roots, ServerName: "localhost"},
		From: "ne-pas-repondre@a.example", Name: "Espace santé", Timeout: 5 * time.Second}
	broken := letter("x@b.example")
	broken.Subject = "a\r\nBcc: evil@b.example"
	errs := way.Send(t.Context(), []send.Letter{letter("ann@b.example"), letter("gone@b.example"), letter("full@b.example"), broken, letter("ben@b.example")})
	if len(errs) != 5 || errs[0] != nil || errs[4] != nil || !errors.Is(errs[1], send.ErrRefused) || errs[2] == nil || errors.Is(errs[2], send.ErrRefused) || !errors.Is(errs[3], send.ErrRefused) {
		t.Fatal(errs)
	}
	if all := errors.Join(errs...).Error(); strings.Contains(all, "b.example") {
		t.Errorf("a failure names an address: %s", all)
	}
	if len(s.took) != 6 || s.plain != 0 || s.took[0] != "ne-pas-repondre@a.example" || s.took[1] != "ann@b.example" || s.took[4] != "ben@b.example" {
		t.Fatalf("%d in clear, %q", s.plain, s.took)
	}
	for _, want := range []string{"Message-ID: <5b0f3ad4-0f27-4b52-9a8e-f4a1d2c3b4e5@a.example>\r\n", "Date: Sat, 01 Mar 2031 12:00:00 +0000\r\n", "To: <ann@b.example>\r\n",
		"<ne-pas-repondre@a.example>\r\n", "Auto-Submitted: auto-generated\r\n", "Content-Type: text/plain; charset=UTF-8\r\n", "=C3=A9t=C3=A9\r\n.\r\nfin\r\n"} {
		if !strings.Contains(s.took[2], want) {
			t.Errorf("no %q in\n%s", want, s.took[2])
		}
	}
	if err := way.Probe(t.Context()); err != nil {
		t.Error(err)
	}
}

// A server that does not offer STARTTLS, or shows a certificate of nobody we trust,
// gets no letter; one of this machine may be spoken to in clear when that is configured.
func TestSTARTTLS(t *testing.T) {
	pair, roots := certificate(t)
	plain := &server{}
	trusting := &tls.Config{RootCAs: roots, ServerName: "localhost"}
	port := serve(t, plain, nil)
	way := send.SMTP{Host: "127.0.0.1", Port: port, TLS: trusting, From: "a@a.example", Timeout: 5 * time.Second}
	if errs := way.Send(t.Context(), []send.Letter{letter("ann@b.example")}); errs[0] == nil || errors.Is(errs[0], send.ErrRefused) || len(plain.took) != 0 {
		t.Errorf("without STARTTLS: %v, %q", errs, plain.took)
	}
	if way.TLS = nil; way.Send(t.Context(), []send.Letter{letter("ann@b.example")})[0] != nil || plain.plain != 1 {
		t.Error("in clear, as configured: not sent")
	}
	for name, config := range map[string]*tls.Config{"no root": {ServerName: "localhost", RootCAs: x509.NewCertPool()}, "another name": {ServerName: "mail.example", RootCAs: roots}} {
		s := &server{}
		way := send.SMTP{Host: "127.0.0.1", Port: serve(t, s, &tls.Config{Certificates: []tls.Certificate{pair}}), TLS: config, From: "a@a.example", Timeout: 5 * time.Second}
		if errs := way.Send(t.Context(), []send.Letter{letter("ann@b.example")}); errs[0] == nil || len(s.took) != 0 {
			t.Errorf("%s: %v, %q", name, errs, s.took)
		}
	}
}

// A server that is down or silent costs the time-out and loses nothing.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	way := send.SMTP{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: &tls.Config{ServerName: "localhost"}, From: "a@a.example", Timeout: 200 * time.Millisecond}
	began := time.Now()
	if errs := way.Send(t.Context(), []send.Letter{letter("a@b.example"), letter("b@b.example")}); errs[0] == nil || errs[1] == nil || errors.Is(errs[0], send.ErrRefused) || time.Since(began) > 5*time.Second {
		t.Error(errs, time.Since(began))
	}
	l.Close()
	if errs := way.Send(t.Context(), []send.Letter{letter("a@b.example")}); errs[0] == nil {
		t.Error("sent to nobody")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if errs := way.Send(ctx, []send.Letter{letter("a@b.example")}); errs[0] == nil {
		t.Error("sent while stopping")
	}
}

func TestSMS(t *testing.T) {
	status, seen := http.StatusAccepted, map[string]string{}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&seen); err != nil {
			t.Error(err)
		}
		seen["auth"], seen["key"], seen["type"] = r.Header.Get("Authorization"), r.Header.Get("Idempotency-Key"), r.Header.Get("Content-Type")
		w.WriteHeader(status)
	}))
	defer gateway.Close()
	way := send.SMS{URL: gateway.URL + "/send?account=1", Token: "secret", Client: gateway.Client()}
	l := letter("+33612345678")
	if errs := way.Send(t.Context(), []send.Letter{l}); errs[0] != nil {
		t.Fatal(errs)
	}
	for key, want := range map[string]string{"id": l.ID, "to": l.To, "text": l.Body, "auth": "Bearer secret", "key": l.ID, "type": "application/json"} {
		if seen[key] != want {
			t.Errorf("%s: %q", key, seen[key])
		}
	}
	for code, forGood := range map[int]bool{400: true, 422: true, 401: false, 404: false, 429: false, 500: false, 503: false} {
		status = code
		if errs := way.Send(t.Context(), []send.Letter{l}); errs[0] == nil || errors.Is(errs[0], send.ErrRefused) != forGood || strings.Contains(errs[0].Error(), "336") {
			t.Errorf("%d: %v", code, errs)
		}
	}
	gateway.Close()
	if errs := way.Send(t.Context(), []send.Letter{l}); errs[0] == nil || strings.Contains(errs[0].Error(), "account") {
		t.Error(errs)
	}
}
