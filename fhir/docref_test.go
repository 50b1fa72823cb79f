package fhir

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"pgregory.net/rapid"
)

// crDocument is a discharge letter as a French hospital pushes it by SOAP.
func crDocument() xds.Document {
	return xds.Document{
		Record: testRecord, Structure: "1310781406", Labels: xds.Labels{UpdatedUnix: 1760000000},
		Entry: xds.DocumentEntry{
			EntryUUID: "urn:uuid:6f1e8d52-6a4f-4a0a-8d3c-0b8f6b1c2d3e", LogicalID: "urn:uuid:11111111-2222-4333-8444-555555555555", Version: 2,
			ObjectType: xds.StableDocument, AvailabilityStatus: xds.Approved, Title: "Lettre de liaison « sortie »", Comments: "à relire\navec le patient",
			ClassCode:       xds.Code{Value: "11", Scheme: "1.2.250.1.213.1.1.4.1", Display: "Synthèse"},
			TypeCode:        xds.Code{Value: "11490-0", Scheme: loincOID, Display: "Lettre de liaison à la sortie"},
			FormatCode:      xds.Code{Value: "urn:asip:ci-sis:ldl-ses:2017", Scheme: "1.2.250.1.213.1.1.4.2.282", Display: "LDL-SES"},
			FacilityType:    xds.Code{Value: "SA01", Scheme: "1.2.250.1.71.4.2.4", Display: "Etablissement public de santé"},
			PracticeSetting: xds.Code{Value: "ETABLISSEMENT", Scheme: "1.2.250.1.213.1.1.4.9", Display: "Etablissement de santé"},
			Confidentiality: []xds.Code{{Value: "N", Scheme: xds.ConfidentialityOID, Display: "Normal"}},
			EventCodes:      []xds.Code{{Value: "I10", Scheme: "2.16.840.1.113883.6.3", Display: "Hypertension"}},
			CreationTime:    "20260612080000", ServiceStart: "20260610", ServiceStop: "202606120759", LanguageCode: "fr-FR", MimeType: "text/xml",
			Hash: "da39a3ee5e6b4b0d3255bfef95601890afd80709", Size: 1234,
			LegalAuthenticator: "899900063480^MAX^LIBRE^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
			PatientID:          "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH", SourcePatientID: "8123^^^&1.2.250.1.999.1&ISO^PI",
			SourcePatientInfo: []string{"PID-3|8123^^^&1.2.250.1.999.1&ISO^PI", "PID-5|DURAND^Alice^^^^^L", "PID-7|19790312", "PID-8|F"},
			ReferenceIDs:      []string{"ACC-1^^^&1.2.250.1.999.2&ISO^urn:ihe:iti:xds:2013:accession", "1.2.3.4^^^^urn:ihe:iti:xds:2013:uniqueId"},
			UniqueID:          "1.2.250.1.999.3.1",
			Authors: []xds.Author{{
				Person:       "899900063480^MAX^LIBRE^^^DR^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
				Institutions: []xds.XON{"CHU^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1310781406", "ANNEXE"},
				Roles:        []string{"Médecin"}, Specialties: []string{"G15_10/SM26^Médecin - Médecine générale (SM)^1.2.250.1.213.1.1.4.5"},
				Telecoms: []string{"^^Internet^max@mssante.example", "^WPN^PH^^33^1^23456789"},
			}, {Person: "1.2.250.1.5^LOGICIEL^^^^^^^&1.2.250.1.5&ISO^U^^^RI", Institutions: []xds.XON{"EDITEUR^^^^^&1.3.2&ISO^SIREN^^^270409082"}}},
		},
	}
}

func read(t testing.TB, raw []byte, types ...string) *Node {
	t.Helper()
	n, findings := ReadResource(bytes.NewReader(raw), 1<<20, types...)
	if len(findings) > 0 {
		t.Fatalf("%v\n%s", findings, raw)
	}
	return n
}

