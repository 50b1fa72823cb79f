package service

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/trust"
)

func listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Requests that outlast the drain are cut, and Serve says so.
func TestDrainHasAnEnd(t *testing.T) {
	l := listener(t)
	began, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(began)
		<-release
	})
	ctx, stop := context.WithCancel(t.Context())
	told := false
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, slog.New(slog.DiscardHandler), Stop{Draining: func() { told = true }, Drain: time.Millisecond}, Front{Listener: l, Handler: handler})
	}()
	cut := make(chan error, 1)
	go func() {
		answer, err := http.Get("http://" + l.Addr().String())
		if err == nil {
			answer.Body.Close()
		}
		cut <- err
	}()
	<-began
	stop()
	if err := <-served; !errors.Is(err, ErrCut) || !told {
		t.Errorf("err = %v, told %v", err, told)
	}
	if err := <-cut; err == nil {
		t.Error("the request was answered")
	}
}

// TLS 1.2 at least, ECDHE and AEAD suites alone.
func TestTLSFloor(t *testing.T) {
	certificate, pool := selfSigned(t)
	l := listener(t)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, slog.New(slog.DiscardHandler), Stop{Drain: time.Second}, Front{Listener: l, TLS: trust.Server(own(certificate)),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })})
	}()
	for _, c := range []struct {
		name string
		tls  *tls.Config
		ok   bool
	}{
		{"TLS 1.3", &tls.Config{}, true},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"CBC", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
		{"static RSA", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, false},
	} {
		c.tls.RootCAs = pool
		conn, err := (&tls.Dialer{Config: c.tls}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err == nil {
			conn.Close()
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	answer, err := client.Get("https://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if proto, _ := io.ReadAll(answer.Body); string(proto) != "HTTP/2.0" {
		t.Errorf("%s", proto)
	}
	client.CloseIdleConnections()
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// roomyListener tells the send buffer that its connections were asked for.
type roomyListener struct {
	net.Listener
	asked chan int
}

func (l roomyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return roomyConn{c, l.asked}, err
}

type roomyConn struct {
	net.Conn
	asked chan int
}

func (c roomyConn) SetWriteBuffer(bytes int) error {
	c.asked <- bytes
	return nil
}

// The send buffer is asked of the kernel's connection, under TLS too.
func TestSendBuffer(t *testing.T) {
	certificate, pool := selfSigned(t)
	for scheme, secured := range map[string]*tls.Config{"http": nil, "https": trust.Server(own(certificate))} {
		l := roomyListener{listener(t), make(chan int, 1)}
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() {
			served <- Serve(ctx, slog.New(slog.DiscardHandler), Stop{Drain: time.Second}, Front{Listener: l, TLS: secured, Handler: http.NotFoundHandler()})
		}()
		client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
		answer, err := client.Get(scheme + "://" + l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		select {
		case bytes := <-l.asked:
			if bytes != sendBuffer {
				t.Errorf("%s: %d bytes", scheme, bytes)
			}
		default:
			t.Errorf("%s: not asked for", scheme)
		}
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}

func own(c tls.Certificate) *trust.Identity {
	i := &trust.Identity{}
	i.Use(c)
	return i
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
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
