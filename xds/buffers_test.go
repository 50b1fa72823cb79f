package xds

import (
	"bytes"
	"testing"
)

// What one answer left in the memory is never part of the next one.
func TestBuffersAreEmpty(t *testing.T) {
	var lent Buffers
	for range 3 {
		lent.Lend(func(b []byte) []byte {
			if len(b) != 0 {
				t.Fatalf("%d bytes of a former answer", len(b))
			}
			return append(b, bytes.Repeat([]byte("x"), 100_000)...)
		})
	}
	lent.Lend(func([]byte) []byte { return make([]byte, maxKept+1) })
	lent.Lend(func(b []byte) []byte {
		if cap(b) > maxKept {
			t.Errorf("a buffer of %d bytes was kept", cap(b))
		}
		return b
	})
}
