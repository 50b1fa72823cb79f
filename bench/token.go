package main

import (
	"context"
	"fmt"
	"time"

	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// tokenGate times the verifier of the gateway itself: an assertion seen for the first
// time, and the same bytes again. The message around it is parsed before, as for
// every request, whatever becomes of its assertion.
func tokenGate(_ context.Context, w *world) ([]result, error) {
	v, err := saml.New(saml.Config{Issuers: map[string]saml.Issuer{w.issuers.vihf.Name: w.issuers.trusted}, Audience: w.base() + "/xds", Now: time.Now})
	if err != nil {
		return nil, err
	}
	n := 200
	if w.o.quick {
		n = 50
	}
	var first, again []time.Duration
	for i := range n {
		assertion, err := w.assertion(reader, patient{n: i, ins: ins(i)})
		if err != nil {
			return nil, err
		}
		message, err := xmlgate.Parse([]byte(`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>`+
			`<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">`+string(assertion)+
			`</w:Security></s:Header><s:Body/></s:Envelope>`), xmlgate.Envelope())
		if err != nil {
			return nil, err
		}
		verify := func() (time.Duration, error) {
			began := time.Now()
			_, err := v.VerifyTree(message, nil)
			return time.Since(began), err
		}
		a, err := verify()
		if err != nil {
			return nil, err
		}
		first = append(first, a)
		for range 5 {
			b, err := verify()
			if err != nil {
				return nil, err
			}
			again = append(again, b)
		}
	}
	a, b := middle(first), middle(again)
	share := float64(a) / float64(b)
	return []result{{gate: "token", what: fmt.Sprintf("first verification ÷ verification from the cache, %d assertions", n),
		target: "≥ 50", figure: fmt.Sprintf("%.0f", share), spread: short(a) + " ÷ " + short(b), pass: share >= 50}}, nil
}
