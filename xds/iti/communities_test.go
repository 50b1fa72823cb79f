package iti_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/federation"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/iti"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

const (
	homeA = "urn:oid:1.2.250.1.999.10"
	homeB = "urn:oid:1.2.250.1.999.20"
	homeC = "urn:oid:1.2.250.1.999.30"

	actionCrossQuery    = "urn:ihe:iti:2007:CrossGatewayQuery"
	actionCrossRetrieve = "urn:ihe:iti:2007:CrossGatewayRetrieve"
)

// communities are two gateways, each with a database of its own. The first asks the
// second over mutual TLS.
type communities struct {
	*world              // the one whose users ask
	b       *world      // the other one
	peer    *neighbour  // its Responding Gateway as the first one reaches it
	secured *tls.Config // with which it does
}

// neighbour is a Responding Gateway behind TLS that demands a client certificate.
type neighbour struct {
	*httptest.Server
	asked atomic.Int64
}

// newCommunities makes both.
func newCommunities(t *testing.T) *communities {
	t.Helper()
	c := &communities{world: newWorld(t), b: newWorld(t)}
	c.b.serial.Add(1000)
	tokens, err := saml.New(saml.Config{ // the communities agree on issuers and audience
		Issuers:  map[string]saml.Issuer{"CN=VIHF": {Certificates: []*x509.Certificate{keys().cert}}},
		Audience: c.server.URL + "/xds", Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.b.face.Home, c.b.face.Tokens, c.b.audience = homeB, tokens, c.audience
	authority := newAuthority(t)
	c.peer = authority.serve(t, c.b.face.Handler(iti.GatewayActor))
	c.face.Home = homeA
	c.secured = authority.client(t)
	c.know(c.peer.community(homeB, c.secured))
	return c
}

// know makes the first gateway ask these communities.
func (c *communities) know(all ...federation.Community) {
	f := federation.New(federation.Options{Communities: all, NewID: func() string { return "urn:uuid:" + newID() }})
	c.t.Cleanup(f.Close)
	c.face.Others = f
}

func (n *neighbour) community(home string, secured *tls.Config) federation.Community {
	return federation.Community{Home: home, Query: n.URL, Retrieve: n.URL, TLS: secured, Timeout: 5 * time.Second}
}

// authority issues certificates of servers and clients.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	a.key = newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "communities"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) issue(t *testing.T, usage x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "gateway"}, DNSNames: []string{"example.com"},
		IPAddresses: loopbackIPs, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) client(t *testing.T) *tls.Config {
	t.Helper()
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.pool, Certificates: []tls.Certificate{a.issue(t, x509.ExtKeyUsageClientAuth)}}
}

// serve counts the requests that come through the handshake.
func (a *authority) serve(t *testing.T, h http.Handler) *neighbour {
	t.Helper()
	n := &neighbour{}
	n.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.asked.Add(1)
		h.ServeHTTP(w, r)
	}))
	n.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{a.issue(t, x509.ExtKeyUsageServerAuth)},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool}
	n.Config.ErrorLog = quiet
	n.StartTLS()
	t.Cleanup(n.Close)
	return n
}

// at posts one message to an endpoint of the world.
func (w *world) at(path, action string, security, body []byte) reply {
	w.t.Helper()
	rec := &recorder{t: w.t}
	client := &soap.Client{HTTP: &http.Client{Transport: rec}, URL: w.server.URL + path, NewID: func() string { return "urn:uuid:" + newID() }}
	got, err := client.Post(w.t.Context(), action, security, func(out *soap.Writer) { out.Raw(body) }, nil)
	answer := reply{Reply: got, raw: rec.body}
	if err != nil && !errors.As(err, &answer.fault) {
		w.t.Fatalf("%v\n%s", err, rec.body)
	}
	return answer
}

// ask is a stored query at an endpoint: the answer and its outcome.
func (w *world) ask(path, action string, c saml.Claims, home string, q ebrim.QueryRequest) (ebrim.QueryResponse, string, reply) {
	w.t.Helper()
	q.Home = home
	got := w.at(path, action, w.security(c), ebrim.AppendQuery(nil, q))
	if got.fault != nil {
		return ebrim.QueryResponse{}, faultLine(got.fault), got
	}
	answer, findings := ebrim.DecodeQueryResponse(got.Body)
	if len(findings) > 0 {
		w.t.Errorf("unreadable answer: %v", findings)
	}
	return answer, w.outcome(got), got
}

// fetch is a retrieve at an endpoint: outcome, and by home and uniqueId the documents.
func (w *world) fetch(path, action string, c saml.Claims, requests ...ebrim.RetrieveRequest) (string, map[string]string, reply) {
	w.t.Helper()
	got := w.at(path, action, w.security(c), ebrim.AppendRetrieveRequest(nil, requests))
	outcome, documents := w.outcome(got), map[string]string{}
	if got.fault != nil {
		return outcome, documents, got
	}
	_, received, _ := ebrim.DecodeRetrieveResponse(got.Body)
	byCID := map[string]string{}
	for _, d := range received {
		cid, _ := soap.Include(d.Element)
		byCID[cid] = d.HomeCommunityID + " " + d.DocumentUniqueID
	}
	for {
		p, err := got.NextPart()
		if errors.Is(err, io.EOF) {
			return outcome, documents, got
		}
		if err != nil {
			w.t.Fatal(err)
		}
		documents[byCID[p.ContentID]] = readAll(w.t, p)
	}
}

// allOf is FindDocuments of a patient, whole objects or ids.
func allOf(h holder, as ebrim.ReturnType) ebrim.QueryRequest {
	return storedQuery("FindDocuments", as, "$XDSDocumentEntryPatientId", string(h.ins), "$XDSDocumentEntryStatus", string(xds.Approved))
}

func byID(d xds.DocumentEntry, as ebrim.ReturnType) ebrim.QueryRequest {
	return storedQuery("GetDocuments", as, "$XDSDocumentEntryEntryUUID", d.EntryUUID)
}

func of(home, uniqueID string) ebrim.RetrieveRequest {
	return ebrim.RetrieveRequest{HomeCommunityID: home, RepositoryUniqueID: repositoryID, DocumentUniqueID: uniqueID}
}
