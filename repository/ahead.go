package repository

import (
	"io"
	"sync"
)

// blocks are the buffers of readers ahead: two for each answer under way.
var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// WriteTo implements io.WriterTo: the next block is read and hashed while the last
// one is being written, because hashing takes as long as sending. What Read holds
// back until the whole was verified is held back here too.
func (c *checked) WriteTo(w io.Writer) (int64, error) {
	if c.left <= blockSize {
		return io.Copy(w, struct{ io.Reader }{c})
	}
	free, full := make(chan *[blockSize]byte, 2), make(chan block)
	for range cap(free) {
		free <- blocks.Get().(*[blockSize]byte)
	}
	go c.readAhead(free, full)
	var written int64
	var ended error
	for b := range full { // to its end, whatever happens: the reader must be done before the blob is closed
		if ended == nil {
			var n int
			n, ended = w.Write(b.bytes[:b.n])
			written += int64(n)
			if ended == nil {
				ended = b.err
			}
			if ended != nil {
				close(free)
			}
		}
		if ended != nil {
			blocks.Put(b.bytes)
		} else {
			free <- b.bytes
		}
	}
	for unused := range free {
		blocks.Put(unused)
	}
	if ended == io.EOF {
		ended = nil
	}
	return written, ended
}

// block is what was read, and how the reading ended with it.
type block struct {
	bytes *[blockSize]byte
	n     int
	err   error
}

// readAhead fills the free blocks until the content ends or fails, or no more of them
// come because the writing failed.
func (c *checked) readAhead(free <-chan *[blockSize]byte, full chan<- block) {
	defer close(full)
	for bytes := range free {
		b := block{bytes: bytes}
		for b.n < blockSize && b.err == nil {
			var n int
			n, b.err = c.Read(bytes[b.n:])
			b.n += n
		}
		full <- b
		if b.err != nil {
			return
		}
	}
}
