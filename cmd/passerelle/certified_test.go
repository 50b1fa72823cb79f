package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
	"github.com/passerelle-sante/passerelle/trust"
)

// doctor says which authority keeps its clients out, when, and how to mend it.
func TestDoctorMutualTLS(t *testing.T) {
	now := time.Now()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "AC"}, IsCA: true, BasicConstraintsValid: true, SubjectKeyId: []byte{1},
		KeyUsage: x509.KeyUsageCRLSign | x509.KeyUsageCertSign, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	until := func(d time.Duration) *trust.Lists {
		raw, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.AddDate(0, -1, 0), NextUpdate: now.Add(d)}, root, key)
		if err != nil {
			t.Fatal(err)
		}
		l, err := trust.ParseList(raw)
		if err != nil {
			t.Fatal(err)
		}
		return trust.NewLists(l)
	}
	checked := []trust.Range{{Name: "fort", Roots: []*x509.Certificate{root}}}
	soap := config.SOAP{Listen: []string{"127.0.0.1:8444"}}
	for _, c := range []struct {
		name string
		cfg  config.Config
		want string
	}{
		{"good", config.Config{Clients: checked, Lists: until(time.Hour), File: config.File{SOAP: soap}}, "OK gamme fort, OK CRL AC"},
		{"within the grace", config.Config{Clients: checked, Lists: until(-time.Hour), File: config.File{SOAP: soap}}, "OK gamme fort, WARN CRL AC"},
		{"beyond", config.Config{Clients: checked, Lists: until(-25 * time.Hour), File: config.File{SOAP: soap}}, "OK gamme fort, FAIL CRL AC"},
		{"none", config.Config{Clients: checked, File: config.File{SOAP: soap}}, "OK gamme fort, FAIL CRL AC"},
		{"not asked for", config.Config{Clients: []trust.Range{{Name: "x", Roots: checked[0].Roots, Unrevocable: true}}, File: config.File{SOAP: soap}}, "WARN gamme x"},
		{"SOAP on the common port", config.Config{}, "WARN TLS mutuel"},
		{"test authorities", config.Config{File: config.File{SOAP: soap, TLS: config.TLS{TestAuthorities: true}}}, "WARN autorités de test"},
	} {
		c.cfg.TLS.CRLGrace = 24 * time.Hour
		x := &examination{}
		x.clients(&c.cfg)
		x.revocation(&c.cfg, now)
		var got []string
		for _, line := range x.lines {
			got = append(got, line.Verdict+" "+line.Check)
			if line.Verdict != verdictOK && line.Mend == "" {
				t.Errorf("%s: %+v does not say how to mend it", c.name, line)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %s, wanted %s", c.name, strings.Join(got, ", "), c.want)
		}
	}
}

func TestKinds(t *testing.T) {
	for key, want := range map[string]string{"http.certificate": "server", "soap.certificate": "soap", "tls.client[1].roots": "client_root",
		"tls.client[0].intermediates": "client_intermediate", "vihf[0].certificates": "vihf", "repository.s3.ca_file": "other"} {
		if got := kind(key); got != want {
			t.Errorf("%s: %s", key, got)
		}
	}
}
