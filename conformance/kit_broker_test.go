package conformance_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

const (
	kitWSN      = "http://docs.oasis-open.org/wsn/b-2"
	kitWSNBase  = "http://docs.oasis-open.org/wsn/bw-2/"
	kitEntrySub = "urn:uuid:aa2332d0-f8fe-11e0-be50-0800200c9a66"
)

// operate posts an operation of the notification broker; port is its interface.
func (k *kit) operate(t *testing.T, b *kitBearer, address, port, operation, content string) (*soap.Reply, *soap.FaultError, string) {
	t.Helper()
	suffix := "Request"
	if operation == "Notify" {
		suffix = ""
	}
	return k.postTo(t, b, "/xds/broker"+address, kitWSNBase+port+"/"+operation+suffix,
		[]byte(`<w:`+operation+` xmlns:w="`+kitWSN+`" xmlns:a="`+soap.NSAddr+`" xmlns:rim="`+ebrim.NamespaceRIM+`">`+content+`</w:`+operation+`>`))
}

// kitSubscribe is the content of a Subscribe to a patient's documents.
func kitSubscribe(consumer, topic, patient string) string {
	escaped := strings.NewReplacer("&", "&amp;")
	return `<w:ConsumerReference><a:Address>` + escaped.Replace(consumer) + `</a:Address></w:ConsumerReference><w:Filter>
<w:TopicExpression Dialect="http://docs.oasis-open.org/wsn/t-1/TopicExpression/Simple">` + topic + `</w:TopicExpression>
<rim:AdhocQuery id="` + kitEntrySub + `"><rim:Slot name="$XDSDocumentEntryPatientId"><rim:ValueList><rim:Value>'` + escaped.Replace(patient) + `'</rim:Value></rim:ValueList></rim:Slot></rim:AdhocQuery></w:Filter>`
}

var kitEPR = regexp.MustCompile(`\?(subscription|pullpoint)=([0-9a-f-]{36}/)?([0-9a-f-]{36})`)

var kitEnd = regexp.MustCompile(`(<wsnt:TerminationTime>)[^<]*`)

// kitUnreferenced is an answer without the ids of subscriptions and pull points, and
// without their ends, which lie a month ahead of the clock.
func kitUnreferenced(whole string) string {
	return kitEnd.ReplaceAllString(kitEPR.ReplaceAllString(whole, "?$1=ID"), "$1")
}

// subscriber is somebody with a subscription to a world's documents and a pull point.
type subscriber struct {
	*kitBearer
	point string // the query of its address
	said  string // what Subscribe answered
}

// subscribe subscribes somebody to all documents of the record of a world.
func (w *world) subscribe(t *testing.T, b *kitBearer) subscriber {
	t.Helper()
	_, fault, whole := w.operate(t, b, "", "CreatePullPoint", "CreatePullPoint", "")
	m := kitEPR.FindString(whole)
	if fault != nil || m == "" {
		t.Fatal(whole)
	}
	_, _, said := w.operate(t, b, "", "NotificationProducer", "Subscribe", kitSubscribe(w.url+"/xds/broker"+m, "ihe:FullDocumentEntry", string(w.patient.INS)))
	return subscriber{b, m, kitUnreferenced(said)}
}

// fetch is what the pull point gives.
func (w *world) fetch(t *testing.T, s subscriber) string {
	t.Helper()
	_, fault, whole := w.operate(t, s.kitBearer, s.point, "PullPoint", "GetMessages", "")
	if fault != nil {
		t.Fatal(fault)
	}
	return kitUnreferenced(whole)
}

// brokerRow is an operation of the broker asked in both worlds.
type brokerRow struct{ operation, about string }

// brokerRows: what an operation takes is the record, an id of the hidden document where
// that of something else belongs, or nothing.
var brokerRows = []brokerRow{
	{"CreatePullPoint Subscribe GetMessages Unsubscribe DestroyPullPoint", "{ins.key}"},
	{"Unsubscribe", "{record}/{hidden}"},
	{"Renew", "{record}/{hidden}"},
	{"GetMessages", "{hidden}"},
	{"DestroyPullPoint", "{hidden}"},
	{"Notify", "{hidden}"},
}

func (r brokerRow) question() question {
	q := question{route: "broker " + r.operation, text: r.about}
	q.ask = func(t *testing.T, w *world, b *kitBearer) string {
		t.Helper()
		about := w.fill(r.about)
		ports := map[string]string{"Unsubscribe": "SubscriptionManager", "Renew": "SubscriptionManager", "GetMessages": "PullPoint", "DestroyPullPoint": "PullPoint", "Notify": "NotificationConsumer"}
		if port := ports[r.operation]; port != "" {
			key := map[string]string{"PullPoint": "?pullpoint=", "SubscriptionManager": "?subscription="}[port]
			if key != "" {
				key += about
			}
			_, _, whole := w.operate(t, b, key, port, r.operation, "")
			return whole
		}
		return r.whole(t, w, b, about)
	}
	return q
}

// whole is the life of a subscription.
func (r brokerRow) whole(t *testing.T, w *world, b *kitBearer, patient string) string {
	t.Helper()
	_, _, point := w.operate(t, b, "", "CreatePullPoint", "CreatePullPoint", "")
	at := kitEPR.FindString(point)
	_, _, said := w.operate(t, b, "", "NotificationProducer", "Subscribe", kitSubscribe(w.url+"/xds/broker"+at, "ihe:MinimalDocumentEntry", patient))
	_, _, got := w.operate(t, b, at, "PullPoint", "GetMessages", "")
	_, _, ended := w.operate(t, b, kitEPR.FindString(said), "SubscriptionManager", "Unsubscribe", "")
	_, _, gone := w.operate(t, b, at, "PullPoint", "DestroyPullPoint", "")
	return kitUnreferenced(strings.Join([]string{point, said, got, ended, gone}, pageBreak))
}
