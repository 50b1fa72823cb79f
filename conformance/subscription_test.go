package conformance_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/fhir"
)

// delivered runs the courier of a sandbox until so many messages of a type have come and
// what came of them is settled.
func delivered(t *testing.T, s *sandbox.Sandbox, heard <-chan string, kind string, n int, settled func() bool) (all []string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Service.Deliver(ctx); close(done) }()
	late := time.After(30 * time.Second)
	for len(all) < n {
		select {
		case body := <-heard:
			if strings.Contains(body, `"valueCode":"`+kind+`"`) {
				all = append(all, body)
			}
		case <-late:
			t.Fatalf("%d of %d messages: %q", len(all), n, all)
		}
	}
	for !settled() { // a courier that stops in the midst keeps its lease
		select {
		case <-late:
			t.Fatal("told, and never settled")
		default:
		}
	}
	stop()
	<-done
	return all
}

// TestSubscriptionStory: a Subscription of the FHIR face hears of what comes by SOAP, in
// its order, and not of what was masked before it was delivered.
func TestSubscriptionStory(t *testing.T) {
	k, s := openSandbox(t)
	heard := make(chan string, 16)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		heard <- string(body)
	}))
	t.Cleanup(hook.Close)
	alice := k.seeded(t, "alice")
	body := strings.NewReplacer("{record}", alice.Record, "&type={hidden.type}", "", `"id":"{hidden}",`, "", "https://nobody.invalid/{hidden}", hook.URL+"/hook", "id-only", "full-resource").Replace(subscriptionBody)
	got := k.send(t, "POST", "/fhir/Subscription", k.token(t, kitClaims{As: "dr-durand", Patient: "alice"}), http.Header{"Content-Type": {kitJSON}}, []byte(body))
	if got.status != http.StatusCreated {
		t.Fatalf("%d %s", got.status, got.body)
	}
	path := strings.TrimPrefix(got.header.Get("Location"), k.url)
	path, _, _ = strings.Cut(path, "/_history/")
	delivered(t, s, heard, "handshake", 1, func() bool {
		return strings.Contains(string(k.call(t, "GET", path, k.token(t, kitClaims{As: "dr-durand", Patient: "alice"}), nil).body), `"status":"active"`)
	})
	var pushed []string
	for range 3 {
		lot, content := k.lot(alice, "chu-lille", k.document(t, alice, "chu-lille", "chu-lille", "11488-4"))
		if answer := k.provide(t, k.bearer(kitClaims{As: "chu-lille", Patient: "alice"}), lot, content); answer.code != "" {
			t.Fatal(answer)
		}
		pushed = append(pushed, lot.Documents[0].UniqueID)
	}
	ids := map[string]string{}
	for _, h := range k.held(t, "alice") {
		if ids[h.UniqueID] = "/fhir/DocumentReference/" + kitBare(h.LogicalID) + `"`; h.UniqueID == pushed[1] {
			path := "/api/v1/records/" + alice.Record + "/documents/" + h.LogicalID + "/mask"
			k.must(t, "POST", path, k.token(t, kitClaims{As: "patient:alice", Patient: "alice"}), map[string]bool{}, &struct{}{})
		}
	}
	told := delivered(t, s, heard, "event-notification", 2, func() bool { return true })
	for i, want := range []string{ids[pushed[0]], ids[pushed[2]]} {
		if _, findings := fhir.ReadResource(strings.NewReader(told[i]), 1<<20, "Bundle"); len(findings) > 0 || want == "" || !strings.Contains(told[i], want) || strings.Contains(told[i], ids[pushed[1]]) {
			t.Errorf("message %d, %v, want %s: %s", i, findings, want, told[i])
		}
	}
	if len(heard) > 0 {
		t.Errorf("more: %s", <-heard)
	}
}
