package pki

import (
	"crypto/ecdsa"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	first, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Root.Certificate.Equal(again.Root.Certificate) || !first.VIHF.Certificate.Equal(again.VIHF.Certificate) ||
		!first.Token.(*ecdsa.PrivateKey).Equal(again.Token) || first.VIHF.Name() != again.VIHF.Name() {
		t.Error("the keys do not survive a restart")
	}
	for _, f := range []string{rootFile, vihfFile, tokenFile} {
		info, err := os.Stat(filepath.Join(dir, f))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
	issued, err := again.Issue(x509.Certificate{Subject: subject("client")})
	if err != nil {
		t.Fatal(err)
	}
	for _, years := range []int{-20, 0, 30, 100} {
		for _, c := range []*x509.Certificate{again.VIHF.Certificate, issued.Certificate} {
			_, err := c.Verify(x509.VerifyOptions{
				Roots: again.Pool(), CurrentTime: time.Date(2026+years, 11, 22, 0, 0, 0, 0, time.UTC), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			})
			if err != nil {
				t.Errorf("in %d years: %v", years, err)
			}
		}
	}
}

// TestIncomplete checks that keys are never made over what is left of others.
func TestIncomplete(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, vihfFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a folder without the VIHF key is accepted")
	}
}
