package main

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
	"github.com/passerelle-sante/passerelle/trust"
	"github.com/passerelle-sante/passerelle/xds"
)

// certificates looks at the dates of every certificate that the file names.
func (x *examination) certificates(cfg *config.Config, now time.Time) {
	for _, key := range slices.Sorted(maps.Keys(cfg.Certificates)) {
		for i, cert := range cfg.Certificates[key] {
			check := "certificat " + key
			if len(cfg.Certificates[key]) > 1 {
				check += fmt.Sprintf(" n° %d", i+1)
			}
			until := cert.NotAfter.Format("02/01/2006")
			switch left := cert.NotAfter.Sub(now); {
			case now.Before(cert.NotBefore):
				x.fail(check, "attendre, ou vérifier l'horloge", "valable seulement à partir du %s", cert.NotBefore.Format("02/01/2006"))
			case left <= 0:
				x.fail(check, "renouveler le certificat", "périmé depuis le %s", until)
			case left < trust.RenewBefore:
				x.warn(check, "renouveler le certificat", "périme le %s, dans %s", until, plural(int(left/(24*time.Hour)), "jour"))
			default:
				x.ok(check, "jusqu'au %s", until)
			}
		}
	}
	if cfg.Certificate == nil {
		x.warn("TLS", "http.certificate et http.key", "écoute en clair : un relais TLS doit être devant, sur un réseau sûr")
		return
	}
	host := strings.TrimPrefix(cfg.HTTP.Base, "https://")
	host, _, _ = strings.Cut(host, "/")
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if leaf := cfg.Certificates["http.certificate"]; len(leaf) > 0 && leaf[0].VerifyHostname(host) != nil {
		x.fail("TLS", "un certificat au nom "+host+", ou une autre adresse dans http.base", "le certificat ne vaut pas pour %s", host)
	}
}

// clients judges who is asked for a client certificate.
func (x *examination) clients(cfg *config.Config) {
	if len(cfg.SOAP.Listen) == 0 {
		x.warn("TLS mutuel", "soap.listen et [[tls.client]]", "les faces SOAP n'ont pas de port à part : aucun certificat client n'est demandé, un VIHF DIRECTE n'est lié à aucune carte")
	}
	for _, r := range cfg.Clients {
		check := "gamme " + r.Name
		if r.Unrevocable {
			x.warn(check, `revocation = "crl", et tls.crl`, "%s, mais la révocation n'est pas contrôlée", plural(len(r.Roots), "racine"))
			continue
		}
		x.ok(check, "%s, révocation contrôlée", plural(len(r.Roots), "racine"))
	}
	if cfg.TLS.TestAuthorities {
		x.warn("autorités de test", "test_authorities = false", "quiconque obtient un certificat de test de l'IGC-Santé est admis : pré-production seulement")
	}
}

// revocation looks at the dates of the lists, and for the authorities that have none.
func (x *examination) revocation(cfg *config.Config, now time.Time) {
	have := map[string]bool{}
	if cfg.Lists != nil {
		for _, l := range cfg.Lists.Newest() {
			have[l.Authority()] = true
			check, due := "CRL "+xds.Shorten(l.Authority()), l.Due().UTC().Format("02/01/2006 15:04")
			mend := "renouveler la CRL : tls.crl, ou tls.crl_urls et passerelle serve"
			switch late := now.Sub(l.Due()); {
			case late > cfg.TLS.CRLGrace:
				x.fail(check, mend, "périmée depuis le %s UTC, délai de grâce compris : les clients de cette autorité sont refusés", due)
			case late > 0:
				x.warn(check, mend, "périmée depuis le %s UTC : les clients seront refusés dans %s", due, (cfg.TLS.CRLGrace - late).Round(time.Minute))
			default:
				x.ok(check, "jusqu'au %s UTC", due)
			}
		}
	}
	for _, r := range cfg.Clients {
		for _, c := range slices.Concat(r.Roots, r.Intermediates) {
			if name := c.Subject.CommonName; !r.Unrevocable && !have[name] {
				have[name] = true // said once
				x.fail("CRL "+xds.Shorten(name), "mettre la CRL de cette autorité dans tls.crl", "absente : tous les clients de cette autorité sont refusés")
			}
		}
	}
}
