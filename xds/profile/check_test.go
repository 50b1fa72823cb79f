package profile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
)

const ins = xds.CX("279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH")

func code(v string) xds.Code { return xds.Code{Value: v, Scheme: "1.2.3", Display: v} }

// lot is a submission without fault: one document, one folder, one appended document.
func lot() xds.Submission {
	entry := func(id, unique string) xds.DocumentEntry {
		return xds.DocumentEntry{
			EntryUUID: id, UniqueID: unique, ObjectType: xds.StableDocument, Title: "Compte rendu", ClassCode: code("10"), TypeCode: code("t"),
			FormatCode: code("f"), FacilityType: code("SA01"), PracticeSetting: code("E"), Confidentiality: []xds.Code{{Value: "N", Scheme: xds.ConfidentialityOID}},
			CreationTime: "20260131120000", ServiceStart: "20260130", ServiceStop: "20260131", LanguageCode: "fr-FR", MimeType: "text/xml",
			Hash: strings.Repeat("A0", 20), PatientID: ins, SourcePatientID: "IPP1^^^&1.2.3.4&ISO^PI", SourcePatientInfo: []string{"PID-5|DURAND^Alice", "PID-7|19790315"},
			LegalAuthenticator: "899^MAX^LIBRE^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS", ReferenceIDs: []string{"A1^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession"},
			Authors: []xds.Author{{Person: "899^MAX^LIBRE^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS", Institutions: []xds.XON{"CABINET^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^4999"}}},
		}
	}
	member := func(id, source, target string) xds.Association {
		return xds.Association{EntryUUID: id, Type: xds.HasMember, Source: source, Target: target, SetStatus: "Original"}
	}
	return xds.Submission{
		Set:       xds.SubmissionSet{EntryUUID: "ss", UniqueID: "1.2.3.1", SourceID: "1.2.3", PatientID: ins, SubmissionTime: "20260131120000", ContentType: code("07")},
		Documents: []xds.DocumentEntry{entry("d1", "1.2.3.2"), entry("d2", "1.2.3.3^a")},
		Folders:   []xds.Folder{{EntryUUID: "f1", UniqueID: "1.2.3.4", PatientID: ins, Codes: []xds.Code{code("c")}, Title: "Grossesse"}},
		Associations: []xds.Association{
			member("a1", "ss", "d1"), member("a2", "ss", "d2"), member("a3", "ss", "f1"), {EntryUUID: "a4", Type: xds.HasMember, Source: "f1", Target: "d1"},
			member("a5", "ss", "a4"), {EntryUUID: "a6", Type: xds.Appends, Source: "d2", Target: "d1"},
		},
	}
}

// context is a professional who deposits for an adult.
func context() Context {
	return Context{Patient: ins, BirthDate: "19790315", Depositor: Depositor{Kind: Professional, ID: "899", Structure: "4999"}}
}

func brief(es xds.Errors) []string {
	var all []string
	for _, e := range es {
		all = append(all, e.ID+" "+e.Where)
	}
	return all
}

const registered = "urn:uuid:11111111-2222-3333-4444-555555555555"

