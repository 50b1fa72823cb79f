package ebrim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
)

const (
	submitHead = `<lcm:SubmitObjectsRequest xmlns:lcm="` + NamespaceLCM + `" xmlns="` + NamespaceRIM + `"><RegistryObjectList>`
	submitTail = `</RegistryObjectList></lcm:SubmitObjectsRequest>`
	emptySet   = `<RegistryPackage id="ss"><Classification id="c0" classifiedObject="ss" classificationNode="` + setNode + `"/></RegistryPackage>`
)

func slotXML(name string, values ...string) string {
	return `<Slot name="` + name + `"><ValueList><Value>` + strings.Join(values, "</Value><Value>") + `</Value></ValueList></Slot>`
}

// brief is what a test says of a finding.
func brief(es xds.Errors) []string {
	var all []string
	for _, e := range es {
		s := e.ID + " " + e.Where
		if e.Severity == xds.SeverityWarning {
			s += " (warning)"
		}
		all = append(all, s)
	}
	return all
}

func TestSubmissionFindings(t *testing.T) {
	entry := func(content string) string {
		return emptySet + `<ExtrinsicObject id="d1">` + content + `</ExtrinsicObject>`
	}
	class := func(scheme, node, content string) string {
		return `<Classification id="c1" classificationScheme="` + scheme + `" classifiedObject="d1" nodeRepresentation="` + node + `">` + content + `</Classification>`
	}
	const classCode, authors, typeCode = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a", "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d", "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
	for _, c := range []struct {
		name, list string
		want       []string
	}{
		{"nothing wrong", entry(slotXML("size", " 12 ")), nil},
		{"no set", `<ExtrinsicObject id="d1"/>`, []string{"META-001 SubmissionSet"}},
		{"two sets", emptySet + strings.ReplaceAll(emptySet, `"ss"`, `"s2"`), []string{"META-002 SubmissionSet[s2]"}},
		{"a set classified beside it", `<RegistryPackage id="ss"/><Classification id="c" classifiedObject="ss" classificationNode="` + setNode + `"/>`, nil},
		{"a package of no kind", emptySet + `<RegistryPackage id="p"/>`, []string{"META-013 RegistryPackage[p]"}},
		{"a package of two kinds", `<RegistryPackage id="ss"><Classification id="c" classifiedObject="ss" classificationNode="` + setNode + `"/></RegistryPackage>` +
			`<Classification id="c" classifiedObject="ss" classificationNode="` + folderNode + `"/>`, []string{"META-002 RegistryPackage[ss].classificationNode"}},
		{"a classification of nothing", emptySet + `<Classification id="c" classifiedObject="zz" classificationNode="` + setNode + `"/>`, []string{"META-009 Classification@classifiedObject"}},
		{"another object", emptySet + `<Service id="s"/>`, []string{"META-013 RegistryObjectList"}},
		{"an ObjectRef is left aside", emptySet + `<ObjectRef id="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"/>`, nil},
		{"no id", emptySet + `<ExtrinsicObject/>`, []string{"META-001 ExtrinsicObject[2]@id"}},
		{"two values of a single slot", entry(slotXML("languageCode", "fr-FR", "en")), []string{"META-002 DocumentEntry[d1].languageCode"}},
		{"a slot twice", entry(slotXML("hash", "a") + slotXML("hash", "b")), []string{"META-002 DocumentEntry[d1].hash"}},
		{"a size that is none", entry(slotXML("size", "large")), []string{"META-004 DocumentEntry[d1].size"}},
		{"an empty document", entry(slotXML("size", "0")), []string{"META-008 DocumentEntry[d1].size"}},
		{"an unknown slot", entry(slotXML("color", "red")), []string{"META-018 DocumentEntry[d1] (warning)"}},
		{"a slot named by a URN", entry(slotXML("urn:x:color", "red")), nil},
		{"a code without scheme", entry(class(classCode, "10", "")), []string{"META-001 DocumentEntry[d1].classCode.codingScheme"}},
		{"a code without value", entry(class(classCode, "", slotXML("codingScheme", "1.2"))), []string{"META-001 DocumentEntry[d1].classCode"}},
		{"two type codes", entry(class(typeCode, "1", slotXML("codingScheme", "1.2")) + class(typeCode, "2", slotXML("codingScheme", "1.2"))), []string{"META-002 DocumentEntry[d1].typeCode"}},
		{"two coding schemes", entry(class(typeCode, "1", slotXML("codingScheme", "1.2", "1.3"))), []string{"META-002 DocumentEntry[d1].typeCode.codingScheme"}},
		{"an unknown classification", entry(class("urn:uuid:0", "1", "")), []string{"META-018 DocumentEntry[d1] (warning)"}},
		{"two persons in one author", entry(class(authors, "", slotXML("authorPerson", "1^A", "2^B"))), []string{"META-002 DocumentEntry[d1].author[1].authorPerson"}},
		{"a part of another object", entry(`<ExternalIdentifier id="e" registryObject="zz" identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab" value="1.2"/>`),
			[]string{"META-009 DocumentEntry[d1].ExternalIdentifier@registryObject"}},
		{"a lid of its own", strings.Replace(entry(""), `id="d1"`, `id="d1" lid="urn:uuid:x"`, 1), []string{"META-014 DocumentEntry[d1].logicalID"}},
		{"a lid that says nothing new", strings.Replace(entry(""), `id="d1"`, `id="d1" lid="d1"`, 1), nil},
		{"a version", entry(`<VersionInfo versionName="1.1"/>`), nil},
		{"all at once", entry(slotXML("size", "large") + slotXML("color", "red") + slotXML("languageCode", "a", "b")), []string{
			"META-004 DocumentEntry[d1].size", "META-018 DocumentEntry[d1] (warning)", "META-002 DocumentEntry[d1].languageCode"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, found := DecodeSubmission(parse(t, []byte(submitHead+c.list+submitTail)))
			if diff := cmp.Diff(c.want, brief(found)); diff != "" {
				t.Error(diff)
			}
			for _, e := range found {
				if e.Line == 0 || e.Column == 0 {
					t.Errorf("%s has no line or column", e.Where)
				}
			}
		})
	}
}

