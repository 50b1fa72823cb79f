package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
)

// mark stands for a big document in a message until it is sent.
const mark = "the document of the bench comes here"

// block is what big documents are made of: incompressible, always the same.
var block = func() []byte {
	b := make([]byte, 1<<20)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(b) // never fails
	return b
}()

// endless reads the block again and again.
type endless struct{ at int }

// Read implements io.Reader.
func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, block[e.at:])
	e.at = (e.at + n) % len(block)
	return n, nil
}

// noise writes n bytes of it.
func noise(w io.Writer, n int64) error {
	_, err := io.CopyN(w, &endless{}, n)
	return err
}

// bigPush writes an ITI-41 of n bytes that is made while it is sent.
func (w *world) bigPush(p patient, uid string, n int64) (*request, error) {
	q, err := w.provide(p, asked, uid, newOID(43), false, 0, []byte(mark))
	if err != nil {
		return nil, err
	}
	head, tail := q.parts[0], q.parts[2]
	q.ids, q.parts = nil, nil
	q.stream = func() (io.Reader, int64) {
		return io.MultiReader(bytes.NewReader(head), io.LimitReader(&endless{}, n), bytes.NewReader(tail)), int64(len(head)+len(tail)) + n
	}
	return q, nil
}

// push deposits a big document and gives its uniqueId.
func (w *world) push(ctx context.Context, p patient, n int64) (string, error) {
	uid := newOID(43)
	q, err := w.bigPush(p, uid, n)
	if err != nil {
		return "", err
	}
	_, err = w.once(ctx, w.base(), q)
	return uid, err
}

// read sends a request whose answer is too big to keep.
func (w *world) read(ctx context.Context, q *request) error {
	sink := &tail{}
	status, err := send(ctx, http.DefaultClient, w.base(), q, sink)
	if err != nil {
		return err
	}
	return sink.check(q, status)
}

// errTooLittle is a disk that a gate would fill.
var errTooLittle = errors.New("too little room on the disk")

func room(free, need int64) error {
	if free < need {
		return fmt.Errorf("%w: %s free, %s needed", errTooLittle, size(free), size(need))
	}
	return nil
}