func TestIHE(t *testing.T) {
	link := func(s *xds.Submission, kind xds.AssociationType, source, target string) {
		s.Associations = append(s.Associations, xds.Association{EntryUUID: "x", Type: kind, Source: source, Target: target})
	}
	mark := func(s *xds.Submission, m xds.Marks) {
		s.Documents[0].Confidentiality = append(s.Documents[0].Confidentiality, m.Codes()...)
	}
	for _, c := range []struct {
		name  string
		spoil func(*xds.Submission, *Context)
		want  string
	}{
		{"nothing wrong", func(*xds.Submission, *Context) {}, "[]"},
		{"a required code is missing", func(s *xds.Submission, _ *Context) { s.Documents[0].TypeCode = xds.Code{} }, "[META-001 DocumentEntry[d1].typeCode]"},
		{"the set has no source", func(s *xds.Submission, _ *Context) { s.Set.SourceID = "" }, "[META-001 SubmissionSet[ss].sourceId]"},
		{"an OID that is none", func(s *xds.Submission, _ *Context) { s.Set.UniqueID = "1.02" }, "[META-004 SubmissionSet[ss].uniqueId]"},
		{"a uniqueId with two extensions", func(s *xds.Submission, _ *Context) { s.Documents[1].UniqueID = "1.2^a^b" }, "[META-004 DocumentEntry[d2].uniqueId]"},
		{"an upper-case UUID", func(s *xds.Submission, _ *Context) {
			s.Folders[0].EntryUUID = strings.ToUpper(registered)
			s.Associations[2].Target, s.Associations[3].Source = s.Folders[0].EntryUUID, s.Folders[0].EntryUUID
		}, "[META-004 Folder[" + strings.ToUpper(registered) + "].entryUUID]"},
		{"a time with an offset", func(s *xds.Submission, _ *Context) { s.Documents[0].CreationTime = "20260131120000+0100" }, "[META-004 DocumentEntry[d1].creationTime]"},
		{"a service that ends first", func(s *xds.Submission, _ *Context) { s.Documents[0].ServiceStop = "2025" }, "[META-004 DocumentEntry[d1].serviceStopTime]"},
		{"a patient id without authority", func(s *xds.Submission, _ *Context) { s.Documents[0].SourcePatientID = "IPP1" }, "[META-004 DocumentEntry[d1].sourcePatientId]"},
		{"a PID field that is none", func(s *xds.Submission, _ *Context) { s.Documents[0].SourcePatientInfo[1] = "19790315" }, "[META-004 DocumentEntry[d1].sourcePatientInfo[2]]"},
		{"a person without authority", func(s *xds.Submission, _ *Context) { s.Documents[0].Authors[0].Person = "899^MAX" }, "[META-004 DocumentEntry[d1].author[1].authorPerson]"},
		{"a structure without a name", func(s *xds.Submission, _ *Context) { s.Documents[0].Authors[0].Institutions[0] = "^^^^^&1.2&ISO^^^^4" }, "[META-004 DocumentEntry[d1].author[1].authorInstitution]"},
		{"an author of whom nothing is known", func(s *xds.Submission, _ *Context) { s.Set.Authors = []xds.Author{{Roles: []string{"PCP"}}} }, "[META-001 SubmissionSet[ss].author[1]]"},
		{"a hash that is none", func(s *xds.Submission, _ *Context) { s.Documents[0].Hash = "abc" }, "[META-004 DocumentEntry[d1].hash]"},
		{"a language that is none", func(s *xds.Submission, _ *Context) { s.Documents[0].LanguageCode = "français" }, "[META-004 DocumentEntry[d1].languageCode]"},
		{"a media type that is none", func(s *xds.Submission, _ *Context) { s.Documents[0].MimeType = "xml" }, "[META-004 DocumentEntry[d1].mimeType]"},
		{"a reference without a kind", func(s *xds.Submission, _ *Context) { s.Documents[0].ReferenceIDs = []string{"A1"} }, "[META-004 DocumentEntry[d1].referenceIdList[1]]"},
		{"an availability that is none", func(s *xds.Submission, _ *Context) { s.Documents[0].Availability = "Away" }, "[META-004 DocumentEntry[d1].documentAvailability]"},
		{"a long title", func(s *xds.Submission, _ *Context) { s.Documents[0].Title = strings.Repeat("é", MaxText+1) }, "[META-010 DocumentEntry[d1].title]"},
		{"a long display name", func(s *xds.Submission, _ *Context) { s.Documents[0].TypeCode.Display = strings.Repeat("é", MaxText+1) }, "[META-010 DocumentEntry[d1].typeCode]"},
		{"an availability in full", func(s *xds.Submission, _ *Context) { s.Documents[0].Availability = xds.AvailabilityPrefix + "Offline" }, "[]"},
		{"a namespace in an assigning authority", func(s *xds.Submission, _ *Context) {
			s.Documents[0].Authors[0].Person = "899^MAX^LIBRE^^^^^^RPPS&1.2.250.1.71.4.2.1&ISO"
		}, "[META-004 DocumentEntry[d1].author[1].authorPerson]"},
		{"texts as long as the schema takes", func(s *xds.Submission, _ *Context) {
			s.Set.Extras = []xds.Extra{{Name: "urn:x", Values: []string{strings.Repeat("é", MaxValue)}}}
			s.Documents[0].Title, s.Documents[0].TypeCode.Display = strings.Repeat("é", MaxText), strings.Repeat("é", MaxText)
		}, "[]"},
		{"a long extra slot", func(s *xds.Submission, _ *Context) {
			s.Set.Extras = []xds.Extra{{Name: "urn:x", Values: []string{strings.Repeat("x", MaxValue+1)}}}
		}, "[META-010 SubmissionSet[ss].urn:x]"},
		{"a long extra slot of an association", func(s *xds.Submission, _ *Context) {
			s.Associations[0].Extras = []xds.Extra{{Name: "urn:x", Values: []string{strings.Repeat("x", MaxValue+1)}}}
		}, "[META-010 Association[a1].urn:x]"},
		{"a long address", func(s *xds.Submission, _ *Context) {
			s.Documents[0].SourcePatientInfo = []string{"PID-11|" + strings.Repeat("x", MaxValue)}
		}, "[META-010 DocumentEntry[d1].sourcePatientInfo[1]]"},
		{"a long name", func(s *xds.Submission, _ *Context) {
			s.Documents[0].Authors[0].Person = xds.XCN("^" + strings.Repeat("x", MaxValue))
		}, "[META-010 DocumentEntry[d1].author[1].authorPerson]"},
		{"a long role", func(s *xds.Submission, _ *Context) {
			s.Documents[0].Authors[0].Roles = []string{strings.Repeat("x", MaxValue+1)}
		}, "[META-010 DocumentEntry[d1].author[1].authorRole]"},
		{"a long code", func(s *xds.Submission, _ *Context) { s.Documents[0].TypeCode.Value = strings.Repeat("x", MaxValue+1) }, "[META-010 DocumentEntry[d1].typeCode]"},
		{"a long scheme", func(s *xds.Submission, _ *Context) { s.Documents[0].TypeCode.Scheme = strings.Repeat("x", MaxValue+1) }, "[META-010 DocumentEntry[d1].typeCode]"},
		{"an on-demand document", func(s *xds.Submission, _ *Context) { s.Documents[0].ObjectType = xds.OnDemandDocument }, "[META-013 DocumentEntry[d1].objectType]"},
		{"a folder without codes", func(s *xds.Submission, _ *Context) { s.Folders[0].Codes = nil }, "[META-001 Folder[f1].codeList]"},

		{"two patients", func(s *xds.Submission, _ *Context) { s.Documents[0].PatientID = "1^^^&1.2&ISO" }, "[META-016 DocumentEntry[d1].patientId]"},
		{"one uniqueId twice", func(s *xds.Submission, _ *Context) { s.Documents[1].UniqueID = "1.2.3.1" }, "[META-017 DocumentEntry[d2].uniqueId]"},
		{"one id twice", func(s *xds.Submission, _ *Context) { s.Associations[5].EntryUUID = "d1" }, "[META-002 Association[d1].entryUUID]"},
		{"a document that is no member", func(s *xds.Submission, _ *Context) { s.Associations = s.Associations[1:] }, "[META-012 DocumentEntry[d1]]"},
		{"a folder that is no member", func(s *xds.Submission, _ *Context) { s.Associations[2].Target = "d1" }, "[META-012 Folder[f1] META-012 Association[a3]]"},
		{"a member without status", func(s *xds.Submission, _ *Context) { s.Associations[0].SetStatus = "" }, "[META-012 DocumentEntry[d1] META-012 Association[a1].SubmissionSetStatus]"},
		{"a registered document as Original", func(s *xds.Submission, _ *Context) {
			link(s, xds.HasMember, "ss", registered)
			s.Associations[6].SetStatus = "Original"
		}, "[META-012 Association[x].SubmissionSetStatus]"},
		{"a registered document as Reference", func(s *xds.Submission, _ *Context) {
			link(s, xds.HasMember, "ss", registered)
			s.Associations[6].SetStatus = "Reference"
		}, "[]"},
		{"a reference without status", func(s *xds.Submission, _ *Context) { link(s, xds.HasMember, "ss", registered) }, "[META-012 Association[x].SubmissionSetStatus]"},
		{"a folder by reference", func(s *xds.Submission, _ *Context) { s.Associations[2].SetStatus = "Reference" }, "[META-012 Association[a3].SubmissionSetStatus]"},
		{"members of a document", func(s *xds.Submission, _ *Context) { link(s, xds.HasMember, "d1", "d2") }, "[META-012 Association[x].sourceObject]"},
		{"a folder in a folder", func(s *xds.Submission, _ *Context) { link(s, xds.HasMember, registered, "f1") }, "[META-012 Association[x].targetObject]"},
		{"the set in a folder", func(s *xds.Submission, _ *Context) { link(s, xds.HasMember, "f1", "ss") }, "[META-012 Association[x].targetObject]"},
		{"an addendum that is a member of the set", func(s *xds.Submission, _ *Context) { link(s, xds.HasMember, "ss", "a6") }, "[META-012 Association[x].targetObject]"},
		{"a documented membership", func(s *xds.Submission, _ *Context) {
			s.Associations[3].Documentation = []xds.Code{{Value: "x", Scheme: "1.2"}}
		}, "[META-012 Association[a4].associationDocumentation]"},
		{"a documented addendum", func(s *xds.Submission, _ *Context) {
			s.Associations[5].Documentation = []xds.Code{{Value: "x", Scheme: "1.2"}}
		}, "[]"},
		{"one membership twice", func(s *xds.Submission, _ *Context) { link(s, xds.HasMember, "f1", "d1") }, "[META-012 Association[x]]"},
		{"two documents that replace one", func(s *xds.Submission, _ *Context) {
			link(s, xds.Replaces, "d1", registered)
			link(s, xds.TransReplace, "d2", registered)
		}, "[META-002 Association[x].entryUUID META-012 Association[x].targetObject]"},
		{"a document that replaces two", func(s *xds.Submission, _ *Context) {
			link(s, xds.Replaces, "d1", registered)
			link(s, xds.Replaces, "d1", registered[:44]+"6")
		}, "[META-002 Association[x].entryUUID META-012 Association[x].sourceObject]"},
		{"an addendum to what the lot replaces", func(s *xds.Submission, _ *Context) {
			link(s, xds.Replaces, "d1", registered)
			s.Associations[5].Target = registered
		}, "[META-012 Association[a6].targetObject]"},
		{"the signature of the lot", func(s *xds.Submission, _ *Context) { link(s, xds.Signs, "d1", "ss") }, "[]"},
		{"the signature of a folder", func(s *xds.Submission, _ *Context) { link(s, xds.Signs, "d1", "f1") }, "[META-012 Association[x].targetObject]"},
		{"the snapshot of a document of the lot", func(s *xds.Submission, _ *Context) { link(s, xds.SnapshotOf, "d1", "d2") }, "[META-012 Association[x].targetObject]"},
		{"without bytes, nothing said of them", func(s *xds.Submission, c *Context) {
			c.Form = Elsewhere
			s.Documents[0].Hash = ""
			s.Documents[1].RepositoryUniqueID, s.Documents[1].Size = "1.2.3", 4
		}, "[META-001 DocumentEntry[d1].repositoryUniqueId META-001 DocumentEntry[d1].hash META-001 DocumentEntry[d1].size]"},
		{"on demand, what a document alone has", func(s *xds.Submission, c *Context) {
			c.Form = OnDemanded
			for i := range s.Documents {
				s.Documents[i].ObjectType, s.Documents[i].RepositoryUniqueID, s.Documents[i].CreationTime = xds.OnDemandDocument, "1.2.3", ""
			}
			s.Documents[0].Hash, s.Documents[1].Size = "", 3
		}, "[META-020 DocumentEntry[d2].hash META-020 DocumentEntry[d2].size META-012 Association[a6].associationType]"},
		{"a stable entry by ITI-61", func(s *xds.Submission, c *Context) {
			c.Form = OnDemanded
			s.Documents, s.Associations = s.Documents[:1], s.Associations[:1]
			s.Folders, s.Documents[0].RepositoryUniqueID, s.Documents[0].Hash = nil, "1.2.3", ""
		}, "[META-013 DocumentEntry[d1].objectType]"},
		{"a member of a registered folder", func(s *xds.Submission, _ *Context) { link(s, xds.HasMember, registered, "d1") }, "[]"},
		{"a type that is none", func(s *xds.Submission, _ *Context) { link(s, "RPLC", "d1", registered) }, "[META-012 Association[x].associationType]"},
		{"a replacement", func(s *xds.Submission, _ *Context) { link(s, xds.Replaces, "d1", registered) }, "[]"},
		{"a replacement of nothing", func(s *xds.Submission, _ *Context) { link(s, xds.Replaces, "d1", "") }, "[META-001 Association[x].targetObject]"},
		{"a replacement of an unknown symbol", func(s *xds.Submission, _ *Context) { link(s, xds.Replaces, "d1", "d9") }, "[META-009 Association[x].targetObject]"},
		{"a replacement within the lot", func(s *xds.Submission, _ *Context) { link(s, xds.Replaces, "d2", "d1") }, "[META-012 Association[x].targetObject]"},
		{"a replacement by a registered document", func(s *xds.Submission, _ *Context) { link(s, xds.Replaces, registered, registered[:44]+"6") }, "[META-012 Association[x].sourceObject]"},
		{"a replacement by the set", func(s *xds.Submission, _ *Context) { link(s, xds.Replaces, "ss", registered) }, "[META-012 Association[x].sourceObject]"},
		{"an addendum to a folder", func(s *xds.Submission, _ *Context) { link(s, xds.Appends, "d1", "f1") }, "[META-012 Association[x].targetObject]"},
		{"a document that replaces itself", func(s *xds.Submission, _ *Context) { link(s, xds.Replaces, "d1", "d1") }, "[META-012 Association[x].targetObject]"},
		{"a ring", func(s *xds.Submission, _ *Context) { link(s, xds.Transforms, "d1", "d2") }, "[META-012 Association[a6].targetObject]"},
		{"a ring of replacements", func(s *xds.Submission, _ *Context) {
			s.Associations[5].Type = xds.Replaces
			link(s, xds.Replaces, "d1", "d2")
		},
			"[META-012 Association[a6].targetObject META-012 Association[x].targetObject META-012 Association[a6].targetObject]"},

		{"C-01 the patient hides from himself", func(s *xds.Submission, c *Context) {
			mark(s, xds.Marks{HiddenPatient: true})
			c.Depositor = Depositor{}
		}, "[C-01 DocumentEntry[d1].confidentialityCode]"},
		{"C-01 the patient masks", func(s *xds.Submission, c *Context) { mark(s, xds.Marks{MaskedPS: true}); c.Depositor = Depositor{} }, "[]"},
		{"C-01 a structure hides", func(s *xds.Submission, c *Context) {
			mark(s, xds.Marks{HiddenPatient: true})
			c.Depositor.Kind = Structure
		}, "[]"},
		{"C-02 masked and hidden", func(s *xds.Submission, _ *Context) { mark(s, xds.Marks{MaskedPS: true, HiddenPatient: true}) }, "[C-02 DocumentEntry[d1].confidentialityCode]"},
		{"C-02 masked and NOPAT", func(s *xds.Submission, _ *Context) {
			mark(s, xds.Marks{MaskedPS: true})
			s.Documents[0].Confidentiality = append(s.Documents[0].Confidentiality, xds.Code{Value: xds.MarkNOPAT, Scheme: xds.ActCodeScheme})
		}, "[C-02 DocumentEntry[d1].confidentialityCode]"},
		{"C-02 the signature document is exempt", func(s *xds.Submission, _ *Context) {
			mark(s, xds.Marks{MaskedPS: true, HiddenPatient: true})
			s.Documents[0].TypeCode = xds.Code{Value: xds.SignatureType, Scheme: "ASTM"}
		}, "[]"},
		{"C-03 hidden from the representatives of an adult", func(s *xds.Submission, _ *Context) { mark(s, xds.Marks{HiddenReps: true}) }, "[C-03 DocumentEntry[d1].confidentialityCode]"},
		{"C-03 of a minor", func(s *xds.Submission, c *Context) { mark(s, xds.Marks{HiddenReps: true}); c.Minor = true }, "[]"},
		{"C-03 secret connection", func(s *xds.Submission, c *Context) {
			mark(s, xds.Marks{HiddenReps: true})
			c.Minor, c.Depositor.Secret = true, true
		}, "[C-03 DocumentEntry[d2].confidentialityCode]"},
		{"C-05 a replacement inherits", func(s *xds.Submission, c *Context) {
			mark(s, xds.Marks{MaskedPS: true, HiddenPatient: true, HiddenReps: true})
			link(s, xds.Replaces, "d1", registered)
			c.Depositor = Depositor{}
		}, "[]"},
		{"C-05 not within the lot", func(s *xds.Submission, _ *Context) {
			s.Documents[1].Confidentiality = append(s.Documents[1].Confidentiality, xds.Marks{MaskedPS: true, HiddenPatient: true}.Codes()...)
		}, "[C-02 DocumentEntry[d2].confidentialityCode]"},
		{"C-02 shared with an addendum of the lot", func(s *xds.Submission, _ *Context) {
			mark(s, xds.Marks{HiddenPatient: true})
			s.Documents[1].Confidentiality = append(s.Documents[1].Confidentiality, xds.Marks{MaskedPS: true}.Codes()...)
		}, "[C-02 DocumentEntry[d1].confidentialityCode C-02 DocumentEntry[d2].confidentialityCode]"},
		{"C-02 not shared by documents apart", func(s *xds.Submission, _ *Context) {
			mark(s, xds.Marks{HiddenPatient: true})
			s.Documents[1].Confidentiality = append(s.Documents[1].Confidentiality, xds.Marks{MaskedPS: true}.Codes()...)
			s.Associations = s.Associations[:5]
		}, "[]"},
		{"C-09 another birth date", func(s *xds.Submission, _ *Context) { s.Documents[1].SourcePatientInfo[1] = "PID-7|19790316" }, "[C-09 DocumentEntry[d2].sourcePatientInfo[2].PID-7]"},
		{"C-09 a birth date with time", func(s *xds.Submission, _ *Context) { s.Documents[1].SourcePatientInfo[1] = "PID-7|197903150000" }, "[]"},
		{"C-09 another INS at the source", func(s *xds.Submission, _ *Context) {
			s.Documents[0].SourcePatientID = "1790351215189^^^&1.2.250.1.213.1.4.10&ISO^NH"
		}, "[C-09 DocumentEntry[d1].sourcePatientId]"},
		{"C-09 another record", func(_ *xds.Submission, c *Context) { c.Patient = "1^^^&1.2&ISO" }, "[C-09 SubmissionSet[ss].patientId]"},

		{"all at once", func(s *xds.Submission, _ *Context) {
			s.Set.SourceID, s.Documents[0].MimeType, s.Folders[0].Title = "", "xml", ""
		},
			"[META-001 SubmissionSet[ss].sourceId META-004 DocumentEntry[d1].mimeType META-001 Folder[f1].title]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, context := lot(), context()
			c.spoil(&s, &context)
			found := IHE().Check(s, context)
			if got := fmt.Sprint(brief(found)); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			for _, secret := range []string{"279035121518989", "DURAND", "MAX", "IPP1", "197903"} {
				if strings.Contains(found.Error(), secret) {
					t.Errorf("a finding names somebody: %s", found)
				}
			}
		})
	}
}

