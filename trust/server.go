package trust

import (
	"crypto/tls"
	"strings"
	"sync/atomic"
)

// Identity is the gateway's own certificate, which may change while it serves: each
// handshake takes the one of its instant, and no connection is cut.
type Identity struct {
	current atomic.Pointer[tls.Certificate]
}

// Use takes a certificate whose key was found to fit (tls.X509KeyPair).
func (i *Identity) Use(c tls.Certificate) { i.current.Store(&c) }

// Get is tls.Config.GetCertificate.
func (i *Identity) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return i.current.Load(), nil }

// Server is the configuration of a listener: TLS 1.2 at least, and of its suites
// those of the ANSSI guide (safety §2.4). crypto/tls never renegotiates as a server,
// and changes the keys of session tickets every day.
func Server(own *Identity) *tls.Config {
	return &tls.Config{
		GetCertificate: own.Get,
		MinVersion:     tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos: []string{"h2", "http/1.1"},
	}
}

// refusals say what the lines that net/http logs of a failed handshake mean: the
// rows of our own judgement, and what crypto/tls refuses before it is asked. The
// line itself holds the client's address and stays unlogged.
var refusals = []struct{ has, reason, mend string }{
	{"TLS-0", "", ""}, // a finding of ours, told whole
	{"client didn't provide a certificate", "TLS-001 certificat client absent", "le client doit présenter son certificat et sa chaîne"},
	{"unknown authority", "TLS-002 autorité du certificat client non reconnue", "joindre les intermédiaires, ou ajouter la racine à [[tls.client]] roots"},
	{"expired or is not yet valid", "TLS-006 certificat client hors de sa période de validité", "renouveler le certificat du client ; vérifier l'horloge"},
	{"incompatible key usage", "TLS-005 certificat client sans clientAuth", "un certificat d'authentification, pas de cachet ni de serveur"},
	{"unhandled critical extension", "TLS-005 extension critique inconnue dans le certificat client", "un certificat du gabarit ORG_AUTH_CLI ou d'une carte"},
	{"failed to verify certificate", "TLS-002 chaîne du certificat client refusée", "vérifier la chaîne : openssl verify -purpose sslclient"},
	{"failed to parse certificate", "TLS-005 certificat client illisible", "un certificat X.509 v3"},
	{"certificate message of length", "TLS-007 certificats du client trop grands", "5 certificats, 64 ko chacun au plus"},
	{"exceeds maximum", "TLS-007 message de poignée de main trop grand", "5 certificats, 64 ko chacun au plus"},
	{"unsupported versions", "version de TLS refusée", "TLS 1.2 ou 1.3"},
	{"no cipher suite", "suites de chiffrement refusées", "ECDHE avec AES-GCM ou ChaCha20-Poly1305"},
	{"bad certificate", "le client refuse notre certificat", "donner au client l'autorité de http.certificate"},
	{"unknown certificate authority", "le client refuse notre certificat", "donner au client l'autorité de http.certificate"},
	{"client sent an HTTP request", "HTTP en clair sur le port TLS", "https://"},
}

// Refusal is what a line that net/http logs says of a handshake that failed: the
// reason and how to mend it, without the client's address. ok is false for what is
// no handshake, or the noise of scanners.
func Refusal(line string) (reason, mend string, ok bool) {
	_, after, found := strings.Cut(line, "TLS handshake error from ")
	if !found {
		return "", "", false
	}
	for _, r := range refusals {
		i := strings.Index(after, r.has)
		switch {
		case i < 0:
			continue
		case r.reason == "":
			return strings.TrimSpace(after[i:]), "passerelle errors " + after[i:min(i+len("TLS-001"), len(after))], true
		}
		return r.reason, r.mend, true
	}
	return "", "", false
}
