package service

import (
	"log"
	"log/slog"
	"sync"
	"time"

	"github.com/passerelle-sante/passerelle/trust"
)

// quiet is how long a reason is not repeated in the log: a client that tries again
// and again says the same thing.
const quiet = 10 * time.Second

// handshakes turns what net/http logs into reasons that an operator can act upon.
// What it does not understand, mostly scanners, stays at debug.
type handshakes struct {
	log     *slog.Logger
	refused func()
	now     func() time.Time

	mutex sync.Mutex
	last  map[string]time.Time
	more  map[string]int // since then, by reason
}

// maxReasons bounds what is remembered: reasons are a few sentences of ours, with the
// names of authorities in them.
const maxReasons = 256

func newHandshakes(logger *slog.Logger, refused func()) *log.Logger {
	return log.New(&handshakes{log: logger, refused: refused, now: time.Now, last: map[string]time.Time{}, more: map[string]int{}}, "", 0)
}

// Write implements io.Writer: one line of net/http.
func (h *handshakes) Write(line []byte) (int, error) {
	reason, mend, ok := trust.Refusal(string(line))
	if !ok {
		h.log.Debug(string(line))
		return len(line), nil
	}
	if h.refused != nil {
		h.refused()
	}
	if more, say := h.due(reason); say {
		h.log.Warn("tls refused", "reason", reason, "mend", mend, "more", more)
	}
	return len(line), nil
}

// due tells whether a reason is to be said now, and how many times it was not.
func (h *handshakes) due(reason string) (more int, say bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	at := h.now()
	if last, known := h.last[reason]; known && at.Sub(last) < quiet {
		h.more[reason]++
		return 0, false
	}
	if len(h.last) >= maxReasons {
		clear(h.last)
		clear(h.more)
	}
	more = h.more[reason]
	h.last[reason] = at
	delete(h.more, reason)
	return more, true
}
