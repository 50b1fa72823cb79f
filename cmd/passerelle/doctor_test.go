package main

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/atna"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
)

// The audit repository is looked for where serve will send.
func TestDoctorAudit(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	l.Close()
	for _, c := range []struct {
		sink          *atna.Sink
		verdict, text string
	}{
		{nil, verdictOK, "aucun dépôt d'audit"},
		{&atna.Sink{Network: "udp", Address: gone}, verdictWarn, "udp://" + gone},
		{&atna.Sink{Network: "tls", Address: gone, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, verdictFail, "tls://" + gone + " ne répond pas"},
	} {
		x := &examination{ctx: t.Context()}
		x.audit(&config.Config{Audit: c.sink})
		if len(x.lines) != 1 || x.lines[0].Verdict != c.verdict || !strings.Contains(x.lines[0].Text, c.text) {
			t.Errorf("%+v, want %s %s", x.lines, c.verdict, c.text)
		}
	}
}
