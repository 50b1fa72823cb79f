package fhir

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// The topics that a Subscription may name: documents that are new (DSUBm 1.0), and our
// own, documents that are new or changed.
const (
	TopicNew     = "https://profiles.ihe.net/ITI/DSUBm/SubscriptionTopic/DSUBm-SubscriptionTopic-DocumentReference-PatientDependent"
	TopicChanged = ourBase + "SubscriptionTopic/documents"
)

// Extensions of the R5 backport (1.1.0).
const (
	backport           = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
	extFilter          = backport + "backport-filter-criteria"
	extContent         = backport + "backport-payload-content"
	extHeartbeat       = backport + "backport-heartbeat-period"
	extTimeout         = backport + "backport-timeout"
	extChannel         = backport + "backport-channel-type"
	extTopic           = backport + "capabilitystatement-subscriptiontopic-canonical"
	backportProfile    = backport + "backport-subscription"
	notificationBundle = backport + "backport-subscription-notification-r4"
	statusParameters   = backport + "backport-subscription-status-r4"
)

// The contents that a notification may have.
const (
	ContentEmpty = "empty"
	ContentID    = "id-only"
	ContentFull  = "full-resource"
)

// SubscriptionFilters are the search parameters that narrow a subscription: those of the
// topic of DSUBm, and their other spellings here.
var SubscriptionFilters = []string{
	"author.family", "author.given", "author.identifier", "category", "event", "facility", "format", "patient", "patient.identifier",
	"security-label", "setting", "status", "subject", "subject.identifier", "type",
}

// Bounds of a Subscription.
const (
	maxHeaders      = 10
	maxHeader       = 2048 // bytes
	maxContacts     = 5
	minHeartbeat    = 60
	maxHeartbeat    = 31 * 24 * 3600
	MaxSubscription = 64 << 10 // bytes of a resource
)

// Subscription is what a client asks by a Subscription (ITI-110 of DSUBm 1.0 on the R5
// backport 1.1): it is kept as it stands here.
type Subscription struct {
	Reason    string
	Contacts  []Contact `json:",omitempty"`
	Topic     string
	Criteria  string // DocumentReference?…, with the record in place of any identifier
	Endpoint  string
	Headers   []string `json:",omitempty"` // secrets: told to the consumer alone
	Payload   string   // media type
	Content   string
	Timeout   int `json:",omitempty"` // seconds
	Heartbeat int `json:",omitempty"` // seconds
}

// Contact is a ContactPoint.
type Contact struct{ System, Value, Use string }

// SubscriptionRequest is a Subscription as it came in.
type SubscriptionRequest struct {
	Subscription
	ID     string
	Status string
	End    time.Time // zero: not said
	Search Search    // the criteria
}

// ReadSubscription reads a Subscription that ReadResource has found sound. base is the
// address of the FHIR face. Whether the endpoint may be told, and how long, is the
// caller's to judge.
func ReadSubscription(n *Node, base string) (SubscriptionRequest, xds.Errors) {
	r := subscriptionReader{place: root(n), base: base}
	s := SubscriptionRequest{ID: n.Str("id"), Status: n.Str("status")}
	s.Reason = n.Str("reason")
	if end := n.Str("end"); end != "" {
		s.End, _ = time.Parse(time.RFC3339, end) // an instant: ReadResource has seen to it
	}
	r.refuse("contained", "modifierExtension", "channel.modifierExtension")
	s.Contacts = r.contacts()
	s.Topic = r.topic()
	s.Search = r.criteria()
	r.channel(&s.Subscription)
	return s, r.found
}

type subscriptionReader struct {
	place
	base  string
	found xds.Errors
}

func (r *subscriptionReader) add(id string, p place, found, expected string) {
	r.found.Add(xds.Found(id, p.path, found, expected))
}

// refuse tells of elements that would have to be kept, and are not.
func (r *subscriptionReader) refuse(paths ...string) {
	for _, path := range paths {
		if p := r.follow(path); p.there() {
			r.add("FHIR-009", p, "", "aucun")
		}
	}
}

func (r *subscriptionReader) contacts() (all []Contact) {
	items := r.get("contact").each()
	if len(items) > maxContacts {
		r.add("FHIR-009", r.get("contact"), strconv.Itoa(len(items)), "au plus "+strconv.Itoa(maxContacts))
		return nil
	}
	for _, c := range items {
		all = append(all, Contact{c.Str("system"), c.Str("value"), c.Str("use")})
	}
	return all
}

