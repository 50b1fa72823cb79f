// Package pki is the certificate authority of the sandbox: a root, the
// certificate that signs the VIHF assertions, and the key of the bearer tokens,
// kept in a folder so that they survive restarts.
//
// It is for the sandbox and for tests alone. Nothing outside trusts its root,
// and the gateway must never trust it outside the sandbox (safety §2.3 no 69).
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// The validity of every certificate: the clock of the sandbox may jump by
// decades either way.
var (
	notBefore = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(2199, 12, 31, 23, 59, 59, 0, time.UTC)
)

// rsaBits is the size of the key that signs assertions: stacks of the field all
// verify RSA, and 3072 bits last beyond 2030.
const rsaBits = 3072

// Identity is a key and its certificate.
type Identity struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// Name is the subject of the certificate, in the form that an assertion's Issuer
// and saml.Issuer.SubjectDN take (RFC 2253).
func (i Identity) Name() string { return i.Certificate.Subject.String() }

// Authority is the sandbox's authority and what it issued.
type Authority struct {
	Root  Identity
	VIHF  Identity      // signs assertions: RSA
	Token crypto.Signer // signs bearer tokens: ECDSA on P-256

	// Cards and Structures are the intermediates of TLS clients: cards of persons, and
	// software certificates of structures, as two ranges of the IGC-Santé.
	Cards, Structures Identity
}

// Open reads the authority kept in a folder, or makes it there the first time.
// A folder that holds a part of one is an error: to renew keys, empty it.
func Open(dir string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sandbox keys: %w", err)
	}
	a, err := load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if a, err = create(); err == nil {
			err = a.save(dir)
		}
	}
	if err == nil {
		err = a.intermediates(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox keys: %w", err)
	}
	return a, nil
}

// Pool holds the root alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Root.Certificate)
	return pool
}

// Issue makes a certificate for a new key on P-256. A template without usages
// gets digital signature and client authentication.
func (a *Authority) Issue(template x509.Certificate) (Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Identity{}, err
	}
	return certify(template, key, &a.Root)
}

func create() (*Authority, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root, err := certify(x509.Certificate{
		Subject: subject("RACINE BAC A SABLE"), IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, rootKey, nil)
	if err != nil {
		return nil, err
	}
	vihfKey, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, err
	}
	vihf, err := certify(x509.Certificate{Subject: subject("EMETTEUR VIHF BAC A SABLE")}, vihfKey, &root)
	if err != nil {
		return nil, err
	}
	token, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return &Authority{Root: root, VIHF: vihf, Token: token}, nil
}

func subject(name string) pkix.Name {
	return pkix.Name{Country: []string{"FR"}, Organization: []string{"PASSERELLE BAC A SABLE"}, CommonName: name}
}

// certify signs the certificate of a key; without parent it signs itself.
func certify(template x509.Certificate, key crypto.Signer, parent *Identity) (Identity, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return Identity{}, err
	}
	template.SerialNumber, template.BasicConstraintsValid = serial, true
	template.NotBefore, template.NotAfter = notBefore, notAfter
	if template.KeyUsage == 0 && len(template.ExtKeyUsage) == 0 {
		template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	if parent == nil {
		parent = &Identity{Key: key, Certificate: &template}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent.Certificate, key.Public(), parent.Key)
	if err != nil {
		return Identity{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return Identity{Key: key, Certificate: cert}, err
}

// The files of the folder. The token key comes last: when it is there, all are.
const (
	rootFile, vihfFile, tokenFile = "racine.pem", "vihf.pem", "jetons.pem"
	keyType, certificateType      = "PRIVATE KEY", "CERTIFICATE"
)

func load(dir string) (*Authority, error) {
	if _, err := os.Stat(filepath.Join(dir, tokenFile)); err != nil {
		return nil, err
	}
	root, err := readIdentity(dir, rootFile)
	if err != nil {
		return nil, err
	}
	vihf, err := readIdentity(dir, vihfFile)
	if err != nil {
		return nil, err
	}
	token, err := readIdentity(dir, tokenFile)
	if err != nil {
		return nil, err
	}
	if root.Certificate == nil || vihf.Certificate == nil {
		return nil, errors.New("a certificate is missing")
	}
	return &Authority{Root: root, VIHF: vihf, Token: token.Key}, nil
}

func (a *Authority) save(dir string) error {
	for _, f := range []struct {
		name string
		id   Identity
	}{{rootFile, a.Root}, {vihfFile, a.VIHF}, {tokenFile, Identity{Key: a.Token}}} {
		if err := writeIdentity(dir, f.name, f.id); err != nil {
			return err
		}
	}
	return nil
}

func readIdentity(dir, name string) (Identity, error) {
	rest, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return Identity{}, fmt.Errorf("incomplete: %s", name) // not ErrNotExist: nothing is made over it
	}
	var id Identity
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch block.Type {
		case keyType:
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return Identity{}, err
			}
			id.Key, _ = key.(crypto.Signer)
		case certificateType:
			if id.Certificate, err = x509.ParseCertificate(block.Bytes); err != nil {
				return Identity{}, err
			}
		}
	}
	if id.Key == nil {
		return Identity{}, fmt.Errorf("no key in %s", name)
	}
	return id, nil
}

// writeIdentity writes beside and renames, so that a file is whole or absent.
func writeIdentity(dir, name string, id Identity) error {
	der, err := x509.MarshalPKCS8PrivateKey(id.Key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: keyType, Bytes: der})
	if id.Certificate != nil {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: certificateType, Bytes: id.Certificate.Raw})...)
	}
	beside := filepath.Join(dir, "."+name)
	if err := os.WriteFile(beside, text, 0o600); err != nil {
		return err
	}
	return os.Rename(beside, filepath.Join(dir, name))
}