// TestFindingsNameNobody: what identifies a patient or a professional is not
// repeated in a finding.
func TestFindingsNameNobody(t *testing.T) {
	list := emptySet + `<ExtrinsicObject id="d1">` + slotXML("sourcePatientId", "279035121518989^^^&amp;1.2&amp;ISO", "SECRET") +
		slotXML("legalAuthenticator", "SECRET", "SECRET") + `</ExtrinsicObject>`
	_, found := DecodeSubmission(parse(t, []byte(submitHead+list+submitTail)))
	if len(found) != 2 || strings.Contains(found.Error(), "SECRET") || strings.Contains(found.Error(), "279035121518989") {
		t.Error(found)
	}
}

// TestWarningsHideNoError: however many warnings there are, an error is found.
func TestWarningsHideNoError(t *testing.T) {
	var slots strings.Builder
	for i := range 3 * xds.MaxFindings {
		slots.WriteString(slotXML(fmt.Sprint("x", i), "1"))
	}
	list := emptySet + `<ExtrinsicObject id="d1">` + slots.String() + slotXML("size", "large") + `</ExtrinsicObject>`
	if _, found := DecodeSubmission(parse(t, []byte(submitHead+list+submitTail))); !found.Failed() || len(found) != xds.MaxFindings/2+1 {
		t.Errorf("%d findings, failed: %v", len(found), found.Failed())
	}
}

func TestAssociation(t *testing.T) {
	list := emptySet + `<Association id="a1" associationType="` + string(xds.Replaces) + `" sourceObject="d1" targetObject="urn:uuid:1">` +
		slotXML("SubmissionSetStatus", "Original") + slotXML("PreviousVersion", "1") +
		`<Classification id="c" classificationScheme="` + associationScheme + `" classifiedObject="a1" nodeRepresentation="LanguageTranslation">` +
		slotXML("codingScheme", "1.2") + `<Name><LocalizedString value="Traduction"/></Name></Classification></Association>`
	got, found := DecodeSubmission(parse(t, []byte(submitHead+list+submitTail)))
	want := []xds.Association{{EntryUUID: "a1", Type: xds.Replaces, Source: "d1", Target: "urn:uuid:1", SetStatus: "Original",
		Documentation: []xds.Code{{Value: "LanguageTranslation", Scheme: "1.2", Display: "Traduction"}}}}
	if diff := cmp.Diff(want, got.Associations); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"META-018 Association[a1] (warning)"}, brief(found)); diff != "" {
		t.Error(diff)
	}
}

func TestProvideAndRegister(t *testing.T) {
	s := xds.Submission{Set: xds.SubmissionSet{EntryUUID: "ss"}, Documents: []xds.DocumentEntry{{EntryUUID: "d1"}, {EntryUUID: "d2"}}}
	message := AppendProvideAndRegister(nil, &s, []SentDocument{{ID: "d1", ContentID: "a+b@c"}, {ID: "d2", Inline: []byte("bonjour")}})
	got, refs, found := DecodeProvideAndRegister(parse(t, message))
	if diff := cmp.Diff(s, got); diff != "" || len(found) > 0 {
		t.Fatal(diff, found)
	}
	if len(refs) != 2 || refs[0].ID != "d1" || refs[0].Href != "cid:a+b@c" || refs[0].Inline() != "" ||
		refs[1].Href != "" || refs[1].Inline() != "Ym9uam91cg==" {
		t.Error(refs)
	}
	bad := strings.Replace(string(message), `id="d2">Y`, `id="d1">Y`, 1)
	if _, _, found := DecodeProvideAndRegister(parse(t, []byte(bad))); fmt.Sprint(brief(found)) != "[META-002 Document[d1]]" {
		t.Error(found)
	}
	if _, _, found := DecodeProvideAndRegister(parse(t, AppendSubmission(nil, &s))); fmt.Sprint(brief(found)) != "[SOAP-001 Body]" {
		t.Error(found)
	}
	if _, _, found := DecodeProvideAndRegister(nil); !found.Failed() {
		t.Error("nothing at all is accepted")
	}
}
