package service

import (
	"log/slog"
	"net/http"
	"testing"
	"time"
)

// TestServerBounds is attack 117 of safety §2.3: the one server of the product has a
// bound for everything that a client may be slow or long with. Bodies and answers, whose
// length is not known, are paced (TestPacedBodies).
func TestServerBounds(t *testing.T) {
	s := newServer(Front{Handler: http.NotFoundHandler()}, slog.New(slog.DiscardHandler))
	for name, bound := range map[string]struct{ got, most time.Duration }{
		"headers": {s.ReadHeaderTimeout, 10 * time.Second}, "request": {s.ReadTimeout, 2 * time.Hour},
		"answer": {s.WriteTimeout, 2 * time.Hour}, "idle": {s.IdleTimeout, 5 * time.Minute},
	} {
		if bound.got <= 0 || bound.got > bound.most {
			t.Errorf("%s: %v", name, bound.got)
		}
	}
	if s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 1<<20 {
		t.Errorf("headers of %d bytes", s.MaxHeaderBytes)
	}
	if h2 := s.HTTP2; h2 == nil || h2.MaxConcurrentStreams <= 0 || h2.MaxConcurrentStreams > 250 || h2.MaxReceiveBufferPerConnection > 8<<20 {
		t.Errorf("HTTP/2: %+v", s.HTTP2)
	}
}
