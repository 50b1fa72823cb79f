package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mutual is the filled example with the SOAP port apart, a range of clients and a
// revocation list.
func mutual(t *testing.T) (dir, text string) {
	t.Helper()
	dir, text = filled(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "RACINE"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, SubjectKeyId: []byte{1}}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}, root, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"tls/crl", "tls/crl-cherchees"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "confiance/intermediaire.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o400)
	write(t, filepath.Join(dir, "tls/crl/racine.crl"), list, 0o400)
	from, to := strings.Index(text, "[soap]"), strings.Index(text, "[database]")
	return dir, text[:from] + uncomment(text[from:to]) + text[to:]
}

func TestMutualTLS(t *testing.T) {
	dir, text := mutual(t)
	text = strings.Replace(text, "#clients = ", "clients = ", 1)
	text = strings.Replace(text, "#modes = ", "modes = ", 1)
	c, all := load(t, dir, text)
	if all != nil {
		t.Fatal(all)
	}
	i := c.Issuers["CN=exemple,O=HOPITAL EXEMPLE,C=FR"]
	if c.SOAPIdentity == nil || len(c.Clients) != 1 || len(c.Clients[0].Roots) != 1 || c.Clients[0].Cards || c.Clients[0].Unrevocable ||
		len(c.Lists.Newest()) != 1 || len(c.CRLPlaces()) != 2 || len(i.Modes) != 2 || len(i.Clients) != 1 {
		t.Errorf("%+v", c.File)
	}
	for _, base := range []struct{ given, want string }{
		{`base = "https://xds.example.org"`, "https://xds.example.org"}, {"", "https://passerelle.example.org:8444"},
	} {
		if c, all := load(t, dir, strings.Replace(text, `base = "https://xds.example.org"`, base.given, 1)); all != nil || c.SOAPBase() != base.want {
			t.Errorf("SOAP faces at %s, wanted %s (%v)", c.SOAPBase(), base.want, all)
		}
	}
	plain, _, _ := decode([]byte(uncomment(string(Example))))
	want := defaults()
	if plain.TLS.Reload != want.TLS.Reload || plain.TLS.CRLRefresh != want.TLS.CRLRefresh || plain.TLS.CRLGrace != want.TLS.CRLGrace || plain.SOAP.OneTimeAssertions {
		t.Error("the example says another default than there is")
	}
}

// TestMLLPSenders: whoever may open the port of HL7 v2 in mutual TLS would be any sender
// by writing its name; so each says which certificate it has, unless the site answers
// for the network.
func TestMLLPSenders(t *testing.T) {
	dir, text := mutual(t)
	port := func(more, certificate string) string {
		return strings.Replace(text, "[mllp]\n", "[mllp]\nlisten = [\"0.0.0.0:2575\"]\n"+more+"\n[[mllp.senders]]\nfacility = \"LABO-SUD\"\nstructure = \"1590000001\"\n"+certificate+"\n", 1)
	}
	for _, c := range []struct{ name, text, want string }{
		{"its certificate", port("", `certificate = "CN=glims,O=LABO,C=FR"`), ""},
		{"none", port("", ""), "CONF-004 mllp.senders[0].certificate"},
		{"none, on a closed network", port("allow_plain = true", ""), ""},
	} {
		_, all := load(t, dir, c.text)
		if c.want != "" {
			refusal(t, c.name, c.want, all)
		} else if all != nil {
			t.Errorf("%s: %v", c.name, all)
		}
	}
}

