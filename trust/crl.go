package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// List is a certificate revocation list (RFC 5280 §5), complete or delta.
type List struct {
	list    *x509.RevocationList
	revoked map[string]struct{} // serial numbers
	base    *big.Int            // of a delta: the number that it adds to; nil: complete
	scope   scope

	mutex  sync.Mutex
	signed map[[sha256.Size]byte]bool // by certificate of the issuer
}

// Authority is the name of who issued the list.
func (l *List) Authority() string { return l.list.Issuer.CommonName }

// Issued and Due are thisUpdate and nextUpdate.
func (l *List) Issued() time.Time { return l.list.ThisUpdate }

// Due is nextUpdate: when a newer list is promised.
func (l *List) Due() time.Time { return l.list.NextUpdate }

// Identifiers of the extensions of a list.
var (
	oidDelta  = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidScope  = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidNumber = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidKeyID  = asn1.ObjectIdentifier{2, 5, 29, 35}
)

// removed is the reason removeFromCRL of a delta: the entry revokes nothing. The
// complete list goes on revoking the certificate until the next one.
const removed = 8

// ParseList reads a list in DER or PEM. It refuses what it would misread: a critical
// extension that it does not know, an indirect list, a list without an end.
func ParseList(raw []byte) (*List, error) {
	if block, _ := pem.Decode(raw); block != nil && block.Type == "X509 CRL" {
		raw = block.Bytes
	}
	parsed, err := x509.ParseRevocationList(raw)
	if err != nil {
		return nil, errors.New("not a certificate revocation list")
	}
	if parsed.NextUpdate.IsZero() {
		return nil, errors.New("revocation list without nextUpdate")
	}
	l := &List{list: parsed, revoked: map[string]struct{}{}, signed: map[[sha256.Size]byte]bool{}}
	for _, e := range parsed.Extensions {
		if err := l.extension(e); err != nil {
			return nil, err
		}
	}
	for _, entry := range parsed.RevokedCertificateEntries {
		for _, e := range entry.Extensions {
			if e.Critical { // certificateIssuer, of an indirect list
				return nil, fmt.Errorf("revocation list with a critical extension of an entry: %s", e.Id)
			}
		}
		if l.base == nil || entry.ReasonCode != removed {
			l.revoked[string(entry.SerialNumber.Bytes())] = struct{}{}
		}
	}
	parsed.RevokedCertificateEntries = nil // the map has them
	return l, nil
}

func (l *List) extension(e pkix.Extension) error {
	switch {
	case e.Id.Equal(oidDelta):
		l.base = new(big.Int)
		if _, err := asn1.Unmarshal(e.Value, &l.base); err != nil {
			return errors.New("revocation list with an unreadable base number")
		}
	case e.Id.Equal(oidScope):
		return l.scope.read(e.Value)
	case e.Critical && !e.Id.Equal(oidNumber) && !e.Id.Equal(oidKeyID):
		return fmt.Errorf("revocation list with an unknown critical extension: %s", e.Id)
	}
	return nil
}

// scope is the issuing distribution point (RFC 5280 §5.2.5): which certificates a
// list speaks of.
type scope struct {
	users, authorities bool
	points             []string
}

func (s *scope) read(der []byte) error {
	var point struct {
		Point struct {
			Full []asn1.RawValue `asn1:"optional,tag:0"`
			Part asn1.RawValue   `asn1:"optional,tag:1"`
		} `asn1:"optional,tag:0"`
		Users       bool           `asn1:"optional,tag:1"`
		Authorities bool           `asn1:"optional,tag:2"`
		Reasons     asn1.BitString `asn1:"optional,tag:3"`
		Indirect    bool           `asn1:"optional,tag:4"`
		Attributes  bool           `asn1:"optional,tag:5"`
	}
	rest, err := asn1.Unmarshal(der, &point)
	if err != nil || len(rest) > 0 || point.Indirect || point.Attributes || point.Reasons.BitLength > 0 || len(point.Point.Part.FullBytes) > 0 {
		return errors.New("revocation list that is indirect, partial by reason, or of an unreadable scope")
	}
	s.users, s.authorities = point.Users, point.Authorities
	for _, name := range point.Point.Full {
		if name.Class == asn1.ClassContextSpecific && name.Tag == 6 {
			s.points = append(s.points, string(name.Bytes))
		}
	}
	if len(point.Point.Full) > 0 && len(s.points) == 0 {
		s.points = []string{""} // names of another kind: covers no certificate of ours
	}
	return nil
}

