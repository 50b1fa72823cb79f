package repository

import (
	"context"
	"io"
	"sync"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Shelf remembers what documents say, by blob: their bytes never change. It is asked
// with a Visible in hand, so it shows nobody more than the store would. Make it with
// NewShelf.
type Shelf[T any] struct {
	most int64 // bytes of a document that is read at all
	read func([]byte) T
	mu   sync.Mutex
	said *xds.LRU[string, T]
}

// NewShelf remembers the last so many documents, each as read reads it.
func NewShelf[T any](remembered int, most int64, read func([]byte) T) *Shelf[T] {
	return &Shelf[T]{most: most, read: read, said: xds.NewLRU[string, T](remembered)}
}

// Open reads a document, or remembers it. ok is false for one that is not in this store,
// or that is too large.
func (sh *Shelf[T]) Open(ctx context.Context, store *Store, v authz.Visible[xds.Document]) (said T, ok bool, err error) {
	d, _ := v.Value()
	if d.Content.Blob == "" || d.Content.Size > sh.most {
		return said, false, nil
	}
	sh.mu.Lock()
	said, ok = sh.said.Get(d.Content.Blob)
	sh.mu.Unlock()
	if ok {
		return said, true, nil
	}
	body, err := store.Open(ctx, v)
	if err != nil {
		return said, false, err
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		return said, false, err
	}
	said = sh.read(content)
	sh.mu.Lock()
	sh.said.Put(d.Content.Blob, said)
	sh.mu.Unlock()
	return said, true, nil
}
