package repository

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/repository/vault"
)

// ErrNoKey is a blob whose key is not there: destroyed, or not restored.
var ErrNoKey = errors.New("no key for this blob")

// keyless marks what a vault says of one key, as opposed to a vault that does not answer.
func keyless(err error) error {
	if errors.Is(err, vault.ErrNone) || errors.Is(err, vault.ErrCorrupt) || errors.Is(err, vault.ErrMaster) {
		return fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	return err
}

// Destruction is how the key of an epoch went.
type Destruction = vault.Destruction

// Shred destroys the key of a record's epoch (policy §1.5 erase): once it returns, the
// blobs of that epoch can be read by nobody any more, wherever copies of them are. It is
// told the same way however often it is asked for. The blobs themselves are the caller's
// to discard: those that an earlier version left in the clear depend on it. The zero
// System destroys nothing.
func (s *Store) Shred(sys authz.System, record string, epoch int, now time.Time) (Destruction, error) {
	if sys.Reason() == "" {
		return Destruction{}, ErrNotVisible
	}
	if s.Vault == nil {
		return Destruction{At: now}, nil
	}
	done, err := s.Vault.Destroy(record, epoch, now)
	s.observe("shred", err)
	if err != nil {
		return Destruction{}, fmt.Errorf("repository: %w", err)
	}
	return done, nil
}

// Revived names the keys of destroyed epochs that are there all the same, because a
// back-up brought them back; with reap they are destroyed again. The zero System learns
// nothing.
func (s *Store) Revived(ctx context.Context, sys authz.System, reap bool) (keys []string, err error) {
	if sys.Reason() == "" {
		return nil, ErrNotVisible
	}
	if s.Vault == nil {
		return nil, nil
	}
	names, err := s.Vault.Revived(ctx)
	if err == nil && reap {
		_, err = s.Vault.Reap(ctx)
	}
	for _, n := range names {
		keys = append(keys, n.Record+"/"+strconv.Itoa(n.Epoch))
	}
	return keys, err
}
