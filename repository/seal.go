package repository

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
)

// A seal tells at each reading that a content is the one that was written, four
// times faster than its SHA-256, which takes as long as sending it. Each piece of
// 64 kB is authenticated by AES-GCM (NIST SP 800-38D, GMAC) under a random key of
// this content alone, and the SHA-256 of all tags is kept with the key: in the
// registry, where whoever changes a blob cannot see them.
const (
	sealKey   = 16 // bytes
	sealPiece = 64 << 10
)

// sealer computes a seal as the content passes.
type sealer struct {
	mac    cipher.AEAD
	key    []byte
	pieces uint64
	size   uint64
	part   []byte // of a piece that is not whole yet
	tag    []byte
	tags   hash.Hash
}

// newSealer makes a seal under a new key.
func newSealer() *sealer {
	key := make([]byte, sealKey)
	rand.Read(key) // never fails
	s, err := sealerOf(key)
	if err != nil {
		panic(err) // a key of this length is always right
	}
	return s
}

func sealerOf(key []byte) (*sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	mac, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealer{mac: mac, key: key, tags: sha256.New()}, nil
}

// Write implements io.Writer; it never fails.
func (s *sealer) Write(p []byte) (int, error) {
	n := len(p)
	s.size += uint64(n)
	for len(p) > 0 {
		if len(s.part) == 0 && len(p) >= sealPiece {
			s.piece(p[:sealPiece])
			p = p[sealPiece:]
			continue
		}
		taken := min(sealPiece-len(s.part), len(p))
		s.part, p = append(s.part, p[:taken]...), p[taken:]
		if len(s.part) == sealPiece {
			s.piece(s.part)
			s.part = s.part[:0]
		}
	}
	return n, nil
}

// piece authenticates one piece under a nonce of its own, its rank.
func (s *sealer) piece(p []byte) {
	var nonce [12]byte
	binary.BigEndian.PutUint64(nonce[4:], s.pieces)
	s.pieces++
	s.tag = s.mac.Seal(s.tag[:0], nonce[:], nil, p)
	s.tags.Write(s.tag)
}

// text is the seal of what passed, as the registry keeps it: key and digest in
// hexadecimal.
func (s *sealer) text() string { return hex.EncodeToString(append(bytes.Clone(s.key), s.sum()...)) }

func (s *sealer) sum() []byte {
	if len(s.part) > 0 {
		s.piece(s.part)
		s.part = s.part[:0]
	}
	s.tags.Write(binary.BigEndian.AppendUint64(nil, s.size))
	return s.tags.Sum(nil)
}

// readSeal takes a seal apart: what is to be computed, and what must come of it.
func readSeal(text string) (s *sealer, sum []byte, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != sealKey+sha256.Size {
		return nil, nil, fmt.Errorf("%w: no registered seal", ErrCorrupt)
	}
	s, err = sealerOf(raw[:sealKey])
	return s, raw[sealKey:], err
}
