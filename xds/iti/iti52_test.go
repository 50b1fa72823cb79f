package iti_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/notify"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/outbox"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

const (
	wsnt        = "http://docs.oasis-open.org/wsn/b-2"
	wsnActions  = "http://docs.oasis-open.org/wsn/bw-2/"
	subscribeTo = wsnActions + "NotificationProducer/SubscribeRequest"
	allEntries  = "urn:uuid:aa2332d0-f8fe-11e0-be50-0800200c9a66"
)

// asked is a Subscribe as clients write it; the fields change one thing each.
type asked struct {
	consumer, topic, dialect, filter, patient, more, end string
}

func (a asked) body() []byte {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&a.topic, "ihe:FullDocumentEntry")
	def(&a.dialect, "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Simple")
	def(&a.filter, allEntries)
	end := ""
	if a.end != "" {
		end = "<wsnt:InitialTerminationTime>" + a.end + "</wsnt:InitialTerminationTime>"
	}
	patient := ""
	if a.patient != "none" {
		patient = `<rim:Slot name="$XDSDocumentEntryPatientId"><rim:ValueList><rim:Value>'` + strings.ReplaceAll(a.patient, "&", "&amp;") + `'</rim:Value></rim:ValueList></rim:Slot>`
	}
	return []byte(`<wsnt:Subscribe xmlns:wsnt="` + wsnt + `" xmlns:a="` + soap.NSAddr + `" xmlns:rim="` + ebrim.NamespaceRIM + `">
<wsnt:ConsumerReference><a:Address>` + strings.ReplaceAll(a.consumer, "&", "&amp;") + `</a:Address></wsnt:ConsumerReference>
<wsnt:Filter><wsnt:TopicExpression Dialect="` + a.dialect + `">` + a.topic + `</wsnt:TopicExpression>
<rim:AdhocQuery id="` + a.filter + `">` + patient + a.more + `</rim:AdhocQuery></wsnt:Filter>` + end + `</wsnt:Subscribe>`)
}

func typedSlot(code string) string {
	return `<rim:Slot name="$XDSDocumentEntryTypeCode"><rim:ValueList><rim:Value>('` + code + `^^` + loinc + `')</rim:Value></rim:ValueList></rim:Slot>`
}

// operate posts an operation of WS-BaseNotification without content to an address.
func (w *world) operate(c saml.Claims, address, port, operation string, content ...string) reply {
	w.t.Helper()
	return w.at(strings.TrimPrefix(address, w.server.URL), wsnActions+port+"/"+operation+"Request", w.security(c),
		[]byte(`<w:`+operation+` xmlns:w="`+wsnt+`">`+strings.Join(content, "")+`</w:`+operation+`>`))
}

// point is a new pull point.
func (w *world) point(c saml.Claims) string {
	w.t.Helper()
	got := w.operate(c, w.server.URL+"/xds/broker", "CreatePullPoint", "CreatePullPoint")
	if got.fault != nil {
		w.t.Fatal(got.fault)
	}
	return got.Body.Child(wsnt, "PullPoint").Child(soap.NSAddr, "Address").Trimmed()
}

// subscribed is the address of a new subscription, or the fault in a line.
func (w *world) subscribed(c saml.Claims, a asked) string {
	w.t.Helper()
	got := w.at("/xds/broker", subscribeTo, w.security(c), a.body())
	if got.fault != nil {
		return faultLine(got.fault)
	}
	return got.Body.Child(wsnt, "SubscriptionReference").Child(soap.NSAddr, "Address").Trimmed()
}

// pulled are the uniqueIds, or ids of references, that a pull point gives.
func (w *world) pulled(c saml.Claims, point string, content ...string) string {
	w.t.Helper()
	got := w.operate(c, point, "PullPoint", "GetMessages", content...)
	if got.fault != nil {
		return faultLine(got.fault)
	}
	var all []string
	for _, m := range got.Body.ChildrenNamed(wsnt, "NotificationMessage") {
		list := m.Child(wsnt, "Message").Child(ebrim.NamespaceLCM, "SubmitObjectsRequest").Child(ebrim.NamespaceRIM, "RegistryObjectList")
		for _, e := range list.Children {
			id := e.Attr("id")
			for _, x := range e.ChildrenNamed(ebrim.NamespaceRIM, "ExternalIdentifier") {
				if x.Attr("identificationScheme") == "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab" {
					id = x.Attr("value")
				}
			}
			all = append(all, id)
		}
	}
	return strings.Join(all, " ")
}

