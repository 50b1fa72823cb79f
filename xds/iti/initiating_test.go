package iti_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/federation"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// found are the documents of an answer as home and uniqueId, in order.
func found(docs []xds.DocumentEntry) string {
	var ids []string
	for _, d := range docs {
		ids = append(ids, d.HomeCommunityID+" "+d.UniqueID)
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}

// find is FindDocuments of alice at the Initiating Gateway.
func (c *communities) find(as saml.Claims, home string) (string, string) {
	c.t.Helper()
	answer, outcome, _ := c.ask("/xds/initiating", actionQuery, as, home, allOf(c.alice, ebrim.LeafClass))
	return found(answer.Documents), outcome
}

// TestInitiatingGateway: two gateways with a database each, over mutual TLS: one
// question, one answer of both, each filtered at its source, nothing without our door
// (ITI TF-1 18.3, TF-2 3.38, 3.39).
func TestInitiatingGateway(t *testing.T) {
	t.Parallel()
	c := newCommunities(t)
	reader := on(durand, c.alice)
	mine := c.stored(on(server, c.alice), c.alice)
	theirs := c.b.stored(on(server, c.b.alice), c.b.alice)
	hidden := c.b.stored(on(server, c.b.alice), c.b.alice)
	c.b.act(person(c.b.alice.record), c.b.alice, authz.Mask, hidden.LogicalID)
	both := homeA + " " + mine.UniqueID + ", " + homeB + " " + theirs.UniqueID
	t.Run("all communities", func(t *testing.T) {
		if docs, outcome := c.find(reader, ""); outcome != "Success" || docs != both {
			t.Errorf("%s: %s", outcome, docs)
		}
		answer, outcome, got := c.ask("/xds/initiating", actionQuery, reader, "", allOf(c.alice, ebrim.ObjectRef))
		if outcome != "Success" || len(answer.Refs) != 2 || !strings.Contains(string(got.raw), homeB) {
			t.Errorf("%s: %v", outcome, answer.Refs)
		}
	})
	t.Run("one community", func(t *testing.T) {
		asked := c.peer.asked.Load()
		if docs, outcome := c.find(reader, homeA); outcome != "Success" || docs != homeA+" "+mine.UniqueID {
			t.Errorf("ours: %s: %s", outcome, docs)
		}
		if got := c.peer.asked.Load(); got != asked {
			t.Errorf("the other community was asked for what is ours")
		}
		if docs, outcome := c.find(reader, homeB); outcome != "Success" || docs != homeB+" "+theirs.UniqueID {
			t.Errorf("theirs: %s: %s", outcome, docs)
		}
		if docs, outcome := c.find(reader, homeC); outcome != "Failure; DOC-005 XDSUnknownCommunity" || docs != "" {
			t.Errorf("unknown: %s: %s", outcome, docs)
		}
	})
	t.Run("by id", func(t *testing.T) {
		for home, want := range map[string]string{homeB: "Success", "": "Failure; COM-002 XDSMissingHomeCommunityId", homeC: "Failure; DOC-005 XDSUnknownCommunity"} {
			answer, outcome, _ := c.ask("/xds/initiating", actionQuery, reader, home, byID(theirs, ebrim.LeafClass))
			if outcome != want || want == "Success" && found(answer.Documents) != homeB+" "+theirs.UniqueID {
				t.Errorf("%q: %s: %s", home, outcome, found(answer.Documents))
			}
		}
		if _, outcome, _ := c.ask("/xds/initiating", actionQuery, durand, homeB, byID(theirs, ebrim.LeafClass)); outcome != "Failure; ACT-002 XDSRegistryError" {
			t.Errorf("token without a patient: %s", outcome)
		}
	})
	t.Run("retrieve", func(t *testing.T) {
		outcome, documents, _ := c.fetch("/xds/initiating", actionRetrieve, reader, of(homeA, mine.UniqueID), of(homeB, theirs.UniqueID))
		want := map[string]string{homeA + " " + mine.UniqueID: "content of " + mine.UniqueID, homeB + " " + theirs.UniqueID: "content of " + theirs.UniqueID}
		if outcome != "Success" || !maps.Equal(documents, want) {
			t.Errorf("%s: %v", outcome, documents)
		}
		outcome, documents, got := c.fetch("/xds/initiating", actionRetrieve, reader, of(homeB, theirs.UniqueID), of(homeB, hidden.UniqueID))
		if outcome != "PartialSuccess; DOC-003 XDSDocumentUniqueIdError" || len(documents) != 1 || !strings.Contains(string(got.raw), `location="`+homeB+`"`) {
			t.Errorf("%s: %v", outcome, documents)
		}
		for _, c2 := range []struct {
			request ebrim.RetrieveRequest
			as      saml.Claims
			want    string
		}{
			{of("", mine.UniqueID), reader, "Success"},
			{ebrim.RetrieveRequest{RepositoryUniqueID: "1.2.3", DocumentUniqueID: "1.2"}, reader, "Failure; COM-002 XDSMissingHomeCommunityId"},
			{of(homeC, "1.2"), reader, "Failure; DOC-005 XDSUnknownCommunity"},
			{of(homeB, theirs.UniqueID), durand, "Failure; ACT-002 XDSRepositoryError"},
		} {
			if outcome, _, _ := c.fetch("/xds/initiating", actionRetrieve, c2.as, c2.request); outcome != c2.want {
				t.Errorf("%v: %s", c2.request, outcome)
			}
		}
	})
	// Whom our door refuses gets nothing of a neighbour either, and the neighbour is not asked.
	t.Run("our door", func(t *testing.T) {
		asked := c.peer.asked.Load()
		blocked := on(banned, c.alice) // the other community does not refuse the link below
		c.b.link(durand, c.b.alice, time.Hour)
		for name, got := range map[string]string{
			"search all": second(c.find(blocked, "")), "search theirs": second(c.find(blocked, homeB)),
			"retrieve":      first1(c.fetch("/xds/initiating", actionRetrieve, blocked, of(homeB, theirs.UniqueID))),
			"another token": second(c.find(on(durand, c.bruno), homeB)),
			"by id":         outcomeOf(c.ask("/xds/initiating", actionQuery, blocked, homeB, byID(theirs, ebrim.LeafClass))),
		} {
			if !strings.HasPrefix(got, "Failure; ACC-") {
				t.Errorf("%s: %s", name, got)
			}
		}
		if got := c.peer.asked.Load(); got != asked {
			t.Errorf("the neighbour was asked %d times", got-asked)
		}
		if lines := c.trail(c.alice, "ITI-18"); !slices.Contains(lines, banned.ID+" false ACC-04") {
			t.Errorf("trail: %v", lines)
		}
	})
	// A patient whom we do not know has no door here.
	t.Run("unknown here", func(t *testing.T) {
		guest := holder{newID(), xds.NewCX("280010175012345", nameCode, "NH"), authz.Traits{Family: "VOISIN", Given: "Guy", BirthDate: "19800101"}}
		c.b.do(func(s *registry.Session) error {
			return record.Create(t.Context(), s.Handle(), authz.AsSystem("test"), record.Holder{Record: guest.record, Patient: guest.ins, Traits: guest.traits, Sex: "M",
				Profile: authz.ProfileActive, Settings: authz.DefaultSettings})
		})
		c.b.link(durand, guest, time.Hour)
		d := c.b.stored(on(server, guest), guest)
		for _, home := range []string{"", homeB} {
			answer, outcome, _ := c.ask("/xds/initiating", actionQuery, on(durand, guest), home, allOf(guest, ebrim.LeafClass))
			if outcome != "Success" || found(answer.Documents) != homeB+" "+d.UniqueID {
				t.Errorf("%q: %s: %s", home, outcome, found(answer.Documents))
			}
		}
		if outcome, documents, _ := c.fetch("/xds/initiating", actionRetrieve, on(durand, guest), of(homeB, d.UniqueID)); outcome != "Success" || len(documents) != 1 {
			t.Errorf("retrieve: %s", outcome)
		}
		if _, outcome, _ := c.ask("/xds/initiating", actionQuery, on(durand, guest), homeA, allOf(guest, ebrim.LeafClass)); outcome != "Failure; REG-001 XDSUnknownPatientId" {
			t.Errorf("ours alone: %s", outcome)
		}
	})
	t.Run("TLS", func(t *testing.T) {
		for name, secured := range map[string]*tls.Config{
			"no client certificate": {RootCAs: c.peer.TLS.ClientCAs, MinVersion: tls.VersionTLS12},
			"unknown authority":     {MinVersion: tls.VersionTLS12},
			"another authority":     newAuthority(t).client(t),
		} {
			asked := c.peer.asked.Load()
			c.know(c.peer.community(homeB, secured))
			if docs, outcome := c.find(reader, ""); outcome != "PartialSuccess; COM-001 XDSUnavailableCommunity" || docs != homeA+" "+mine.UniqueID {
				t.Errorf("%s: %s: %s", name, outcome, docs)
			}
			if c.peer.asked.Load() != asked {
				t.Errorf("%s: the request arrived", name)
			}
		}
	})
}

func second(_, s string) string                                       { return s }
func first1(s string, _ map[string]string, _ reply) string            { return s }
func outcomeOf(_ ebrim.QueryResponse, outcome string, _ reply) string { return outcome }

// TestCommunitiesThatFail: one that hangs, is down, is cut, or answers what is not its
// own is told as such, in bounded time and memory, and what the others said stays.
func TestCommunitiesThatFail(t *testing.T) {
	t.Parallel()
	c := newCommunities(t)
	reader := on(durand, c.alice)
	mine := c.stored(on(server, c.alice), c.alice)
	theirs := c.b.stored(on(server, c.b.alice), c.b.alice)
	both := homeA + " " + mine.UniqueID + ", " + homeB + " " + theirs.UniqueID
	_, _, told := c.b.ask("/xds/gateway", actionCrossQuery, reader, "", allOf(c.alice, ebrim.LeafClass))
	_, body, _ := strings.Cut(string(told.raw), "<soap:Body>")
	body, _, _ = strings.Cut(body, "</soap:Body>")
	answer := func(home string, changes ...string) http.HandlerFunc {
		changes = append(changes, ` home="`+homeB+`"`, home)
		return soapAnswer([]byte(strings.NewReplacer(changes...).Replace(body)))
	}
	var sent, followed atomic.Int64 // MiB of the answer that is too long; requests to where a redirect leads
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for _, row := range []struct {
		name   string
		handle http.HandlerFunc // nil: nothing listens
		want   string
	}{
		{"an honest one", answer(` home="` + homeC + `"`), "Success"},
		{"hangs before it answers", func(_ http.ResponseWriter, r *http.Request) { hang(r) }, "COM-001 XDSUnavailableCommunity"},
		{"hangs in its answer", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/soap+xml")
			_, _ = io.WriteString(w, "<?xml version='1.0'?><soap:Envelope ")
			w.(http.Flusher).Flush()
			hang(r)
		}, "COM-001 XDSUnavailableCommunity"},
		{"down", nil, "COM-001 XDSUnavailableCommunity"},
		{"cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "COM-001 XDSUnavailableCommunity"},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "COM-003 XDSUnavailableCommunity"},
		{"500", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "x", http.StatusInternalServerError) }, "COM-003 XDSUnavailableCommunity"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "COM-003 XDSUnavailableCommunity"},
		{"a DTD", soapRaw(`<!DOCTYPE x><x/>`), "COM-003 XDSUnavailableCommunity"},
		{"another body", soapAnswer([]byte(`<x xmlns="y"/>`)), "COM-003 XDSUnavailableCommunity"},
		{"100 MB", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/soap+xml")
			block := bytes.Repeat([]byte(" "), 1<<20)
			for range 100 {
				if _, err := w.Write(block); err != nil {
					return
				}
				sent.Add(1)
			}
		}, "COM-003 XDSUnavailableCommunity"},
		{"a home that is another's", answer(` home="` + homeB + `"`), "COM-003 XDSUnavailableCommunity"},
		{"our home", answer(` home="` + homeA + `"`), "COM-003 XDSUnavailableCommunity"},
		{"no home", answer(""), "COM-002 XDSMissingHomeCommunityId"},
		{"another patient", answer(` home="`+homeC+`"`, c.alice.ins.ID(), c.bruno.ins.ID()), "COM-003 XDSUnavailableCommunity"},
		{"its own error", soapAnswer([]byte(`<query:AdhocQueryResponse xmlns:query="` + ebrim.NamespaceQuery + `" xmlns:rs="` + ebrim.NamespaceRS + `" status="` + ebrim.StatusFailure +
			`"><rs:RegistryErrorList><rs:RegistryError errorCode="XDSRegistryBusy" codeContext="later" location="x" severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"/></rs:RegistryErrorList></query:AdhocQueryResponse>`)),
			"later XDSRegistryBusy"},
		{"a fault", faultAnswer, "COM-003 XDSUnavailableCommunity"},
	} {
		t.Run(row.name, func(t *testing.T) {
			third := federation.Community{Home: homeC, Query: closedAddress(t), Timeout: 250 * time.Millisecond}
			if row.handle != nil {
				s := httptest.NewServer(row.handle)
				s.Config.ErrorLog = quiet
				t.Cleanup(s.Close)
				third.Query = s.URL
				if row.name == "100 MB" {
					third.Timeout = 5 * time.Second
				}
			}
			third.Retrieve = third.Query
			c.know(c.peer.community(homeB, c.secured), third)
			started := time.Now()
			docs, outcome := c.find(reader, "")
			want := "PartialSuccess; " + row.want
			if row.want == "Success" {
				want, docs = row.want, strings.ReplaceAll(docs, ", "+homeC+" "+theirs.UniqueID, "")
			}
			if outcome != want || docs != both {
				t.Errorf("%s: %s", outcome, docs)
			}
			if took := time.Since(started); took > 10*time.Second { // a bound of 8 s, and a busy machine
				t.Errorf("took %s", took)
			}
			if n, m := sent.Load(), followed.Load(); n > 60 || m > 0 {
				t.Errorf("%d MiB were taken, %d redirects followed", n, m)
			}
			sent.Store(0)
			if row.want == "Success" || strings.HasPrefix(row.want, "later") {
				return
			}
			// The same for a retrieve: the documents of the others come whole.
			outcome, documents, _ := c.fetch("/xds/initiating", actionRetrieve, reader, of(homeC, "1.2.9"), of(homeB, theirs.UniqueID), of(homeA, mine.UniqueID))
			if !strings.HasPrefix(outcome, "PartialSuccess; COM-00") || len(documents) != 2 {
				t.Errorf("retrieve: %s: %v", outcome, documents)
			}
		})
	}
}

