package hl7v2_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/hl7v2"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

const (
	hospital = "1599990017"
	aliceINS = xds.CX("293035999901195^^^&1.2.250.1.213.1.4.10&ISO^NH")
)

// world is the desk in front of a real registry and a real repository.
type world struct {
	t        *testing.T
	desk     *hl7v2.Desk
	registry *registry.Registry
	gate     *authz.Gate
	log      *bytes.Buffer
	record   string
}

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func newWorld(t *testing.T) *world {
	t.Helper()
	m, err := matrix.Embedded()
	paris, err2 := time.LoadLocation("Europe/Paris")
	store, err3 := repository.Dir(t.TempDir())
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, log: &bytes.Buffer{}, record: newID(),
		registry: registry.Open(registrytest.Open(t), registry.Registry{Now: time.Now, NewID: newID, RepositoryID: "1.2.3.4", Report: func(e string, _ ...any) { t.Error(e) }}),
		gate:     &authz.Gate{Policy: france.New(m, matrix.Options{}), Now: time.Now, Paris: paris}}
	in := &intake.Desk{Gate: w.gate, Registry: w.registry, Repository: store, Profile: dmp.New(dmp.Options{TestINS: true}), Limit: 8 << 20,
		Log: slog.New(slog.DiscardHandler), Senders: intake.Senders{{Structure: hospital, Replay: true}}}
	w.desk = &hl7v2.Desk{
		Entrance: entrance.New(entrance.Desk{Intake: in, SourceID: "1.2.3.4", Now: time.Now}), Gate: w.gate, Registry: w.registry,
		Senders: func() []hl7v2.Sender {
			return []hl7v2.Sender{{Facility: "CHU", Application: "LABO", Structure: hospital, StructureName: "CHU TEST"},
				{Facility: "SUR", Structure: hospital, Certificate: "CN=labo.chu.test,O=CHU"},
				{Facility: "EST", Structure: hospital, Certificate: "sha256:" + fmt.Sprintf("%x", sha256.Sum256([]byte("key")))}}
		},
		Now: time.Now, Incident: newID, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	err = w.registry.Write(t.Context(), func(s *registry.Session) error {
		return record.Create(t.Context(), s.Handle(), authz.AsSystem("test"), record.Holder{
			Record: w.record, Patient: aliceINS, Traits: authz.Traits{Family: "TEST", Given: "Alice", BirthDate: "19930314"}, Sex: "F",
			Profile: authz.ProfileActive, Settings: authz.DefaultSettings,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// document is the CDA of the README.
func document(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../testdata/cda/cr-accouchement.xml")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// message is an ORU^R01 with a document; more are further segments, changes pairs of
// texts to replace in it.
func message(doc string, changes ...string) string {
	m := "MSH|^~\\&|LABO|CHU|PASSERELLE|DMP|20261122090000||ORU^R01^ORU_R01|M" + newID()[:8] + "|P|2.5|||||FRA|UNICODE UTF-8\r" +
		"PID|||293035999901195^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS-NIR~77^^^CHU^PI||TEST^Alice\r" +
		"ORC|NW\rOBR|1|||15508-5^CR^LN\r" +
		"OBX|1|ED|15508-5^CR^LN||^TEXT^XML^Base64^" + base64.StdEncoding.EncodeToString([]byte(doc)) + "||||||F|\r" +
		"OBX|2|CE|MASQUE_PS^Masqué^MetaDMPMSS||N^^expandedYes-NoIndicator||||||F|\r" +
		"OBX|3|CE|INVISIBLE_PATIENT^x^MetaDMPMSS||N^^expandedYes-NoIndicator||||||F|\r" +
		"OBX|4|CE|DESTDMP^x^MetaDMPMSS||Y^^expandedYes-NoIndicator||||||F|\r" +
		"OBX|5|CE|DESTMSSANTEPAT^x^MetaDMPMSS||N^^expandedYes-NoIndicator||||||F|\r"
	return strings.NewReplacer(changes...).Replace(m)
}

// send gives the code of the acknowledgement and those of its findings.
func (w *world) send(raw string) string {
	w.t.Helper()
	return w.sendBy(raw, nil)
}

func (w *world) sendBy(raw string, peer *tls.ConnectionState) string {
	w.t.Helper()
	answer := w.desk.Answer(w.t.Context(), []byte(raw), peer)
	if answer == nil {
		return "no answer"
	}
	ack, found := hl7v2.Parse(answer)
	if found != nil {
		w.t.Fatalf("%v\n%s", found, answer)
	}
	msa, _ := ack.First("MSA")
	line := msa.Text(1, 1)
	for _, s := range ack.Segments {
		if s.Name == "ERR" {
			line += " " + s.Text(5, 1)
			if s.Text(4, 1) == "W" {
				line += "?"
			}
		}
	}
	return line
}

// stored are the documents of the record, as its structure may know them: their ids.
func (w *world) stored() (docs []xds.Document) {
	w.t.Helper()
	err := w.registry.Read(w.t.Context(), func(s *registry.Session) (err error) {
		docs, err = s.Inspect(w.t.Context(), authz.AsSystem("test"), w.record)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return docs
}

// TestDeposit: a message is acknowledged when its document is in the record, and the
// same message sent again is acknowledged without a second one.
func TestDeposit(t *testing.T) {
	w := newWorld(t)
	m := message(document(t))
	for range 3 {
		if got := w.send(m); got != "AA" {
			t.Fatal(got)
		}
	}
	docs := w.stored()
	if len(docs) != 1 || docs[0].Structure != hospital || docs[0].Entry.TypeCode.Value != "15508-5" || docs[0].Marks != (xds.Marks{}) {
		t.Fatalf("%d documents: %+v", len(docs), docs)
	}
	if strings.Contains(w.log.String(), "293035999901195") || strings.Contains(w.log.String(), "Alice") {
		t.Errorf("the log names the patient:\n%s", w.log)
	}
}

// TestFlags: the coded observations of the French guide are the marks of the document.
func TestFlags(t *testing.T) {
	w := newWorld(t)
	if got := w.send(message(document(t), "Masqué^MetaDMPMSS||N", "Masqué^MetaDMPMSS||Y")); got != "AA" {
		t.Fatal(got)
	}
	if docs := w.stored(); len(docs) != 1 || docs[0].Marks != (xds.Marks{MaskedPS: true}) {
		t.Errorf("%+v", docs)
	}
}

// TestReplaceAndRemove: OBX-11 and the events of MDM say what is done with the document.
func TestReplaceAndRemove(t *testing.T) {
	w := newWorld(t)
	first := document(t)
	if got := w.send(message(first)); got != "AA" {
		t.Fatal(got)
	}
	uid := w.stored()[0].Entry.UniqueID
	second := strings.Replace(first, uid, uid+".2", 1)
	if got := w.send(message(second, "||||||F|\rOBX|2", "||||||C|\rOBX|2")); got != "AE HL7-003" { // names no document
		t.Errorf("replacement of nothing: %s", got)
	}
	second = strings.Replace(second, "<componentOf", `<relatedDocument typeCode="RPLC"><parentDocument><id root="`+uid+`"/></parentDocument></relatedDocument><componentOf`, 1)
	if got := w.send(message(second, "ORU^R01^ORU_R01", "MDM^T10^MDM_T02")); got != "AA" {
		t.Fatalf("replacement: %s", got)
	}
	status := func() string {
		var line []string
		for _, d := range w.stored() {
			s := string(d.Entry.AvailabilityStatus)
			line = append(line, strings.TrimPrefix(d.Entry.UniqueID, uid)+s[strings.LastIndex(s, ":")+1:])
		}
		return strings.Join(line, " ")
	}
	if got := status(); !strings.Contains(got, ".2Approved") || !strings.Contains(got, "Deprecated") {
		t.Fatalf("after the replacement: %s", got)
	}
	if got := w.send(message(second, "||||||F|\rOBX|2", "||||||D|\rOBX|2")); got != "AA" {
		t.Fatalf("deletion: %s", got)
	}
	if got := status(); strings.Contains(got, "Approved") || strings.Contains(got, "Deprecated") {
		t.Errorf("after the deletion: %s", got)
	}
	if got := w.send(message(strings.Replace(first, uid, uid+".9", 1), "ORU^R01^ORU_R01", "MDM^T04^MDM_T02")); got != "AE REG-004" {
		t.Errorf("deletion of what is not there: %s", got)
	}
}

// TestRefusals: nothing of a refused message is stored, and its sender is told why.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	doc := document(t)
	for _, c := range []struct{ name, raw, want string }{
		{"no HL7", "bonjour", "AR HL7-001"},
		{"another message", message(doc, "ORU^R01^ORU_R01", "ADT^A01^ADT_A01"), "AR HL7-002"},
		{"unknown sender", message(doc, "|CHU|", "|AUTRE|"), "AR HL7-005"},
		{"unknown application", message(doc, "|LABO|", "|AUTRE|"), "AR HL7-005"},
		{"no control id", strings.Replace(message(doc), "ORU_R01|M", "ORU_R01||M", 1), "AE HL7-003"},
		{"no document", message(doc, "OBX|1|ED", "OBX|1|ST"), "AE HL7-003"},
		{"not for the record", message(doc, "DESTDMP^x^MetaDMPMSS||Y", "DESTDMP^x^MetaDMPMSS||N"), "AE HL7-004"},
		{"neither yes nor no", message(doc, "Masqué^MetaDMPMSS||N", "Masqué^MetaDMPMSS||?"), "AE HL7-003"},
		{"another patient", message(doc, "293035999901195^^^ASIP", "279035121518989^^^ASIP"), "AE C-09"},
		{"no base64", message(doc, "^Base64^PD94", "^Base64^***"), "AE HL7-003"},
		{"in clear", message(doc, "^Base64^", "^A^"), "AE HL7-003"},
		{"a PDF", message("%PDF-1.7 and so on"), "AE HL7-003"},
		{"a test message", message(doc, "|P|2.5", "|T|2.5"), "AR HL7-003"},
		{"another standard", message(doc, "|P|2.5", "|P|3.0"), "AR HL7-003"},
		{"born on another day", message(doc, "TEST^Alice", "TEST^Alice||19500101"), "AE C-09"},
		{"a bad byte", message(doc, "TEST^Alice", "TEST^\xe9lice"), "AR HL7-001"},
		{"no CDA", message("<a/>"), "AE META-004"},
		{"both marks", message(doc, "Masqué^MetaDMPMSS||N", "Masqué^MetaDMPMSS||Y", "INVISIBLE_PATIENT^x^MetaDMPMSS||N", "INVISIBLE_PATIENT^x^MetaDMPMSS||Y"), "AE C-02"},
		{"unknown type", message(strings.Replace(doc, `code="15508-5"`, `code="99999-9"`, 1)), "AE META-003"},
	} {
		if got := w.send(c.raw); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if docs := w.stored(); len(docs) != 0 {
		t.Errorf("%d documents were stored", len(docs))
	}
}

// TestCertificate: on a TLS port a sender is who holds its certificate.
func TestCertificate(t *testing.T) {
	w := newWorld(t)
	peer := func(name pkix.Name, key string, verified bool) *tls.ConnectionState {
		leaf := &x509.Certificate{Subject: name, RawSubjectPublicKeyInfo: []byte(key)}
		state := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
		if verified {
			state.VerifiedChains = [][]*x509.Certificate{{leaf}}
		}
		return state
	}
	own := pkix.Name{Organization: []string{"CHU"}, CommonName: "labo.chu.test"}
	for name, c := range map[string]struct {
		facility string
		peer     *tls.ConnectionState
		want     string
	}{
		"no TLS": {"SUR", nil, "AR HL7-005"}, "not verified": {"SUR", peer(own, "", false), "AR HL7-005"}, "its own": {"SUR", peer(own, "", true), "AA"},
		"another":                 {"SUR", peer(pkix.Name{CommonName: "autre.test"}, "", true), "AR HL7-005"},
		"its name, another house": {"SUR", peer(pkix.Name{Organization: []string{"AUTRE"}, CommonName: "labo.chu.test"}, "", true), "AR HL7-005"},
		"its key":                 {"EST", peer(own, "key", true), "AA"},
		"another key":             {"EST", peer(own, "other", true), "AR HL7-005"},
	} {
		if got := w.sendBy(message(document(t), "|CHU|", "|"+c.facility+"|"), c.peer); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// A passing trouble is not acknowledged: the sender keeps its message.
func TestTrouble(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if answer := w.desk.Answer(ctx, []byte(message(document(t))), nil); answer != nil {
		if ack, _ := hl7v2.Parse(answer); ack == nil || strings.Contains(string(answer), "MSA|AA") {
			t.Errorf("%s", answer)
		}
	}
	if docs := w.stored(); len(docs) != 0 {
		t.Errorf("%d documents", len(docs))
	}
}
