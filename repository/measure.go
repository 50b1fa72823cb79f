package repository

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/passerelle-sante/passerelle/xds"
)

// Measure reads a document to its end without keeping it: the hash and size of one
// that will be refused anyway, so that its sender learns all findings at once.
// Errors are those of Create.
func (s *Store) Measure(r io.Reader, limit int64) (xds.Content, error) {
	h1, h256 := sha1.New(), sha256.New()
	size, err := io.Copy(io.MultiWriter(h1, h256), io.LimitReader(r, limit+1))
	if err != nil {
		return xds.Content{}, fmt.Errorf("document: %w", err)
	}
	if size > limit {
		return xds.Content{}, overLimit(limit)
	}
	return xds.Content{SHA1: hex.EncodeToString(h1.Sum(nil)), SHA256: hex.EncodeToString(h256.Sum(nil)), Size: size}, nil
}

// overLimit is the finding of a document past its limit.
func overLimit(limit int64) error {
	return xds.Errors{xds.Found("SOAP-008", "", fmt.Sprintf("plus de %d octets", limit), fmt.Sprintf("au plus %d octets", limit))}
}
