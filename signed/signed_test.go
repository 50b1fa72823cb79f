package signed_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/signed"
)

var signer = signed.Signer{Gateway: "https://passerelle.example.org", Key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))}

var deletion = signed.Deletion{
	Record: "0a6f34c5-4a7a-4a31-9f1e-2b0f8f5b1c11", Epoch: 2, EndedAt: time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC),
	DestroyedAt: time.Date(2027, 3, 1, 12, 0, 1, 0, time.UTC), Documents: 12, Keys: 1, Fingerprint: "00ff",
}

func TestCertificate(t *testing.T) {
	file, err := signer.Certify(deletion)
	if err != nil {
		t.Fatal(err)
	}
	var spaced bytes.Buffer
	if err := json.Indent(&spaced, file, "", "  "); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"as it left": file, "spaced out": spaced.Bytes()} {
		d, signature, err := signed.ReadCertificate(file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d.Documents != 12 || d.Gateway != signer.Gateway || !d.DestroyedAt.Equal(deletion.DestroyedAt) || d.French == "" {
			t.Errorf("%s: %+v", name, d)
		}
		if signature.Fingerprint != signer.Public().Fingerprint {
			t.Errorf("%s: key %s", name, signature.Fingerprint)
		}
	}
}

func TestCertificateBroken(t *testing.T) {
	file, err := signer.Certify(deletion)
	if err != nil {
		t.Fatal(err)
	}
	other := signed.Signer{Gateway: signer.Gateway, Key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))}
	for name, change := range map[string]func(string) string{
		"another number":   func(s string) string { return strings.Replace(s, `"documents":12`, `"documents":13`, 1) },
		"another kind":     func(s string) string { return strings.Replace(s, "certificate-of-deletion", "manifest-of-export", 1) },
		"another key said": func(s string) string { return strings.ReplaceAll(s, signer.Public().Key, other.Public().Key) },
		"a key of others under our fingerprint": func(s string) string {
			theirs, _ := other.Certify(deletion)
			return strings.ReplaceAll(string(theirs), other.Public().Fingerprint, signer.Public().Fingerprint)
		},
		"no signature": func(s string) string { return s[:strings.Index(s, `,"signature"`)] + "}" },
		"no JSON":      func(string) string { return "%PDF-1.4" },
		"nothing":      func(string) string { return "" },
	} {
		if _, _, err := signed.ReadCertificate([]byte(change(string(file)))); !errors.Is(err, signed.ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A statement of one kind is none of another, though its bytes are the same.
func TestKindsApart(t *testing.T) {
	statement := []byte(`{}`)
	if err := signer.Sign(signed.ManifestOfExport, statement).Verify(signed.CertificateOfDeletion, statement); !errors.Is(err, signed.ErrBroken) {
		t.Errorf("err = %v", err)
	}
}
