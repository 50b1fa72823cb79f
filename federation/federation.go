// Package federation asks other communities: ITI-38 Cross Gateway Query and ITI-39
// Cross Gateway Retrieve, in parallel and in bounded time, as the client side of an
// Initiating Gateway (ITI TF-1 18, TF-2 3.38 and 3.39).
//
// It owns the connections to the communities of the configuration. It must never call
// an address that is not one of theirs, whatever a message says; follow a redirect or
// go through a proxy that the environment names; hold a document in memory; or give
// on an answer that does not name the community that was asked. It decides nothing
// about rights: its callers ask the Gate before anything leaves.
package federation

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Times that are used where none is chosen.
const (
	DefaultTimeout = 5 * time.Second // of one community
	DefaultOverall = 8 * time.Second // of all together
)

// Community is one other community of the allow-list.
type Community struct {
	Home     string        // homeCommunityId: urn:oid:…
	Query    string        // URL of its Responding Gateway for ITI-38
	Retrieve string        // the same for ITI-39
	TLS      *tls.Config   // its authorities and our client certificate; nil: the system's, none
	Timeout  time.Duration // until its answer begins, and between two reads of a document; 0 = DefaultTimeout
}

// Options are the communities and what bounds asking them.
type Options struct {
	Communities []Community
	Overall     time.Duration // 0 = DefaultOverall
	Document    int64         // bytes of one document; 0 = that of soap.DefaultLimits
	NewID       func() string // wsa:MessageID: urn:uuid:…
}

// Federation are the communities that may be asked.
type Federation struct {
	overall time.Duration
	newID   func() string
	peers   map[string]*peer
	homes   []string // in the order of the configuration
	limits  soap.Limits
}

// peer is one community with its connections.
type peer struct {
	Community
	http *http.Client
}

// New opens no connection yet.
func New(o Options) *Federation {
	f := &Federation{overall: o.Overall, newID: o.NewID, peers: map[string]*peer{}, limits: answerLimits(o.Document)}
	if f.overall == 0 {
		f.overall = DefaultOverall
	}
	for _, c := range o.Communities {
		if c.Timeout == 0 {
			c.Timeout = DefaultTimeout
		}
		f.peers[c.Home] = &peer{c, &http.Client{Transport: transport(c)}}
		f.homes = append(f.homes, c.Home)
	}
	return f
}

// answerLimits bound what one community may answer: its envelope by 16 MiB and 300 000
// elements, more than 2 000 whole objects take.
func answerLimits(document int64) soap.Limits {
	l := soap.AnswerLimits()
	l.Root, l.XML.Elements, l.XML.Namespaces = 16<<20, 300_000, 300_000
	if document > 0 {
		l.Part = min(l.Part, document)
	}
	return l
}

// transport has no proxy and a bound for everything that a community may be slow or
// long with; at most 32 requests are with one community at a time.
func transport(c Community) *http.Transport {
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		secured = c.TLS.Clone()
	}
	return &http.Transport{
		TLSClientConfig: secured, TLSHandshakeTimeout: c.Timeout, ForceAttemptHTTP2: true,
		DialContext:     (&net.Dialer{Timeout: c.Timeout}).DialContext,
		MaxConnsPerHost: 32, MaxIdleConnsPerHost: 4, IdleConnTimeout: 90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
	}
}

// Homes are the homeCommunityIds of the communities, in the order of the configuration.
func (f *Federation) Homes() []string {
	if f == nil {
		return nil
	}
	return f.homes
}

// Knows tells whether a homeCommunityId is one of theirs; false on nil.
func (f *Federation) Knows(home string) bool { return f != nil && f.peers[home] != nil }

// Close lets the idle connections go.
func (f *Federation) Close() {
	for _, p := range f.peers {
		p.http.CloseIdleConnections()
	}
}

// each asks communities at the same time and waits for the last.
func each(homes []string, ask func(i int, home string)) {
	var group sync.WaitGroup
	for i, home := range homes {
		group.Go(func() { ask(i, home) })
	}
	group.Wait()
}

// post sends one message to a community. The time stops when the answer has begun.
func (f *Federation) post(ctx context.Context, p *peer, url, action string, security, body []byte) (*soap.Reply, error) {
	client := soap.Client{HTTP: p.http, URL: url, NewID: f.newID, Limits: f.limits}
	return client.Post(ctx, action, security, func(w *soap.Writer) { w.Raw(body) }, nil)
}

// outcome is what is told of a community that gave no answer of use: COM-001 when it
// did not answer in time, COM-003 when what it answered cannot be taken.
func outcome(ctx context.Context, home string, err error) *xds.Error {
	var fault *soap.FaultError
	var findings xds.Errors
	switch {
	case ctx.Err() != nil:
		return &xds.Error{ID: "COM-001", Where: home, Found: "pas de réponse à temps"}
	case errors.As(err, &fault):
		return &xds.Error{ID: "COM-003", Where: home, Found: "SOAP Fault " + word(fault.Code) + "/" + word(fault.Subcode), Expected: "une réponse à la transaction"}
	case errors.As(err, &findings), errors.Is(err, soap.ErrNoAnswer):
		return &xds.Error{ID: "COM-003", Where: home, Expected: "un message SOAP 1.2 entier, dans les limites"}
	default:
		return &xds.Error{ID: "COM-001", Where: home, Found: "aucune connexion"}
	}
}

// word keeps a name of a fault and nothing else that stands in its place.
func word(s string) string {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return "?"
		}
	}
	return s[:min(len(s), 40)]
}

// Question is one stored query for several communities.
type Question struct {
	Security []byte           // a whole wsse:Security, given on as it is
	Request  *xmlgate.Element // the AdhocQueryRequest that was asked here
	Query    ebrim.StoredQuery
	Patient  xds.CX // whom the answers must be about
}

// Answer is what one community said.
type Answer struct {
	Home    string
	Foreign ebrim.Foreign
	Failed  xds.Errors // why there is no answer of use: COM-nnn
	Cause   error      // of it, for the log alone
}

const actionQuery = "urn:ihe:iti:2007:CrossGatewayQuery"

// Ask asks the communities of homes, which must be known, and gives their answers in
// that order.
func (f *Federation) Ask(ctx context.Context, homes []string, q Question) []Answer {
	ctx, cancel := context.WithTimeout(ctx, f.overall)
	defer cancel()
	answers := make([]Answer, len(homes))
	each(homes, func(i int, home string) { answers[i] = f.query(ctx, f.peers[home], q) })
	return answers
}

func (f *Federation) query(ctx context.Context, p *peer, q Question) Answer {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	answer := Answer{Home: p.Home}
	reply, err := f.post(ctx, p, p.Query, actionQuery, q.Security, ebrim.AppendForwardedQuery(nil, q.Request, q.Query, p.Home))
	if err == nil {
		defer reply.Close()
		err = reply.Drain()
	}
	if err != nil {
		answer.Failed, answer.Cause = xds.Errors{outcome(ctx, p.Home, err)}, err
		return answer
	}
	answer.Foreign, answer.Failed = ebrim.DecodeForeign(reply.Body, p.Home, q.Query.ReturnType, q.Patient)
	return answer
}
