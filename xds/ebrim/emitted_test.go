package ebrim

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// TestEmittedMessages writes one message of each shape that this package emits. All
// of them pass the gate; into the folder of PASSERELLE_XSD_OUT, when it is set, they
// are written for the schemas to judge (conformance/xsd.sh).
func TestEmittedMessages(t *testing.T) {
	for name, message := range emitted(t) {
		if err := xmlgate.Check(message, xmlgate.Envelope()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if out := os.Getenv("PASSERELLE_XSD_OUT"); out != "" {
			if err := os.WriteFile(filepath.Join(out, name+".xml"), message, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// emitted are messages by name; the first word says which schema is theirs.
func emitted(t *testing.T) map[string][]byte {
	full, least := fullLot(), leastLot()
	registered := fullLot()
	for i := range registered.Documents {
		d := &registered.Documents[i]
		d.LogicalID, d.Version, d.AvailabilityStatus = d.EntryUUID, 2, xds.Archived
	}
	registered.Set.AvailabilityStatus = xds.Approved
	for i := range registered.Folders {
		f := &registered.Folders[i]
		f.LogicalID, f.Version, f.AvailabilityStatus, f.LastUpdateTime = f.EntryUUID, 1, xds.Approved, "20260131120000"
	}
	for i := range registered.Associations {
		registered.Associations[i].AvailabilityStatus = xds.Approved
	}
	leaf := admitted(t, registered)
	refs := leaf
	refs.ReturnType = ObjectRef
	errors := xds.Errors{
		{ID: "META-003", Where: "DocumentEntry[Doc1].typeCode", Line: 12, Column: 3, Found: `"<&>'` + "\n\té", Expected: "JDV_J66", Nearest: []string{"11502-2"}},
		{ID: "ACC-23"}, {ID: "META-018", Severity: xds.SeverityWarning, Where: "DocumentEntry[Doc1]"},
	}
	warnings := errors[2:]
	warned := leaf
	warned.Findings = warnings
	messages := map[string][]byte{
		"submit-full":           AppendSubmission(nil, &full),
		"submit-least":          AppendSubmission(nil, &least),
		"query-response-leaf":   AppendQueryResponse(nil, leaf),
		"query-response-refs":   AppendQueryResponse(nil, refs),
		"query-response-warned": AppendQueryResponse(nil, warned),
		"query-response-joined": joined(t, leaf),
		"query-response-none":   AppendQueryResponse(nil, QueryAnswer{ReturnType: LeafClass}),
		"query-response-failed": AppendQueryResponse(nil, QueryAnswer{Answer: Answer{Findings: errors}}),
		"response-success":      AppendRegistryResponse(nil, Answer{}),
		"response-warned":       AppendRegistryResponse(nil, Answer{Findings: warnings}),
		"response-failed":       AppendRegistryResponse(nil, Answer{Findings: errors, Repository: true}),
		"response-partial":      AppendRegistryResponse(nil, Answer{Findings: errors, Repository: true, Partial: true}),
	}
	for _, row := range Catalogue {
		messages["query-request-"+row.Name] = AppendQuery(nil, everyParameter(row))
	}
	return messages
}

// everyParameter asks a query with all that it takes.
func everyParameter(row CatalogueRow) QueryRequest {
	q := QueryRequest{ID: row.UUID, ReturnType: LeafClass, Home: "urn:oid:1.2.3"}
	for _, name := range row.names() {
		p := params[name]
		if p.Form == FormID && len(row.OneOf) > 0 && name != row.OneOf[0] {
			continue // one way to name the objects
		}
		value := map[Form]string{
			FormCode: "11502-2^^2.16.840.1.113883.6.1", FormPatient: "279035121518989^^^&1.2.250.1.213.1.4.10&ISO", FormFrom: "2026", FormTo: "20261231",
			FormPattern: "%O'BRIEN_", FormStatus: string(xds.Approved), FormObjectType: xds.StableDocument, FormLevel: "1",
		}[p.Form]
		if value == "" {
			value = "1.2.3"
		}
		values := []string{value}
		if p.Many {
			values = append(values, value)
		}
		q.Params = append(q.Params, QueryParam{name, values})
	}
	return q
}

// fullLot is a submission that uses every attribute, with texts that XML must escape.
func fullLot() xds.Submission {
	const hostile = `"L'été" <&> 100 %`
	c := func(value, scheme string) xds.Code { return xds.Code{Value: value, Scheme: scheme, Display: hostile} }
	person := xds.Author{
		Person:       xds.NewXCN("899900000011", "O'BRIEN", "Seán", "1.2.250.1.71.4.2.1", "IDNPS"),
		Institutions: []xds.XON{xds.NewXON("CHU & Cie", "1.2.250.1.71.4.2.2", "IDNST", "1590000001"), "LABO^^^^^&1.2&ISO^IDNST^^^2"},
		Roles:        []string{"Médecin"}, Specialties: []string{"G15_10/SM26^Qualifié en médecine générale (SM)^1.2.250.1.213.1.1.4.5"}, Telecoms: []string{"^^Internet^a@b.example"},
	}
	ins := xds.NewCX("279035121518989", "1.2.250.1.213.1.4.10", "NH")
	d := xds.DocumentEntry{
		EntryUUID: "urn:uuid:00000000-0000-4000-8000-000000000001", ObjectType: xds.StableDocument, HomeCommunityID: "urn:oid:1.2.3", Title: hostile, Comments: hostile + "\nsuite",
		ClassCode: c("10", "1.2.250.1.213.1.1.4.1"), TypeCode: c("11502-2", "2.16.840.1.113883.6.1"), FormatCode: c("urn:ihe:lab:xd-lab:2008", "1.3.6.1.4.1.19376.1.2.3"),
		FacilityType: c("SA01", "1.2.250.1.71.4.2.4"), PracticeSetting: c("ETABLISSEMENT", "1.2.250.1.213.1.1.4.9"),
		Confidentiality: append([]xds.Code{c("N", xds.ConfidentialityOID)}, xds.Marks{MaskedPS: true}.Codes()...), EventCodes: []xds.Code{c("ZBQK002", "1.2.250.1.215.300.1"), c("BFGA004", "1.2.250.1.215.300.1")},
		CreationTime: "20260131120000", ServiceStart: "202601", ServiceStop: "2026", LanguageCode: "fr-FR", MimeType: "text/xml", Hash: "da39a3ee5e6b4b0d3255bfef95601890afd80709", Size: 12,
		LegalAuthenticator: person.Person, PatientID: ins, SourcePatientID: "IPP1^^^&1.2.3.4&ISO^PI", SourcePatientInfo: []string{"PID-5|O'BRIEN^Ève", "PID-7|19790315", "PID-8|F"},
		ReferenceIDs: []string{"A1^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession"}, RepositoryUniqueID: "1.2.3", UniqueID: "1.2.3.1", URI: "a%20b.xml", Availability: "Online",
		Authors: []xds.Author{person, {Institutions: person.Institutions}}, Extras: []xds.Extra{{Name: "urn:x:y", Values: []string{hostile, "b"}}},
	}
	second := d
	second.EntryUUID, second.UniqueID = "Document02", "1.2.3.2"
	return xds.Submission{
		Set: xds.SubmissionSet{
			EntryUUID: "SubmissionSet01", UniqueID: "1.2.4.1", SourceID: "1.2.5", HomeCommunityID: "urn:oid:1.2.3", PatientID: ins, SubmissionTime: "20260131120000",
			ContentType: c("03", "1.2.250.1.213.2.2"), Title: hostile, Comments: hostile, IntendedRecipients: []string{"CHU|" + string(person.Person)},
			Authors: []xds.Author{person}, Extras: d.Extras,
		},
		Documents: []xds.DocumentEntry{d, second},
		Folders: []xds.Folder{{
			EntryUUID: "Folder01", UniqueID: "1.2.6.1", HomeCommunityID: "urn:oid:1.2.3", PatientID: ins, Codes: []xds.Code{c("F", "1.2.7")}, Title: hostile, Comments: hostile, Extras: d.Extras,
		}},
		Associations: []xds.Association{
			{EntryUUID: "Association01", Type: xds.HasMember, Source: "SubmissionSet01", Target: d.EntryUUID, SetStatus: "Original"},
			{EntryUUID: "Association02", Type: xds.HasMember, Source: "Folder01", Target: "Document02", Extras: d.Extras},
			{EntryUUID: "Association03", Type: xds.Replaces, Source: "Document02", Target: d.EntryUUID, Documentation: []xds.Code{c("T", "1.2.8")}},
		},
	}
}

// leastLot is a submission of nothing but a set and one document without any attribute.
func leastLot() xds.Submission {
	return xds.Submission{
		Set: xds.SubmissionSet{EntryUUID: "Set01"}, Documents: []xds.DocumentEntry{{EntryUUID: "Document01"}},
		Associations: []xds.Association{{EntryUUID: "Association01", Type: xds.HasMember, Source: "Set01", Target: "Document01"}},
	}
}
