package service

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/trust"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// Trust is what an installation chose about certificates.
type Trust struct {
	// Judge admits TLS clients and looks signers up in revocation lists; nil: there
	// are neither.
	Judge *trust.Judge
	// Mutual says that the SOAP faces answer nobody without a client certificate.
	Mutual   bool
	SOAPBase string // URL of the SOAP faces in the WSDL; "": Base
	OneTime  bool   // an assertion is accepted once
	// Certificates are those that somebody must renew in time.
	Certificates []trust.Dated
}

// openTrust makes the verifier of assertions, and the metrics of certificates.
func (s *Service) openTrust() (err error) {
	c := saml.Config{Issuers: s.VIHF, Audience: s.Base + "/xds", Now: s.Now, RequirePatient: s.RequirePatient, OneTime: s.Options.Trust.OneTime}
	if judge := s.Options.Trust.Judge; judge != nil {
		c.Revoked = judge.Revoked
		judge.Seen = s.seen
	}
	if s.assertions, err = saml.New(c); err != nil {
		return err
	}
	s.watched.own, s.watched.peers = s.Options.Trust.Certificates, xds.NewLRU[[sha256.Size]byte, time.Time](maxPeers)
	s.metrics.registry.MustRegister(ends{s})
	s.metrics.refused = prometheus.NewCounter(prometheus.CounterOpts{Name: "passerelle_tls_refused_total", Help: "TLS handshakes that were refused; the log has the reasons."})
	s.metrics.reloads = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "passerelle_trust_reloads_total", Help: "Readings of certificates, keys, roots and revocation lists that had changed."}, []string{"outcome"})
	s.metrics.registry.MustRegister(s.metrics.refused, s.metrics.reloads)
	return nil
}

// Renew takes the issuers and certificates of a reload; its judge has been given
// the rest. Nothing has changed when it fails.
func (s *Service) Renew(issuers map[string]saml.Issuer, certificates []trust.Dated) error {
	if err := s.assertions.Trust(issuers); err != nil {
		return err
	}
	s.watched.mutex.Lock()
	s.watched.own = certificates
	s.watched.mutex.Unlock()
	s.alarm()
	return nil
}

// Reloaded tells of a reload: err is why the old files go on.
func (s *Service) Reloaded(err error) {
	if err != nil {
		s.metrics.reloads.WithLabelValues("refused").Inc()
		s.Log.Error("certificates not taken over: the old ones go on", "error", err, "mend", "passerelle doctor -c …")
		return
	}
	s.metrics.reloads.WithLabelValues("taken").Inc()
	s.Log.Info("certificates, issuers and revocation lists taken over")
}

// Refused counts a handshake: a Front's.
func (s *Service) Refused() { s.metrics.refused.Inc() }

// client is iti.Server.Client: who made the connection, judged at this instant.
func (s *Service) client(c *tls.ConnectionState) (*saml.Client, error) {
	if c == nil || len(c.PeerCertificates) == 0 {
		if s.Options.Trust.Mutual {
			expected := "une requête sur le port de soap.listen"
			if base := s.Options.Trust.SOAPBase; base != "" {
				expected += " : " + base
			}
			return nil, &xds.Error{ID: "TLS-001", Expected: expected}
		}
		return nil, nil
	}
	peer, err := s.Options.Trust.Judge.Peer(c.PeerCertificates)
	if err != nil {
		return nil, err
	}
	return &saml.Client{Certificate: c.PeerCertificates[0], Holder: peer.Holder, Roots: peer.Roots, Intermediates: peer.Intermediates}, nil
}

// SOAP is the handler of the SOAP port: the other faces are not there, for a browser
// would offer its client certificate to any page (safety §2.3 no 125).
func (s *Service) SOAP(router http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if face(r.URL.Path) != "xds" {
			fhir.WriteOutcome(w, xds.Errors{{ID: "FHIR-003", Hint: "ce port n'a que les faces SOAP : FHIR et le reste sont à " + s.Base}})
			return
		}
		router.ServeHTTP(w, r)
	})
}

// maxPeers is how many clients' certificates are watched.
const maxPeers = 1024

// watched are the certificates that end one day: ours, and those that clients showed.
type watched struct {
	mutex sync.Mutex
	own   []trust.Dated
	peers *xds.LRU[[sha256.Size]byte, time.Time]
	first trust.Dated // of the peers, that which ends first
}

