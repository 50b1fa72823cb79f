package repository

import (
	"context"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/passerelle-sante/passerelle/failpoint"
	"github.com/passerelle-sante/passerelle/xds"
)

// blockSize is how much of a document is in memory at once: fewer, larger writes
// than the 4 kB reads of a MIME part.
const blockSize = 256 << 10

// errSpool tells a failure to write from one of what is read.
var errSpool = errors.New("temporary file")

// spooler writes documents into temporary files.
type spooler struct{ blocks sync.Pool }

// write streams r into f as a blob, header included, and measures it. aead is nil for a
// clear one.
func (s *spooler) write(ctx context.Context, f *os.File, h header, aead cipher.AEAD, r io.Reader, limit int64) (xds.Content, error) {
	block, ok := s.blocks.Get().(*[blockSize]byte)
	if !ok {
		block = new([blockSize]byte)
	}
	defer s.blocks.Put(block)
	if _, err := f.Write(h.bytes()); err != nil {
		return xds.Content{}, fmt.Errorf("repository: %w: %w", errSpool, err)
	}
	failpoint.After(failpoint.FirstByte)
	h1, h256 := sha1.New(), sha256.New()
	seal := newSealer()
	sink := io.MultiWriter(f, h1, h256, seal)
	var encrypted *encrypter
	if aead != nil {
		encrypted = newEncrypter(f, aead)
		defer encrypted.release()
		sink = io.MultiWriter(encrypted, h1, h256, seal)
	}
	var size int64
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return xds.Content{}, err
		}
		n, err := fill(r, block[:])
		if done = errors.Is(err, io.EOF); err != nil && !done {
			return xds.Content{}, fmt.Errorf("document: %w", err)
		}
		if size += int64(n); size > limit {
			return xds.Content{}, overLimit(limit)
		}
		failpoint.Before(failpoint.Part)
		if _, err := sink.Write(block[:n]); err != nil {
			return xds.Content{}, fmt.Errorf("repository: %w: %w", errSpool, err)
		}
		failpoint.After(failpoint.Part)
	}
	if encrypted != nil {
		if err := encrypted.end(); err != nil {
			return xds.Content{}, fmt.Errorf("repository: %w: %w", errSpool, err)
		}
	}
	h.length = size
	if _, err := f.WriteAt(h.bytes(), 0); err != nil {
		return xds.Content{}, fmt.Errorf("repository: %w: %w", errSpool, err)
	}
	return xds.Content{SHA1: hex.EncodeToString(h1.Sum(nil)), SHA256: hex.EncodeToString(h256.Sum(nil)), Size: size, Seal: seal.text()}, nil
}

// fill reads until the block is full or the reader says something. Unlike
// io.ReadFull it keeps a reader's own io.ErrUnexpectedEOF, a body cut off, apart
// from the end of the document.
func fill(r io.Reader, block []byte) (n int, err error) {
	for idle := 0; n < len(block) && err == nil; {
		var m int
		m, err = r.Read(block[n:])
		if n += m; m > 0 {
			idle = 0
		} else if idle++; err == nil && idle > 100 {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// tempPrefix begins the name of a temporary file.
const tempPrefix = "blob-"

// tempFile makes an empty temporary file, locked while it is open so that the
// sweep of another process leaves it alone.
func tempFile(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, tempPrefix)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return f, nil
}

// sweepTemp removes the temporary files whose writer has died.
func sweepTemp(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		if err := sweepOne(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func sweepOne(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil // being written
	}
	return os.Remove(path)
}
