package fhir

import (
	"strconv"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// SubscriptionState is how a Subscription fares.
type SubscriptionState struct {
	ID      string
	Version int
	Updated time.Time
	Status  string // of R4
	End     time.Time
	Failure string // of the last attempt: a code of subscription-error, or unlisted
	Told    int64  // documents
}

// failures are the texts of Subscription.error.
var failures = map[string]string{
	"no-response":    "le destinataire n'a pas répondu",
	"error-response": "le destinataire a répondu par une erreur",
	"unlisted":       "le destinataire n'est plus inscrit : le demander à l'exploitant ([[dsub.consumer]])",
}

// AppendSubscription writes a Subscription as its owner reads it: without its headers,
// which are secrets.
func AppendSubscription(b []byte, st SubscriptionState, s Subscription) []byte {
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "Subscription")
	w.str("id", st.ID)
	w.open("meta", '{')
	w.str("versionId", strconv.Itoa(st.Version))
	w.str("lastUpdated", st.Updated.UTC().Format(time.RFC3339))
	w.list("profile", backportProfile)
	w.shut('}')
	w.str("status", st.Status)
	if len(s.Contacts) > 0 {
		w.open("contact", '[')
		for _, c := range s.Contacts {
			w.open("", '{')
			w.str("system", c.System)
			w.str("value", c.Value)
			w.str("use", c.Use)
			w.shut('}')
		}
		w.shut(']')
	}
	w.str("end", st.End.UTC().Format(time.RFC3339))
	w.str("reason", s.Reason)
	w.str("criteria", s.Topic)
	w.open("_criteria", '{')
	w.open("extension", '[')
	w.extended(extFilter, "valueString", s.Criteria)
	w.b = append(w.b, ']', '}')
	w.str("error", failures[st.Failure])
	w.open("channel", '{')
	if s.Timeout+s.Heartbeat > 0 {
		w.open("extension", '[')
		for _, x := range []struct {
			url     string
			seconds int
		}{{extHeartbeat, s.Heartbeat}, {extTimeout, s.Timeout}} {
			if x.seconds > 0 {
				w.open("", '{')
				w.str("url", x.url)
				w.number("valueUnsignedInt", int64(x.seconds))
				w.shut('}')
			}
		}
		w.shut(']')
	}
	w.str("type", "rest-hook")
	w.str("endpoint", s.Endpoint)
	w.str("payload", s.Payload)
	w.open("_payload", '{')
	w.open("extension", '[')
	w.extended(extContent, "valueCode", s.Content)
	w.b = append(w.b, ']', '}', '}', '}')
	return w.b
}

// extended writes one extension with a text.
func (w *out) extended(url, value, text string) {
	w.open("", '{')
	w.str("url", url)
	w.str(value, text)
	w.shut('}')
}

// AppendSubscriptions writes a searchset of so many resources; each gives its address and
// is appended.
func AppendSubscriptions(b []byte, s Searchset, n int, each func(i int) (address string, resource []byte)) []byte {
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "Bundle")
	w.str("type", "searchset")
	w.number("total", int64(*s.Total))
	w.open("link", '[')
	w.link("self", s.Self)
	if s.Next != "" {
		w.link("next", s.Next)
	}
	w.shut(']')
	if n > 0 {
		w.open("entry", '[')
		for i := range n {
			w.open("", '{')
			address, resource := each(i)
			w.str("fullUrl", address)
			w.key("resource")
			w.b = append(w.b, resource...)
			w.search("match")
		}
		w.shut(']')
	}
	w.shut('}')
	return w.b
}

// Notice is one message to a consumer, or the status that its owner asks for.
type Notice struct {
	Event     string // UUID, the same at every attempt
	Sent      time.Time
	At        time.Time // of the event
	Type      string    // handshake, heartbeat, event-notification, query-status
	State     SubscriptionState
	Topic     string
	Content   string
	Documents []authz.Visible[xds.Document]
}

