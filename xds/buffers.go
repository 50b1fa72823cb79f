package xds

import "sync"

// maxKept bounds the memory that one answer leaves to the next, in bytes: 200
// documents or so; the buffer of a longer answer is not kept.
const maxKept = 1 << 20

// Buffers lends the encoders of both faces the memory of former answers, so that
// an answer of 100 kB costs no allocation. The zero Buffers is ready; it is safe
// for concurrent use.
type Buffers struct{ pool sync.Pool }

// Lend gives use an empty slice to append to, valid until use returns; use returns
// what it became.
func (b *Buffers) Lend(use func([]byte) []byte) {
	kept, _ := b.pool.Get().(*[]byte)
	if kept == nil {
		kept = new([]byte)
	}
	*kept = use((*kept)[:0])
	if cap(*kept) <= maxKept {
		b.pool.Put(kept)
	}
}
