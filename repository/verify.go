package repository

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Verify tells whether a blob is what the registry says, for the gateway itself: it
// is there (else ErrMissing), whole, and has the registered size, seal and SHA-256 (else
// ErrCorrupt). Its bytes go nowhere. Without the bytes, only presence and size are
// looked at. The zero System learns nothing: ErrNotVisible.
func (s *Store) Verify(ctx context.Context, sys authz.System, c xds.Content, bytes bool) error {
	switch {
	case sys.Reason() == "":
		return ErrNotVisible
	case !keyGrammar.MatchString(c.Blob):
		return ErrKey
	case !bytes:
		return s.verifySize(ctx, c)
	}
	r, err := s.open(ctx, c)
	if err != nil {
		return err
	}
	h := sha256.New()
	if _, err = io.Copy(h, r); err == nil && hex.EncodeToString(h.Sum(nil)) != c.SHA256 {
		err = fmt.Errorf("repository: %s: %w: SHA-256 differs", c.Blob, ErrCorrupt)
	}
	return errors.Join(err, r.Close())
}

func (s *Store) verifySize(ctx context.Context, c xds.Content) error {
	size, err := s.back.size(ctx, c.Blob)
	if err == nil && size != clearSize+c.Size && size != sealSize+sealedLength(c.Size) {
		err = fmt.Errorf("%w: file of %d bytes, content of %d registered", ErrCorrupt, size, c.Size)
	}
	if err != nil {
		return fmt.Errorf("repository: %s: %w", c.Blob, err)
	}
	return nil
}