// TestOneFailingCommunityIsAFailure: when nobody answers, nothing is a success.
func TestOneFailingCommunityIsAFailure(t *testing.T) {
	t.Parallel()
	c := newCommunities(t)
	c.know(federation.Community{Home: homeC, Query: closedAddress(t), Timeout: time.Second})
	if docs, outcome := c.find(on(durand, c.alice), homeC); outcome != "Failure; COM-001 XDSUnavailableCommunity" || docs != "" {
		t.Errorf("%s: %s", outcome, docs)
	}
}

// TestAllowListOfCommunities is attack 104: no address of a message is ever called, be
// it in a homeCommunityId, in a parameter, in a repositoryUniqueId or in a header.
func TestAllowListOfCommunities(t *testing.T) {
	t.Parallel()
	c := newCommunities(t)
	reader := on(durand, c.alice)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	trap := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ReadHeaderTimeout: time.Second,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				calls.Add(1)
			}
		}}
	go func() { _ = trap.Serve(listener) }()
	t.Cleanup(func() { _ = trap.Close() })
	evil := "http://" + listener.Addr().String() + "/"
	for _, home := range []string{evil, "urn:oid:" + evil, homeB + evil, homeB + " " + evil, strings.ToUpper(homeB), homeB + "\n"} {
		for _, path := range []string{"/xds/initiating", "/xds/registry"} {
			if _, outcome, _ := c.ask(path, actionQuery, reader, home, allOf(c.alice, ebrim.LeafClass)); outcome != "Failure; DOC-005 XDSUnknownCommunity" {
				t.Errorf("%s %q: %s", path, home, outcome)
			}
		}
		outcome, _, _ := c.fetch("/xds/initiating", actionRetrieve, reader, of(home, "1.2"))
		if strings.TrimSpace(home) != homeB && outcome != "Failure; DOC-005 XDSUnknownCommunity" {
			t.Errorf("retrieve %q: %s", home, outcome)
		}
	}
	r := of(homeB, "1.2")
	r.RepositoryUniqueID = evil
	c.fetch("/xds/initiating", actionRetrieve, reader, r)
	if n := calls.Load(); n != 0 {
		t.Errorf("the address of a message was called %d times", n)
	}
}

