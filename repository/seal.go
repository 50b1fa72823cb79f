package repository

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/minio/highwayhash"
)

// A seal tells at each reading that a content is the one that was written, seven
// times faster than its SHA-256, which takes longer than sending it. It is a keyed
// hash (HighwayHash-256) under a random key of this content alone. Both stand in the
// registry, where whoever can change a blob does not see them.
type sealer struct {
	hash.Hash
	key []byte
}

// newSealer makes a seal under a new key.
func newSealer() *sealer {
	key := make([]byte, highwayhash.Size)
	rand.Read(key) // never fails
	return sealerOf(key)
}

func sealerOf(key []byte) *sealer {
	h, err := highwayhash.New(key)
	if err != nil {
		panic(err) // a key of this length is always right
	}
	return &sealer{h, key}
}

// text is the seal of what passed, as the registry keeps it: key and hash in
// hexadecimal.
func (s *sealer) text() string { return hex.EncodeToString(s.Sum(bytes.Clone(s.key))) }

// readSeal takes a seal apart: what is to be computed, and what must come of it.
func readSeal(text string) (s *sealer, sum []byte, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 2*highwayhash.Size {
		return nil, nil, fmt.Errorf("%w: no registered seal", ErrCorrupt)
	}
	return sealerOf(raw[:highwayhash.Size]), raw[highwayhash.Size:], nil
}
