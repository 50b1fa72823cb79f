package repository

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
)

// Check tells whether the store answers: it reads, as little as it can, and writes
// nothing. It says nothing about any blob.
func (s *Store) Check(ctx context.Context) error {
	err := s.back.check(ctx)
	if err == nil && s.Vault != nil {
		err = s.Vault.Check(ctx)
	}
	s.observe("check", err)
	if err != nil {
		return fmt.Errorf("repository: %w", err)
	}
	return nil
}

// probePrefix is the epoch of the blobs that Probe writes, in the clear: no record has
// such an id, and none a key.
const probePrefix = "probe"

// Probe writes a small blob of random bytes, reads it back and deletes it: what an
// operator wants to know before the first document. It is for the command line,
// never for a health page.
func (s *Store) Probe(ctx context.Context) error {
	text := make([]byte, 64)
	rand.Read(text)
	content, err := s.Create(ctx, probePrefix, bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := s.same(ctx, content.Blob, text); err != nil {
		_ = s.Discard(ctx, content.Blob)
		return fmt.Errorf("read: %w", err)
	}
	if err := s.Discard(ctx, content.Blob); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

// same compares a blob that we wrote ourselves.
func (s *Store) same(ctx context.Context, key string, want []byte) error {
	blob, err := s.back.get(ctx, key)
	if err != nil {
		return err
	}
	defer blob.Close()
	if _, err := readHeader(blob); err != nil {
		return err
	}
	got, err := io.ReadAll(io.LimitReader(blob, int64(len(want))+1))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return ErrCorrupt
	}
	return nil
}

func (s *Store) observe(operation string, err error) {
	if s.Observe != nil {
		s.Observe(operation, err)
	}
}
