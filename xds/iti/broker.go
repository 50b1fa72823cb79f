package iti

import (
	"context"
	"net/url"

	"github.com/passerelle-sante/passerelle/notify"
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

// Notify is ITI-53 Document Metadata Notify: it sends one notification to its consumer,
// if that is still one. wsa:MessageID is the event, the same at every attempt.
func (s *Server) Notify(ctx context.Context, n registry.Notification) error {
	reach, err := s.Broker.Client(n.Consumer)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, notify.Timeout)
	defer cancel()
	client := soap.Client{HTTP: reach, URL: n.Consumer, NewID: func() string { return "urn:uuid:" + n.Event }}
	return client.Send(ctx, actionsNotification+"NotificationConsumer/Notify", func(w *soap.Writer) {
		w.Start("wsnt:Notify", "xmlns:wsnt", namespaceNotification)
		s.notification(w, n)
		w.End()
	})
}

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
