package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/registry/postgres"
)

// A front that fails ends what runs beside it, and is logged.
func TestFrontFails(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	var log bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- serveWith(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), service.Stop{Drain: time.Second},
			[]service.Front{{Listener: l, Handler: http.NotFoundHandler()}}, func(ctx context.Context) { <-ctx.Done() })
	}()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(log.String(), "a front failed") {
			t.Errorf("%v\n%s", err, log.String())
		}
	case <-time.After(10 * time.Second):
		t.Fatal("serve hangs")
	}
}

// doctor judges a schema as serve would.
func TestDoctorSchema(t *testing.T) {
	for _, c := range []struct {
		current  int64
		migrates bool
		verdict  string
		text     string
	}{
		{0, false, verdictFail, "passerelle migrate"},
		{0, true, verdictWarn, "migrate_at_start"},
		{4, true, verdictWarn, "version 4 : serve le mettra à la version 5 en démarrant"},
		{5, true, verdictFail, "version de développement"}, // no database that a program of today made
		{6, true, verdictFail, "plus récente"},
	} {
		x := &examination{path: "conf"}
		x.version(postgres.Schema{Current: c.current, Newest: 5}, nil, c.migrates)
		if got := x.lines[0]; got.Verdict != c.verdict || !strings.Contains(got.Text, c.text) {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}
