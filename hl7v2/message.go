package hl7v2

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

// Bounds of one message beside its size.
const (
	maxSegments = 1000
	maxFields   = 200
)

// Message is an HL7 v2 message in its encoded form; fields are decoded when asked for.
type Message struct {
	Segments []Segment

	field, component, repetition, escape, sub byte
}

// Segment is one line of a message.
type Segment struct {
	Name   string
	Number int // from 1, for findings

	message *Message
	fields  []string // fields[0] is the name; of MSH, fields[1] is the separator
}

// Parse reads a message (HL7 v2.5 chapter 2): segments end with CR, and CR LF or LF
// as some senders do. Text is UTF-8, or ISO 8859-1 when MSH-18 says so. Beside findings
// there is a message of the segments before the first bad one, when its MSH could be
// read: the acknowledgement names what it answers.
func Parse(raw []byte) (*Message, xds.Errors) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if len(raw) < 9 || !bytes.HasPrefix(raw, []byte("MSH")) {
		return nil, one("HL7-001", "MSH", "", "un message qui commence par MSH|^~\\&|")
	}
	m := &Message{field: raw[3], component: raw[4], repetition: raw[5], escape: raw[6], sub: raw[7]}
	if !distinct(raw[3:8]) {
		return nil, one("HL7-001", "MSH-2", "", "cinq délimiteurs différents, comme |^~\\&")
	}
	text := string(raw)
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' })
	if len(lines) > maxSegments {
		return nil, one("HL7-001", "message", fmt.Sprint(len(lines), " segments"), fmt.Sprint("au plus ", maxSegments))
	}
	latin := latin1(lines[0], m.field)
	for i, line := range lines {
		if latin {
			line = fromLatin1(line)
		}
		if !utf8.ValidString(line) {
			return m.headed(), one("HL7-001", fmt.Sprintf("segment %d", i+1), "octets qui ne sont pas de l'UTF-8", "UNICODE UTF-8, ou MSH-18 = 8859/1")
		}
		fields := strings.SplitN(line, string(rune(m.field)), maxFields+1)
		if len(fields) > maxFields || len(fields[0]) != 3 {
			return m.headed(), one("HL7-001", fmt.Sprintf("segment %d", i+1), xds.Shorten(fields[0]), "un nom de trois lettres et au plus 200 champs")
		}
		if i == 0 {
			fields = append([]string{"MSH", string(rune(m.field))}, fields[1:]...)
		}
		m.Segments = append(m.Segments, Segment{Name: fields[0], Number: i + 1, message: m, fields: fields})
	}
	return m, nil
}

// headed is the message when it has a header, else nil.
func (m *Message) headed() *Message {
	if len(m.Segments) == 0 {
		return nil
	}
	return m
}

func one(id, where, found, expected string) xds.Errors {
	return xds.Errors{{ID: id, Where: where, Found: found, Expected: expected}}
}

// distinct tells whether five delimiters can be told from each other and from text.
func distinct(marks []byte) bool {
	for i, c := range marks {
		if c <= ' ' || c >= 0x7f || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || bytes.IndexByte(marks[:i], c) >= 0 {
			return false
		}
	}
	return true
}

// latin1 tells whether MSH-18 names ISO 8859-1.
func latin1(msh string, separator byte) bool {
	fields := strings.SplitN(msh, string(rune(separator)), 20)
	return len(fields) > 17 && strings.HasPrefix(fields[17], "8859/1")
}

func fromLatin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// Header is the MSH of a message.
func (m *Message) Header() Segment { return m.Segments[0] }

// First is the first segment of a name; ok is false when there is none.
func (m *Message) First(name string) (s Segment, ok bool) {
	for _, s := range m.Segments {
		if s.Name == name {
			return s, true
		}
	}
	return Segment{}, false
}

// raw is a field as it is encoded, its first repetition; "" when absent.
func (s Segment) raw(field int) string {
	if field >= len(s.fields) {
		return ""
	}
	if s.Name == "MSH" && field < 3 {
		return s.fields[field]
	}
	first, _, _ := strings.Cut(s.fields[field], string(rune(s.message.repetition)))
	return first
}

// repetitions are the repetitions of a field, encoded.
func (s Segment) repetitions(field int) []string {
	if field >= len(s.fields) || s.fields[field] == "" {
		return nil
	}
	return strings.Split(s.fields[field], string(rune(s.message.repetition)))
}

// Text is a component of the first repetition of a field, both counted from 1, its
// escapes resolved.
func (s Segment) Text(field, component int) string {
	return s.message.part(s.raw(field), component)
}

// part is a component of an encoded repetition.
func (m *Message) part(repetition string, component int) string {
	parts := strings.Split(repetition, string(rune(m.component)))
	if component > len(parts) {
		return ""
	}
	return m.resolve(parts[component-1])
}

// subPart is a subcomponent of a component.
func (m *Message) subPart(repetition string, component, sub int) string {
	parts := strings.Split(repetition, string(rune(m.component)))
	if component > len(parts) {
		return ""
	}
	subs := strings.Split(parts[component-1], string(rune(m.sub)))
	if sub > len(subs) {
		return ""
	}
	return m.resolve(subs[sub-1])
}

// resolve replaces escape sequences (HL7 v2.5 2.7): delimiters, hexadecimal bytes and
// line breaks; formatting and unknown ones disappear.
func (m *Message) resolve(s string) string {
	mark := string(rune(m.escape))
	if !strings.Contains(s, mark) {
		return s
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, mark)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		sequence, after, closed := strings.Cut(rest, mark)
		if !closed {
			b.WriteString(mark + rest)
			return b.String()
		}
		b.WriteString(m.sequence(sequence))
		s = after
	}
}

func (m *Message) sequence(s string) string {
	switch {
	case s == "F":
		return string(rune(m.field))
	case s == "S":
		return string(rune(m.component))
	case s == "T":
		return string(rune(m.sub))
	case s == "R":
		return string(rune(m.repetition))
	case s == "E":
		return string(rune(m.escape))
	case s == ".br":
		return "\n"
	case strings.HasPrefix(s, "X"):
		var b []byte
		if _, err := fmt.Sscanf(s[1:], "%x", &b); err == nil && utf8.Valid(b) {
			return string(b)
		}
	}
	return ""
}
