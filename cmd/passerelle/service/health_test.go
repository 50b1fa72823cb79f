package service

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Many probes make one question a second, and a probe that goes away takes nobody
// with it.
func TestHealthIsAskedRarely(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	asked, down := 0, errors.New("secret-host:5432")
	h := &health{now: func() time.Time { return now }, checks: []healthCheck{{"registre indisponible", func(ctx context.Context) error {
		asked++
		return errors.Join(down, ctx.Err())
	}}}}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	down = nil
	if got := h.ask(gone); got != nil {
		t.Errorf("a probe that went away: %v", got)
	}
	var probes sync.WaitGroup
	for range 20 {
		probes.Go(func() { h.ask(t.Context()) })
	}
	probes.Wait()
	if asked != 1 {
		t.Errorf("%d questions in one second", asked)
	}
	down, now = errors.New("secret-host:5432"), now.Add(freshness)
	s := &Service{health: h}
	w := httptest.NewRecorder()
	s.Ready(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != "registre indisponible\n" || asked != 2 {
		t.Errorf("%d %q after %d questions", w.Code, w.Body, asked)
	}
	down, now = nil, now.Add(freshness)
	if got := h.ask(t.Context()); !slices.Equal(got, nil) {
		t.Errorf("back again: %v", got)
	}
}

// A part that hangs is named alone, and all answer within the limit of one probe.
func TestHangingPartBlamesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		h := &health{now: time.Now, checks: []healthCheck{
			{"registre indisponible", hangs}, {"schéma", hangs}, {"entrepôt indisponible", func(ctx context.Context) error { return ctx.Err() }},
		}}
		start := time.Now()
		if got := h.ask(t.Context()); !slices.Equal(got, []string{"registre indisponible", "schéma"}) || time.Since(start) > probeLimit {
			t.Errorf("%q after %s", got, time.Since(start))
		}
	})
}

// A gateway that is stopping says so without asking anybody; it lives all the same.
func TestDrainingIsNotReady(t *testing.T) {
	s := &Service{health: &health{checks: []healthCheck{{"x", func(context.Context) error { t.Error("asked"); return nil }}}}}
	s.Draining()
	w := httptest.NewRecorder()
	s.Ready(w, nil)
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != "arrêt en cours\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	s.Live(w, nil)
	if w.Code != http.StatusOK {
		t.Errorf("/healthz %d", w.Code)
	}
}
