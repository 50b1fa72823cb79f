package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// intermediates reads the authorities of TLS clients, or makes those that a folder of
// an older sandbox does not have.
func (a *Authority) intermediates(dir string) error {
	for _, m := range []struct {
		file, name string
		into       *Identity
	}{{"cartes.pem", "AC CARTES BAC A SABLE", &a.Cards}, {"organisations.pem", "AC ORGANISATIONS BAC A SABLE", &a.Structures}} {
		_, err := os.Stat(filepath.Join(dir, m.file))
		switch {
		case err == nil:
			*m.into, err = readIdentity(dir, m.file)
		case errors.Is(err, fs.ErrNotExist):
			if *m.into, err = a.Issue(x509.Certificate{Subject: subject(m.name), IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}); err == nil {
				err = writeIdentity(dir, m.file, *m.into)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// CardName is the subject of a card, as the IGC-Santé names persons: the national id
// is the CN.
func CardName(id string) pkix.Name {
	return pkix.Name{Country: []string{"FR"}, OrganizationalUnit: []string{"BAC A SABLE"}, CommonName: id}
}

// StructureName is the subject of a structure's certificate: its name is the O, its
// national id the OU.
func StructureName(id, name string) pkix.Name {
	return pkix.Name{Country: []string{"FR"}, Organization: []string{name}, OrganizationalUnit: []string{id}, CommonName: "BAC A SABLE"}
}

// Client makes a TLS client certificate under one of the intermediates, as PEM: its
// private key, itself, the intermediate.
func (a *Authority) Client(name pkix.Name, under Identity) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	id, err := certify(x509.Certificate{Subject: name, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, key, &under)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: keyType, Bytes: der})
	for _, c := range []*x509.Certificate{id.Certificate, under.Certificate} {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: certificateType, Bytes: c.Raw})...)
	}
	return text, nil
}

// Server makes the certificate of the sandbox's own TLS port, for this machine's names.
func (a *Authority) Server() (tls.Certificate, error) {
	id, err := a.Issue(x509.Certificate{
		Subject: subject("localhost"), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{id.Certificate.Raw}, PrivateKey: id.Key, Leaf: id.Certificate}, nil
}