// AppendSubscriptionStatus writes a Parameters in place of R5's SubscriptionStatus
// (R5 backport 1.1, backport-subscription-status-r4), with one event for each document.
func AppendSubscriptionStatus(b []byte, base, id string, n Notice) []byte {
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "Parameters")
	w.str("id", id)
	w.open("meta", '{')
	w.list("profile", statusParameters)
	w.shut('}')
	w.open("parameter", '[')
	w.open("", '{')
	w.str("name", "subscription")
	w.reference("valueReference", base+"/Subscription/"+n.State.ID)
	w.shut('}')
	if n.Content != ContentEmpty {
		w.parameter("topic", "valueCanonical", n.Topic)
	}
	w.parameter("status", "valueCode", n.State.Status)
	w.parameter("type", "valueCode", n.Type)
	w.parameter("events-since-subscription-start", "valueString", strconv.FormatInt(n.State.Told, 10))
	first := n.State.Told - int64(len(n.Documents))
	for i, v := range n.Documents {
		d, _ := v.Value()
		w.open("", '{')
		w.str("name", "notification-event")
		w.open("part", '[')
		w.parameter("event-number", "valueString", strconv.FormatInt(first+int64(i)+1, 10))
		w.parameter("timestamp", "valueInstant", n.At.UTC().Format(time.RFC3339))
		if n.Content != ContentEmpty {
			w.open("", '{')
			w.str("name", "focus")
			w.reference("valueReference", base+"/DocumentReference/"+ID(d))
			w.shut('}')
		}
		w.b = append(w.b, ']', '}')
	}
	if n.State.Failure != "" && n.Type == "query-status" {
		w.open("", '{')
		w.str("name", "error")
		w.open("valueCodeableConcept", '{')
		if n.State.Failure != "unlisted" {
			w.open("coding", '[')
			w.open("", '{')
			w.str("system", "http://terminology.hl7.org/CodeSystem/subscription-error")
			w.str("code", n.State.Failure)
			w.b = append(w.b, '}', ']')
		}
		w.str("text", failures[n.State.Failure])
		w.b = append(w.b, '}', '}')
	}
	w.b = append(w.b, ']', '}')
	return w.b
}

func (w *out) parameter(name, value, text string) {
	w.open("", '{')
	w.str("name", name)
	w.str(value, text)
	w.shut('}')
}

// AppendNotification writes the history Bundle of a notification (R5 backport 1.1,
// backport-subscription-notification-r4; ITI-112). Its entries say GET, whatever
// happened: whether a document is new or was hidden before is nobody's to know.
func AppendNotification(b []byte, base string, n Notice) []byte {
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "Bundle")
	w.str("id", n.Event)
	w.open("meta", '{')
	w.list("profile", notificationBundle)
	w.shut('}')
	w.str("type", "history")
	w.str("timestamp", n.Sent.UTC().Format(time.RFC3339))
	w.open("entry", '[')
	w.open("", '{')
	w.str("fullUrl", uuidURN+n.Event)
	w.key("resource")
	w.b = AppendSubscriptionStatus(w.b, base, n.Event, n)
	w.exchange("Subscription/" + n.State.ID + "/$status")
	if n.Content == ContentFull {
		for _, v := range n.Documents {
			d, ok := v.Value()
			if !ok {
				continue
			}
			w.open("", '{')
			w.str("fullUrl", base+"/DocumentReference/"+ID(d))
			w.key("resource")
			w.b = AppendDocumentReference(w.b, v, base)
			w.exchange("DocumentReference/" + ID(d))
		}
	}
	w.b = append(w.b, ']', '}')
	return w.b
}

// exchange ends an entry of a history (R4 Bundle, bdl-3 and bdl-4).
func (w *out) exchange(url string) {
	w.open("request", '{')
	w.str("method", "GET")
	w.str("url", url)
	w.shut('}')
	w.open("response", '{')
	w.str("status", "200")
	w.b = append(w.b, '}', '}')
}
