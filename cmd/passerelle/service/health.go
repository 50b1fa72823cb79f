package service

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/passerelle-sante/passerelle/registry/postgres"
)

// How health is asked for: rarely enough that the pages are no load, and never for
// longer than a probe waits.
const (
	freshness  = time.Second
	probeLimit = 2 * time.Second
)

// health is what /readyz tells. It writes nothing, and names the part that is down
// without saying where it is or why: the page is public.
type health struct {
	checks   []healthCheck
	now      func() time.Time
	draining atomic.Bool

	mutex sync.Mutex // held while asking: many probes make one question
	asked time.Time
	down  []string
}

// healthCheck is a part that must answer.
type healthCheck struct {
	down string // what the page says when it does not
	ask  func(context.Context) error
}

func (s *Service) newHealth() *health {
	return &health{now: time.Now, checks: []healthCheck{
		{"registre indisponible", func(ctx context.Context) error { return s.Pool.Ping(ctx) }},
		{"schéma de la base inattendu", func(ctx context.Context) error {
			schema, err := postgres.ReadSchema(ctx, s.Pool)
			if err != nil {
				return nil // told by the check before
			}
			return schema.Check()
		}},
		{"entrepôt indisponible", s.Repository.Check},
	}}
}

// ask is what is down, as of a second ago at most.
func (h *health) ask(ctx context.Context) []string {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.now().Sub(h.asked) < freshness {
		return h.down
	}
	// Not the probe's own context: one that goes away must not make the others
	// believe that a part is down.
	ctx = context.WithoutCancel(ctx)
	failed := make([]bool, len(h.checks))
	var asking sync.WaitGroup
	for i, check := range h.checks {
		// Each has its own time, and all have it at once: a part that hangs takes none
		// from the others.
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, probeLimit)
			defer cancel()
			failed[i] = check.ask(ctx) != nil
		})
	}
	asking.Wait()
	h.down = nil
	for i, check := range h.checks {
		if failed[i] {
			h.down = append(h.down, check.down)
		}
	}
	h.asked = h.now()
	return h.down
}

// Live serves /healthz: the process answers. It asks nothing of anybody, so that an
// orchestrator does not restart a gateway whose database is down.
func (s *Service) Live(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") }

// Ready serves /readyz: the gateway may be sent requests.
func (s *Service) Ready(w http.ResponseWriter, r *http.Request) {
	if s.health.draining.Load() {
		plain(w, http.StatusServiceUnavailable, "arrêt en cours")
		return
	}
	if down := s.health.ask(r.Context()); len(down) > 0 {
		plain(w, http.StatusServiceUnavailable, strings.Join(down, "\n"))
		return
	}
	plain(w, http.StatusOK, "ok")
}

// Draining makes /readyz say no from now on.
func (s *Service) Draining() { s.health.draining.Store(true) }

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}
