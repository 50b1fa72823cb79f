package mhd_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/notify"
	"github.com/passerelle-sante/passerelle/registry/outbox"
)

const backport = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"

// hook is a consumer of notifications.
type hook struct {
	*httptest.Server
	sync.Mutex
	got    []string
	header http.Header
	status int
}

func (w *world) consumer() *hook {
	h := &hook{status: http.StatusOK}
	h.Server = httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		h.Lock()
		defer h.Unlock()
		body, _ := io.ReadAll(r.Body)
		h.got, h.header = append(h.got, string(body)), r.Header
		answer.WriteHeader(h.status)
	}))
	w.t.Cleanup(h.Close)
	w.server.Broker = notify.Broker{Consumers: []notify.Consumer{{URL: h.URL + "/"}}}
	return h
}

// take is what the consumer was told since, and the status of what the gateway met.
func (h *hook) take() []string {
	h.Lock()
	defer h.Unlock()
	got := h.got
	h.got = nil
	return got
}

// deliver is one round of the courier.
func (w *world) deliver() {
	w.t.Helper()
	sys, ctx := authz.AsSystem("test"), w.t.Context()
	lanes, err := w.box.Take(ctx, sys, outbox.Notify, 10)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, lane := range lanes {
		for _, item := range lane {
			told, err := w.registry.Notifications(ctx, sys, w.gate, []outbox.Item{item})
			if err != nil {
				w.t.Fatal(err)
			}
			if len(told) == 0 {
				err = w.box.Delivered(ctx, sys, item)
			} else if failure := w.server.Notify(ctx, told[0]); failure != nil {
				if err = w.registry.Unanswered(ctx, sys, told[0], notify.Failure(failure)); err == nil {
					err = w.box.Postpone(ctx, sys, item, time.Now())
				}
			} else {
				err = w.registry.Received(ctx, sys, item, told[0])
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// subscription is a Subscription as clients write it, with changes.
func (w *world) subscription(h *hook, changes ...string) string {
	text := `{"resourceType":"Subscription","status":"requested","reason":"nouveaux documents","criteria":"` + fhir.TopicChanged + `",
"_criteria":{"extension":[{"url":"` + backport + `backport-filter-criteria","valueString":"DocumentReference?patient.identifier=` + ins + `"}]},
"channel":{"type":"rest-hook","endpoint":"` + h.URL + `/hook","payload":"application/fhir+json",
"_payload":{"extension":[{"url":"` + backport + `backport-payload-content","valueCode":"id-only"}]},"header":["Authorization: Bearer s3cret"]}}`
	for i := 0; i+1 < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			w.t.Fatalf("the Subscription has no %s", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return text
}

func (w *world) subscribe(who iua.Claims, body string, headers ...string) *answer {
	return w.as(who, http.MethodPost, "/fhir/Subscription", strings.NewReader(body), append(headers, "Content-Type", "application/fhir+json")...)
}

// subscribed is the id of a new Subscription.
func (w *world) subscribed(who iua.Claims, body string) string {
	w.t.Helper()
	got := w.subscribe(who, body)
	id, ok := strings.CutPrefix(got.header.Get("Location"), base+"/Subscription/")
	if got.status != http.StatusCreated || !ok || got.header.Get("ETag") != `W/"1"` {
		w.t.Fatalf("%d %q %s", got.status, got.header, got.body)
	}
	return id
}

// sound reads a resource by the element table.
func (w *world) sound(text, kind string) *fhir.Node {
	w.t.Helper()
	n, findings := fhir.ReadResource(strings.NewReader(text), 1<<20, kind)
	if len(findings) > 0 {
		w.t.Fatalf("%v: %s", findings, text)
	}
	return n
}

// The story of a Subscription: a handshake, what may be seen and no more, a number for
// each document, and an end.
func TestSubscription(t *testing.T) {
	w := newWorld(t)
	h, durand := w.consumer(), pro("durand")
	id := w.subscribed(durand, w.subscription(h))
	read := func() (text, status string) {
		got := w.get(durand, "Subscription/"+id)
		return string(got.body), w.sound(string(got.body), "Subscription").Str("status")
	}
	if text, status := read(); status != "requested" || strings.Contains(text, "s3cret") || strings.Contains(text, "279035121518989") || !strings.Contains(text, "DocumentReference?patient=Patient/"+w.record) {
		t.Errorf("%s %s", status, text)
	}
	w.deliver()
	greeting := h.take()
	if len(greeting) != 1 || !strings.Contains(greeting[0], `"valueCode":"handshake"`) || h.header.Get("Authorization") != "Bearer s3cret" {
		t.Fatalf("%q %v", greeting, h.header)
	}
	w.sound(greeting[0], "Bundle")
	if _, status := read(); status != "active" {
		t.Errorf("answered, and %s", status)
	}
	document := w.mustPush()
	w.deliver()
	told := h.take()
	if len(told) != 1 || !strings.Contains(told[0], base+"/DocumentReference/"+document) || !strings.Contains(told[0], `"name":"event-number","valueString":"1"`) {
		t.Fatalf("%q", told)
	}
	w.sound(told[0], "Bundle")
	for _, secret := range []string{"279035121518989", "title", "Bearer"} {
		if strings.Contains(told[0], secret) {
			t.Errorf("id-only, and it holds %s: %s", secret, told[0])
		}
	}
	w.mask(w.mustPush()) // before it is delivered
	w.deliver()
	if told := h.take(); told != nil {
		t.Errorf("masked: %q", told)
	}
	w.mustPush()
	h.status = http.StatusInternalServerError
	w.deliver()
	if text, status := read(); status != "error" || !strings.Contains(text, "par une erreur") {
		t.Errorf("%s %s", status, text)
	}
	statuses := w.get(durand, "Subscription/"+id+"/$status")
	if all := w.sound(string(statuses.body), "Bundle"); all.Str("total") != "1" || !strings.Contains(string(statuses.body), "error-response") {
		t.Errorf("%s", statuses.body)
	}
	h.status = http.StatusNoContent
	w.deliver()
	if told := h.take(); len(told) != 2 || told[0][:80] != told[1][:80] || !strings.Contains(told[0], `"valueString":"2"`) || !strings.Contains(told[1], `"name":"event-number","valueString":"2"`) {
		t.Errorf("again: %q", told)
	}
	w.unlink("durand")
	w.mustPush()
	w.deliver()
	if told := h.take(); told != nil {
		t.Errorf("without a link: %q", told)
	}
	if _, status := read(); status != "active" {
		t.Errorf("his own subscription: %s", status)
	}
	off := w.as(durand, http.MethodPut, "/fhir/Subscription/"+id, strings.NewReader(w.subscription(h, `"status":"requested"`, `"id":"`+id+`","status":"off"`)), "Content-Type", "application/fhir+json")
	if off.status != http.StatusOK || !strings.Contains(string(off.body), `"status":"off"`) {
		t.Errorf("off, without a link: %d %s", off.status, off.body)
	}
	on := w.as(durand, http.MethodPut, "/fhir/Subscription/"+id, strings.NewReader(w.subscription(h, `"status":"requested"`, `"id":"`+id+`","status":"requested"`)), "Content-Type", "application/fhir+json")
	if on.status != http.StatusForbidden || on.outcome()[0] != "ACC-23 " {
		t.Errorf("on, without a link: %d %s", on.status, on.body)
	}
	if got := w.as(durand, http.MethodDelete, "/fhir/Subscription/"+id, nil); got.status != http.StatusNoContent || len(got.body) != 0 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.get(durand, "Subscription/"+id); got.status != http.StatusNotFound {
		t.Errorf("deleted: %d", got.status)
	}
	if strings.Contains(w.log.String(), "s3cret") || strings.Contains(w.log.String(), "/hook") {
		t.Errorf("logged: %s", w.log)
	}
}

// The payload is what was asked for, in the format that was.
func TestSubscriptionPayloads(t *testing.T) {
	w := newWorld(t)
	h := w.consumer()
	w.subscribed(pro("durand"), w.subscription(h, "id-only", "empty"))
	w.deliver()
	h.take()
	document := w.mustPush()
	w.deliver()
	if told := h.take(); len(told) != 1 || strings.Contains(told[0], document) || strings.Contains(told[0], "SubscriptionTopic") || !strings.Contains(told[0], `"event-number"`) {
		t.Errorf("empty: %q", told)
	}
	w.subscribed(pro("hopital"), w.subscription(h, "id-only", "full-resource", "fhir+json", "fhir+xml"))
	w.deliver()
	h.take()
	document = w.mustPush()
	w.deliver()
	var full string
	for _, told := range h.take() {
		if strings.HasPrefix(told, "<") {
			full = told
		}
	}
	n, findings := fhir.Read(fhir.XML, strings.NewReader(full), 1<<20, "Bundle")
	if len(findings) > 0 || h.header.Get("Content-Type") == "" {
		t.Fatalf("%v: %s", findings, full)
	}
	if got := n.Get("entry").At(1).Get("resource"); got.ResourceType() != "DocumentReference" || got.Str("id") != document {
		t.Errorf("full: %s", full)
	}
}

// Everything that is refused is refused at once, and nothing is entered.
func TestSubscriptionRefused(t *testing.T) {
	w := newWorld(t)
	h, durand := w.consumer(), pro("durand")
	filter := `DocumentReference?patient.identifier=` + ins
	for name, c := range map[string]struct {
		who    iua.Claims
		body   string
		status int
		codes  string
	}{
		"topic":              {durand, w.subscription(h, fhir.TopicChanged, "https://elsewhere.example/topic"), 422, "DSUB-001 Subscription.criteria"},
		"classic criteria":   {durand, w.subscription(h, fhir.TopicChanged, "DocumentReference?type=1"), 422, "DSUB-001 Subscription.criteria"},
		"no patient":         {durand, w.subscription(h, filter, "DocumentReference?type=11502-2"), 400, "QRY-002 Subscription.criteria.extension"},
		"another resource":   {durand, w.subscription(h, filter, "List?patient.identifier="+ins), 422, "DSUB-002 Subscription.criteria.extension[0].valueString"},
		"a control":          {durand, w.subscription(h, filter, filter+"&_sort=date"), 422, "DSUB-002 Subscription.criteria.extension"},
		"a bad value":        {durand, w.subscription(h, filter, filter+"&status=any"), 400, "FHIR-008 Subscription.criteria.extension"},
		"two patients":       {durand, w.subscription(h, filter, filter+"&patient=Patient/"+newID()), 0, "REG-001 Subscription.criteria.extension"},
		"unlisted":           {durand, w.subscription(h, h.URL, "https://elsewhere.example"), 403, "DSUB-003 Subscription.channel.endpoint"},
		"no endpoint":        {durand, w.subscription(h, `"endpoint":"`+h.URL+`/hook",`, ""), 403, "DSUB-003 Subscription.channel.endpoint"},
		"past":               {durand, w.subscription(h, `"reason"`, `"end":"2020-01-01T00:00:00Z","reason"`), 422, "DSUB-005 Subscription.end"},
		"too long":           {durand, w.subscription(h, `"reason"`, `"end":"2999-01-01T00:00:00Z","reason"`), 422, "DSUB-005 Subscription.end"},
		"channel":            {durand, w.subscription(h, "rest-hook", "websocket"), 422, "DSUB-009 Subscription.channel.type"},
		"payload":            {durand, w.subscription(h, "application/fhir+json", "application/pdf"), 422, "DSUB-009 Subscription.channel.payload"},
		"content":            {durand, w.subscription(h, "id-only", "everything"), 422, "DSUB-009 Subscription.channel.payload.extension"},
		"header of ours":     {durand, w.subscription(h, "Authorization: Bearer s3cret", "Host: elsewhere.example"), 422, "DSUB-009 Subscription.channel.header[0]"},
		"two lines":          {durand, w.subscription(h, "Bearer s3cret", `Bearer s3cret\r\nX: y`), 422, "DSUB-009 Subscription.channel.header[0]"},
		"status":             {durand, w.subscription(h, `"status":"requested"`, `"status":"off"`), 422, "FHIR-009 Subscription.status"},
		"unknown element":    {durand, w.subscription(h, `"reason"`, `"priority":1,"reason"`), 400, "FHIR-001 Subscription.priority"},
		"contained":          {durand, w.subscription(h, `"reason"`, `"contained":[{"resourceType":"Patient","active":true}],"reason"`), 422, "FHIR-009 Subscription.contained[0]"},
		"everything at once": {durand, w.subscription(h, "rest-hook", "sms", fhir.TopicChanged, "x:y", h.URL, "https://elsewhere.example"), 403, "DSUB-001 Subscription.criteria, DSUB-009 Subscription.channel.type, DSUB-003 Subscription.channel.endpoint"},
		"no link":            {pro("petit"), w.subscription(h), 403, "ACC-23 "},
		"structure":          {chu, w.subscription(h), 403, "ACC-03 "},
		"emergency": {iua.Claims{Nature: authz.NaturePro, ID: "urgent", Profession: "10", Specialty: "SM26", Mode: "bris_de_glace", Reason: "coma",
			Traits: authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790312"}}, w.subscription(h), 403, "DSUB-006 "},
	} {
		got := w.subscribe(c.who, c.body)
		if codes := strings.Join(got.outcome(), ", "); codes != c.codes || c.status != 0 && got.status != c.status {
			t.Errorf("%s: %d %s, want %d %s", name, got.status, codes, c.status, c.codes)
		}
		for _, secret := range []string{"s3cret", "279035121518989"} {
			if bytes.Contains(got.body, []byte(secret)) {
				t.Errorf("%s tells %s: %s", name, secret, got.body)
			}
		}
	}
	if got := w.get(durand, "Subscription"); !bytes.Contains(got.body, []byte(`"total":0`)) {
		t.Errorf("entered: %s", got.body)
	}
}

// One finds and changes one's own; another's is an unknown one, by the same bytes.
func TestSubscriptionsAreTheirOwners(t *testing.T) {
	w := newWorld(t)
	h, durand, hopital := w.consumer(), pro("durand"), pro("hopital")
	var ids []string
	for range 3 {
		ids = append(ids, w.subscribed(durand, w.subscription(h)))
	}
	w.subscribed(hopital, w.subscription(h, "/hook", "/hopital"))
	total := func(who iua.Claims, query string) string {
		got := w.get(who, "Subscription?"+query, "Prefer", "handling=strict")
		var set struct {
			Total int
			Entry []struct{}
		}
		if got.status != http.StatusOK {
			return got.outcome()[0]
		}
		w.sound(string(got.body), "Bundle")
		if err := json.Unmarshal(got.body, &set); err != nil {
			t.Fatal(err)
		}
		return strings.Repeat("*", len(set.Entry)) + strings.Repeat(".", set.Total-len(set.Entry))
	}
	for query, want := range map[string]string{
		"": "***", "status=requested": "***", "status=active": "", "status=active,requested": "***", "status=active&status=requested": "", "patient=Patient/" + w.record: "***",
		"patient=" + w.record: "***", "patient=Patient/" + newID(): "", "url=" + h.URL + "/hook": "***", "url=" + h.URL + "/hopital": "", "_id=" + ids[0]: "*", "_id=" + ids[0] + "," + ids[1]: "**",
		"_count=2": "**.", "_count=0": "...", "_summary=count": "...", "status=x": "FHIR-008 status", "colour=red": "FHIR-008 colour", "_count=x": "FHIR-008 _count",
	} {
		if got := total(durand, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	var page struct {
		Link []struct{ Relation, URL string }
	}
	if err := json.Unmarshal(w.get(durand, "Subscription?_count=2").body, &page); err != nil || len(page.Link) != 2 {
		t.Fatal(page, err)
	}
	_, next, _ := strings.Cut(page.Link[1].URL, "Subscription?")
	if got := total(durand, next); got != "*.." {
		t.Errorf("next: %q", got)
	}
	body := w.subscription(h, `"status":"requested"`, `"id":"`+ids[0]+`","status":"off"`)
	unknown := newID()
	for _, r := range []struct{ method, suffix string }{{"GET", ""}, {"GET", "/$status"}, {"PUT", ""}, {"DELETE", ""}} {
		ask := func(id string, headers ...string) *answer {
			return w.as(hopital, r.method, "/fhir/Subscription/"+id+r.suffix, strings.NewReader(strings.Replace(body, ids[0], id, 1)), append(headers, "Content-Type", "application/fhir+json")...)
		}
		for _, headers := range [][]string{nil, {"If-Match", `W/"1"`}, {"If-None-Match", `*`}, {"If-None-Match", `W/"1"`}, {"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"}} {
			a, b := ask(ids[0], headers...), ask(unknown, headers...)
			if a.status != http.StatusNotFound || a.status != b.status || !bytes.Equal(a.body, b.body) || len(a.header) != len(b.header) {
				t.Errorf("%s%s %v: another's %d %s, unknown %d %s", r.method, r.suffix, headers, a.status, a.body, b.status, b.body)
			}
		}
	}
	if got := w.get(durand, "Subscription/"+ids[0], "If-None-Match", `W/"1"`); got.status != http.StatusNotModified || len(got.body) != 0 {
		t.Errorf("%d %s", got.status, got.body)
	}
	put := func(ifMatch string) *answer {
		return w.as(durand, http.MethodPut, "/fhir/Subscription/"+ids[0], strings.NewReader(body), "Content-Type", "application/fhir+json", "If-Match", ifMatch)
	}
	if got := put(`W/"7"`); got.status != http.StatusPreconditionFailed || got.outcome()[0] != "FHIR-011 If-Match" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := put(`W/"1"`); got.status != http.StatusOK || got.header.Get("ETag") != `W/"2"` {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.subscribe(durand, w.subscription(h), "If-None-Exist", "status=off"); got.status != http.StatusOK || !bytes.Contains(got.body, []byte(ids[0])) {
		t.Errorf("there is one: %d %s", got.status, got.body)
	}
	if got := w.subscribe(durand, w.subscription(h), "If-None-Exist", "status=requested"); got.status != http.StatusPreconditionFailed {
		t.Errorf("there are two: %d %s", got.status, got.body)
	}
	if got := w.subscribe(durand, w.subscription(h), "If-None-Exist", "url=https://none.example/"); got.status != http.StatusCreated {
		t.Errorf("there is none: %d %s", got.status, got.body)
	}
}

// A Subscription of an application is told what its grant reaches at the delivery, and
// no more than the token that made it; nobody else's, its patient's included, is it.
func TestSubscriptionOfAnApplication(t *testing.T) {
	w := newWorld(t)
	h := w.consumer()
	w.list("tracker")
	hour := time.Now().Add(time.Hour)
	w.grant("tracker", hour, nil, "patient/Subscription.cruds", "patient/DocumentReference.rs")
	for _, c := range []struct{ scope, content, want string }{
		{"patient/DocumentReference.rs", "id-only", "TOK-008 patient/Subscription.c"},
		{"patient/Subscription.c", "id-only", "TOK-008 patient/DocumentReference.rs"},
		{"patient/Subscription.c patient/DocumentReference.s", "full-resource", "TOK-008 patient/DocumentReference.rs"},
	} {
		if got := w.subscribe(w.app(c.scope), w.subscription(h, "id-only", c.content)); got.status != http.StatusForbidden || got.outcome()[0] != c.want {
			t.Errorf("%s: %d %s, want %s", c.scope, got.status, got.body, c.want)
		}
	}
	app := w.app("patient/Subscription.cruds patient/DocumentReference.rs")
	id := w.subscribed(app, w.subscription(h, "id-only", "full-resource"))
	if got := w.get(iua.Claims{Nature: authz.NaturePerson, ID: w.record, Patient: w.alice}, "Subscription/"+id); got.status != http.StatusNotFound {
		t.Errorf("the patient's own token: %d", got.status)
	}
	w.mustPush()
	w.deliver()
	if told := h.take(); len(told) != 2 {
		t.Errorf("granted: %q", told)
	}
	for _, c := range []struct {
		name   string
		until  time.Time
		types  []string
		scopes []string
		told   int
	}{
		{"other types", hour, []string{otherType + "^^" + loincOID}, []string{"patient/Subscription.cruds", "patient/DocumentReference.rs"}, 0},
		{"no documents", hour, nil, []string{"patient/Subscription.cruds"}, 0},
		{"to find alone", hour, nil, []string{"patient/Subscription.cruds", "patient/DocumentReference.s"}, 0},
		{"expired", time.Now().Add(-time.Minute), nil, []string{"patient/Subscription.cruds", "patient/DocumentReference.rs"}, 0},
		{"again", hour, nil, []string{"patient/Subscription.cruds", "patient/DocumentReference.rs"}, 1},
	} {
		w.grant("tracker", c.until, c.types, c.scopes...)
		w.mustPush()
		w.deliver()
		if told := h.take(); len(told) != c.told {
			t.Errorf("%s: %q", c.name, told)
		}
	}
}