// Every way to get mutual TLS wrong.
func TestMutualTLSRefusals(t *testing.T) {
	dir, text := mutual(t)
	testRoot, _ := certificate(t, pkix.Name{CommonName: "TEST AC RACINE IGC-SANTE ELEMENTAIRE"})
	leaf, _ := certificate(t, pkix.Name{CommonName: "UN CLIENT"})
	write(t, filepath.Join(dir, "test.pem"), testRoot, 0o644)
	write(t, filepath.Join(dir, "leaf.pem"), leaf, 0o644)
	write(t, filepath.Join(dir, "bad.crl"), []byte("x"), 0o644)
	const client = `roots = ["confiance/racine.pem"]
intermediates`
	const last = "cards = false"
	cards := text[strings.Index(text, "intermediates = ") : strings.Index(text, last)+len(last)] // without the authorities of persons
	for _, c := range []struct{ old, new, want string }{
		{`listen = ["0.0.0.0:8444"]`, ``, `CONF-004 soap.listen`},
		{`listen = ["0.0.0.0:8444"]`, `listen = ["0.0.0.0:8443"]`, `CONF-006 soap.listen[0]`},
		{`listen = ["0.0.0.0:8444"]`, `listen = ["nom:1"]`, `CONF-005 soap.listen[0]`},
		{`listen = "127.0.0.1:9464"`, `listen = "0.0.0.0:8444"`, `CONF-006 metrics.listen`},
		{`base = "https://xds.example.org"`, `base = "http://xds.example.org"`, `CONF-005 soap.base`},
		{`one_time_assertions = false`, `one_time_assertion = false`, `CONF-002 soap.one_time_assertion nearest one_time_assertions`},
		{`one_time_assertions = false`, `one_time_assertions = "no"`, `CONF-003 soap.one_time_assertions`},
		{"\n[[tls.client]]\n", "\n[[tls.clients]]\n", `CONF-002 tls.clients nearest client`},
		{"\n[[tls.client]]\n", "\n[tls.client]\n", `CONF-003 tls.client`},
		{`name = "elementaire"`, ``, `CONF-004 tls.client[0].name`},
		{`name = "elementaire"`, `name = "Élémentaire"`, `CONF-005 tls.client[0].name`},
		{client, `intermediates`, `CONF-004 tls.client[0].roots`},
		{cards, `cards = true`, `CONF-004 tls.client[0].intermediates`},
		{client, "roots = [\"test.pem\"]\nintermediates", `CONF-009 tls.client[0].roots[0]`},
		{client, "roots = [\"leaf.pem\"]\nintermediates", `CONF-009 tls.client[0].roots`},
		{client, "roots = [\"absent.pem\"]\nintermediates", `CONF-007 tls.client[0].roots[0]`},
		{`revocation = "crl"`, `revocation = "clr"`, `CONF-005 tls.client[0].revocation nearest crl`},
		{"crl = [\"tls/crl\"]\n", "crl = [\"bad.crl\"]\n", `CONF-007 tls.crl[0]`},
		{"crl = [\"tls/crl\"]\n", "crl = [\"absent\"]\n", `CONF-007 tls.crl[0]`},
		{`crl_directory = "tls/crl-cherchees"`, ``, `CONF-004 tls.crl_directory`},
		{`crl_directory = "tls/crl-cherchees"`, `crl_directory = "absent"`, `CONF-007 tls.crl_directory`},
		{`"http://crl.example.org/racine.crl"`, `"ldap://crl.example.org/"`, `CONF-005 tls.crl_urls[0]`},
		{`crl_grace = "24h"`, `crl_grace = "2400h"`, `CONF-005 tls.crl_grace`},
		{`reload = "5s"`, `reload = "1ms"`, `CONF-005 tls.reload`},
		{`certificates = ["confiance/vihf-exemple.pem"]`, "certificates = [\"confiance/vihf-exemple.pem\"]\nmodes = [\"DIRECT\"]", `CONF-005 vihf[0].modes[0] nearest DIRECTE`},
		{`certificates = ["confiance/vihf-exemple.pem"]`, "certificates = [\"confiance/vihf-exemple.pem\"]\nclients = [\"sha256:00\"]", `CONF-005 vihf[0].clients[0]`},
		{`certificates = ["confiance/vihf-exemple.pem"]`, "certificates = [\"confiance/vihf-exemple.pem\"]\nrevocation = \"crl\"", `CONF-006 vihf[0]`},
	} {
		if !strings.Contains(text, c.old) {
			t.Errorf("the example has no %q", c.old)
			continue
		}
		_, all := load(t, dir, strings.Replace(text, c.old, c.new, 1))
		refusal(t, c.new, c.want, all)
	}
	folder := filepath.Join(dir, "listes")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "coupee.crl"), []byte("x"), 0o644)
	if _, all := load(t, dir, strings.Replace(text, `crl = ["tls/crl"]`, `crl = ["listes"]`, 1)); all == nil || !strings.Contains(all.Error(), "coupee.crl") {
		t.Errorf("which file of a folder is bad: %v", all)
	}
	without := strings.NewReplacer("crl = [\"tls/crl\"]\n", "", `crl_urls = ["http://crl.example.org/racine.crl"]`, "", `crl_directory = "tls/crl-cherchees"`, "").Replace(text)
	_, all := load(t, dir, without)
	refusal(t, "no list at all", `CONF-004 tls.crl`, all)
	for _, c := range []struct{ old, new string }{{`revocation = "crl"`, `revocation = "none"`}} {
		if _, all := load(t, dir, strings.Replace(without, c.old, c.new, 1)); all != nil {
			t.Errorf("%s: %v", c.new, all)
		}
	}
	tested := strings.Replace(text, client, "roots = [\"test.pem\"]\nintermediates", 1)
	_, all = load(t, dir, strings.Replace(tested, "test_authorities = false", "test_authorities = true", 1))
	if strings.Contains(all.Error(), "autorité de test") { // the certificate made here is no authority's, which is told
		t.Error(all)
	}
	plain, example := filled(t)
	_, all = load(t, plain, strings.Replace(example, `certificates = ["confiance/vihf-exemple.pem"]`, "certificates = [\"confiance/vihf-exemple.pem\"]\nclients = [\"CN=x\"]", 1))
	refusal(t, "clients without a port", `CONF-006 vihf[0].clients`, all)
}

// A sandbox's certificate is refused whatever the flag says (safety §2.3 no 69).
func TestSandboxIsNeverTrusted(t *testing.T) {
	dir, text := mutual(t)
	root, _ := certificate(t, pkix.Name{CommonName: "RACINE BAC A SABLE", Organization: []string{"PASSERELLE BAC A SABLE"}})
	write(t, filepath.Join(dir, "sandbox.pem"), root, 0o644)
	text = strings.Replace(text, "test_authorities = false", "test_authorities = true", 1)
	for _, c := range []struct{ old, new, want string }{
		{"roots = [\"confiance/racine.pem\"]\nintermediates", "roots = [\"sandbox.pem\"]\nintermediates", `CONF-009 tls.client[0].roots[0]`},
		{`certificates = ["confiance/vihf-exemple.pem"]`, `certificates = ["sandbox.pem"]`, `CONF-009 vihf[0].certificates[0]`},
	} {
		_, all := load(t, dir, strings.Replace(text, c.old, c.new, 1))
		refusal(t, c.new, c.want, all)
	}
	if !bytes.Contains(Example, []byte("test_authorities = false")) {
		t.Error("the example trusts test authorities")
	}
}
