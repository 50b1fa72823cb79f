package saml

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// Bounds of what the verifier remembers.
const (
	cacheSize = 4_096
	idsSize   = 65_536
)

// lru is a bounded map that forgets what was used least recently.
type lru[K comparable, V any] struct {
	size  int
	order *list.List // of *pair[K, V], most recent first
	at    map[K]*list.Element
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](size int) *lru[K, V] {
	return &lru[K, V]{size: size, order: list.New(), at: map[K]*list.Element{}}
}

func (l *lru[K, V]) get(k K) (v V, ok bool) {
	e, ok := l.at[k]
	if !ok {
		return v, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*pair[K, V]).value, true
}

func (l *lru[K, V]) put(k K, v V) {
	if e, ok := l.at[k]; ok {
		e.Value.(*pair[K, V]).value = v
		l.order.MoveToFront(e)
		return
	}
	l.at[k] = l.order.PushFront(&pair[K, V]{k, v})
	if l.order.Len() > l.size {
		oldest := l.order.Back()
		l.order.Remove(oldest)
		delete(l.at, oldest.Value.(*pair[K, V]).key)
	}
}

// digest is a SHA-256.
type digest = [sha256.Size]byte

// memory is what the verifier keeps between requests: assertions that were
// verified, and the identifiers that were seen. Failures are never kept.
type memory struct {
	mu     sync.Mutex
	tokens *lru[digest, *token]
	ids    *lru[assertionID, sighting]
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
	return &memory{tokens: newLRU[digest, *token](cacheSize), ids: newLRU[assertionID, sighting](idsSize)}
}

func (m *memory) token(key digest) (*token, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens.get(key)
}

func (m *memory) keep(key digest, t *token) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens.put(key, t)
}

// sight enters the use of an identifier. It returns what an earlier use, still
// within the validity of its assertion, said of it.
func (m *memory) sight(id assertionID, now sighting, at time.Time) (earlier sighting, seen bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	earlier, seen = m.ids.get(id)
	if seen && at.Before(earlier.until) {
		return earlier, true
	}
	m.ids.put(id, now)
	return sighting{}, false
}