// topic is the canonical address in criteria; its version, if any, is not looked at.
func (r *subscriptionReader) topic() string {
	p := r.get("criteria")
	name, _, _ := strings.Cut(p.text(), "|")
	if name == TopicNew || name == TopicChanged {
		return name
	}
	r.found.Add(&xds.Error{ID: "DSUB-001", Where: p.path, Expected: TopicNew + " ou " + TopicChanged,
		Hint: "nommer le sujet dans criteria, et le patient dans l'extension backport-filter-criteria"})
	return ""
}

// criteria reads the filters together: all must hold.
func (r *subscriptionReader) criteria() Search {
	values := url.Values{}
	filters := place{r.Node.Get("_criteria"), r.path + ".criteria"}.extensions(extFilter, "valueString")
	for _, f := range filters {
		resource, query, _ := strings.Cut(f.text(), "?")
		more, err := url.ParseQuery(query)
		if err != nil || resource != "DocumentReference" {
			r.add("DSUB-002", f, "", "DocumentReference?patient=Patient/{dossier}&type=…")
			continue
		}
		for name, v := range more {
			values[name] = append(values[name], v...)
		}
	}
	if len(filters) == 0 {
		r.add("DSUB-002", place{nil, "Subscription.criteria.extension"}, "", "backport-filter-criteria : DocumentReference?patient=Patient/{dossier}")
		return Search{}
	}
	for name := range values {
		if bare, _ := splitName(name); !slices.Contains(SubscriptionFilters, bare) {
			r.add("DSUB-002", place{nil, "Subscription.criteria.extension"}, xds.Shorten(name), "un paramètre parmi "+strings.Join(SubscriptionFilters, ", "))
		}
	}
	if r.found.Failed() {
		return Search{}
	}
	search, findings := ParseSearch("DocumentReference", values, r.base, true)
	for _, f := range findings {
		f.Hint, f.Where = "paramètre "+f.Where, "Subscription.criteria.extension"
	}
	r.found.AddAll(findings)
	return search
}

// channel reads where and how the client is told.
func (r *subscriptionReader) channel(s *Subscription) {
	c := r.get("channel")
	if kind := c.get("type"); kind.text() != "rest-hook" || len(c.get("_type").extensions(extChannel, "valueCoding")) > 0 {
		r.add("DSUB-009", kind, "", "rest-hook")
	}
	s.Endpoint = c.Str("endpoint")
	payload := c.get("payload")
	s.Payload = payload.text()
	if f, ok := FormatOf(s.Payload); !ok || s.Payload != f.Names()[0] {
		r.add("DSUB-009", payload, s.Payload, JSON.Names()[0]+" ou "+XML.Names()[0])
	}
	content := place{c.Node.Get("_payload"), c.path + ".payload"}.extensions(extContent, "valueCode")
	if len(content) == 1 {
		s.Content = content[0].text()
	}
	if !slices.Contains([]string{ContentEmpty, ContentID, ContentFull}, s.Content) {
		r.add("DSUB-009", place{nil, c.path + ".payload.extension"}, s.Content, "backport-payload-content : empty, id-only ou full-resource")
	}
	s.Timeout = r.seconds(c, extTimeout, "valueUnsignedInt", 1, 3600)
	s.Heartbeat = r.seconds(c, extHeartbeat, "valueUnsignedInt", minHeartbeat, maxHeartbeat)
	s.Headers = r.headers(c.get("header"))
}

// seconds is an extension of the channel, 0 when it is absent.
func (r *subscriptionReader) seconds(c place, extension, value string, least, most int) int {
	for _, p := range c.extensions(extension, value) {
		n, err := strconv.Atoi(p.text())
		if err != nil || n < least || n > most {
			r.add("DSUB-009", p, p.text(), "de "+strconv.Itoa(least)+" à "+strconv.Itoa(most)+" secondes")
			continue
		}
		return n
	}
	return 0
}

// kept are headers that a notification has of its own, or that belong to the connection.
var kept = []string{"accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive",
	"proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"}

// headers are lines `Name: value`. A finding says which, and never what stands there.
func (r *subscriptionReader) headers(p place) (all []string) {
	for i, h := range p.each() {
		name, value, found := strings.Cut(h.text(), ":")
		switch {
		case !found || !isToken(name) || strings.TrimSpace(value) == "" || len(h.text()) > maxHeader || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }):
			r.add("DSUB-009", h, "", "Nom: valeur, "+strconv.Itoa(maxHeader)+" octets au plus")
		case slices.Contains(kept, strings.ToLower(name)):
			r.add("DSUB-009", h, "", "un autre en-tête que ceux de la connexion et du contenu")
		case i >= maxHeaders:
			r.add("DSUB-009", p, strconv.Itoa(len(p.Items)), "au plus "+strconv.Itoa(maxHeaders))
			return nil
		default:
			all = append(all, name+": "+strings.TrimSpace(value))
		}
	}
	return all
}

// isToken tells the name of a header (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}
