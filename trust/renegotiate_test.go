package trust

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// recorded is a connection that keeps what came over it.
type recorded struct {
	net.Conn
	in bytes.Buffer
}

func (r *recorded) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.in.Write(b[:n])
	return n, err
}

// prf is the key derivation of TLS 1.2 (RFC 5246 §5).
func prf(secret []byte, label string, seed []byte, n int) (out []byte) {
	seed = append([]byte(label), seed...)
	mac := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	for a := mac(seed); len(out) < n; a = mac(a) {
		out = append(out, mac(a, seed)...)
	}
	return out[:n]
}

// record seals one record of TLS 1.2 with AES-128-GCM as the client, the one after
// Finished (RFC 5288 §3).
func record(t *testing.T, keys []byte, kind byte, text []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(keys[:16])
	if err != nil {
		t.Fatal(err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	number := []byte{0, 0, 0, 0, 0, 0, 0, 1}
	head := []byte{kind, 3, 3}
	extra := binary.BigEndian.AppendUint16(append(bytes.Clone(number), head...), uint16(len(text)))
	sealed := seal.Seal(nil, append(bytes.Clone(keys[32:36]), number...), text, extra)
	out := binary.BigEndian.AppendUint16(head, uint16(len(number)+len(sealed)))
	return append(append(out, number...), sealed...)
}

// renegotiation is attack 126: a client that asks for a new handshake inside a connection is cut off. crypto/tls has
// no client that does: the record is made by hand, and a record of the same hand with a
// request in it is answered.
func renegotiation(t *testing.T) {
	f := newFront(t)
	hello := append([]byte{1, 0, 0, 41, 3, 3}, append(make([]byte, 32), 0, 0, 2, 0xc0, 0x2b, 1, 0)...)
	for name, c := range map[string]struct {
		kind byte
		text []byte
		want string
	}{
		"a request":               {23, []byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "answered"},
		"126 another ClientHello": {22, hello, "cut"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", f.address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			var secrets bytes.Buffer
			tape := &recorded{Conn: conn}
			config := present(f.middle.client(nil))
			config.RootCAs, config.Time, config.ServerName = f.roots(), func() time.Time { return testNow }, "127.0.0.1"
			config.MaxVersion, config.KeyLogWriter, config.CipherSuites = tls.VersionTLS12, &secrets, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
			client := tls.Client(tape, config)
			if err := client.HandshakeContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(secrets.String()) // CLIENT_RANDOM random master
			random, master := must(hex.DecodeString(words[1])), must(hex.DecodeString(words[2]))
			server := tape.in.Bytes()[5+4+2:][:32] // of ServerHello
			keys := prf(master, "key expansion", append(bytes.Clone(server), random...), 40)
			if _, err := conn.Write(record(t, keys, c.kind, c.text)); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(client)
			got := "cut"
			if err == nil && strings.Contains(string(answer), "ok HTTP/1.1") {
				got = "answered"
			}
			if got != c.want {
				t.Errorf("%s: %q, %v", got, answer, err)
			}
		})
	}
}
