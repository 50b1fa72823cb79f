package service

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/trust"
)

// Kinds and flags of HTTP/2 frames (RFC 9113 §6).
const (
	h2Headers, h2Reset, h2Settings, h2Continuation = 1, 3, 4, 9
	h2EndStream, h2EndHeaders                      = 1, 4
)

// frame is one HTTP/2 frame.
func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	head = append(head[1:], kind, flags)
	return append(binary.BigEndian.AppendUint32(head, stream), payload...)
}

// get is the header block of GET https://a/ (RFC 7541, appendix A).
var get = []byte{0x82, 0x87, 0x84, 0x41, 1, 'a'}

// h2 opens a connection and sends frames by hand, until the server has enough of them:
// how many bytes it took.
func h2(t *testing.T, front *tls.Conn, next func(i uint32) []byte, limit int) (sent int) {
	t.Helper()
	_ = front.SetDeadline(time.Now().Add(20 * time.Second))
	gone := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, front); close(gone) }()
	if _, err := front.Write(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(h2Settings, 0, 0, nil)...)); err != nil {
		t.Fatal(err)
	}
	for i := uint32(0); sent < limit; i++ {
		select {
		case <-gone:
			return sent
		default:
		}
		n, err := front.Write(next(i))
		sent += n
		if err != nil {
			return sent
		}
	}
	return sent
}

// TestAttacks is attack 128 of safety §2.3: requests that are taken back as soon as they
// are made, and header blocks without an end.
func TestAttacks(t *testing.T) {
	certificate, pool := selfSigned(t)
	open := func(t *testing.T, handler http.HandlerFunc) *tls.Conn {
		t.Helper()
		l := listener(t)
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan struct{})
		go func() {
			_ = Serve(ctx, slog.New(slog.DiscardHandler), Stop{Drain: time.Millisecond}, Front{Listener: l, Handler: handler, TLS: trust.Server(own(certificate))})
			close(served)
		}()
		t.Cleanup(func() { stop(); <-served })
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}}}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn.(*tls.Conn)
	}
	t.Run("128 HTTP/2 rapid reset", func(t *testing.T) {
		var begun atomic.Int64
		release := make(chan struct{})
		defer close(release)
		conn := open(t, func(http.ResponseWriter, *http.Request) { begun.Add(1); <-release })
		const limit = 64 << 20
		sent := h2(t, conn, func(i uint32) []byte {
			reset := binary.BigEndian.AppendUint32(nil, 8) // CANCEL
			return append(frame(h2Headers, h2EndStream|h2EndHeaders, 2*i+1, get), frame(h2Reset, 0, 2*i+1, reset)...)
		}, limit)
		if n := begun.Load(); n == 0 || n > 64 {
			t.Errorf("%d requests at once", n)
		}
		if sent >= limit {
			t.Error("the connection stays open")
		}
	})
	t.Run("128 HTTP/2 CONTINUATION flood", func(t *testing.T) {
		conn := open(t, func(http.ResponseWriter, *http.Request) { t.Error("a request without an end is served") })
		fields := bytes.Repeat([]byte("\x00\x01a\x01b"), 3000)
		const limit = 64 << 20
		sent := h2(t, conn, func(i uint32) []byte {
			if i == 0 {
				return frame(h2Headers, h2EndStream, 1, get)
			}
			return frame(h2Continuation, 0, 1, fields)
		}, limit)
		if sent >= limit {
			t.Errorf("%d bytes of headers were taken", sent)
		}
	})
}

// Reasons are said once, then counted; scanners stay at debug.
func TestHandshakes(t *testing.T) {
	var out bytes.Buffer
	refused := 0
	h := newHandshakes(slog.New(slog.NewTextHandler(&out, nil)), func() { refused++ })
	line := "http: TLS handshake error from 192.0.2.7:4711: tls: client didn't provide a certificate"
	for range 5 {
		h.Print(line)
	}
	h.Print("http: TLS handshake error from 192.0.2.7:4712: EOF")
	h.Print("http: TLS handshake error from 192.0.2.7:4712: tls: client offered only unsupported versions: [302 301]")
	text := out.String()
	if refused != 6 || bytes.Count(out.Bytes(), []byte("tls refused")) != 2 || !bytes.Contains(out.Bytes(), []byte("TLS-001")) || bytes.Contains(out.Bytes(), []byte("192.0.2.7")) {
		t.Errorf("%d refused\n%s", refused, text)
	}
}
