package repository

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"regexp"
	"syscall"
	"time"

	"github.com/passerelle-sante/passerelle/failpoint"
	"github.com/passerelle-sante/passerelle/repository/vault"
	"github.com/passerelle-sante/passerelle/xds"
)

// What can be wrong with a blob, for errors.Is. Their texts hold keys, which are
// opaque, and are for the log.
var (
	ErrNotVisible = errors.New("no proof that the document may be read")
	ErrMissing    = errors.New("blob missing")
	ErrCorrupt    = errors.New("blob corrupt")
	ErrExists     = errors.New("blob key already taken")
	ErrKey        = errors.New("not a blob key")
	ErrUncertain  = errors.New("blob perhaps stored") // Create failed and cannot tell: an answer was lost, or what was made could not be undone
)

// Info is what List tells of a blob.
type Info struct {
	Key      string
	Modified time.Time // when it was written
	Stray    bool      // something else than a blob, that Everything met; Key is its name below the store
}

// backend is where blobs are kept, as files of the format of header.go. It is
// sealed: outside this package bytes are reached through a Store alone.
//
// put is create-only and durable once it returns nil: it never touches a blob
// that is there (ErrExists), and leaves nothing behind when it fails, unless its error
// is ErrUncertain. size is that of the whole file, header
// included. remove of an absent blob is no error. list has one stable order of its
// own, strays included; under are the blobs whose key is the prefix and one part more.
type backend interface {
	temp() (*os.File, error)
	put(ctx context.Context, key string, blob *os.File) error
	get(ctx context.Context, key string) (io.ReadCloser, error)
	size(ctx context.Context, key string) (int64, error)
	remove(ctx context.Context, key string) error
	list(ctx context.Context, after string) iter.Seq2[Info, error]
	under(ctx context.Context, prefix string) iter.Seq2[Info, error]
	check(ctx context.Context) error
}

// Store keeps blobs in one back end. It is safe for concurrent use.
type Store struct {
	// NewID makes the last part of a key; it must not repeat itself. Set only by tests.
	NewID func() string
	// Observe hears once how each create, open, discard and check went. An open went as
	// its reading did: it is told of when that ends, by an error, at the end of the
	// content or by Close. What its sender ended, a body cut off or too long, is no
	// create, and a reader that left no error. nil ignores it.
	Observe func(operation string, err error)
	// Vault has the keys under which new blobs are encrypted, each under that of its
	// record's epoch. nil, in tests and tools, keeps them in the clear.
	Vault *vault.Vault

	back  backend
	spool spooler
}

func newStore(b backend) *Store { return &Store{NewID: randomID, back: b} }

// randomID is 128 random bits in hexadecimal.
func randomID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// part is one part of a key; no part begins with a dot, so none climbs out, and a
// whole key is no longer than the name of a file may be.
const part = `[A-Za-z0-9_-][A-Za-z0-9._-]{0,47}`

var (
	prefixGrammar = regexp.MustCompile(`^` + part + `(/` + part + `){0,3}$`)
	keyGrammar    = regexp.MustCompile(`^` + part + `(/` + part + `){1,4}$`)
)

// Create streams a document into a new blob under the patient's epoch (one to
// four parts of letters, digits, dash, dot and underscore, joined by slashes) and
// says where it is and what it measures. It holds 256 kB of it in memory at most. With
// a Vault the prefix is record/epoch/submission, and the blob is encrypted.
//
// Past limit bytes it stops with the finding SOAP-008 (limits of design §5; the face
// adds where). An error of the reader, such as a body that was cut off, is
// returned wrapped. After any error nothing stays, ErrUncertain aside.
func (s *Store) Create(ctx context.Context, epochPrefix string, r io.Reader, limit int64) (xds.Content, error) {
	if !prefixGrammar.MatchString(epochPrefix) {
		return xds.Content{}, fmt.Errorf("%w: epoch", ErrKey)
	}
	blob := epochPrefix + "/" + s.NewID()
	if !keyGrammar.MatchString(blob) {
		return xds.Content{}, fmt.Errorf("%w: id", ErrKey)
	}
	h, aead, err := s.lock(epochPrefix, blob)
	if err != nil {
		s.observe("create", err)
		return xds.Content{}, fmt.Errorf("repository: %w", err)
	}
	f, err := s.back.temp()
	if err != nil {
		err = passing(err)
		s.observe("create", err)
		return xds.Content{}, fmt.Errorf("repository: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	failpoint.Before(failpoint.FirstByte)
	content, err := s.spool.write(ctx, f, h, aead, r, limit)
	if errors.Is(err, errSpool) {
		err = passing(err)
		s.observe("create", err)
	}
	if err != nil {
		return xds.Content{}, err
	}
	content.Blob = blob
	failpoint.Before(failpoint.Complete)
	err = passing(errors.Join(s.back.put(ctx, content.Blob, f), uncertain(failpoint.Lost(failpoint.Complete))))
	failpoint.After(failpoint.Complete)
	s.observe("create", err)
	if err != nil {
		return xds.Content{}, fmt.Errorf("repository: %w", err)
	}
	return content, nil
}

// Discard deletes a blob for ever; one that is not there is no error. Metadata
// that names it must be gone before (safety §4.2, I-7).
func (s *Store) Discard(ctx context.Context, key string) error {
	if !keyGrammar.MatchString(key) {
		return ErrKey
	}
	err := passing(s.back.remove(ctx, key))
	s.observe("discard", err)
	return err
}

// uncertain marks a failure after which the blob may be there.
func uncertain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUncertain, err)
}

// passing marks the failure of a disk that is full or read-only as
// xds.ErrUnavailable: the sender may come back when the operator has made room. It
// leaves all other errors alone.
func passing(err error) error {
	for _, refusal := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
		if errors.Is(err, refusal) {
			return fmt.Errorf("%w: %w", xds.ErrUnavailable, err)
		}
	}
	return err
}
