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
	"time"

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
)

// Info is what List tells of a blob.
type Info struct {
	Key      string
	Modified time.Time // when it was written
}

// backend is where blobs are kept, as files of the format of header.go. It is
// sealed: outside this package bytes are reached through a Store alone.
//
// put is create-only and durable once it returns nil: it never touches a blob
// that is there (ErrExists), and leaves nothing behind when it fails, unless the
// answer of a remote server was lost. remove of an absent blob is no error. list
// has one stable order of its own.
type backend interface {
	temp() (*os.File, error)
	put(ctx context.Context, key string, blob *os.File) error
	get(ctx context.Context, key string) (io.ReadCloser, error)
	remove(ctx context.Context, key string) error
	list(ctx context.Context, after string) iter.Seq2[Info, error]
}

// Store keeps blobs in one back end. It is safe for concurrent use.
type Store struct {
	// NewID makes the last part of a key; it must not repeat itself. Set only by tests.
	NewID func() string
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

// part is one part of a key; no part begins with a dot, so none climbs out.
const part = `[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}`

var (
	prefixGrammar = regexp.MustCompile(`^` + part + `(/` + part + `){0,3}$`)
	keyGrammar    = regexp.MustCompile(`^` + part + `(/` + part + `){1,4}$`)
)

// Create streams a document into a new blob under the patient's epoch (one to
// four parts of letters, digits, dash, dot and underscore, joined by slashes) and
// says where it is and what it measures. It holds 256 kB of it in memory at most.
//
// Past limit bytes it stops with the finding SOAP-008 (limits of design §5; the face
// adds where). An error of the reader, such as a body that was cut off, is
// returned wrapped. After any error nothing stays.
func (s *Store) Create(ctx context.Context, epochPrefix string, r io.Reader, limit int64) (xds.Content, error) {
	if !prefixGrammar.MatchString(epochPrefix) {
		return xds.Content{}, fmt.Errorf("%w: epoch", ErrKey)
	}
	f, err := s.back.temp()
	if err != nil {
		return xds.Content{}, fmt.Errorf("repository: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	content, err := s.spool.write(ctx, f, r, limit)
	if err != nil {
		return xds.Content{}, err
	}
	content.Blob = epochPrefix + "/" + s.NewID()
	if !keyGrammar.MatchString(content.Blob) {
		return xds.Content{}, fmt.Errorf("%w: id", ErrKey)
	}
	if err := s.back.put(ctx, content.Blob, f); err != nil {
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
	return s.back.remove(ctx, key)
}

// List walks the blobs that follow a key in the store's own stable order, all of
// them for the empty key, for the sweeper of orphans. It reads as it goes; an
// error ends the walk. A blob made or discarded meanwhile may be listed or not.
func (s *Store) List(ctx context.Context, after string) iter.Seq2[Info, error] {
	if after != "" && !keyGrammar.MatchString(after) {
		return func(yield func(Info, error) bool) { yield(Info{}, ErrKey) }
	}
	return s.back.list(ctx, after)
}
