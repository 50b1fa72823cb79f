package ebrim

import (
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// TestLocate: findings of a profile stand at the element of what they are about; of
// what is not there, at its object.
func TestLocate(t *testing.T) {
	body := `<r xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><rim:RegistryObjectList>
<rim:ExtrinsicObject id="D1" mimeType="text/xml">
<rim:Slot name="creationTime"><rim:ValueList>
<rim:Value>hier</rim:Value></rim:ValueList></rim:Slot>
<rim:Slot name="sourcePatientInfo"><rim:ValueList><rim:Value>PID-5|A</rim:Value>
<rim:Value>PID-7|x</rim:Value></rim:ValueList></rim:Slot>
<rim:Name/>
<rim:Classification classificationScheme="urn:uuid:f0306f51-975f-434e-a61c-c59651d33983" nodeRepresentation="x"/>
<rim:Classification classificationScheme="urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d" nodeRepresentation=""/>
<rim:Classification classificationScheme="urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d" nodeRepresentation="">
<rim:Slot name="authorPerson"/></rim:Classification>
<rim:ExternalIdentifier identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab" value="1.2"/>
</rim:ExtrinsicObject>
<rim:Association id="A1"/></rim:RegistryObjectList></r>`
	root, err := xmlgate.Parse([]byte(body), xmlgate.Envelope())
	if err != nil {
		t.Fatal(err)
	}
	line := func(of string) int { return strings.Count(body[:strings.Index(body, of)], "\n") + 1 }
	for where, want := range map[string]int{
		"DocumentEntry[D1].creationTime": line("<rim:Value>hier"), "DocumentEntry[D1].sourcePatientInfo[2].PID-7": line("<rim:Value>PID-7"),
		"DocumentEntry[D1].typeCode": line("f0306f51"), "DocumentEntry[D1].author[2].authorPerson": line(`name="authorPerson"`),
		"DocumentEntry[D1].author[2].authorInstitution": line(`name="authorPerson"`) - 1, "DocumentEntry[D1].uniqueId": line("2e82c1f6"),
		"DocumentEntry[D1].title": line("<rim:Name/>"), "DocumentEntry[D1].formatCode": 2, "DocumentEntry[D1].mimeType": 2, "DocumentEntry[D1]": 2,
		"Association[A1].targetObject": line("<rim:Association"), "DocumentEntry[D2].typeCode": 0, "SubmissionSet.uniqueId": 0, "": 0,
	} {
		e := xds.Error{ID: "META-001", Where: where}
		if Locate(root, xds.Errors{&e}); e.Line != want || (e.Column == 0) != (want == 0) {
			t.Errorf("%s: line %d, column %d, want line %d", where, e.Line, e.Column, want)
		}
	}
	kept := xds.Error{ID: "META-001", Where: "DocumentEntry[D1].typeCode", Line: 99, Column: 9}
	if Locate(root, xds.Errors{&kept}); kept.Line != 99 {
		t.Errorf("a finding that has its line is moved to %d", kept.Line)
	}
	Locate(nil, xds.Errors{{ID: "META-001", Where: "DocumentEntry[D1].typeCode"}})
}
