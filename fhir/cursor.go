package fhir

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/passerelle-sante/passerelle/xds"
)

// Cursors seals positions in an answer, so that a next link tells nothing of what
// it passes over and opens for one subject and one query alone (safety SC-18). The
// same position always seals to the same text.
type Cursors struct {
	aead  cipher.AEAD
	nonce []byte // key of the synthetic nonces
	ids   cipher.Block
}

// NewCursors takes a secret of the deployment; links live as long as it does.
func NewCursors(secret [32]byte) (*Cursors, error) {
	block, err := aes.NewCipher(derive(secret, "seal"))
	if err != nil {
		return nil, fmt.Errorf("cursor key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("cursor key: %w", err)
	}
	ids, err := aes.NewCipher(derive(secret, "id"))
	if err != nil {
		return nil, fmt.Errorf("id key: %w", err)
	}
	return &Cursors{aead: aead, nonce: derive(secret, "nonce"), ids: ids}, nil
}

func derive(secret [32]byte, use string) []byte {
	mac := hmac.New(sha256.New, secret[:])
	mac.Write([]byte("passerelle cursor " + use))
	return mac.Sum(nil)
}

// block is what the length of a position is rounded up to, in bytes: one, two or three
// keys with a logicalID come out alike, whatever their values (SC-18).
const block = 96

// Seal hides a position; subject and query are what Open must be asked with.
func (c *Cursors) Seal(subject, query string, at xds.Cursor) string {
	plain, err := json.Marshal(at)
	if err != nil {
		return "" // strings always marshal
	}
	plain = append(plain, bytes.Repeat([]byte(" "), (block-len(plain)%block)%block)...)
	bound := binding(subject, query)
	mac := hmac.New(sha256.New, c.nonce)
	mac.Write(bound)
	mac.Write(plain)
	nonce := mac.Sum(nil)[:c.aead.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(c.aead.Seal(nonce, nonce, plain, bound))
}

// Open gives the position back; any other subject or query, and any change, is FHIR-008.
func (c *Cursors) Open(subject, query, sealed string) (*xds.Cursor, error) {
	refused := &xds.Error{ID: "FHIR-008", Where: "_cursor", Expected: "un lien next rendu par cette recherche, pour le même utilisateur"}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	size := c.aead.NonceSize()
	if err != nil || len(raw) < size {
		return nil, refused
	}
	plain, err := c.aead.Open(nil, raw[:size], raw[size:], binding(subject, query))
	if err != nil {
		return nil, refused
	}
	var at xds.Cursor
	if json.Unmarshal(plain, &at) != nil {
		return nil, refused
	}
	return &at, nil
}

// binding is what a cursor is sealed to: two texts, told apart by their hashes.
func binding(subject, query string) []byte {
	s, q := sha256.Sum256([]byte(subject)), sha256.Sum256([]byte(query))
	return append(s[:], q[:]...)
}