func TestCounts(t *testing.T) {
	s := lot()
	s.Documents, s.Associations = make([]xds.DocumentEntry, MaxDocuments+1), make([]xds.Association, MaxObjects)
	if found := IHE().Check(s, context()); len(found) != 2 || found[0].ID != "META-015" || found[1].ID != "META-015" {
		t.Error(found)
	}
	s.Documents, s.Associations = make([]xds.DocumentEntry, MaxDocuments), nil
	if found := IHE().Check(s, context()); len(found) != xds.MaxFindings {
		t.Errorf("%d findings", len(found))
	}
}

// TestWarningsHideNoError: however many warnings there are, an error is found.
func TestWarningsHideNoError(t *testing.T) {
	s, c := lot(), context()
	s.Set.IntendedRecipients = make([]string, 3*xds.MaxFindings)
	s.Set.SourceID = ""
	p := IHE()
	p.Rules = append([]Rule{{Object: Set, Attribute: xds.AttrIntendedRecipients, Set: &ValueSet{Partial: true}}}, p.Rules...)
	found := p.Check(s, c)
	if !found.Failed() || len(found) != xds.MaxFindings/2+1 {
		t.Errorf("%d findings, failed: %v", len(found), found.Failed())
	}
}

func TestNormalise(t *testing.T) {
	s := lot()
	IHE().Normalise(&s)
	if s.Documents[0].Hash != strings.Repeat("a0", 20) {
		t.Error(s.Documents[0].Hash)
	}
}

