// Package signed is what a gateway states over its signature: that a record was deleted
// for good (S3, policy §1.5 erase), and what an export held when it left. Statements are
// made to be kept by the holder and verified years later, without the gateway.
//
// The signature is Ed25519 (RFC 8032) over the kind of the statement and its bytes. The
// public key stands in it; whether that key is the gateway's is for the reader to know,
// by the fingerprint that the gateway publishes.
package signed

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
)

// Kind keeps a signature of one kind of statement from passing for another.
type Kind string

// The kinds of statements.
const (
	CertificateOfDeletion Kind = "certificate-of-deletion"
	ManifestOfExport      Kind = "manifest-of-export"
)

// Signer is a gateway that signs.
type Signer struct {
	Gateway string // its address
	Key     ed25519.PrivateKey
}

const algorithm = "Ed25519"

// Signature stands beside a statement, or in a file of its own.
type Signature struct {
	Algorithm   string `json:"algorithm"`
	Key         string `json:"key"` // public, base64
	Fingerprint string `json:"fingerprint"`
	Value       string `json:"value"` // base64
}

// ErrBroken is a statement that is not the one that was signed.
var ErrBroken = errors.New("signature broken")

// Sign signs the bytes of a statement.
func (s Signer) Sign(kind Kind, statement []byte) Signature {
	public := s.Public()
	public.Value = base64.StdEncoding.EncodeToString(ed25519.Sign(s.Key, message(kind, statement)))
	return public
}

// Public is the key by which the statements of a gateway are verified, without a value.
func (s Signer) Public() Signature {
	key := s.Key.Public().(ed25519.PublicKey)
	return Signature{Algorithm: algorithm, Key: base64.StdEncoding.EncodeToString(key), Fingerprint: fingerprint(key)}
}

// Verify tells whether the statement is the one that the key in the signature signed.
// The key's fingerprint in the signature is checked too.
func (s Signature) Verify(kind Kind, statement []byte) error {
	key, err := base64.StdEncoding.DecodeString(s.Key)
	if err != nil || s.Algorithm != algorithm || len(key) != ed25519.PublicKeySize || s.Fingerprint != fingerprint(key) {
		return ErrBroken
	}
	value, err := base64.StdEncoding.DecodeString(s.Value)
	if err != nil || !ed25519.Verify(key, message(kind, statement), value) {
		return ErrBroken
	}
	return nil
}

func message(kind Kind, statement []byte) []byte {
	return append([]byte("passerelle "+string(kind)+"\n"), statement...)
}

func fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	return "sha256:" + hex.EncodeToString(sum[:])
}
