package trust

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines keeps what net/http logs.
type lines struct {
	mutex sync.Mutex
	text  bytes.Buffer
	some  chan struct{}
}

func (l *lines) Write(b []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.text.Write(b)
	select {
	case l.some <- struct{}{}:
	default:
	}
	return len(b), nil
}

// refusal waits for the reason of a refused handshake.
func (l *lines) refusal(t *testing.T) string {
	t.Helper()
	for {
		l.mutex.Lock()
		text := l.text.String()
		l.mutex.Unlock()
		if reason, mend, ok := Refusal(text); ok {
			noIdentity(t, reason)
			if mend == "" {
				t.Errorf("%q does not say how to mend it", reason)
			}
			return reason
		}
		select {
		case <-l.some:
		case <-time.After(5 * time.Second):
			t.Fatalf("no reason in the log: %q", text)
		}
	}
}

// front is a server that admits the clients of a world.
type front struct {
	*world
	address string
	own     *Identity
	log     *lines
}

func newFront(t testing.TB, revoked ...*x509.Certificate) *front {
	t.Helper()
	f := &front{world: newWorld(t, revoked...), own: &Identity{}, log: &lines{some: make(chan struct{}, 1)}}
	f.own.Use(f.server)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = l.Addr().String()
	server := &http.Server{
		TLSConfig: f.judge.Secure(Server(f.own)), ErrorLog: log.New(f.log, "", 0), ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := f.judge.Peer(r.TLS.PeerCertificates); err != nil {
				http.Error(w, err.Error(), http.StatusForbidden)
				return
			}
			_, _ = io.WriteString(w, "ok "+r.Proto)
		}),
	}
	served := make(chan struct{})
	go func() { _ = server.ServeTLS(l, "", ""); close(served) }()
	t.Cleanup(func() { server.Close(); <-served })
	return f
}

func (f *front) roots() *x509.CertPool { return pool([]*x509.Certificate{f.root.cert}) }

// try makes a connection and asks for something: a TLS 1.3 client hears of its
// refusal only then.
func (f *front) try(t *testing.T, c *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	c.RootCAs, c.Time = f.roots(), func() time.Time { return testNow }
	conn, err := (&tls.Dialer{Config: c, NetDialer: &net.Dialer{Timeout: 5 * time.Second}}).DialContext(t.Context(), "tcp", f.address)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		return tls.ConnectionState{}, err
	}
	answer, err := io.ReadAll(conn)
	if err == nil && !strings.Contains(string(answer), "ok HTTP/1.1") {
		err = fmt.Errorf("answer %.80q", answer)
	}
	return conn.(*tls.Conn).ConnectionState(), err
}

func present(c tls.Certificate) *tls.Config {
	return &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c, nil }}
}

