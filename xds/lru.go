package xds

import "container/list"

// LRU is a bounded map that forgets what was used least recently. It is not safe
// for concurrent use.
type LRU[K comparable, V any] struct {
	size  int
	order *list.List // of *pair[K, V], most recent first
	at    map[K]*list.Element
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

// NewLRU makes one that holds size values.
func NewLRU[K comparable, V any](size int) *LRU[K, V] {
	return &LRU[K, V]{size: size, order: list.New(), at: map[K]*list.Element{}}
}

// Get gives the value of a key and counts as a use of it.
func (l *LRU[K, V]) Get(k K) (v V, ok bool) {
	e, ok := l.at[k]
	if !ok {
		return v, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*pair[K, V]).value, true
}

// Put sets the value of a key.
func (l *LRU[K, V]) Put(k K, v V) {
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
