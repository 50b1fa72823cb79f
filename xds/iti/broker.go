package iti

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Namespaces and dialect of WS-BaseNotification 1.3.
const (
	namespaceNotification = "http://docs.oasis-open.org/wsn/b-2"
	actionsNotification   = "http://docs.oasis-open.org/wsn/bw-2/"
	dialectSimple         = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Simple"

	topicFull    = "ihe:FullDocumentEntry"
	topicMinimal = "ihe:MinimalDocumentEntry"
)

// wsn is a row of the broker in the dispatch table: interface and operation.
func wsn(name, port, operation string, handle func(*Server, context.Context, *call) error) transaction {
	return transaction{name: name, actor: BrokerActor, action: actionsNotification + port + "/" + operation + "Request",
		reply: actionsNotification + port + "/" + operation + "Response", body: xmlgate.Name{Space: namespaceNotification, Local: operation}, handle: handle}
}

// Broker says who is told of documents and where (ITI TF-2 3.52, 3.53).
type Broker struct {
	// Longest is how far ahead a subscription may end; 0 is a month.
	Longest time.Duration
	// Consumers are the only addresses that are told anything; others fetch.
	Consumers []Consumer
	// Resolve looks a host up; nil is the resolver of the system.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// TLS is what the gateway shows and trusts there; nil: nothing, and the roots of the system.
	TLS *tls.Config
}

const usualSubscription = 31 * 24 * time.Hour

func (b Broker) longest() time.Duration {
	if b.Longest == 0 {
		return usualSubscription
	}
	return b.Longest
}

// Consumer is an address that may be told. A message never widens this list: it names
// one of it (safety §2.3, attack 115).
type Consumer struct {
	URL string // https://host[:port]/path; one that ends in / covers what is below it
	// Addresses are those that the host may resolve to; none: only ones of the public
	// network, and that of the URL itself when it is written in it.
	Addresses []netip.Prefix
}

// covers tells whether an address that a subscription asks for is this one.
func (c Consumer) covers(asked string) bool {
	if asked == c.URL {
		return true
	}
	rest, below := strings.CutPrefix(asked, c.URL)
	u, err := url.Parse(asked)
	return below && strings.HasSuffix(c.URL, "/") && err == nil && u.User == nil && u.Fragment == "" && u.Path == u.EscapedPath() &&
		!slices.ContainsFunc(strings.Split(rest, "/"), func(step string) bool { return step == "." || step == ".." })
}

// consumer is the row that covers an address.
func (b Broker) consumer(asked string) (Consumer, bool) {
	i := slices.IndexFunc(b.Consumers, func(c Consumer) bool { return c.covers(asked) })
	if i < 0 {
		return Consumer{}, false
	}
	return b.Consumers[i], true
}

// reaches tells whether a resolved address is one of the consumer.
func (c Consumer) reaches(ip netip.Addr) bool {
	ip = ip.Unmap()
	if len(c.Addresses) > 0 {
		return slices.ContainsFunc(c.Addresses, func(p netip.Prefix) bool { return p.Contains(ip) })
	}
	if u, err := url.Parse(c.URL); err == nil && u.Hostname() == ip.String() {
		return true
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !shared.Contains(ip)
}

// shared are the addresses of carriers' own networks (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// dial connects to the addresses that the host resolves to now, and that its row
// allows: the address that was judged is the one that is connected to.
func (b Broker) dial(c Consumer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		var ips []netip.Addr
		if ip, err := netip.ParseAddr(host); err == nil {
			ips = []netip.Addr{ip}
		} else if ips, err = b.resolve(ctx, host); err != nil {
			return nil, err
		}
		for _, ip := range ips {
			if c.reaches(ip) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(ip.Unmap().String(), port))
			}
		}
		return nil, fmt.Errorf("no address of the consumer is one that its row allows")
	}
}

func (b Broker) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if b.Resolve != nil {
		return b.Resolve(ctx, host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// notifyTimeout bounds one notification, from the look-up to the answer.
const notifyTimeout = 20 * time.Second

// Notify is ITI-53 Document Metadata Notify: it sends one notification to its consumer,
// if that is still one. wsa:MessageID is the event, the same at every attempt.
func (s *Server) Notify(ctx context.Context, n registry.Notification) error {
	consumer, listed := s.Broker.consumer(n.Consumer)
	if !listed {
		return ErrUnlisted
	}
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	transport := &http.Transport{DialContext: s.Broker.dial(consumer), TLSClientConfig: s.Broker.TLS, DisableKeepAlives: true} // no proxy: it would choose the address
	client := soap.Client{HTTP: &http.Client{Transport: transport}, URL: n.Consumer, NewID: func() string { return "urn:uuid:" + n.Event }}
	return client.Send(ctx, actionsNotification+"NotificationConsumer/Notify", func(w *soap.Writer) {
		w.Start("wsnt:Notify", "xmlns:wsnt", namespaceNotification)
		s.notification(w, n)
		w.End()
	})
}

// ErrUnlisted is a consumer that was taken off the list.
var ErrUnlisted = fmt.Errorf("the consumer is not on the list")

// notification writes a wsnt:NotificationMessage.
func (s *Server) notification(w *soap.Writer, n registry.Notification) {
	topic, as := topicMinimal, ebrim.ObjectRef
	if n.Full {
		topic, as = topicFull, ebrim.LeafClass
	}
	w.Start("wsnt:NotificationMessage")
	s.reference(w, "wsnt:SubscriptionReference", subscriptionKey, n.Record+"/"+n.Subscription)
	w.Leaf("wsnt:Topic", topic, "Dialect", dialectSimple)
	w.Start("wsnt:ProducerReference")
	w.Leaf("wsa:Address", s.Base+Endpoints[BrokerActor].Path, "xmlns:wsa", soap.NSAddr)
	w.End()
	w.Start("wsnt:Message")
	w.Raw(ebrim.AppendNotified(nil, as, n.Documents))
	w.End()
	w.End()
}

// reference writes an endpoint of ours: the broker, and what is meant there.
func (s *Server) reference(w *soap.Writer, element, key, id string) {
	w.Start(element)
	w.Leaf("wsa:Address", s.Base+Endpoints[BrokerActor].Path+"?"+key+"="+id, "xmlns:wsa", soap.NSAddr)
	w.End()
}

// What an address of the broker may name.
const (
	subscriptionKey = "subscription"
	pullPointKey    = "pullpoint"
)

// named is what the address of a request names: the query of its URL or, for clients
// that post to one address whatever the reference says, that of its wsa:To.
func (c *call) named(key string) string {
	if v := c.target.Get(key); v != "" {
		return v
	}
	if u, err := url.Parse(c.message.Header.Child(soap.NSAddr, "To").Trimmed()); err == nil {
		return u.Query().Get(key)
	}
	return ""
}
