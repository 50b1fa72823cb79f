package iti_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// The professionals. durand has alice's consent, petit had it, nobody is unknown
// to her, traitant is her administrator, banned is blocked, hearing is linked too
// and may not read every type, author works in the hospital whose server deposits.
var (
	durand    = pro("899900000011", "10", "SM26", practice)
	petit     = pro("899900000022", "10", "SM26", practice)
	stranger  = pro("899900000033", "10", "SM26", practice)
	traitant  = pro("899900000044", "10", "SM26", practice)
	banned    = pro("899900000055", "10", "SM26", practice)
	hearing   = pro("899900000066", "26", "", practice)
	author    = pro("899900000077", "10", "SM20", hospital)
	regulator = pro("899900000088", "10", "SM26", hospital)
	workplace = pro("899900000099", "10", "SM25", practice)
	server    = saml.Claims{Nature: authz.NatureStructure, ID: hospital, Structure: hospital, StructureName: "CHU"}
	elsewhere = saml.Claims{Nature: authz.NatureStructure, ID: practice, Structure: practice, StructureName: "Cabinet"}
	insurer   = saml.Claims{Nature: authz.NatureOther, ID: "899900000100", Profession: "ASSUREUR"}
)

func pro(id, profession, specialty, structure string) saml.Claims {
	return saml.Claims{Nature: authz.NaturePro, ID: id, Name: "PRO " + id, Profession: profession, Specialty: specialty, Structure: structure}
}

// person is the token of a patient, a representative or a relative.
func person(id string) saml.Claims { return saml.Claims{Nature: authz.NaturePerson, ID: id} }

// keys are a signing key of assertions and its certificate, made once.
var keys = sync.OnceValue(func() (k struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "VIHF"}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	k.key = key
	if k.cert, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	return k
})

// subject is what the verifier makes of the claims, for the calls beside SOAP.
func subject(c saml.Claims) authz.Subject {
	return authz.Subject{Nature: c.Nature, ID: c.ID, Profession: c.Profession, Specialty: c.Specialty, Structure: c.Structure, Mode: authz.Normal}
}

// signer issues the assertions of this world.
func (w *world) signer() saml.Signer {
	return saml.Signer{Key: keys().key, Certificates: []*x509.Certificate{keys().cert}, Name: "CN=VIHF", Audience: w.audience,
		Now: time.Now, NewID: func() string { return "_" + newID() }}
}

// security is a wsse:Security header with an assertion for these claims.
func (w *world) security(c saml.Claims) []byte {
	w.t.Helper()
	assertion, err := w.signer().Issue(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return []byte(`<wsse:Security xmlns:wsse="` + soap.NSSecurity + `">` + string(assertion) + `</wsse:Security>`)
}

// on binds a token to a patient.
func on(c saml.Claims, h holder) saml.Claims {
	c.Patient = h.ins
	return c
}
