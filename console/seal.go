package console

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// seal hides and protects what a page carries from one request to the next. It opens for
// the same use, in the same session, on the same record, and nowhere else.
func (v *visit) seal(use string, value any) (string, error) {
	aead, err := v.server.sealing()
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // never fails
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, v.bound(use))), nil
}

// maxSealed bounds a sealed text that is opened.
const maxSealed = 8 << 10

// unseal gives the value back; false for whatever was not sealed for this very use.
func (v *visit) unseal(use, sealed string, into any) bool {
	aead, err := v.server.sealing()
	if err != nil || len(sealed) > maxSealed {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(raw) < aead.NonceSize() {
		return false
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], v.bound(use))
	return err == nil && json.Unmarshal(plain, into) == nil
}

// sealing is the cipher of this deployment's pages.
func (s *Server) sealing() (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, s.Secret[:])
	mac.Write([]byte("passerelle console seal"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// bound is what a sealed text is bound to.
func (v *visit) bound(use string) []byte {
	return []byte(strings.Join([]string{use, string(v.side), v.call.Record, v.session.ID}, "\x00"))
}
