package repository

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"io"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Open streams a document that a Scope admitted (ITI-43, ITI-68). The zero
// Visible opens nothing: ErrNotVisible. A blob that is absent is ErrMissing, one
// whose header or length is not what the registry says ErrCorrupt, at once.
//
// The reader checks the rest on the way: it gives the last bytes only when the
// whole has the registered seal and ends where it should, and ErrCorrupt
// otherwise, on which the caller aborts its answer. It ends with the context.
// The caller closes it.
func (s *Store) Open(ctx context.Context, v authz.Visible[xds.Document]) (io.ReadCloser, error) {
	d, ok := v.Value()
	if !ok {
		return nil, ErrNotVisible
	}
	if !keyGrammar.MatchString(d.Content.Blob) {
		return nil, ErrKey
	}
	return s.open(ctx, d.Content)
}

// open streams a blob and compares it with what the registry says of it.
func (s *Store) open(ctx context.Context, c xds.Content) (io.ReadCloser, error) {
	r, err := s.begin(ctx, c)
	if err != nil {
		s.observe("open", err)
		return nil, fmt.Errorf("repository: %s: %w", c.Blob, err)
	}
	return r, nil
}

// begin opens a blob and reads its header.
func (s *Store) begin(ctx context.Context, c xds.Content) (*checked, error) {
	seal, sum, err := readSeal(c.Seal)
	if err != nil {
		return nil, err
	}
	blob, err := s.back.get(ctx, c.Blob)
	if err != nil {
		return nil, err
	}
	h, err := readHeader(blob)
	if err == nil && h.length != c.Size {
		err = fmt.Errorf("%w: length %d, registered %d", ErrCorrupt, h.length, c.Size)
	}
	if err != nil {
		blob.Close()
		return nil, err
	}
	clear, err := s.unlock(c.Blob, h, blob)
	if err != nil {
		blob.Close()
		return nil, err
	}
	return &checked{ctx: ctx, key: c.Blob, blob: clear, left: h.length, sum: sum, seal: seal, observe: s.observe}, nil
}

// checked is a content on its way out.
type checked struct {
	ctx  context.Context
	key  string
	blob io.ReadCloser
	left int64 // bytes to come
	seal *sealer
	sum  []byte // expected of the seal
	err  error  // how the reading ended

	observe func(operation string, err error) // nil once it heard
}

// Read implements io.Reader.
func (c *checked) Read(p []byte) (int, error) {
	if c.err != nil || len(p) == 0 {
		return 0, c.err
	}
	n, err := c.read(p)
	c.err = err
	if err != nil && err != io.EOF {
		c.err = fmt.Errorf("repository: %s: %w", c.key, err)
	}
	if err != nil {
		c.tell(err)
	}
	if n > 0 && err == io.EOF {
		return n, nil // the next call says the end
	}
	return n, c.err
}

func (c *checked) read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n := 0
	if c.left > 0 {
		var err error
		n, err = c.blob.Read(p[:min(int64(len(p)), c.left)])
		c.seal.Write(p[:n])
		c.left -= int64(n)
		if err == io.EOF && c.left > 0 {
			return 0, fmt.Errorf("%w: cut short", ErrCorrupt)
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
	}
	if c.left > 0 {
		return n, nil
	}
	if err := c.verify(); err != nil {
		return 0, err
	}
	return n, io.EOF
}

// verify compares the whole once its last byte was read and not yet given.
func (c *checked) verify() error {
	if !hmac.Equal(c.seal.Sum(nil), c.sum) {
		return fmt.Errorf("%w: seal broken", ErrCorrupt)
	}
	if n, err := io.ReadFull(c.blob, make([]byte, 1)); n > 0 {
		return fmt.Errorf("%w: bytes after the end", ErrCorrupt)
	} else if err != io.EOF {
		return err
	}
	return nil
}

// tell tells once how the reading went; a reader that left is no failure of the store.
func (c *checked) tell(err error) {
	if c.observe == nil {
		return
	}
	if err == io.EOF || errors.Is(err, context.Canceled) {
		err = nil
	}
	c.observe("open", err)
	c.observe = nil
}

// Close implements io.Closer.
func (c *checked) Close() error {
	c.tell(nil)
	return c.blob.Close()
}