// seen is trust.Judge.Seen: a partner's certificate that ends soon is a call to make.
// The log has its fingerprint, which names it to who has it and to nobody else.
func (s *Service) seen(leaf *x509.Certificate) {
	print := sha256.Sum256(leaf.Raw)
	now := s.Now()
	s.watched.mutex.Lock()
	_, known := s.watched.peers.Get(print)
	s.watched.peers.Put(print, leaf.NotAfter)
	if first := s.watched.first.Until; first.Before(now) || leaf.NotAfter.Before(first) {
		s.watched.first = trust.Dated{Kind: "peer", Until: leaf.NotAfter}
	}
	s.watched.mutex.Unlock()
	if left := leaf.NotAfter.Sub(now); !known && left < trust.RenewBefore {
		s.Log.Warn("a client's certificate ends soon", "days", days(left), "sha256", hex.EncodeToString(print[:8]))
	}
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

// soonest are the ends that are near, by kind.
func (s *Service) soonest() []trust.Dated {
	s.watched.mutex.Lock()
	defer s.watched.mutex.Unlock()
	all := s.watched.own
	if !s.watched.first.Until.IsZero() {
		all = append(all[:len(all):len(all)], s.watched.first)
	}
	return trust.Soonest(all)
}

// WatchCertificates complains each day of the certificates that end within sixty, and
// of revocation lists that are past their end, until the context ends.
func (s *Service) WatchCertificates(ctx context.Context, tick <-chan time.Time) {
	for {
		s.alarm()
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}

func (s *Service) alarm() {
	now := s.Now()
	s.watched.mutex.Lock()
	own := s.watched.own
	s.watched.mutex.Unlock()
	for _, c := range own {
		switch left := c.Until.Sub(now); {
		case left <= 0:
			s.Log.Error("a certificate has ended", "kind", c.Kind, "where", c.Name, "until", c.Until.UTC().Format(time.DateOnly))
		case left < trust.RenewBefore:
			s.Log.Warn("a certificate ends soon", "kind", c.Kind, "where", c.Name, "days", days(left), "until", c.Until.UTC().Format(time.DateOnly))
		}
	}
	if s.Options.Trust.Judge == nil {
		return
	}
	for _, l := range s.Options.Trust.Judge.Lists().Newest() {
		if end := l.Due().Add(s.Options.Trust.Judge.Grace); now.After(l.Due()) {
			s.Log.Error("a revocation list is past its nextUpdate: its authority's clients are refused from the end of the grace",
				"authority", xds.Shorten(l.Authority()), "next_update", l.Due().UTC().Format(time.RFC3339), "refused_from", end.UTC().Format(time.RFC3339))
		}
	}
}

// ends tells how long certificates and revocation lists still serve.
type ends struct{ *Service }

var (
	certificateExpiry = prometheus.NewDesc("passerelle_certificate_expiry_seconds", "Time until the first certificate of the kind ends.", []string{"kind"}, nil)
	listAge           = prometheus.NewDesc("passerelle_crl_age_seconds", "Time since the newest revocation list of the authority was issued.", []string{"authority"}, nil)
	listLeft          = prometheus.NewDesc("passerelle_crl_refusal_seconds", "Time until the clients of the authority are refused, its list past nextUpdate and the grace.", []string{"authority"}, nil)
)

// Describe implements prometheus.Collector.
func (ends) Describe(out chan<- *prometheus.Desc) {
	out <- certificateExpiry
	out <- listAge
	out <- listLeft
}

// Collect implements prometheus.Collector.
func (e ends) Collect(out chan<- prometheus.Metric) {
	now := e.Now()
	for _, c := range e.soonest() {
		out <- prometheus.MustNewConstMetric(certificateExpiry, prometheus.GaugeValue, c.Until.Sub(now).Seconds(), c.Kind)
	}
	judge := e.Options.Trust.Judge
	if judge == nil {
		return
	}
	told := map[string]bool{}
	for _, l := range judge.Lists().Newest() {
		if name := xds.Shorten(l.Authority()); !told[name] {
			told[name] = true
			out <- prometheus.MustNewConstMetric(listAge, prometheus.GaugeValue, now.Sub(l.Issued()).Seconds(), name)
			out <- prometheus.MustNewConstMetric(listLeft, prometheus.GaugeValue, l.Due().Add(judge.Grace).Sub(now).Seconds(), name)
		}
	}
}