// assertRoundTrip writes a document, reads it strictly and compares the entries.
func assertRoundTrip(t testing.TB, d xds.Document) {
	t.Helper()
	raw := AppendDocumentReference(nil, admit(t, d)[0], testBase)
	if !json.Valid(raw) {
		t.Fatalf("not JSON: %s", raw)
	}
	got, findings := ReadDocumentReference(read(t, raw, "DocumentReference"), References{Base: testBase})
	if len(findings) > 0 {
		t.Fatalf("%v\n%s", findings, raw)
	}
	if diff := cmp.Diff(d.Entry, got); diff != "" {
		t.Fatalf("(-written +read)\n%s\n%s", diff, raw)
	}
}

// TestRoundTripOfASOAPPush: what a SOAP sender wrote comes back by FHIR unchanged.
func TestRoundTripOfASOAPPush(t *testing.T) { assertRoundTrip(t, crDocument()) }

// TestEveryAttributeHasAPlace walks the enumeration: a new attribute needs a row or
// a written reason, and a row must bring the attribute back.
func TestEveryAttributeHasAPlace(t *testing.T) {
	full := crDocument()
	for a := xds.NoAttribute + 1; a < xds.AttributeCount; a++ {
		_, mapped := rows[a]
		reason := exempt[a]
		if mapped == (reason != "") {
			t.Errorf("%s: one of a row and an exemption is needed", a)
		}
		if at := full.Entry.At(a); mapped && (at == nil || len(xds.Texts(at)) == 0) {
			t.Errorf("%s: not in the document of the round trip", a)
		}
		for _, name := range rows[a].search {
			if _, ok := searchTables["DocumentReference"][name]; !ok {
				t.Errorf("%s: unknown search parameter %s", a, name)
			}
		}
	}
}

// TestRoundTrip: any entry, however odd its HL7 v2 texts, comes back identical.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := crDocument()
		e := &d.Entry
		word := rapid.StringMatching(`[A-Za-zéÉ0-9'&~.<"\\/-]([ A-Za-zéÉ0-9'&~.<"\\/-]{0,8}[A-Za-z0-9])?`)
		maybe := func(g *rapid.Generator[string]) *rapid.Generator[string] { return rapid.OneOf(rapid.Just(""), g) }
		oid := rapid.SampledFrom([]string{proSpace, structureSpace, "1.2.250.1.213.1.4.8", "1.3.2", "1.2.3.4.5"})
		scheme := rapid.OneOf(oid, rapid.SampledFrom([]string{loincOID, formatOID, "urn:x:y", "http://loinc.org", "urn:oid:1.2", "Connect-a-thon codes", "urn:x-coding-scheme:a%20b"}))
		code := rapid.Custom(func(t *rapid.T) xds.Code {
			return xds.Code{Value: rapid.StringMatching(`[A-Z0-9_-]{1,6}`).Draw(t, "code"), Scheme: scheme.Draw(t, "scheme"), Display: maybe(word).Draw(t, "display")}
		})
		hl7 := rapid.Custom(func(t *rapid.T) string {
			parts := rapid.SliceOfN(rapid.OneOf(maybe(word), rapid.Map(oid, func(o string) string { return "&" + o + "&ISO" }), rapid.SampledFrom([]string{"D", "U", "NH", "IDNPS", "RI", "L"})), 1, 14).Draw(t, "parts")
			return strings.Join(parts, "^")
		})
		texts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return word.Draw(t, "w") + hl7.Draw(t, "rest") }), 0, 2)
		list := func(label string) []string {
			if l := texts.Draw(rt, label); len(l) > 0 {
				return l
			}
			return nil
		}
		dtm := rapid.SampledFrom([]xds.DTM{"", "2026", "202602", "20260228", "2026022823", "202602282359", "20260228235959"})
		e.Title, e.Comments = maybe(word).Draw(rt, "title"), maybe(word).Draw(rt, "comments")
		e.TypeCode, e.FormatCode = code.Draw(rt, "type"), code.Draw(rt, "format")
		e.CreationTime, e.ServiceStart, e.ServiceStop = dtm.Draw(rt, "creation"), dtm.Draw(rt, "start"), dtm.Draw(rt, "stop")
		start, _ := dateTimeOf(e.ServiceStart)
		stop, _ := dateTimeOf(e.ServiceStop)
		from, _, _ := dateRange(start)
		if _, to, ok := dateRange(stop); ok && !from.Before(to) { // per-1
			e.ServiceStart, e.ServiceStop = e.ServiceStop, e.ServiceStart
		}
		e.AvailabilityStatus = rapid.SampledFrom([]xds.Status{xds.Approved, xds.Deprecated, xds.Archived}).Draw(rt, "status")
		e.LegalAuthenticator = xds.XCN(strings.TrimSpace(word.Draw(rt, "auth") + hl7.Draw(rt, "authenticator")))
		e.PatientID = xds.CX(word.Draw(rt, "p") + hl7.Draw(rt, "patient"))
		e.SourcePatientID = xds.CX(maybe(hl7).Draw(rt, "source"))
		e.SourcePatientInfo = list("info")
		e.ReferenceIDs = list("references")
		e.UniqueID = rapid.OneOf(oid, rapid.Just("1.2.3^ext 1"), rapid.Just("urn:uuid:6f1e8d52-6a4f-4a0a-8d3c-0b8f6b1c2d3e"), word).Draw(rt, "uid")
		a := xds.Author{Person: xds.XCN(maybe(rapid.Map(hl7, func(s string) string { return "x" + s })).Draw(rt, "person")), Roles: list("roles"), Specialties: list("specialties"), Telecoms: list("telecoms")}
		for _, s := range list("institutions") {
			a.Institutions = append(a.Institutions, xds.XON(s))
		}
		e.Authors = []xds.Author{a}
		if a.Person == "" && a.Roles == nil && a.Specialties == nil && a.Telecoms == nil && a.Institutions == nil {
			e.Authors = nil
		}
		assertRoundTrip(t, d)
	})
}