// TestAttacks is what safety §2.3 says of TLS, by real handshakes. A case without a
// reason is admitted.
func TestAttacks(t *testing.T) {
	w := authorities()
	good, revoked := w.middle.client(nil), w.middle.client(nil)
	fallen := newAuthority("AC TOMBEE", w.root)
	long := w.middle
	for i := range 99 {
		long = newAuthority(fmt.Sprintf("AC %d", i), long)
	}
	legacy := func(change func(*tls.Config)) *tls.Config {
		c := present(good)
		c.MinVersion = tls.VersionTLS10
		change(c)
		return c
	}
	suites := func(ids ...uint16) *tls.Config {
		return legacy(func(c *tls.Config) { c.MaxVersion, c.CipherSuites = tls.VersionTLS12, ids })
	}
	for _, a := range []struct {
		name, reason string
		client       *tls.Config
		change       func(*front)
	}{
		{"126 TLS 1.3 and a good certificate", "", present(good), nil},
		{"126 TLS 1.2 and a good certificate", "", legacy(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), nil},
		{"126 no SNI", "", present(good), nil}, // an IP address is never sent as a server name
		{"126 TLS 1.0", "version de TLS refusée", legacy(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS10 }), nil},
		{"126 TLS 1.1", "version de TLS refusée", legacy(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }), nil},
		{"126 RC4", "suites de chiffrement", suites(tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA), nil},
		{"126 3DES", "suites de chiffrement", suites(tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA), nil},
		{"126 CBC", "suites de chiffrement", suites(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA), nil},
		{"126 RSA key exchange", "suites de chiffrement", suites(tls.TLS_RSA_WITH_AES_128_GCM_SHA256), nil},
		{"126 no certificate", "TLS-001", &tls.Config{}, nil},
		{"126 certificate of another CA", "TLS-002", present(w.stranger.client(nil)), nil},
		{"126 self signed", "TLS-002", present(selfMade()), nil},
		{"126 revoked leaf", "TLS-003", present(revoked), func(f *front) { f.replace(t, f.lists(revoked.Leaf)...) }},
		{"126 revoked intermediate", "TLS-003", present(fallen.client(nil)), func(f *front) {
			f.replace(t, append(f.lists(fallen.cert), fallen.listOf(nil))...)
		}},
		{"126 no CRL", "TLS-004", present(good), func(f *front) { f.replace(t) }},
		{"126 stale CRL within the grace", "", present(good), func(f *front) { f.now = testNow.Add(29 * time.Hour) }},
		{"126 stale CRL", "TLS-004", present(good), func(f *front) { f.now = testNow.Add(31 * time.Hour) }},
		{"126 expired", "TLS-006", present(good), func(f *front) { f.now = testNow.AddDate(3, 0, 0) }},
		{"126 wrong EKU", "TLS-005", present(w.middle.client(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })), nil},
		{"126 no EKU", "TLS-005", present(w.middle.client(func(c *x509.Certificate) { c.ExtKeyUsage = nil })), nil},
		{"126 CA as a client", "TLS-005", present(w.middle.client(func(c *x509.Certificate) { c.IsCA = true })), nil},
		{"127 chain of 100", "TLS-00", present(long.client(nil)), nil},
		{"127 101 names", "TLS-007", present(w.middle.client(named(101))), nil},
		{"127 10 MB of names", "TLS-007", present(w.middle.client(func(c *x509.Certificate) {
			for range 40 {
				c.DNSNames = append(c.DNSNames, strings.Repeat("a", 256<<10))
			}
		})), nil},
	} {
		t.Run(a.name, func(t *testing.T) {
			f := newFront(t)
			if a.change != nil {
				a.change(f)
			}
			began := time.Now()
			_, err := f.try(t, a.client)
			switch {
			case a.reason == "" && err != nil:
				t.Errorf("%v, %s", err, f.log.text.String())
			case a.reason != "" && err == nil:
				t.Error("admitted")
			case a.reason != "":
				if reason := f.log.refusal(t); !strings.Contains(reason, a.reason) {
					t.Errorf("%q, wanted %s", reason, a.reason)
				}
			}
			if d := time.Since(began); d > 2*time.Second {
				t.Errorf("after %v", d)
			}
		})
	}
	t.Run("126 renegotiation", renegotiation)
	t.Run("126 revoked while the session is remembered", func(t *testing.T) {
		f := newFront(t)
		c := present(good)
		c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		for i := range 2 {
			state, err := f.try(t, c)
			if err != nil || state.DidResume != (i == 1) {
				t.Fatalf("%d: resumed %v, %v", i, state.DidResume, err)
			}
		}
		f.replace(t, f.lists(good.Leaf)...)
		if _, err := f.try(t, c); err == nil {
			t.Error("a ticket brought a revoked client in")
		}
		if reason := f.log.refusal(t); !strings.Contains(reason, "TLS-003") {
			t.Error(reason)
		}
	})
	t.Run("126 revoked while the connection is open", func(t *testing.T) {
		f := newFront(t)
		transport := &http.Transport{TLSClientConfig: present(good), ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		transport.TLSClientConfig.RootCAs, transport.TLSClientConfig.Time = f.roots(), func() time.Time { return testNow }
		client := http.Client{Transport: transport, Timeout: 10 * time.Second}
		for _, want := range []int{http.StatusOK, http.StatusForbidden} {
			answer, err := client.Get("https://" + f.address)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if answer.StatusCode != want || want == http.StatusForbidden && !strings.Contains(string(text), "TLS-003") {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
			f.replace(t, f.lists(good.Leaf)...)
		}
	})
}

func selfMade() tls.Certificate {
	a := newAuthority("PERSONNE", nil)
	return a.client(nil)
}

// TestNoHandshakeFails is safety §4.3 FM-26: certificate, roots and lists change under
// load, and no handshake is lost.
func TestNoHandshakeFails(t *testing.T) {
	f := newFront(t)
	client := f.middle.client(nil)
	key := newKey()
	renewed := tls.Certificate{PrivateKey: key}
	template := *f.server.Leaf
	template.ExtraExtensions = nil
	leaf := sign(x509.Certificate{Subject: template.Subject, IPAddresses: template.IPAddresses, KeyUsage: x509.KeyUsageDigitalSignature}, key, f.root)
	renewed.Certificate = [][]byte{leaf.Raw}
	const workers, rounds = 4, 15
	var load sync.WaitGroup
	seen := make(chan string, workers*rounds)
	for range workers {
		load.Go(func() {
			for range rounds {
				state, err := f.try(t, present(client))
				if err != nil {
					t.Errorf("lost: %v", err)
					return
				}
				seen <- state.PeerCertificates[0].SerialNumber.String()
			}
		})
	}
	done := make(chan struct{})
	go func() { load.Wait(); close(done) }()
	for i := 0; ; i++ {
		select {
		case <-done:
			close(seen)
			kinds := map[string]bool{}
			for s := range seen {
				kinds[s] = true
			}
			if len(kinds) != 2 {
				t.Errorf("%d certificates were shown", len(kinds))
			}
			return
		default:
		}
		f.own.Use([]tls.Certificate{f.server, renewed}[i%2])
		f.replace(t, f.lists()...)
	}
}
