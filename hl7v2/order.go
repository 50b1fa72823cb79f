package hl7v2

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// act is what a message asks to be done with its document.
type act int

const (
	deposit act = iota
	replace
	remove
)

// order is what a message asks for, read whole before anything is done.
type order struct {
	act      act
	document io.Reader
	patient  xds.CX // INS of PID-3, "" when it holds none
	born     string // PID-7, AAAAMMJJ, "" when it is not told
	marks    []xds.Code
	secret   bool // secret connection (EX_0.1-1100)
}

// events are the messages that are carried out: code and event of MSH-9. A replacing
// or deleting ORU says so in OBX-11.
var events = map[string]act{"ORU^R01": deposit, "MDM^T02": deposit, "MDM^T10": replace, "MDM^T04": remove}

// results are the values of OBX-11 (HL7 table 0085).
var results = map[string]act{"F": deposit, "C": replace, "D": remove}

// read reads the order of a message, all findings at once.
func read(m *Message) (order, xds.Errors) {
	h := m.Header()
	var found xds.Errors
	event := h.Text(9, 1) + "^" + h.Text(9, 2)
	o := order{}
	var known bool
	if o.act, known = events[event]; !known {
		return o, one("HL7-002", "MSH[1]-9", event, "ORU^R01, MDM^T02, MDM^T04 ou MDM^T10")
	}
	if h.Text(10, 1) == "" {
		found.Add(missing(h, 10, "identifiant du message"))
	}
	readKind(h, &found)
	o.readPatient(m, &found)
	for _, s := range m.Segments {
		if s.Name == "OBX" {
			o.observation(s, event == "ORU^R01", &found)
		}
	}
	if o.document == nil && !found.Failed() {
		found.Add(&xds.Error{ID: "HL7-003", Where: "OBX", Expected: "un OBX de type ED qui porte le document CDA"})
	}
	return o, found
}

// Places that tell that a message is not for this service.
const (
	modePlace    = "MSH[1]-11"
	versionPlace = "MSH[1]-12"
)

// readKind refuses what is not sent for a record: test messages, which would be in it
// for ever, and versions of another standard. Senders that leave both out are common.
func readKind(h Segment, found *xds.Errors) {
	if mode := h.Text(11, 1); mode != "" && mode != "P" {
		found.Add(&xds.Error{ID: "HL7-003", Where: modePlace, Found: mode, Expected: "P : un message d'essai (T, D) n'entre pas dans un dossier"})
	}
	if version := h.Text(12, 1); version != "" && !strings.HasPrefix(version, "2.") {
		found.Add(&xds.Error{ID: "HL7-003", Where: versionPlace, Found: version, Expected: "2.5, ou une autre version 2"})
	}
}

func missing(s Segment, field int, expected string) *xds.Error {
	return &xds.Error{ID: "HL7-003", Where: place(s, field), Expected: expected}
}

func place(s Segment, field int) string { return fmt.Sprintf("%s[%d]-%d", s.Name, s.ordinal(), field) }

// ordinal is the number of a segment among those of its name, from 1.
func (s Segment) ordinal() int {
	n := 0
	for _, other := range s.message.Segments[:s.Number] {
		if other.Name == s.Name {
			n++
		}
	}
	return n
}

// insRoots are the authorities of the INS (domain §3.1).
var insRoots = map[string]bool{"1.2.250.1.213.1.4.8": true, "1.2.250.1.213.1.4.9": true, "1.2.250.1.213.1.4.10": true, "1.2.250.1.213.1.4.11": true}

// readPatient takes the INS among the identifiers of PID-3.
func (o *order) readPatient(m *Message, found *xds.Errors) {
	pid, ok := m.First("PID")
	if !ok {
		found.Add(&xds.Error{ID: "HL7-003", Where: "PID", Expected: "un segment PID"})
		return
	}
	o.born = day(pid.Text(7, 1))
	for _, id := range pid.repetitions(3) {
		if root := m.subPart(id, 4, 2); insRoots[root] {
			o.patient = xds.NewCX(m.part(id, 1), root, "NH")
		}
	}
}