// The flow of DSUB with a pull point: subscribe, deposit, fetch, unsubscribe.
func TestSubscribeAndPull(t *testing.T) {
	w := newWorld(t)
	point := w.point(durand)
	full := w.subscribed(durand, asked{consumer: point, patient: string(w.alice.ins), more: typedSlot("11502-2"), end: "P30D"})
	minimal := w.subscribed(durand, asked{consumer: point, patient: string(w.alice.ins), topic: "ihe:MinimalDocumentEntry", end: time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
	if !strings.HasPrefix(full, w.server.URL+"/xds/broker?subscription=") || !strings.HasPrefix(minimal, w.server.URL) {
		t.Fatal(full, minimal)
	}
	if got := w.trail(w.alice, "ITI-52"); strings.Join(got, ",") != durand.ID+" true,"+durand.ID+" true" {
		t.Errorf("trail of the subscriptions: %q", got)
	}
	one := w.stored(server, w.alice)
	other := w.stored(server, w.alice, typed("11490-0"))
	w.stored(server, w.alice, marked(xds.MarkMaskedPS))
	w.stored(server, w.bruno)
	if got, want := w.pulled(durand, point), one.UniqueID+" "+one.EntryUUID+" "+other.EntryUUID; got != want {
		t.Errorf("pulled %q, want %q", got, want)
	}
	if got := w.pulled(durand, point); got != "" {
		t.Errorf("pulled twice: %q", got)
	}
	if got := w.trail(w.alice, "ITI-70"); len(got) != 2 {
		t.Errorf("trail of the deliveries: %q", got)
	}
	if got := w.pulled(traitant, point); got != "Fault 400 Sender/ResourceUnknownFault DSUB-004" {
		t.Errorf("another's pull point: %q", got)
	}
	if got := w.operate(durand, full, "SubscriptionManager", "Renew", "<w:TerminationTime>PT2H</w:TerminationTime>"); got.fault != nil || got.Body.Local != "RenewResponse" {
		t.Errorf("renew: %+v", got)
	}
	for _, c := range []struct {
		as   saml.Claims
		want string
	}{{traitant, "Fault 400 Sender/ResourceUnknownFault DSUB-004"}, {durand, ""}, {durand, "Fault 400 Sender/ResourceUnknownFault DSUB-004"}} {
		got := w.operate(c.as, full, "SubscriptionManager", "Unsubscribe")
		if got.fault != nil && faultLine(got.fault) != c.want || (got.fault == nil) != (c.want == "") {
			t.Errorf("unsubscribe: %+v, want %q", got.fault, c.want)
		}
	}
	last := w.stored(server, w.alice)
	if got := w.pulled(durand, point, "<w:MaximumNumber>1</w:MaximumNumber>"); got != last.EntryUUID {
		t.Errorf("after the end of one: %q, want %q", got, last.EntryUUID)
	}
	if got := w.operate(durand, point, "PullPoint", "DestroyPullPoint"); got.fault != nil {
		t.Error(got.fault)
	}
	if got := w.pulled(durand, point); got != "Fault 400 Sender/ResourceUnknownFault DSUB-004" {
		t.Errorf("a pull point that is gone: %q", got)
	}
}

// A subscription ends with its pull point: the answer says when that is.
func TestSubscriptionEndsWithItsPullPoint(t *testing.T) {
	w := newWorld(t)
	point := w.point(durand)
	var end time.Time
	if err := w.pool.QueryRow(t.Context(), `update pull_point set expires_at = now() + interval '1 day' returning expires_at`).Scan(&end); err != nil {
		t.Fatal(err)
	}
	want := end.UTC().Format(time.RFC3339)
	got := w.at("/xds/broker", subscribeTo, w.security(durand), asked{consumer: point, patient: string(w.alice.ins), end: "P30D"}.body())
	if until := got.Body.Child(wsnt, "TerminationTime").Trimmed(); until != want {
		t.Errorf("subscribed until %s, want %s", until, want)
	}
	address := got.Body.Child(wsnt, "SubscriptionReference").Child(soap.NSAddr, "Address").Trimmed()
	got = w.operate(durand, address, "SubscriptionManager", "Renew", "<w:TerminationTime>P30D</w:TerminationTime>")
	if until := got.Body.Child(wsnt, "TerminationTime").Trimmed(); until != want {
		t.Errorf("renewed until %s, want %s", until, want)
	}
	got = w.operate(durand, address, "SubscriptionManager", "Renew", "<w:TerminationTime>PT2H</w:TerminationTime>")
	if until, err := time.Parse(time.RFC3339, got.Body.Child(wsnt, "TerminationTime").Trimmed()); err != nil || !until.Before(end) {
		t.Errorf("renewed for two hours: %s, %v", until, err)
	}
}

// What a Subscribe is refused for; whoever may not search may not subscribe.
func TestSubscribeRefused(t *testing.T) {
	w := newWorld(t)
	alice := string(w.alice.ins)
	point := w.point(durand)
	fine := asked{consumer: point, patient: alice}
	change := func(f func(*asked)) asked { a := fine; f(&a); return a }
	emergency := durand
	emergency.Mode, emergency.Reason, emergency.Traits = "bris_de_glace", "inconsciente", w.alice.traits
	const failed = "Fault 400 Sender/SubscribeCreationFailedFault "
	for name, c := range map[string]struct {
		as    saml.Claims
		asked asked
		want  string
	}{
		"topic":                {durand, change(func(a *asked) { a.topic = "ihe:SubmissionSetMetadata" }), "Fault 400 Sender/TopicNotSupportedFault DSUB-001"},
		"dialect":              {durand, change(func(a *asked) { a.dialect = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Full" }), "Fault 400 Sender/TopicNotSupportedFault DSUB-001"},
		"filter":               {durand, change(func(a *asked) { a.filter = "urn:uuid:742790e0-aba6-43d6-9f1f-e43ed9790b79" }), "Fault 400 Sender/InvalidFilterFault DSUB-002"},
		"no patient":           {durand, change(func(a *asked) { a.patient = "none" }), "Fault 400 Sender QRY-002"},
		"parameter":            {durand, change(func(a *asked) { a.more = strings.Replace(typedSlot("1"), "TypeCode", "Title", 1) }), "Fault 400 Sender QRY-007"},
		"value":                {durand, change(func(a *asked) { a.more = strings.Replace(typedSlot("1"), "^^", "", 1) }), "Fault 400 Sender QRY-004"},
		"end in the past":      {durand, change(func(a *asked) { a.end = "2020-01-01T00:00:00Z" }), "Fault 400 Sender/UnacceptableInitialTerminationTimeFault DSUB-005"},
		"end too far":          {durand, change(func(a *asked) { a.end = "P400D" }), "Fault 400 Sender/UnacceptableInitialTerminationTimeFault DSUB-005"},
		"no end at all":        {durand, change(func(a *asked) { a.end = "demain" }), "Fault 400 Sender/UnacceptableInitialTerminationTimeFault DSUB-005"},
		"all at once":          {durand, asked{consumer: "http://x", topic: "x", filter: "x", patient: alice, end: "x"}, "Fault 400 Sender/TopicNotSupportedFault DSUB-001 DSUB-002 DSUB-003 DSUB-005"},
		"another's pull point": {traitant, fine, "Fault 400 Sender/ResourceUnknownFault DSUB-004"},
		"an unknown one":       {durand, change(func(a *asked) { a.consumer = w.server.URL + "/xds/broker?pullpoint=x" }), "Fault 400 Sender/ResourceUnknownFault DSUB-004"},
		"no link":              {stranger, fine, "Fault 400 Sender ACC-23"},
		"blocked":              {banned, fine, "Fault 400 Sender ACC-04"},
		"structure":            {server, fine, "Fault 400 Sender ACC-03"},
		"insurer":              {insurer, fine, "Fault 400 Sender ACC-02"},
		"unknown patient":      {durand, change(func(a *asked) { a.patient = "1^^^&1.2.3&ISO^NH" }), "Fault 400 Sender REG-001"},
		"emergency":            {emergency, fine, failed + "DSUB-006"},
	} {
		if got := w.subscribed(c.as, c.asked); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := w.at("/xds/broker", wsnActions+"NotificationConsumer/Notify", w.security(server), []byte(`<n:Notify xmlns:n="`+wsnt+`"/>`)); got.fault == nil || faultLine(got.fault) != "Fault 400 Sender DSUB-008" {
		t.Errorf("publish: %+v", got.fault)
	}
}

// deliver sends what is due as a gateway does; the error is that of the consumer.
func (w *world) deliver() (sent int, err error) {
	w.t.Helper()
	sys := authz.AsSystem("test")
	lanes, err := outbox.Open(w.pool, time.Now).Take(w.t.Context(), sys, outbox.Notify, 10)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, lane := range lanes {
		for i := range lane {
			told, problem := w.reg.Notifications(w.t.Context(), sys, w.gate, lane[i:i+1])
			if problem != nil {
				w.t.Fatal(problem)
			}
			for _, n := range told {
				sent++
				err = errors.Join(err, w.face.Notify(w.t.Context(), n))
			}
		}
	}
	return sent, err
}

// ITI-53 to a consumer of the list: one message an event, which names the subscription
// and holds the entry.
func TestNotifyConsumer(t *testing.T) {
	w := newWorld(t)
	var got atomic.Value
	consumer := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		m, err := soap.Read(r, soap.DefaultLimits())
		if err != nil {
			t.Error(err)
		}
		body, _ := io.ReadAll(strings.NewReader(string(m.Root)))
		got.Store(m.Action + " " + string(body))
		rw.WriteHeader(http.StatusAccepted)
	}))
	defer consumer.Close()
	w.face.Broker.Consumers = []notify.Consumer{{URL: consumer.URL + "/notify"}}
	reference := w.subscribed(durand, asked{consumer: consumer.URL + "/notify", patient: string(w.alice.ins)})
	if !strings.HasPrefix(reference, "http") {
		t.Fatal(reference)
	}
	w.stored(server, w.alice, marked(xds.MarkMaskedPS))
	if n, err := w.deliver(); n != 0 || err != nil || got.Load() != nil || len(w.trail(w.alice, "ITI-53")) != 0 {
		t.Errorf("a masked document: %d messages, %v, %v, trail %v", n, err, got.Load(), w.trail(w.alice, "ITI-53"))
	}
	if _, err := w.pool.Exec(t.Context(), `delete from outbox`); err != nil {
		t.Fatal(err)
	}
	one := w.stored(server, w.alice)
	if n, err := w.deliver(); n != 1 || err != nil {
		t.Errorf("%d messages, %v", n, err)
	}
	message, _ := got.Load().(string)
	for _, want := range []string{wsnActions + "NotificationConsumer/Notify <?xml", "<wsa:MessageID>urn:uuid:", reference, ">ihe:FullDocumentEntry<", `value="` + one.UniqueID + `"`} {
		if !strings.Contains(message, want) {
			t.Errorf("no %s in %s", want, message)
		}
	}
	if got := w.trail(w.alice, "ITI-53"); len(got) != 1 || got[0] != durand.ID+" true" {
		t.Errorf("trail: %q", got)
	}
}

// Attack 115: a subscription names an address of an inner network. Only what is on the
// list is called, at an address that its row allows, and nowhere that it points to.
func TestConsumerReferenceAttacks(t *testing.T) {
	w := newWorld(t)
	var called atomic.Int64
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Add(1) }))
	defer inner.Close()
	_, port, _ := net.SplitHostPort(inner.Listener.Addr().String())
	bounce := httptest.NewServer(http.RedirectHandler(inner.URL+"/metadata", http.StatusTemporaryRedirect))
	defer bounce.Close()
	listed := "http://consumer.example.org:" + port + "/in/"
	w.face.Broker.Consumers = []notify.Consumer{{URL: listed}, {URL: bounce.URL + "/n"}}
	w.face.Broker.Resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
		if host != "consumer.example.org" {
			t.Errorf("%s is looked up", host)
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::ffff:10.0.0.1"), netip.MustParseAddr("169.254.169.254")}, nil
	}
	ask := asked{patient: string(w.alice.ins)}
	for _, address := range []string{inner.URL, inner.URL + "/", "http://169.254.169.254/latest", "http://[::1]:" + port, "file:///etc/passwd", "gopher://127.0.0.1", "",
		"http://consumer.example.org:" + port + "/", "http://consumer.example.org:" + port + "/in/../admin", listed + "%2e%2e/admin", listed + "a/../../b",
		"http://consumer.example.org:" + port + "@127.0.0.1/in/", "http://127.0.0.1#" + listed, bounce.URL + "/n/../m", bounce.URL + "/nn"} {
		ask.consumer = address
		if got := w.subscribed(durand, ask); got != "Fault 400 Sender/SubscribeCreationFailedFault DSUB-003" {
			t.Errorf("%s: %s", address, got)
		}
	}
	for _, address := range []string{listed + "durand", bounce.URL + "/n"} {
		ask.consumer = address
		if got := w.subscribed(durand, ask); !strings.HasPrefix(got, "http") {
			t.Fatalf("%s: %s", address, got)
		}
	}
	w.stored(server, w.alice)
	if n, err := w.deliver(); n != 2 || err == nil || strings.Contains(err.Error(), w.alice.ins.ID()) {
		t.Errorf("%d messages, %v", n, err)
	}
	w.face.Broker.Consumers = nil
	if err := w.face.Notify(t.Context(), registry.Notification{Consumer: listed + "durand"}); !errors.Is(err, notify.ErrUnlisted) {
		t.Errorf("a consumer that was taken off the list: %v", err)
	}
	if n := called.Load(); n != 0 {
		t.Errorf("the inner network was called %d times", n)
	}
	w.face.Broker.Consumers = []notify.Consumer{{URL: listed, Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	if err := w.face.Notify(t.Context(), registry.Notification{Consumer: listed + "durand", Event: newID()}); err != nil || called.Load() != 1 {
		t.Errorf("an inner address that the row allows: %v, %d calls", err, called.Load())
	}
}
