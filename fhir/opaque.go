package fhir

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// opaqueAlphabet is base64 with the two marks that an id of R4 may hold.
var opaqueAlphabet = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.").WithPadding(base64.NoPadding).Strict()

// opaqueRest is what an id holds beside the record, in bytes: all ids are of one length.
const opaqueRest = 16

// ID is the id of something that has none to show: a line of the trail, a link. It is the same
// for ever and for everybody, and holds the record and rest (16 bytes at most) so that only
// this gateway reads them: neither an order nor a number can be told from it, and none can
// be made up. kind keeps the ids of one resource from being those of another.
func (c *Cursors) ID(kind, record string, rest []byte) string {
	id, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(record), []byte("-"), nil)))
	if err != nil || len(id) != 16 || len(rest) > opaqueRest {
		return ""
	}
	plain := append(append(id, rest...), make([]byte, opaqueRest-len(rest))...)
	tag := c.tag(kind, plain)
	return opaqueAlphabet.EncodeToString(append(tag, c.mask(tag, plain)...))
}

// OpenID gives back what ID sealed; ok is false for any other text.
func (c *Cursors) OpenID(kind, id string) (record string, rest []byte, ok bool) {
	raw, err := opaqueAlphabet.DecodeString(id)
	if err != nil || len(raw) != opaqueTag+16+opaqueRest {
		return "", nil, false
	}
	plain := c.mask(raw[:opaqueTag], raw[opaqueTag:])
	if !hmac.Equal(raw[:opaqueTag], c.tag(kind, plain)) {
		return "", nil, false
	}
	h := hex.EncodeToString(plain[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], plain[16:], true
}

// opaqueTag is the length of the tag: with it a resource id stays within 64 characters.
const opaqueTag = 12

// tag authenticates the plain text and is its initialisation vector (RFC 5297, in
// short): the same text has the same id.
func (c *Cursors) tag(kind string, plain []byte) []byte {
	mac := hmac.New(sha256.New, c.nonce)
	mac.Write([]byte("id " + kind + "\n"))
	mac.Write(plain)
	return mac.Sum(nil)[:opaqueTag]
}

func (c *Cursors) mask(tag, text []byte) []byte {
	masked := make([]byte, len(text))
	cipher.NewCTR(c.ids, append(append([]byte{}, tag...), make([]byte, aes.BlockSize-opaqueTag)...)).XORKeyStream(masked, text)
	return masked
}