// flags are the coded observations of the French guide (table MetaDMPMSS).
var flags = map[string]func(*order, bool) string{
	"MASQUE_PS":            func(o *order, yes bool) string { return o.mark(yes, xds.MarkMaskedPS) },
	"INVISIBLE_PATIENT":    func(o *order, yes bool) string { return o.mark(yes, xds.MarkHiddenPatient) },
	"INVISIBLE_REP_LEGAUX": func(o *order, yes bool) string { return o.mark(yes, xds.MarkHiddenReps) },
	"CONNEXION_SECRETE":    func(o *order, yes bool) string { o.secret = yes; return "" },
	"DESTDMP":              func(_ *order, yes bool) string { return unless(yes, "Y") },
	"MODIF_CONF_CODE": func(_ *order, yes bool) string {
		return unless(!yes, "N ; la confidentialité d'un document se change par ITI-57 ou /api/v1")
	},
	"DESTMSSANTEPS":   ignored,
	"DESTMSSANTEPAT":  ignored,
	"ACK_RECEPTION":   ignored,
	"ACK_LECTURE":     ignored,
	"ACK_LECTURE_MSS": ignored,
}

// ignored are for the sender of mails, which the gateway is not.
func ignored(*order, bool) string { return "" }

func unless(fine bool, expected string) string {
	if fine {
		return ""
	}
	return expected
}

func (o *order) mark(yes bool, code string) string {
	if yes {
		o.marks = append(o.marks, xds.Code{Value: code, Scheme: xds.MarkScheme})
	}
	return ""
}

// observation reads one OBX: the document, or a flag. Others, such as the text of a
// mail or a result in clear, are not for the record.
func (o *order) observation(s Segment, byResult bool, found *xds.Errors) {
	code := s.Text(3, 1)
	switch s.Text(2, 1) {
	case "ED":
		if !strings.HasPrefix(code, "CORPSMAIL") {
			o.encapsulated(s, byResult, found)
		}
	case "CE", "CWE":
		set := flags[code]
		if set == nil {
			return
		}
		value := s.Text(5, 1)
		if value != "Y" && value != "N" {
			found.Add(&xds.Error{ID: "HL7-003", Where: place(s, 5), Found: value, Expected: "Y ou N"})
			return
		}
		if expected := set(o, value == "Y"); expected != "" {
			found.Add(&xds.Error{ID: "HL7-004", Where: place(s, 5), Found: value, Expected: expected})
		}
	}
}

// pdf is how a PDF begins in base64.
const pdf = "JVBERi0"

// encapsulated reads the OBX that holds the document (HL7 v2.5 2.A.24, ED).
func (o *order) encapsulated(s Segment, byResult bool, found *xds.Errors) {
	if o.document != nil {
		found.Add(&xds.Error{ID: "HL7-003", Where: place(s, 5), Found: "un deuxième document", Expected: "un document par message"})
		return
	}
	if encoding := s.Text(5, 4); !strings.EqualFold(encoding, "Base64") {
		found.Add(&xds.Error{ID: "HL7-003", Where: place(s, 5) + ".4", Found: encoding, Expected: "Base64"})
		return
	}
	data := s.Text(5, 5)
	if data == "" {
		found.Add(missing(s, 5, "le document en base64 (OBX-5.5)"))
		return
	}
	if strings.HasPrefix(data, pdf) {
		found.Add(&xds.Error{ID: "HL7-003", Where: place(s, 5) + ".5", Found: "un PDF", Expected: "un document CDA ; le PDF se met dans son nonXMLBody"})
		return
	}
	if byResult {
		status := s.Text(11, 1)
		asked, known := results[status]
		if !known {
			found.Add(&xds.Error{ID: "HL7-003", Where: place(s, 11), Found: status, Expected: "F (déposer), C (remplacer) ou D (supprimer)"})
			return
		}
		o.act = asked
	}
	o.document = base64.NewDecoder(base64.RawStdEncoding, strings.NewReader(strings.TrimRight(data, "= ")))
}