// TestWhere: a face names the places in its own terms.
func TestWhere(t *testing.T) {
	s, c := lot(), context()
	s.Documents[1].TypeCode = xds.Code{}
	c.Where = func(p Place) string { return fmt.Sprintf("Bundle.entry[%d].resource.%s", p.Index, p.Attribute) }
	found := IHE().Check(s, c)
	if diff := cmp.Diff([]string{"META-001 Bundle.entry[1].resource.typeCode"}, brief(found)); diff != "" {
		t.Error(diff)
	}
	s.Documents[1].EntryUUID = ""
	if got := (&Report{Lot: &s}).DocumentPlace(1, xds.AttrTitle).String(); got != "DocumentEntry[#2].title" {
		t.Error(got)
	}
}

func TestNearest(t *testing.T) {
	set := ValueSet{Codes: []xds.Code{{Value: "15508-5", Scheme: "L", Display: "CR d'accouchement"}, {Value: "15507-7", Scheme: "L", Display: "CR de passage aux urgences"}, {Value: "11488-4", Scheme: "L", Display: "CR de consultation"}, {Value: "SYNTH", Scheme: "T", Display: "Synthèse"}}}
	for text, want := range map[string]string{
		"15508-6": "15508-5^^L (CR d'accouchement)", "15507": "15507-7^^L (CR de passage aux urgences)", "synth": "SYNTH^^T (Synthèse)", "urgences": "15507-7^^L (CR de passage aux urgences)",
	} {
		if got := set.Nearest(text, 3); len(got) == 0 || got[0] != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if got := set.Nearest("", 3); got != nil {
		t.Error(got)
	}
	if got := set.Nearest("15508-6", 2); len(got) != 2 {
		t.Error(got)
	}
}

func TestValueSetSeverity(t *testing.T) {
	known := []xds.Code{{Value: "a", Scheme: "1"}}
	for _, c := range []struct {
		set  ValueSet
		code xds.Code
		want string
	}{
		{ValueSet{Codes: known}, xds.Code{Value: "a", Scheme: "1", Display: "another"}, "true"},
		{ValueSet{Codes: known}, xds.Code{Value: "a", Scheme: "2"}, "error"},
		{ValueSet{Codes: known, AnyScheme: true}, xds.Code{Value: "a", Scheme: "2"}, "true"},
		{ValueSet{Codes: known, Partial: true}, xds.Code{Value: "b", Scheme: "1"}, "warning"},
		{ValueSet{Codes: known, Open: true}, xds.Code{Value: "b", Scheme: "2"}, "warning"},
		{ValueSet{Codes: known, Open: true}, xds.Code{Value: "b", Scheme: "1"}, "error"},
	} {
		severity, ok := c.set.judge(c.code)
		got := map[xds.Severity]string{xds.SeverityError: "error", xds.SeverityWarning: "warning"}[severity]
		if ok {
			got = "true"
		}
		if got != c.want {
			t.Errorf("%+v: %s, want %s", c.code, got, c.want)
		}
	}
}

func TestAvailabilityInFull(t *testing.T) {
	for given, want := range map[string]string{"": "", "Online": xds.AvailabilityPrefix + "Online", xds.AvailabilityPrefix + "Offline": xds.AvailabilityPrefix + "Offline"} {
		s := lot()
		s.Documents[0].Availability = given
		IHE().Normalise(&s)
		if got := s.Documents[0].Availability; got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}
