package repository

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/passerelle-sante/passerelle/repository/vault"
	"github.com/passerelle-sante/passerelle/xds"
)

// An encrypted content is cut into chunks of chunkSize bytes, the last one shorter or as
// long, each under AES-256-GCM with its tag behind it. The nonce of a chunk is its number
// and whether it is the last (the STREAM construction of Hoang, Reyhanitabar, Rogaway and
// Vizár, 2015): chunks cannot be left out, repeated, put in another order, nor the content
// cut short at one. The key is that of this blob alone, derived from the record's with a
// random salt and the blob's own name, so that a blob under another name does not open.
const (
	chunkSize   = 64 << 10
	tagSize     = 16
	sealedChunk = chunkSize + tagSize
	batch       = blockSize / chunkSize // chunks that are read and written at once
)

// sealedLength is how long a content is once it is encrypted.
func sealedLength(clear int64) int64 {
	chunks := max(1, (clear+chunkSize-1)/chunkSize)
	return clear + chunks*tagSize
}

// cipherOf is the cipher of one blob.
func cipherOf(k vault.Key, salt []byte, blob string) (cipher.AEAD, error) {
	key, err := k.Derive(salt, "passerelle blob "+blob)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// nonce is that of the n-th chunk.
func nonce(n uint64, last bool) []byte {
	var b [12]byte
	binary.BigEndian.PutUint64(b[3:], n)
	if last {
		b[11] = 1
	}
	return b[:]
}

// epochGrammar is a prefix of keys that says under which epoch of which record blobs are
// encrypted: record, epoch, submission.
var epochGrammar = regexp.MustCompile(`^(` + part + `)/([1-9][0-9]{0,8})/` + part + `$`)

// epochOf takes such a prefix apart.
func epochOf(prefix string) (record string, epoch int, err error) {
	m := epochGrammar.FindStringSubmatch(prefix)
	if m == nil {
		return "", 0, fmt.Errorf("%w: no epoch", ErrKey)
	}
	epoch, err = strconv.Atoi(m[2])
	return m[1], epoch, err
}

// lock makes the header of a new blob and its cipher, nil for a clear one.
func (s *Store) lock(prefix, blob string) (header, cipher.AEAD, error) {
	if s.Vault == nil || prefix == probePrefix {
		return header{}, nil, nil
	}
	record, epoch, err := epochOf(prefix)
	if err != nil {
		return header{}, nil, err
	}
	key, err := s.Vault.Make(record, epoch)
	if errors.Is(err, vault.ErrDestroyed) {
		// The record ended while the document was on its way: coming back meets its door.
		err = fmt.Errorf("%w: %w", xds.ErrUnavailable, err)
	}
	if err != nil {
		return header{}, nil, err
	}
	h := header{epoch: epoch}
	rand.Read(h.salt[:])
	aead, err := cipherOf(key, h.salt[:], blob)
	return h, aead, err
}

// unlock gives the clear content behind a header.
func (s *Store) unlock(blob string, h header, r io.ReadCloser) (io.ReadCloser, error) {
	if h.epoch == 0 {
		return r, nil
	}
	if s.Vault == nil {
		return nil, fmt.Errorf("%w: encrypted, and no vault is configured", xds.ErrUnavailable)
	}
	record, _, _ := strings.Cut(blob, "/")
	key, err := s.Vault.Key(record, h.epoch)
	if err != nil {
		return nil, keyless(err)
	}
	aead, err := cipherOf(key, h.salt[:], blob)
	if err != nil {
		return nil, err
	}
	return &decrypter{src: r, aead: aead, left: h.length, buf: batches.Get().(*buffers)}, nil
}

// buffers are those of an encrypter or a decrypter.
type buffers struct {
	clear  [chunkSize]byte
	sealed [batch * sealedChunk]byte
}

var batches = sync.Pool{New: func() any { return new(buffers) }}

// encrypter writes a content encrypted. It holds the last chunk back until it knows
// whether another follows.
type encrypter struct {
	dst   io.Writer
	aead  cipher.AEAD
	chunk uint64
	clear []byte // of the chunk that is not full, or not known to be followed
	buf   *buffers
	out   []byte // sealed chunks
}

func newEncrypter(dst io.Writer, aead cipher.AEAD) *encrypter {
	e := &encrypter{dst: dst, aead: aead, buf: batches.Get().(*buffers)}
	e.clear, e.out = e.buf.clear[:0], e.buf.sealed[:0]
	return e
}

// Write implements io.Writer.
func (e *encrypter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if len(e.clear) == chunkSize {
			if err := e.seal(false); err != nil {
				return n - len(p), err
			}
		}
		took := copy(e.clear[len(e.clear):chunkSize], p)
		e.clear, p = e.clear[:len(e.clear)+took], p[took:]
	}
	return n, nil
}

func (e *encrypter) seal(last bool) error {
	e.out = e.aead.Seal(e.out, nonce(e.chunk, last), e.clear, nil)
	e.clear = e.clear[:0]
	e.chunk++
	if !last && len(e.out) < len(e.buf.sealed) {
		return nil
	}
	_, err := e.dst.Write(e.out)
	e.out = e.buf.sealed[:0]
	return err
}

// end writes the last chunk.
func (e *encrypter) end() error { return e.seal(true) }

// release gives the buffer back.
func (e *encrypter) release() { batches.Put(e.buf) }

// decrypter reads a content that was encrypted; what was changed is ErrCorrupt before
// any byte of its chunk is given.
type decrypter struct {
	src   io.ReadCloser
	aead  cipher.AEAD
	chunk uint64
	left  int64 // clear bytes of the chunks that are not opened yet
	ended bool  // the last chunk is opened
	buf   *buffers
	have  []byte // sealed chunks
	clear []byte // of the chunk that is being given
}

// Read implements io.Reader.
func (d *decrypter) Read(p []byte) (int, error) {
	for len(d.clear) == 0 && !d.ended {
		if len(d.have) == 0 {
			if err := d.load(); err != nil {
				return 0, err
			}
		}
		size := int(min(d.left, chunkSize))
		dst := d.have[:0] // in place
		if len(p) >= size {
			dst = p[:0]
		}
		clear, err := d.aead.Open(dst, nonce(d.chunk, d.left <= chunkSize), d.have[:size+tagSize], nil)
		if err != nil {
			return 0, fmt.Errorf("%w: chunk %d", ErrCorrupt, d.chunk)
		}
		d.have = d.have[size+tagSize:]
		d.chunk++
		d.ended = d.left <= chunkSize
		d.left -= int64(size)
		if len(p) >= size && size > 0 {
			return size, nil
		}
		d.clear = clear
	}
	if len(d.clear) == 0 {
		return d.src.Read(p) // nothing more, or bytes that should not be there
	}
	n := copy(p, d.clear)
	d.clear = d.clear[n:]
	return n, nil
}

// load reads the next chunks.
func (d *decrypter) load() error {
	n := min(sealedLength(d.left), int64(len(d.buf.sealed)))
	if _, err := io.ReadFull(d.src, d.buf.sealed[:n]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: cut short", ErrCorrupt)
	} else if err != nil {
		return err
	}
	d.have = d.buf.sealed[:n]
	return nil
}

// Close implements io.Closer.
func (d *decrypter) Close() error {
	if d.buf != nil {
		batches.Put(d.buf)
		d.buf, d.have, d.clear, d.ended = nil, nil, nil, true
	}
	return d.src.Close()
}
