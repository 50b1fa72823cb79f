package hl7v2

import (
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

const sample = "MSH|^~\\&|LABO|CHU|DMP|DMP|20261122090000||ORU^R01^ORU_R01|M1|P|2.5|||||FRA|UNICODE UTF-8\r" +
	"PID|||279035121518989^^^ASIP&1.2.250.1.213.1.4.10&ISO^INS-NIR~IPP7^^^CHU^PI||MAX^L\\T\\B\\XC3A9\\\r" +
	"OBX|1|ED|11502-2^CR \\F\\ bio^LN||^TEXT^XML^Base64^PGE+PC9hPg==||||||F\r"

func TestParse(t *testing.T) {
	for name, raw := range map[string]string{
		"CR": sample, "CR LF": strings.ReplaceAll(sample, "\r", "\r\n"), "LF": strings.ReplaceAll(sample, "\r", "\n"), "BOM": "\xef\xbb\xbf" + sample,
		"other delimiters": strings.NewReplacer("|", "#", "^", "$", "~", "*", "&", "@").Replace(sample),
	} {
		m, found := Parse([]byte(raw))
		if found != nil {
			t.Fatalf("%s: %v", name, found)
		}
		pid, _ := m.First("PID")
		obx, _ := m.First("OBX")
		ids := pid.repetitions(3)
		got := []string{m.Header().Text(9, 1), m.Header().Text(10, 1), pid.Text(5, 1), pid.Text(3, 1), m.subPart(ids[0], 4, 2), m.part(ids[1], 5),
			obx.Text(5, 5), obx.Text(11, 1), obx.Text(40, 1), obx.Text(11, 9)}
		want := []string{"ORU", "M1", "MAX", "279035121518989", "1.2.250.1.213.1.4.10", "PI", "PGE+PC9hPg==", "F", "", ""}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	m, _ := Parse([]byte(sample))
	pid, _ := m.First("PID")
	obx, _ := m.First("OBX")
	if pid.Text(5, 2) != "L&Bé" || obx.Text(3, 2) != "CR | bio" {
		t.Errorf("escapes: %q %q", pid.Text(5, 2), obx.Text(3, 2))
	}
	if _, ok := m.First("ZZZ"); ok {
		t.Error("a segment that is not there")
	}
}

// Text in ISO 8859-1 is read when MSH-18 says so, and refused by its name otherwise.
func TestCharset(t *testing.T) {
	latin := strings.Replace(strings.Replace(sample, "UNICODE UTF-8", "8859/1", 1), "MAX", "N\xe9e", 1)
	m, found := Parse([]byte(latin))
	if found != nil {
		t.Fatal(found)
	}
	if pid, _ := m.First("PID"); pid.Text(5, 1) != "Née" {
		t.Errorf("%q", pid.Text(5, 1))
	}
	m, found = Parse([]byte(strings.Replace(latin, "8859/1", "UNICODE UTF-8", 1)))
	if m == nil || !strings.Contains(string(Acknowledge(m, Rejected, "1", time.Unix(0, 0), found)), "MSA|AR|"+m.Header().Text(10, 1)+"\r") {
		t.Errorf("the acknowledgement does not name the message: %v", m) // engines send again what is not acknowledged
	}
	if len(found) != 1 || found[0].ID != "HL7-001" || !strings.Contains(found[0].Text(), "8859/1") {
		t.Errorf("%v", found)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, raw := range map[string]string{
		"nothing": "", "no MSH": "PID|1\r", "short": "MSH|^~", "same delimiters": "MSH|^^\\&|A\r", "letters": "MSHAbcde|x\r",
		"long name": sample + "OBXX|1\r", "many segments": sample + strings.Repeat("NTE|1\r", maxSegments), "many fields": sample + "NTE" + strings.Repeat("|", maxFields+1) + "\r",
	} {
		if m, found := Parse([]byte(raw)); m != nil && len(m.Segments) != 3 || len(found) != 1 || found[0].ID != "HL7-001" {
			t.Errorf("%s: %v %v", name, m, found)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("MSH|^~\\&|\\X41\\|\\X4\\|\\.br\\|\\"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, found := Parse(raw)
		if m == nil && found == nil {
			t.Fatal("neither a message nor a finding")
		}
		if m == nil {
			return
		}
		for _, s := range m.Segments {
			for field := 1; field <= 20; field++ {
				s.Text(field, 1)
				for _, r := range s.repetitions(field) {
					m.subPart(r, 4, 2)
				}
			}
		}
		if _, found := Parse(Acknowledge(m, Errored, "1", time.Unix(0, 0), xds.Errors{{ID: "HL7-003", Where: "OBX[1]-5", Found: m.Header().Text(3, 1)}})); found != nil {
			t.Fatalf("an acknowledgement that cannot be read: %v", found)
		}
	})
}

// An acknowledgement goes back to the sender, names the message and each finding.
func TestAcknowledge(t *testing.T) {
	m, _ := Parse([]byte(sample))
	raw := Acknowledge(m, Errored, "A1", time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), xds.Errors{
		{ID: "HL7-003", Where: "OBX[1]-5", Expected: "le document"}, {ID: "META-003", Where: "DocumentEntry.typeCode", Found: "a|b^c\r"}})
	ack, found := Parse(raw)
	if found != nil {
		t.Fatal(found)
	}
	msa, _ := ack.First("MSA")
	h := ack.Header()
	if got := []string{h.Text(3, 1), h.Text(5, 1), h.Text(6, 1), h.Text(9, 1), h.Text(9, 2), h.Text(12, 1), msa.Text(1, 1), msa.Text(2, 1)}; strings.Join(got, "|") != "DMP|LABO|CHU|ACK|R01|2.5|AE|M1" {
		t.Errorf("%q", got)
	}
	var lines []string
	for _, s := range ack.Segments {
		if s.Name == "ERR" {
			lines = append(lines, s.Text(2, 1)+"-"+s.Text(2, 3)+" "+s.Text(3, 1)+" "+s.Text(5, 1)+" "+s.Text(8, 1))
		}
	}
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "OBX-5 101 HL7-003 Champ obligatoire") || !strings.Contains(lines[1], "a|b^c") {
		t.Errorf("%q", lines)
	}
	if ack, found = Parse(Acknowledge(nil, Rejected, "A2", time.Unix(0, 0), one("HL7-001", "MSH", "", ""))); found != nil || ack.Header().Text(9, 1) != "ACK" {
		t.Errorf("without a message: %v", found)
	}
}
