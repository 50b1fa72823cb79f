package hl7v2

import (
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// The codes of MSA-1 (HL7 table 0008).
const (
	Accepted = "AA" // carried out and committed
	Errored  = "AE" // refused: the findings say why
	Rejected = "AR" // not a message for this service, or one that should be sent again
)

// Acknowledge writes the ACK of a message: MSA, and one ERR a finding with its place,
// its own code and its text. received may be nil when the message could not be read.
func Acknowledge(received *Message, code, id string, at time.Time, findings xds.Errors) []byte {
	var b strings.Builder
	control, version, event := "", "2.5", ""
	sender, facility, receiver, place, processing := "", "", "", "", "P"
	if received != nil {
		h := received.Header()
		control, event = h.Text(10, 1), h.Text(9, 2)
		if v := h.Text(12, 1); v != "" {
			version = v
		}
		if p := h.Text(11, 1); p != "" {
			processing = p
		}
		receiver, place, sender, facility = h.Text(3, 1), h.Text(4, 1), h.Text(5, 1), h.Text(6, 1)
	}
	kind := "ACK"
	if event != "" {
		kind = "ACK^" + escape(event) + "^ACK"
	}
	segment(&b, "MSH|^~\\&", escape(sender), escape(facility), escape(receiver), escape(place), at.UTC().Format("20060102150405")+"+0000",
		"", kind, escape(id), escape(processing), escape(version), "", "", "", "", "", "UNICODE UTF-8")
	segment(&b, "MSA", code, escape(control))
	for _, e := range findings {
		severity := "E"
		if e.Severity == xds.SeverityWarning {
			severity = "W"
		}
		segment(&b, "ERR", "", location(e.Where), condition(e), severity, escape(e.ID)+"^"+escape(e.Problem().French)+"^PASSERELLE", "",
			"", escape(e.Text()))
	}
	return []byte(b.String())
}

func segment(b *strings.Builder, fields ...string) {
	b.WriteString(strings.TrimRight(strings.Join(fields, "|"), "|"))
	b.WriteByte('\r')
}

// location is ERR-2 where the place is a field of the message: OBX[3]-5 is OBX^3^5.
func location(where string) string {
	name, rest, ok := strings.Cut(where, "[")
	if !ok || len(name) != 3 {
		name, rest, ok = strings.Cut(where, "-")
		if !ok || len(name) != 3 {
			return ""
		}
		return escape(name) + "^1^" + escape(rest)
	}
	number, field, _ := strings.Cut(rest, "]-")
	return escape(name) + "^" + escape(number) + "^" + escape(field)
}

// condition is ERR-3 (HL7 table 0357).
func condition(e *xds.Error) string {
	switch {
	case e.ID == "HL7-001":
		return "100^Segment sequence error^HL70357"
	case e.ID == "HL7-002":
		return "200^Unsupported message type^HL70357"
	case e.Where == modePlace:
		return "202^Unsupported processing id^HL70357"
	case e.Where == versionPlace:
		return "203^Unsupported version id^HL70357"
	case e.ID == "HL7-003" && e.Found == "":
		return "101^Required field missing^HL70357"
	case e.ID == "HL7-003":
		return "102^Data type error^HL70357"
	case e.ID == "HL7-005", e.ID == "REG-001":
		return "204^Unknown key identifier^HL70357"
	default:
		return "207^Application internal error^HL70357"
	}
}

var escapes = strings.NewReplacer(`\`, `\E\`, "|", `\F\`, "^", `\S\`, "&", `\T\`, "~", `\R\`, "\r", " ", "\n", " ")

// escape encodes a text for the delimiters that Acknowledge uses.
func escape(s string) string { return escapes.Replace(s) }
