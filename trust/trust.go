// Package trust judges the certificates of TLS clients, and tells when those that
// the gateway depends on end. It owns the roots of each range of certificates, the
// bounds of a chain, the usages, the revocation lists and who a card names.
//
// crypto/tls asks it at each handshake, through the configuration that Secure makes,
// and the SOAP face asks it again at each request: a connection may be older than a
// revocation. What it cannot know it refuses: without a revocation list of each
// authority of the chain, or with one that is past its end and the grace, nobody
// comes in (RFC 5280 §6.3; safety §2.4).
//
// It must never read an address from a certificate or a message: revocation lists
// come from the operator's files, folders and URLs alone. It must never put a
// subject or a serial number in an error: an error names the authority.
package trust

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Range is one family of certificates under roots of its own, as the IGC-Santé has
// three (Élémentaire, Standard, Fort). A certificate belongs to the first range
// under whose roots it chains.
type Range struct {
	Name                 string // shown in logs and metrics
	Roots, Intermediates []*x509.Certificate
	// Cards says that the certificates of this range are cards of persons: one of
	// them may stand for the signature of a VIHF in DIRECTE mode. With Intermediates
	// these alone issue cards: the same root has authorities of organisations, whose
	// certificates may bear any name.
	Cards bool
	// Unrevocable switches the look-up of revocation lists off, for an authority of
	// one's own that publishes none.
	Unrevocable bool
}

// Peer is a client whose certificate was found good.
type Peer struct {
	Range  string
	Chain  []*x509.Certificate // leaf first, root last
	Holder string              // national id of the person, on a card alone; "" otherwise
	// Roots and Intermediates are those of its range: a card's signature chains there too.
	Roots, Intermediates *x509.CertPool
}

// Judge says who may come in. Replace changes its mind while connections are open.
// It is safe for concurrent use.
type Judge struct {
	// Now is the clock of every judgement, Grace how long after its nextUpdate a
	// revocation list still serves. Both are set before the first use.
	Now   func() time.Time
	Grace time.Duration
	// Seen hears of each certificate that was found good, once per generation. nil
	// ignores it.
	Seen func(leaf *x509.Certificate)

	state atomic.Pointer[state]
}

// state is one generation of roots and lists, replaced whole.
type state struct {
	ranges []anchored
	lists  *Lists
	// clients are the authorities that the handshake announces, and that crypto/tls
	// checks a chain against before we do: the intermediates too, for many clients
	// send their own certificate alone. Our own paths end at a root.
	clients *x509.CertPool

	mutex sync.Mutex // guards paths
	paths *xds.LRU[[sha256.Size]byte, []path]
}

// anchored is a Range with its pools.
type anchored struct {
	Range
	roots, intermediates *x509.CertPool
}

// path is a way from a leaf to a root of a range.
type path struct {
	in    *anchored
	chain []*x509.Certificate
}

// remembered is how many leaves a generation remembers the paths of.
const remembered = 4096

// Replace takes new roots and lists. Without a range nobody comes in, and Revoked
// judges signers all the same. It fails, and changes nothing, when a range has no root.
func (j *Judge) Replace(ranges []Range, lists *Lists) error {
	next := &state{lists: lists, clients: x509.NewCertPool(), paths: xds.NewLRU[[sha256.Size]byte, []path](remembered)}
	for _, r := range ranges {
		if len(r.Roots) == 0 {
			return fmt.Errorf("trust: range %q has no root", r.Name)
		}
		for _, c := range slices.Concat(r.Roots, r.Intermediates) {
			next.clients.AddCert(c)
		}
		next.ranges = append(next.ranges, anchored{Range: r, roots: pool(r.Roots), intermediates: pool(r.Intermediates)})
	}
	if next.lists == nil {
		next.lists = &Lists{}
	}
	j.state.Store(next)
	return nil
}

func pool(certs []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

// Lists are the revocation lists in force.
func (j *Judge) Lists() *Lists { return j.state.Load().lists }

// Secure is a server's configuration that admits the judge's clients alone. base
// has the certificate, the versions and the suites; its session tickets are made,
// and changed every day, by crypto/tls. Resumed sessions are judged anew.
func (j *Judge) Secure(base *tls.Config) *tls.Config {
	c := base.Clone()
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.Time = j.Now
	c.VerifyConnection = func(s tls.ConnectionState) error {
		_, err := j.Peer(s.PeerCertificates)
		return err
	}
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := c.Clone()
		now.GetConfigForClient = nil
		now.ClientCAs = j.state.Load().clients
		return now, nil
	}
	return c
}

// Peer judges the certificates that a client presented, leaf first. The error is
// one *xds.Error, TLS-001 to TLS-007.
func (j *Judge) Peer(presented []*x509.Certificate) (*Peer, error) {
	p, err := j.peer(presented)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (j *Judge) peer(presented []*x509.Certificate) (*Peer, *xds.Error) {
	if err := bounded(presented); err != nil {
		return nil, err
	}
	leaf, now, s := presented[0], j.Now(), j.state.Load()
	if err := fit(leaf, now); err != nil {
		return nil, err
	}
	paths, known := s.known(presented)
	if !known {
		var err *xds.Error
		if paths, err = s.build(presented, now); err != nil {
			return nil, err
		}
		s.remember(presented, paths)
		if j.Seen != nil {
			j.Seen(leaf)
		}
	}
	var refused *xds.Error
	for _, p := range paths {
		err := p.valid(s.lists, now, j.Grace)
		if err == nil {
			return p.peer(), nil
		}
		if refused == nil || refused.ID == "TLS-004" {
			refused = err
		}
	}
	return nil, refused
}

// peer is who stands at the end of a path.
func (p path) peer() *Peer {
	peer := &Peer{Range: p.in.Name, Chain: p.chain, Roots: p.in.roots, Intermediates: p.in.intermediates}
	if p.in.Cards && p.issuesCards() {
		peer.Holder = Holder(p.chain[0])
	}
	return peer
}

// issuesCards tells whether the authority above the leaf is one that issues cards.
func (p path) issuesCards() bool {
	return len(p.in.Intermediates) == 0 || len(p.chain) > 1 && slices.ContainsFunc(p.in.Intermediates, p.chain[1].Equal)
}

// Revoked judges a chain that somebody else built, leaf first and root last: that
// of the signer of a VIHF. The error is one *xds.Error.
func (j *Judge) Revoked(chain []*x509.Certificate) error {
	if err := j.state.Load().lists.chain(chain, j.Now(), j.Grace); err != nil {
		return err
	}
	return nil
}

// known and remember keep the paths of a generation: building them costs
// signatures, and nothing in them changes but time and revocation.
func (s *state) known(presented []*x509.Certificate) ([]path, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.paths.Get(digest(presented))
}

func (s *state) remember(presented []*x509.Certificate, paths []path) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.paths.Put(digest(presented), paths)
}

func digest(certs []*x509.Certificate) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, c := range certs {
		h.Write(c.Raw)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
