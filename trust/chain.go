package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strconv"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Bounds of what a client presents (safety §2.3 no 127). crypto/tls itself reads no
// more than 256 kB of certificates.
const (
	maxChain = 5        // certificates, the root included
	maxBytes = 64 << 10 // of one certificate
	maxNames = 100      // alternative names of one certificate
	minRSA   = 2048     // bits of a client's key
)

func refuse(id, where, found, expected string) *xds.Error {
	return &xds.Error{ID: id, Where: where, Found: found, Expected: expected}
}

// link names a certificate by its place: 1 is the client's own.
func link(i int) string {
	if i == 0 {
		return "certificat client"
	}
	return "certificat n° " + strconv.Itoa(i+1) + " de la chaîne"
}

// bounded refuses what is too large to be worth a look.
func bounded(presented []*x509.Certificate) *xds.Error {
	if len(presented) == 0 {
		return refuse("TLS-001", "poignée de main TLS", "aucun certificat", "un certificat client")
	}
	if len(presented) > maxChain {
		return refuse("TLS-007", "chaîne", strconv.Itoa(len(presented))+" certificats", strconv.Itoa(maxChain)+" au plus")
	}
	for i, c := range presented {
		if len(c.Raw) > maxBytes {
			return refuse("TLS-007", link(i), strconv.Itoa(len(c.Raw))+" octets", strconv.Itoa(maxBytes)+" au plus")
		}
		if n := names(c); n > maxNames {
			return refuse("TLS-007", link(i), strconv.Itoa(n)+" noms alternatifs", strconv.Itoa(maxNames)+" au plus")
		}
	}
	return nil
}

var oidNames = asn1.ObjectIdentifier{2, 5, 29, 17}

// names counts the alternative names, those of unknown kinds included.
func names(c *x509.Certificate) int {
	n := 0
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidNames) {
			continue
		}
		var all []asn1.RawValue
		if _, err := asn1.Unmarshal(e.Value, &all); err != nil {
			return maxNames + 1
		}
		n += len(all)
	}
	return n
}

// fit judges the client's certificate on its own: dates, key and usages. The
// extended usage must be named: a certificate for anything is not one for this.
func fit(leaf *x509.Certificate, now time.Time) *xds.Error {
	at := link(0)
	switch {
	case now.Before(leaf.NotBefore):
		return refuse("TLS-006", at, "pas encore valable", "un certificat en cours de validité")
	case now.After(leaf.NotAfter):
		return refuse("TLS-006", at, "périmé", "un certificat en cours de validité")
	case leaf.IsCA:
		return refuse("TLS-005", at, "CA:TRUE", "le certificat d'un client, pas d'une autorité")
	case leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return refuse("TLS-005", at, "usage de clé sans digitalSignature", "digitalSignature")
	case !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return refuse("TLS-005", at, "usage étendu sans clientAuth", "clientAuth")
	case weak(leaf):
		return refuse("TLS-005", at, "clé trop faible ou d'un autre genre", "RSA 2048 bits au moins, ou P-256, P-384, P-521")
	}
	return nil
}

func weak(c *x509.Certificate) bool {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() < minRSA
	case *ecdsa.PublicKey:
		return k.Curve != elliptic.P256() && k.Curve != elliptic.P384() && k.Curve != elliptic.P521()
	}
	return true
}

// build finds the paths from a leaf to roots, range by range; crypto/x509 checks the
// signatures, names, constraints and usages of the links.
func (s *state) build(presented []*x509.Certificate, now time.Time) ([]path, *xds.Error) {
	var found []path
	refused := strangers(presented, now)
	for i := range s.ranges {
		r := &s.ranges[i]
		between := r.intermediates.Clone()
		for _, c := range presented[1:] {
			between.AddCert(c)
		}
		chains, err := presented[0].Verify(x509.VerifyOptions{
			Roots: r.roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		})
		if err != nil {
			continue
		}
		for _, chain := range chains {
			if len(chain) > maxChain {
				refused = refuse("TLS-007", "chaîne", strconv.Itoa(len(chain))+" certificats avec la racine", strconv.Itoa(maxChain)+" au plus")
				continue
			}
			found = append(found, path{r, chain})
		}
	}
	if len(found) > 0 {
		refused = nil
	}
	return found, refused
}

// strangers says why no path was found: mostly an unknown root, sometimes an
// authority whose certificate has ended.
func strangers(presented []*x509.Certificate, now time.Time) *xds.Error {
	for i, c := range presented[1:] {
		if now.After(c.NotAfter) {
			return refuse("TLS-006", link(i+1), "périmé : "+authority(c), "une chaîne en cours de validité")
		}
	}
	return refuse("TLS-002", "chaîne", "émis par "+xds.Shorten(presented[len(presented)-1].Issuer.CommonName), "une chaîne vers une racine de [[tls.client]]")
}

// authority is the name of an authority, for the log: no person's.
func authority(c *x509.Certificate) string { return xds.Shorten(c.Subject.CommonName) }

// valid judges what changes on a path that was built before: dates and revocation.
func (p path) valid(lists *Lists, now time.Time, grace time.Duration) *xds.Error {
	for i, c := range p.chain {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return refuse("TLS-006", link(i), "hors de sa période de validité", "une chaîne en cours de validité")
		}
	}
	if p.in.Unrevocable {
		return nil
	}
	return lists.chain(p.chain, now, grace)
}
