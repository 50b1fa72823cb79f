package atna

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
)

// authority makes certificates for the loopback.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	return &authority{t, cert, key}
}

func (a *authority) issue(name string) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// repository receives syslog over TLS and hands out the messages of each connection.
func (a *authority) repository(break1 int) (address string, got chan []string) {
	a.t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{a.issue("arr")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool()})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { l.Close() })
	got = make(chan []string, 16)
	go func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				got <- readFrames(conn, break1 > 0 && n == 0, break1)
			}()
		}
	}()
	return l.Addr().String(), got
}

// readFrames reads octet-counted frames; a repository that dies does so after some.
func readFrames(conn net.Conn, dies bool, after int) (all []string) {
	r := bufio.NewReader(conn)
	for {
		count, err := r.ReadString(' ')
		if err != nil {
			return all
		}
		n, err := strconv.Atoi(strings.TrimSuffix(count, " "))
		if err != nil {
			return append(all, "no octet count: "+count)
		}
		frame := make([]byte, n)
		if _, err := io.ReadFull(r, frame); err != nil {
			return append(all, "a frame cut short")
		}
		if all = append(all, string(frame)); dies && len(all) == after {
			_ = conn.(*tls.Conn).NetConn().(*net.TCPConn).SetLinger(0) // a reset, as of a process that is killed
			_ = conn.(*tls.Conn).NetConn().Close()
			return all
		}
	}
}

var framed = regexp.MustCompile("^<85>1 2026-11-22T09:30:00\\.123456Z gw\\.example\\.org passerelle [0-9]+ IHE\\+RFC-3881 - \xEF\xBB\xBF<\\?xml version=\"1\\.0\" encoding=\"UTF-8\"\\?><AuditMessage>.*</AuditMessage>$")

func TestTLS(t *testing.T) {
	a := newAuthority(t)
	address, got := a.repository(0)
	sink := &Sink{Network: "tls", Address: address, Host: "gw.example.org", Source: source,
		TLS: &tls.Config{RootCAs: a.pool(), Certificates: []tls.Certificate{a.issue("passerelle")}, MinVersion: tls.VersionTLS12}}
	if err := sink.Send(t.Context(), []Entry{entry("ITI-18", authz.Search), entry("ITI-43", authz.Retrieve)}); err != nil {
		t.Fatal(err)
	}
	frames := <-got
	if len(frames) != 2 || !framed.MatchString(frames[0]) || !strings.Contains(frames[0], `"ITI-18"`) || !strings.Contains(frames[1], `"ITI-43"`) {
		t.Errorf("%q", frames)
	}
	for name, config := range map[string]*tls.Config{
		"no certificate of ours":     {RootCAs: a.pool()},
		"a repository of another CA": {RootCAs: newAuthority(t).pool(), Certificates: []tls.Certificate{a.issue("passerelle")}},
	} {
		other := &Sink{Network: "tls", Address: address, Source: source, TLS: config}
		if err := other.Send(t.Context(), []Entry{entry("ITI-18", authz.Search)}); err == nil {
			t.Errorf("%s: sent", name)
		}
	}
}

// A repository that dies in the midst of a delivery has not received it.
func TestTLSBroken(t *testing.T) {
	a := newAuthority(t)
	address, got := a.repository(1)
	sink := &Sink{Network: "tls", Address: address, Host: "gw", Source: source, TLS: &tls.Config{RootCAs: a.pool(), Certificates: []tls.Certificate{a.issue("passerelle")}}}
	var entries []Entry
	for range 2 { // both are written before the repository is gone
		entries = append(entries, entry("ITI-18", authz.Search))
	}
	if err := sink.Send(t.Context(), entries); err == nil {
		t.Error("what a dead repository got counts as delivered")
	}
	if n := len(<-got); n != 1 {
		t.Errorf("%d frames before the end", n)
	}
	if err := sink.Send(t.Context(), entries); err != nil {
		t.Error(err)
	}
	if n := len(<-got); n != 2 {
		t.Errorf("%d frames", n)
	}
}

func TestUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sink := &Sink{Network: "udp", Address: conn.LocalAddr().String(), Host: "gw.example.org", Source: source}
	long := entry("ITI-18", authz.Search)
	long.Query = make([]byte, 60_000)
	if err := sink.Send(t.Context(), []Entry{entry("ITI-41", authz.Submit), long}); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1<<16)
	for range 2 {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _, err := conn.ReadFrom(buffer)
		if err != nil {
			t.Fatal(err)
		}
		if !framed.Match(buffer[:n]) {
			t.Errorf("%q", buffer[:min(n, 300)])
		}
	}
}

// A repository that is down answers within the deadline of the caller.
func TestSinkDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	sink := &Sink{Network: "tls", Address: address, TLS: &tls.Config{MinVersion: tls.VersionTLS12}, Source: source}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []context.Context{t.Context(), ctx} {
		if err := sink.Send(c, []Entry{entry("ITI-18", authz.Search)}); err == nil {
			t.Error("sent to nobody")
		} else if strings.Contains(err.Error(), alice.ID()) {
			t.Error("the error names the patient")
		}
	}
}
