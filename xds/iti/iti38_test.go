package iti_test

import (
	"io"
	"log"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

var (
	loopbackIPs = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	quiet       = log.New(io.Discard, "", 0)
)

// TestRespondingGateway: the same queries under the same rights as ITI-18 and ITI-43,
// with our homeCommunityId demanded by id and given on every object (ITI TF-2
// 3.38.4.1.3, 3.39.4.1.3).
func TestRespondingGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.face.Home = homeA
	d := w.stored(on(server, w.alice), w.alice)
	hidden := w.stored(on(server, w.alice), w.alice)
	w.act(person(w.alice.record), w.alice, authz.Mask, hidden.LogicalID)
	set := w.setOf(d).EntryUUID
	reader := on(durand, w.alice)
	t.Run("rules", func(t *testing.T) {
		for _, c := range []struct {
			name string
			home string
			q    ebrim.QueryRequest
			want string
		}{
			{"about a patient, none named", "", allOf(w.alice, ebrim.LeafClass), "Success"},
			{"about a patient, ours", homeA, allOf(w.alice, ebrim.ObjectRef), "Success"},
			{"about a patient, another", homeB, allOf(w.alice, ebrim.LeafClass), "Failure; DOC-005 XDSUnknownCommunity"},
			{"by id, none named", "", byID(d, ebrim.LeafClass), "Failure; COM-002 XDSMissingHomeCommunityId"},
			{"by id, ours", homeA, byID(d, ebrim.LeafClass), "Success"},
			{"by id, another", homeB, byID(d, ebrim.LeafClass), "Failure; DOC-005 XDSUnknownCommunity"},
			{"set and contents, none named", "", storedQuery("GetSubmissionSetAndContents", ebrim.LeafClass, "$XDSSubmissionSetEntryUUID", set), "Failure; COM-002 XDSMissingHomeCommunityId"},
			{"set and contents, ours", homeA, storedQuery("GetSubmissionSetAndContents", ebrim.LeafClass, "$XDSSubmissionSetEntryUUID", set), "Success"},
			{"set and contents, ids", homeA, storedQuery("GetSubmissionSetAndContents", ebrim.ObjectRef, "$XDSSubmissionSetEntryUUID", set), "Success"},
		} {
			_, outcome, got := w.ask("/xds/gateway", actionCrossQuery, reader, c.home, c.q)
			if outcome != c.want {
				t.Errorf("%s: %s", c.name, outcome)
			}
			if c.want == "Success" {
				everyHome(t, c.name, got.raw, homeA)
			} else if !strings.Contains(string(got.raw), ` location="`+homeA+`"`) {
				t.Errorf("%s: the location of the error is not our homeCommunityId: %s", c.name, got.raw)
			}
			if strings.Contains(string(got.raw), hidden.UniqueID) {
				t.Errorf("%s: a masked document", c.name)
			}
		}
	})
	t.Run("ordinary endpoints", func(t *testing.T) {
		for home, want := range map[string]string{"": "Success", homeA: "Success", homeB: "Failure; DOC-005 XDSUnknownCommunity"} {
			_, outcome, got := w.ask("/xds/registry", actionQuery, reader, home, byID(d, ebrim.LeafClass))
			if outcome != want {
				t.Errorf("ITI-18 %q: %s", home, outcome)
			}
			if want == "Success" && strings.Contains(string(got.raw), "home=") {
				t.Errorf("ITI-18 %q: the answer names a community", home)
			}
			want = strings.Replace(want, "XDSRegistryError", "XDSRepositoryError", 1)
			outcome, _, got = w.fetch("/xds/repository", actionRetrieve, reader, of(home, d.UniqueID))
			if outcome != want || want == "Success" && strings.Contains(string(got.raw), "HomeCommunityId") {
				t.Errorf("ITI-43 %q: %s", home, outcome)
			}
		}
	})
	t.Run("ITI-39", func(t *testing.T) {
		for _, c := range []struct {
			asked []ebrim.RetrieveRequest
			want  string
		}{
			{[]ebrim.RetrieveRequest{of(homeA, d.UniqueID)}, "Success"},
			{[]ebrim.RetrieveRequest{of("", d.UniqueID)}, "Failure; COM-002 XDSMissingHomeCommunityId"},
			{[]ebrim.RetrieveRequest{of(homeA, d.UniqueID), of("", d.UniqueID)}, "Failure; COM-002 XDSMissingHomeCommunityId"},
			{[]ebrim.RetrieveRequest{of(homeB, d.UniqueID)}, "Failure; DOC-005 XDSUnknownCommunity"},
			{[]ebrim.RetrieveRequest{of(homeA, d.UniqueID), of(homeB, d.UniqueID)}, "PartialSuccess; DOC-005 XDSUnknownCommunity"},
		} {
			outcome, documents, got := w.fetch("/xds/gateway", actionCrossRetrieve, reader, c.asked...)
			if outcome != c.want {
				t.Errorf("%v: %s", c.asked, outcome)
			}
			if c.want != "Success" && !strings.Contains(string(got.raw), ` location="`+homeA+`"`) {
				t.Errorf("%v: the location of the error is not our homeCommunityId: %s", c.asked, got.raw)
			}
			if c.want == "Success" && documents[homeA+" "+d.UniqueID] != "content of "+d.UniqueID {
				t.Errorf("documents: %v", documents)
			}
		}
	})
	// SC-43: what is hidden is unknown, and makes no failure of its own.
	t.Run("SC-43", func(t *testing.T) {
		_, _, got := w.fetch("/xds/gateway", actionCrossRetrieve, reader, of(homeA, d.UniqueID), of(homeA, hidden.UniqueID))
		_, _, want := w.fetch("/xds/gateway", actionCrossRetrieve, reader, of(homeA, d.UniqueID), of(homeA, "1.2.3.99"))
		sameAnswer(t, unbounded(normalised(got.raw, hidden.UniqueID)), unbounded(normalised(want.raw, "1.2.3.99")))
		unknown := hidden
		unknown.EntryUUID = "urn:uuid:" + newID()
		_, _, got = w.ask("/xds/gateway", actionCrossQuery, reader, homeA, byID(hidden, ebrim.LeafClass))
		_, _, want = w.ask("/xds/gateway", actionCrossQuery, reader, homeA, byID(unknown, ebrim.LeafClass))
		sameAnswer(t, normalised(got.raw, hidden.EntryUUID), normalised(want.raw, unknown.EntryUUID))
		if outcome := w.outcome(got); outcome != "Success" {
			t.Errorf("%s", outcome)
		}
	})
	t.Run("doors and trail", func(t *testing.T) {
		_, outcome, _ := w.ask("/xds/gateway", actionCrossQuery, on(banned, w.alice), "", allOf(w.alice, ebrim.LeafClass))
		if outcome != "Failure; ACC-04 XDSRegistryError" {
			t.Errorf("blocked: %s", outcome)
		}
		if lines := w.trail(w.alice, "ITI-38"); len(lines) == 0 || lines[len(lines)-1] != banned.ID+" false ACC-04" {
			t.Errorf("trail: %v", lines)
		}
		if lines := w.trail(w.alice, "ITI-39"); len(lines) == 0 || !strings.HasPrefix(lines[0], durand.ID+" true") {
			t.Errorf("trail: %v", lines)
		}
		if got := w.at("/xds/gateway", actionQuery, w.security(reader), ebrim.AppendQuery(nil, allOf(w.alice, ebrim.LeafClass))); got.fault == nil {
			t.Error("ITI-18 is answered at the gateway")
		}
	})
}

var (
	elements   = regexp.MustCompile(`<rim:(ExtrinsicObject|RegistryPackage|ObjectRef|Association) [^>]*>`)
	boundaries = regexp.MustCompile(`passerelle-[A-Z0-9]+`)
)

// unbounded is a multipart answer without its random boundary.
func unbounded(s string) string { return boundaries.ReplaceAllString(s, "B") }

// everyHome makes sure that every object of an answer names a community.
func everyHome(t *testing.T, name string, raw []byte, home string) {
	t.Helper()
	all := elements.FindAllString(string(raw), -1)
	if len(all) == 0 {
		t.Errorf("%s: no object", name)
	}
	for _, el := range all {
		if !strings.Contains(el, ` home="`+home+`"`) {
			t.Errorf("%s: %s", name, el)
		}
	}
}
