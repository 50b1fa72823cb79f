package scan_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/scan"
	"github.com/passerelle-sante/passerelle/xds"
)

// clamd listens as clamd does: it calls infected what holds "virus", and answers in other
// ways what asks for it.
func clamd(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return l.Addr().String()
}

func serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	command, err := r.ReadString(0)
	if err != nil || command == "zPING\x00" {
		_, _ = io.WriteString(conn, "PONG\x00")
		return
	}
	var file strings.Builder
	for {
		var n uint32
		if binary.Read(r, binary.BigEndian, &n) != nil || n == 0 {
			break
		}
		if _, err := io.CopyN(&file, r, int64(n)); err != nil {
			return
		}
	}
	switch text := file.String(); {
	case strings.Contains(text, "virus"):
		_, _ = io.WriteString(conn, "stream: Eicar-Test-Signature FOUND\x00")
	case strings.Contains(text, "trouble"):
		_, _ = io.WriteString(conn, "INSTREAM size limit exceeded. ERROR\x00")
	case strings.Contains(text, "silence"):
		_, _ = r.ReadByte() // until the other side gives up
	case strings.Contains(text, "half"):
		_, _ = io.WriteString(conn, "stream: O")
	default:
		_, _ = io.WriteString(conn, "stream: OK\x00")
	}
}

// A file is taken when somebody said that it is clean, and refused in all other cases.
func TestScan(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	at := clamd(t)
	daemon := func(address string) *scan.Scanner {
		return &scan.Scanner{Network: "tcp", Address: address, Timeout: 500 * time.Millisecond}
	}
	program := func(script string) *scan.Scanner {
		return &scan.Scanner{Command: []string{"sh", "-c", script}, Timeout: 5 * time.Second}
	}
	grep := program(`grep -q virus && exit 1; exit 0`)
	for _, c := range []struct {
		name    string
		scanner *scan.Scanner
		content string
		want    string
	}{
		{"clean", daemon(at), "un texte", ""}, {"long and clean", daemon(at), strings.Repeat("a", 200<<10), ""}, {"infected", daemon(at), "un virus", "WEB-022"},
		{"infected at the end", daemon(at), strings.Repeat("a", 200<<10) + "virus", "WEB-022"}, {"an error", daemon(at), "trouble", "WEB-023"},
		{"no answer", daemon(at), "silence", "WEB-023"}, {"half an answer", daemon(at), "half", "WEB-023"}, {"nobody there", daemon(closed.Addr().String()), "un texte", "WEB-023"},
		{"clean for a program", grep, "un texte", ""}, {"infected for a program", grep, "un virus", "WEB-022"}, {"a program that fails", program("exit 2"), "un texte", "WEB-023"},
		{"no program", &scan.Scanner{Command: []string{"/nowhere/scanner"}, Timeout: time.Second}, "un texte", "WEB-023"},
		{"a program that is killed", program("kill -9 $$"), "un texte", "WEB-023"},
		{"a program without end", &scan.Scanner{Command: []string{"sh", "-c", "sleep 60; exit 0"}, Timeout: 300 * time.Millisecond}, "un texte", "WEB-023"},
	} {
		got := ""
		if all, told := xds.FindingsOf(c.scanner.Scan(t.Context(), []byte(c.content))); told {
			got = all[0].ID
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if err := daemon(at).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if daemon(closed.Addr().String()).Probe(t.Context()) == nil || program("exit 1").Probe(t.Context()) == nil || grep.Probe(t.Context()) != nil {
		t.Error("a probe that does not tell")
	}
}
