//go:build failpoints

package failpoint

import (
	"net/http"
	"strings"
)

// Handler passes the Answer point with each answer of the two faces.
func Handler(h http.Handler) http.Handler {
	if armed.point != Answer {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/xds") || strings.HasPrefix(r.URL.Path, "/fhir") {
			w = &halved{ResponseWriter: w}
		}
		h.ServeHTTP(w, r)
	})
}

// halved sends the first piece of an answer in two halves.
type halved struct {
	http.ResponseWriter
	begun bool
}

// Write implements io.Writer.
func (w *halved) Write(p []byte) (int, error) {
	if w.begun {
		return w.ResponseWriter.Write(p)
	}
	w.begun = true
	Before(Answer)
	n, err := w.ResponseWriter.Write(p[:len(p)/2])
	if err != nil {
		return n, err
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
	After(Answer)
	m, err := w.ResponseWriter.Write(p[n:])
	return n + m, err
}

// Flush implements http.Flusher.
func (w *halved) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap lets a ResponseController reach the connection.
func (w *halved) Unwrap() http.ResponseWriter { return w.ResponseWriter }
