package main

import (
	"crypto/rand"
	"math/big"
	"strings"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
)

// likeID is a new random id of the form and length of another one: a UUID, 32
// hexadecimal digits, or an OID under 2.25.
func likeID(id string) string {
	switch {
	case strings.HasPrefix(id, "2.25."):
		return newOID(len(id))
	case len(id) == 32:
		return strings.ReplaceAll(service.NewID(), "-", "")
	default:
		return service.NewID()
	}
}

// newOID is a random OID under 2.25 of n characters.
func newOID(n int) string {
	digits := int64(n - len("2.25.") - 1)
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(digits), nil)
	random, err := rand.Int(rand.Reader, limit)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	text := random.String()
	return "2.25.1" + strings.Repeat("0", int(digits)-len(text)) + text
}
