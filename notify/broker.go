// Package notify is who may be told of documents, and how they are reached: the list
// of the configuration, which no message widens, and a client that connects to the
// address that was judged (ITI TF-2 3.53; ITI-112 of DSUBm; safety §2.3, attack 115).
// What is told, and to whom, is not here.
package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Broker says who is told of documents and where.
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

// Span is how far ahead a subscription may end.
func (b Broker) Span() time.Duration {
	if b.Longest == 0 {
		return usualSubscription
	}
	return b.Longest
}

// Timeout bounds one notification, from the look-up to the answer.
const Timeout = 20 * time.Second

// Consumer is an address that may be told. A message never widens this list: it names
// one of it.
type Consumer struct {
	URL string // https://host[:port]/path; one that ends in / covers what is below it
	// AnyPort covers the host at every port: the loopback of a sandbox.
	AnyPort bool
	// Addresses are those that the host may resolve to; none: only ones of the public
	// network, and that of the URL itself when it is written in it.
	Addresses []netip.Prefix
}

// covers tells whether an address that a subscription asks for is this one.
func (c Consumer) covers(asked string) bool {
	u, err := url.Parse(asked)
	if c.AnyPort && err == nil {
		asked = strings.Replace(asked, u.Host, u.Hostname(), 1)
	}
	if asked == c.URL {
		return true
	}
	rest, below := strings.CutPrefix(asked, c.URL)
	return below && strings.HasSuffix(c.URL, "/") && err == nil && u.User == nil && u.Fragment == "" && u.Path == u.EscapedPath() &&
		!slices.ContainsFunc(strings.Split(rest, "/"), func(step string) bool { return step == "." || step == ".." })
}

// Covering is the row that covers an address.
func (b Broker) Covering(asked string) (Consumer, bool) {
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

// ErrUnlisted is a consumer that is not, or no longer, on the list.
var ErrUnlisted = errors.New("the consumer is not on the list")

var errElsewhere = errors.New("no address of the consumer is one that its row allows")

// Client reaches one consumer and nothing else: it follows no redirect, asks no proxy,
// which would choose the address, and keeps no connection.
func (b Broker) Client(asked string) (*http.Client, error) {
	consumer, listed := b.Covering(asked)
	if !listed {
		return nil, ErrUnlisted
	}
	return &http.Client{
		Transport:     &http.Transport{DialContext: b.dial(consumer), TLSClientConfig: b.TLS, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

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
		return nil, errElsewhere
	}
}

func (b Broker) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if b.Resolve != nil {
		return b.Resolve(ctx, host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// The failures that a subscriber is told of (code system subscription-error of R5).
const (
	NoResponse    = "no-response"
	ErrorResponse = "error-response"
	Unlisted      = "unlisted" // our own: taken off the list
)

// Answered is an answer that refuses a notification.
type Answered struct{ Status int }

// Error is the status.
func (a Answered) Error() string { return "the consumer answers " + http.StatusText(a.Status) }

// Failure is how a subscriber is told why his consumer was not: never with what it
// answered.
func Failure(err error) string {
	var answered Answered
	switch {
	case errors.Is(err, ErrUnlisted):
		return Unlisted
	case errors.As(err, &answered):
		return ErrorResponse
	}
	return NoResponse
}