// TestRetrieveStreams: the bytes of another community reach the reader while it is
// still sending: no document is held here.
func TestRetrieveStreams(t *testing.T) {
	t.Parallel()
	c := newCommunities(t)
	const half = 4 << 20
	resume := make(chan struct{})
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		respond := soap.Responder{NewID: func() string { return "urn:uuid:" + newID() }}
		body := `<xdsb:RetrieveDocumentSetResponse xmlns:xdsb="` + ebrim.NamespaceXDS + `" xmlns:rs="` + ebrim.NamespaceRS + `"><rs:RegistryResponse status="` + ebrim.StatusSuccess +
			`"/><xdsb:DocumentResponse><xdsb:HomeCommunityId>` + homeC + `</xdsb:HomeCommunityId><xdsb:RepositoryUniqueId>` + repositoryID + `</xdsb:RepositoryUniqueId><xdsb:DocumentUniqueId>1.2.9</xdsb:DocumentUniqueId><xdsb:mimeType>text/plain</xdsb:mimeType><xdsb:Document><xop:Include xmlns:xop="` +
			ebrim.NamespaceXOP + `" href="cid:x@y"/></xdsb:Document></xdsb:DocumentResponse></xdsb:RetrieveDocumentSetResponse>`
		content := io.MultiReader(strings.NewReader(strings.Repeat("a", half)), &gated{w.(http.Flusher), resume}, strings.NewReader(strings.Repeat("b", half)))
		respond.WriteMTOM(w, actionCrossRetrieve+"Response", "", func(out *soap.Writer) { out.Raw([]byte(body)) },
			[]soap.OutPart{{ContentID: "x@y", ContentType: "text/plain", Body: content}}, nil)
	}))
	t.Cleanup(remote.Close)
	c.know(federation.Community{Home: homeC, Query: remote.URL, Retrieve: remote.URL})
	client := &soap.Client{HTTP: http.DefaultClient, URL: c.server.URL + "/xds/initiating", NewID: func() string { return "urn:uuid:" + newID() }}
	got, err := client.Post(t.Context(), actionRetrieve, c.security(on(durand, c.alice)), func(out *soap.Writer) {
		out.Raw(ebrim.AppendRetrieveRequest(nil, []ebrim.RetrieveRequest{of(homeC, "1.2.9")}))
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	part, err := got.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(part)
	if _, err := io.CopyN(io.Discard, r, half/2); err != nil {
		t.Fatal(err)
	}
	close(resume) // only now may the other half be sent
	rest, err := io.Copy(io.Discard, r)
	if err != nil || rest != half+half/2 {
		t.Errorf("%d more bytes, %v", rest, err)
	}
	if _, err := got.NextPart(); err != io.EOF { //nolint:errorlint // documented
		t.Errorf("end: %v", err)
	}
}

// gated holds a stream back until it is let go.
type gated struct {
	flusher http.Flusher
	resume  chan struct{}
}

func (g *gated) Read([]byte) (int, error) {
	g.flusher.Flush()
	<-g.resume
	return 0, io.EOF
}

// hang says nothing more until the client is gone, which the server of net/http
// notices once the request is read.
func hang(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// closedAddress is one where nothing listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// soapAnswer is a gateway that answers with this body, whatever it is asked.
func soapAnswer(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		soap.Responder{NewID: func() string { return "urn:uuid:" + newID() }}.WriteEnvelope(w, actionCrossQuery+"Response", "", func(out *soap.Writer) { out.Raw(body) })
	}
}

func soapRaw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/soap+xml")
		fmt.Fprint(w, text)
	}
}

func faultAnswer(w http.ResponseWriter, _ *http.Request) {
	soap.Responder{NewID: func() string { return "urn:uuid:" + newID() }}.WriteFault(w, "", xds.Errors{{ID: "SAML-003"}})
}