// TestSignerIsAPractitioner: R4 lets authenticator refer to no Patient and no Device;
// a patient's own signature comes back all the same.
func TestSignerIsAPractitioner(t *testing.T) {
	for _, x := range []xds.XCN{"279035121518989^DURAND^Alice^^^^^^&1.2.250.1.213.1.4.10&ISO^D^^^NH", "1.2.250.1.5^LOGICIEL^V1^^^^^^&1.2.250.1.5&ISO^U^^^RI"} {
		d := crDocument()
		d.Entry.LegalAuthenticator, d.Entry.Authors = x, []xds.Author{{Person: x}}
		n := read(t, AppendDocumentReference(nil, admit(t, d)[0], testBase), "DocumentReference")
		for _, c := range root(n).get("contained").each() {
			if id := c.Str("id"); (id == "authenticator") != (c.ResourceType() == "Practitioner") && id != "patient" {
				t.Errorf("%s: #%s is a %s", x, id, c.ResourceType())
			}
		}
		assertRoundTrip(t, d)
	}
}

// TestNothingForTheZeroVisible: what was not admitted is not written.
func TestNothingForTheZeroVisible(t *testing.T) {
	var nothing authz.Visible[xds.Document]
	if got := AppendDocumentReference(nil, nothing, testBase); len(got) != 0 {
		t.Errorf("wrote %s", got)
	}
	d := admit(t, crDocument())[0]
	with := AppendDocumentReference(nil, d, testBase, Relation{xds.Replaces, nothing})
	if bytes.Contains(with, []byte("relatesTo")) {
		t.Error("a target that was not admitted is named")
	}
}

// TestMarksShowInTheETag: a mark makes no version of the other members of a lineage.
func TestMarksShowInTheETag(t *testing.T) {
	d := crDocument()
	before := ETag(d)
	d.Marks.MaskedPS = true
	if ETag(d) == before {
		t.Error("the ETag is blind to the marks")
	}
}

func TestCodingSystemsAreExact(t *testing.T) {
	for oid, uri := range systems {
		if SchemeOf(uri) != oid || SystemOf(oid) != uri || SchemeOf(oidURN+oid) != oid {
			t.Errorf("%s ⇄ %s is not exact", oid, uri)
		}
	}
}
