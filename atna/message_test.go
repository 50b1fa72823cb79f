package atna

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

var (
	source = Source{ID: "passerelle-1", Site: "1.2.250.1.999", Endpoint: "https://passerelle.example.org:8443", Repository: "1.2.250.1.999.1"}
	alice  = xds.NewCX("279035121518989", "1.2.250.1.213.1.4.10", "NH")
)

const storedQuery = `<query:AdhocQueryRequest xmlns:query="q"><rim:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"/></query:AdhocQueryRequest>`

func entry(transaction string, action authz.Value) Entry {
	return Entry{
		Event: "6a1f0d5c-0000-4000-8000-000000000001", At: time.Date(2026, 11, 22, 9, 30, 0, 123456000, time.UTC), Transaction: transaction, Action: action,
		Permit: true, Actor: "899900000011", ActorName: `Dr "É" <DURAND>`, Profession: "10", Issuer: "CN=VIHF", Client: "192.0.2.7", Patient: alice,
	}
}

// TestEmittedAuditMessages writes a message of every kind; conformance/xsd.sh
// validates them against the schema of IHE.
func TestEmittedAuditMessages(t *testing.T) {
	entries := map[string]Entry{"refused": entry("ITI-18", authz.Search), "unseen": entry("ITI-43", authz.Retrieve), "emergency": entry("ITI-67", authz.Search)}
	for transaction := range events {
		entries[transaction] = entry(transaction, authz.Search)
	}
	for action := range authz.Domain(authz.Action) {
		entries["json-"+authz.Action.Name(action)] = entry("JSON:"+authz.Action.Name(action), action)
	}
	change := func(name string, f func(*Entry)) { e := entries[name]; f(&e); entries[name] = e }
	change("refused", func(e *Entry) { e.Permit, e.Code = false, "ACC-04" })
	change("unseen", func(e *Entry) { e.Permit = false; e.Documents = []Document{{LogicalID: "urn:uuid:x"}} })
	change("emergency", func(e *Entry) { e.Mode = authz.BrisDeGlace })
	change("ITI-18", func(e *Entry) { e.Query = []byte(storedQuery) })
	change("ITI-41", func(e *Entry) { e.Set = "1.2.3.4"; e.Documents = []Document{{"urn:uuid:a", "1.2.3"}} })
	change("ITI-43", func(e *Entry) { e.Documents = []Document{{"urn:uuid:a", "1.2.3"}, {"urn:uuid:b", "1.2.4"}} })
	change("ITI-62", func(e *Entry) { e.Documents = []Document{{"urn:uuid:a", "1.2.3"}} })
	out := os.Getenv("PASSERELLE_XSD_OUT")
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		message, err := source.Message(entries[name], maxTLS)
		if err != nil {
			t.Fatal(name, err)
		}
		if out != "" {
			if err := os.WriteFile(filepath.Join(out, "audit-"+name+".xml"), message, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct{ name, outcome, event, action, kind string }{
		{"ITI-18", "0", "110112", "E", "ITI-18"},
		{"ITI-41", "0", "110107", "C", "ITI-41"},
		{"ITI-43", "0", "110106", "R", "ITI-43"},
		{"ITI-57", "0", "110107", "U", "ITI-57"},
		{"ITI-62", "0", "110110", "D", "ITI-62"},
		{"refused", "8", "110112", "E", "ITI-18"},
		{"unseen", "4", "110106", "R", "ITI-43"},
		{"json-mask", "0", "110110", "U", "JSON:mask"},
		{"json-delete", "0", "110110", "D", "JSON:delete"},
		{"json-journal", "0", "110101", "R", "JSON:journal"},
	} {
		m := read(t, entries[c.name])
		if m.Event.Outcome != c.outcome || m.Event.ID.Code != c.event || m.Event.Action != c.action || m.Event.Types[0].Code != c.kind {
			t.Errorf("%s: %+v", c.name, m.Event)
		}
	}
}

func read(t *testing.T, e Entry) (m auditMessage) {
	t.Helper()
	raw, err := source.Message(e, maxTLS)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// What a message says of the exchange, the person, the patient and the objects.
func TestMessage(t *testing.T) {
	e := entry("ITI-18", authz.Search)
	e.Query = []byte(storedQuery)
	m := read(t, e)
	if m.Event.At != "2026-11-22T09:30:00.123456Z" || len(m.Participants) != 3 || m.Source.ID != source.ID || m.Source.Site != source.Site {
		t.Errorf("%+v", m)
	}
	them, us, person := m.Participants[0], m.Participants[1], m.Participants[2]
	if !them.Requestor || them.Point != "192.0.2.7" || them.PointType != "2" || them.Roles[0] != roleSource {
		t.Errorf("consumer: %+v", them)
	}
	if us.Requestor || us.UserID != source.Endpoint || us.Point != "passerelle.example.org" || us.PointType != "1" || us.Roles[0] != roleDestination {
		t.Errorf("registry: %+v", us)
	}
	if person.UserID != "<899900000011@CN=VIHF>" || person.Name != `Dr "É" <DURAND>` || !person.Requestor || person.Roles[0].Code != "10" {
		t.Errorf("person: %+v", person)
	}
	patient, query := m.Objects[0], m.Objects[1]
	if patient.ID != string(alice) || patient.IDType != idPatient {
		t.Errorf("patient: %+v", patient)
	}
	if asked, _ := base64.StdEncoding.DecodeString(query.Query); string(asked) != storedQuery || query.ID != "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d" || query.Role != "24" {
		t.Errorf("query: %+v", query)
	}
	e = entry("ITI-43", authz.Retrieve)
	e.Documents = []Document{{"urn:uuid:a", "1.2.3"}, {"urn:uuid:b", "1.2.4"}}
	m = read(t, e)
	if m.Participants[0].UserID != source.Endpoint || m.Participants[0].Roles[0] != roleSource || m.Participants[0].Requestor || !m.Participants[1].Requestor {
		t.Errorf("the repository is the source: %+v", m.Participants)
	}
	if len(m.Objects) != 3 || m.Objects[2].ID != "1.2.4" || m.Objects[2].IDType != idReport || !strings.Contains(m.Objects[2].Details[0].Type, "Repository") {
		t.Errorf("documents: %+v", m.Objects)
	}
	m = read(t, entry("ITI-53", authz.Search))
	if !m.Participants[0].Requestor || m.Participants[1].Requestor {
		t.Errorf("the broker starts a notification: %+v", m.Participants)
	}
	e = entry("ITI-67", authz.Search)
	e.Mode = authz.Centre15
	m = read(t, e)
	if m.Event.Purpose.Code != "ETREAT" || m.Event.Types[1] != emergency {
		t.Errorf("an emergency: %+v", m.Event)
	}
}

// A message that a datagram cannot carry loses its query, then documents, and says so.
func TestMessageBound(t *testing.T) {
	e := entry("ITI-18", authz.Search)
	e.Query = []byte(strings.Repeat("q", 4000))
	for range 200 {
		e.Documents = append(e.Documents, Document{"urn:uuid:a", strings.Repeat("1", 60)})
	}
	whole, err := source.Message(e, maxTLS)
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{len(whole), len(whole) - 1, len(whole) - 6000, len(whole) / 2, 3000} {
		raw, err := source.Message(e, limit)
		if err != nil || len(raw) > limit {
			t.Fatalf("%d: %d bytes, %v", limit, len(raw), err)
		}
		var m auditMessage
		if err := xml.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		told := len(m.Objects[0].Details) > 1
		if documents := len(m.Objects) - 2; told != (documents < 200) || limit < len(whole) == (m.Objects[1].Query != "") {
			t.Errorf("%d: %d documents, told %v, query %v", limit, documents, told, m.Objects[1].Query != "")
		}
	}
	if _, err := source.Message(e, 100); err == nil {
		t.Error("a message of nothing")
	}
}