// covers tells whether a list of this scope speaks of a certificate.
func (s scope) covers(c *x509.Certificate) bool {
	if s.users && c.IsCA || s.authorities && !c.IsCA {
		return false
	}
	return len(s.points) == 0 || slices.ContainsFunc(c.CRLDistributionPoints, func(p string) bool { return slices.Contains(s.points, p) })
}

// signedBy tells whether an authority made the list; asked once per authority, for
// the list may be long.
func (l *List) signedBy(issuer *x509.Certificate) bool {
	key := sha256.Sum256(issuer.Raw)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	good, asked := l.signed[key]
	if !asked && len(l.signed) < 64 {
		good = l.list.CheckSignatureFrom(issuer) == nil
		l.signed[key] = good
	}
	return good
}

// newer tells whether l replaces other.
func (l *List) newer(other *List) bool {
	if l.list.Number != nil && other.list.Number != nil {
		return l.list.Number.Cmp(other.list.Number) > 0
	}
	return l.list.ThisUpdate.After(other.list.ThisUpdate)
}

// Lists are the revocation lists of one generation. The zero value has none.
type Lists struct{ all []*List }

// NewLists collects lists.
func NewLists(all ...*List) *Lists { return &Lists{all} }

// Newest is the newest complete list of each authority and scope.
func (ls *Lists) Newest() []*List {
	var found []*List
	for _, l := range ls.all {
		if l.base != nil {
			continue
		}
		i := slices.IndexFunc(found, func(o *List) bool {
			return bytes.Equal(o.list.RawIssuer, l.list.RawIssuer) && o.scope.users == l.scope.users && o.scope.authorities == l.scope.authorities && slices.Equal(o.scope.points, l.scope.points)
		})
		switch {
		case i < 0:
			found = append(found, l)
		case l.newer(found[i]):
			found[i] = l
		}
	}
	return found
}

// skew is how far ahead of us the clock of an authority may be.
const skew = 5 * time.Minute

// chain judges each link of a chain but its root.
func (ls *Lists) chain(chain []*x509.Certificate, now time.Time, grace time.Duration) *xds.Error {
	for i := range len(chain) - 1 {
		if err := ls.status(chain[i], chain[i+1], link(i), now, grace); err != nil {
			return err
		}
	}
	return nil
}

// status judges one certificate by the lists of its issuer.
func (ls *Lists) status(c, issuer *x509.Certificate, where string, now time.Time, grace time.Duration) *xds.Error {
	complete := ls.latest(c, issuer)
	if complete == nil {
		return refuse("TLS-004", where, "aucune CRL de "+authority(issuer), "une CRL signée par cette autorité")
	}
	if _, yes := complete.revoked[string(c.SerialNumber.Bytes())]; yes {
		return refuse("TLS-003", where, "révoqué par "+authority(issuer), "un certificat qui n'est pas révoqué")
	}
	for _, delta := range ls.all {
		if _, yes := delta.revoked[string(c.SerialNumber.Bytes())]; yes && delta.adds(complete) && delta.scope.covers(c) && delta.signedBy(issuer) {
			return refuse("TLS-003", where, "révoqué par "+authority(issuer), "un certificat qui n'est pas révoqué")
		}
	}
	switch {
	case now.Add(skew).Before(complete.Issued()):
		return refuse("TLS-004", where, "CRL de "+authority(issuer)+" datée du futur", "une CRL déjà publiée ; vérifier l'horloge")
	case now.After(complete.Due().Add(grace)):
		return refuse("TLS-004", where, "CRL de "+authority(issuer)+" périmée depuis le "+complete.Due().UTC().Format("2006-01-02 15:04")+" UTC", "une CRL à jour")
	}
	return nil
}

// latest is the newest complete list that speaks of a certificate and that its
// issuer signed.
func (ls *Lists) latest(c, issuer *x509.Certificate) (latest *List) {
	for _, l := range ls.all {
		if l.base != nil || !bytes.Equal(l.list.RawIssuer, issuer.RawSubject) || !l.scope.covers(c) || !l.signedBy(issuer) {
			continue
		}
		if latest == nil || l.newer(latest) {
			latest = l
		}
	}
	return latest
}

// adds tells whether a delta adds to a complete list (RFC 5280 §5.2.4).
func (l *List) adds(complete *List) bool {
	if l.base == nil || !bytes.Equal(l.list.RawIssuer, complete.list.RawIssuer) {
		return false
	}
	number := complete.list.Number
	return number != nil && l.list.Number != nil && l.base.Cmp(number) <= 0 && l.list.Number.Cmp(number) > 0
}

// All are the lists one by one.
func (ls *Lists) All() []*List { return ls.all }
