package iti

import (
	"context"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// subscribe is ITI-52 Document Metadata Subscribe (ITI TF-2 3.52): whoever may search
// the record now is entered; what he is told later is judged then. The answer is the
// same whatever the record holds (safety SC-25).
func (s *Server) subscribe(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	var found xds.Errors
	n := registry.Subscription{ID: s.Registry.NewID()}
	n.Full = topic(c.message.Body, &found)
	filter := s.filter(c.message.Body, &found)
	s.consumer(c.message.Body, &n, &found)
	n.Expires = s.termination(c.message.Body, "InitialTerminationTime", &found)
	if err := found.Err(); err != nil {
		return err
	}
	n.Filter = filter.Match
	var record string
	var until time.Time
	err := s.Registry.Write(ctx, func(session *registry.Session) error {
		scope, err := s.Gate.Open(ctx, session, c.subject, filter.Patient, s.purpose(c, authz.Search))
		if err != nil {
			return err
		}
		record = scope.Record()
		until, err = session.Subscribe(ctx, scope, n)
		return err
	})
	if err != nil {
		return err
	}
	s.reply(c, func(w *soap.Writer) {
		s.reference(w, "wsnt:SubscriptionReference", subscriptionKey, record+"/"+n.ID)
		w.Leaf("wsnt:CurrentTime", instant(s.Registry.Now()))
		w.Leaf("wsnt:TerminationTime", instant(until))
	})
	return nil
}

// topic tells whether whole entries are wanted.
func topic(body *xmlgate.Element, found *xds.Errors) (full bool) {
	e := body.Child(namespaceNotification, "Filter").Child(namespaceNotification, "TopicExpression")
	text := e.Trimmed()
	_, local, _ := strings.Cut(text, ":")
	if e == nil || !strings.HasSuffix(e.Attr("Dialect"), "/TopicExpression/Simple") || "ihe:"+local != topicFull && "ihe:"+local != topicMinimal {
		found.Add(at(body, e, &xds.Error{ID: "DSUB-001", Where: "Subscribe/Filter/TopicExpression", Found: text,
			Expected: topicFull + " ou " + topicMinimal + ", Dialect=" + dialectSimple}))
	}
	return "ihe:"+local == topicFull
}

// filter reads which documents of which patient are meant.
func (s *Server) filter(body *xmlgate.Element, found *xds.Errors) xds.Query {
	query := body.Child(namespaceNotification, "Filter").Child(ebrim.NamespaceRIM, "AdhocQuery")
	if query == nil {
		found.Add(at(body, nil, &xds.Error{ID: "DSUB-002", Where: "Subscribe/Filter", Expected: "un rim:AdhocQuery " + ebrim.Subscriptions[0].UUID}))
		return xds.Query{}
	}
	q, findings := ebrim.DecodeFilter(query)
	found.AddAll(findings)
	return q.Query
}

// consumer reads where the subscriber is told: at an address of the list, or at a pull
// point of ours.
func (s *Server) consumer(body *xmlgate.Element, n *registry.Subscription, found *xds.Errors) {
	e := body.Child(namespaceNotification, "ConsumerReference").Child(soap.NSAddr, "Address")
	address := e.Trimmed()
	if id, ours := strings.CutPrefix(address, s.Base+Endpoints[BrokerActor].Path+"?"+pullPointKey+"="); ours {
		n.PullPoint = id
		return
	}
	if _, listed := s.Broker.Covering(address); !listed {
		found.Add(at(body, e, &xds.Error{ID: "DSUB-003", Where: "Subscribe/ConsumerReference/Address", Found: withoutQuery(address)}))
	}
	n.Consumer = address
}

// withoutQuery is an address as an answer repeats it.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// at gives a finding its place.
func at(body, e *xmlgate.Element, finding *xds.Error) *xds.Error {
	if e == nil {
		e = body
	}
	finding.Line, finding.Column = e.Line, e.Column
	return finding
}

// termination is when a subscription is to end: an instant or a duration from now
// (WS-BaseNotification 4.2), the longest one when nothing is said.
func (s *Server) termination(body *xmlgate.Element, name string, found *xds.Errors) time.Time {
	now := s.Registry.Now()
	last := now.Add(s.Broker.Span())
	e := body.Child(namespaceNotification, name)
	text := e.Trimmed()
	if text == "" {
		return last
	}
	end, ok := ending(text, now)
	if !ok || !end.After(now) || end.After(last.Add(time.Minute)) { // their clock may be ahead of ours
		found.Add(at(body, e, &xds.Error{ID: "DSUB-005", Where: body.Local + "/" + name, Found: text, Expected: "un instant ou une durée d'ici au " + instant(last)}))
	}
	return end
}

var duration = regexp.MustCompile(`^P(?:([0-9]{1,4})D)?(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,8})S)?)?$`)

func ending(text string, now time.Time) (time.Time, bool) {
	if m := duration.FindStringSubmatch(text); m != nil {
		for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
			n, _ := strconv.Atoi(m[i+1])
			now = now.Add(time.Duration(n) * unit)
		}
		return now, true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} { // without a zone: UTC
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return now, false
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// reply answers with the response element of a broker's operation.
func (s *Server) reply(c *call, write func(*soap.Writer)) {
	s.Respond.WriteEnvelope(c.w, c.transaction.replyAction(), c.relatesTo(), func(w *soap.Writer) {
		w.Start("wsnt:"+c.transaction.body.Local+"Response", "xmlns:wsnt", namespaceNotification)
		write(w)
		w.End()
	})
}

// subscription is what the address of a request names.
func (c *call) subscription() (record, id string) {
	record, id, _ = strings.Cut(c.named(subscriptionKey), "/")
	return record, id
}

// unsubscribe ends a subscription of the caller's own (ITI TF-2 3.52.4.3).
func (s *Server) unsubscribe(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	record, id := c.subscription()
	if err := s.Registry.Unsubscribe(ctx, c.subject, record, id); err != nil {
		return err
	}
	s.reply(c, func(*soap.Writer) {})
	return nil
}

// renew moves the end of a subscription (WS-BaseNotification 6.1.1).
func (s *Server) renew(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	var found xds.Errors
	until := s.termination(c.message.Body, "TerminationTime", &found)
	if err := found.Err(); err != nil {
		return err
	}
	record, id := c.subscription()
	until, err := s.Registry.Renew(ctx, c.subject, record, id, until)
	if err != nil {
		return err
	}
	s.reply(c, func(w *soap.Writer) {
		w.Leaf("wsnt:TerminationTime", instant(until))
		w.Leaf("wsnt:CurrentTime", instant(s.Registry.Now()))
	})
	return nil
}
