package saml

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Bounds of what the verifier remembers.
const (
	cacheSize = 4_096
	idsSize   = 65_536
)

// digest is a SHA-256.
type digest = [sha256.Size]byte

// memory is what the verifier keeps between requests: assertions that were
// verified, and the identifiers that were seen. Failures are never kept.
type memory struct {
	mu     sync.Mutex
	tokens *xds.LRU[digest, *token]
	ids    *xds.LRU[assertionID, sighting]
}

// assertionID names an assertion: identifiers are unique per issuer.
type assertionID struct{ issuer, id string }

// sighting is the first use of an identifier.
type sighting struct {
	content digest    // of the canonical signed bytes
	client  digest    // of the TLS client certificate, zero without one
	until   time.Time // end of the assertion, skew included
}

func newMemory() *memory {
	return &memory{tokens: xds.NewLRU[digest, *token](cacheSize), ids: xds.NewLRU[assertionID, sighting](idsSize)}
}

func (m *memory) token(key digest) (*token, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens.Get(key)
}

func (m *memory) keep(key digest, t *token) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens.Put(key, t)
}

// sight enters the use of an identifier. It returns what an earlier use, still
// within the validity of its assertion, said of it.
func (m *memory) sight(id assertionID, now sighting, at time.Time) (earlier sighting, seen bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	earlier, seen = m.ids.Get(id)
	if seen && at.Before(earlier.until) {
		return earlier, true
	}
	m.ids.Put(id, now)
	return sighting{}, false
}
