package main

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/atna"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/mailbox"
	"github.com/passerelle-sante/passerelle/message/send"
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

// The mail server is asked what serve will ask, and gets nothing.
func TestDoctorMail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	box := &mailbox.Box{Now: time.Now} // without a certificate it offers no STARTTLS
	servers, err := box.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer servers.Close()
	plain := servers.SMTP.Addr().(*net.TCPAddr).Port
	for _, c := range []struct {
		post          *send.SMTP
		verdict, text string
	}{
		{nil, verdictWarn, "aucun serveur"},
		{&send.SMTP{Host: "127.0.0.1", Port: port, TLS: &tls.Config{ServerName: "localhost"}, From: "a@example.org"}, verdictFail, "ne prend pas de message"},
		{&send.SMTP{Host: "127.0.0.1", Port: plain, TLS: &tls.Config{ServerName: "localhost"}, From: "a@example.org"}, verdictFail, "STARTTLS"},
		{&send.SMTP{Host: "127.0.0.1", Port: plain, From: "a@example.org"}, verdictOK, "en clair"},
	} {
		x := &examination{ctx: t.Context()}
		x.mail(&config.Config{Post: c.post})
		if len(x.lines) == 0 || x.lines[0].Verdict != c.verdict || !strings.Contains(x.lines[0].Text, c.text) {
			t.Errorf("%+v, want %s %s", x.lines, c.verdict, c.text)
		}
	}
}
