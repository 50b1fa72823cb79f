package fhir

import (
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// FuzzPatch: no patch makes the program stumble, whatever document it meets, and none
// names an act beside those of the policy.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`[{"op":"replace","path":"/securityLabel/0","value":{"coding":[{"code":"MASQUE_PS"}]}}]`, `[{"op":"move","from":"/securityLabel/0","path":"/securityLabel/-"}]`,
		`[{"op":"copy","from":"/status","path":"/securityLabel/0/text"}]`, `[{"op":"add","path":"/status/x","value":1}]`, `[{"op":"remove","path":"/extension/0/url"}]`,
		`[{"op":"replace","path":"/securityLabel/0","value":null}]`, `[{"op":"move","from":"/securityLabel","path":"/securityLabel/0"}]`,
		`<diff><replace sel="f:DocumentReference/f:securityLabel[1]/f:coding/f:code/@value">MASQUE_PS</replace></diff>`, `<diff><add sel="*" pos="before"><status xmlns="http://hl7.org/fhir" value="x"/></add></diff>`,
		`{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"move"},{"name":"path","valueString":"securityLabel"},{"name":"source","valueInteger":0},{"name":"destination","valueInteger":9}]}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var p Patch
		var findings xds.Errors
		switch {
		case strings.HasPrefix(text, "<"):
			p, findings = ReadXMLPatch(strings.NewReader(text), 1<<16)
		case strings.HasPrefix(text, "{"):
			n, bad := ReadResource(strings.NewReader(text), 1<<16, "Parameters")
			if bad.Failed() {
				return
			}
			p, findings = ReadPathPatch(n)
		default:
			p, findings = ReadJSONPatch(strings.NewReader(text), 1<<16)
		}
		if findings.Failed() {
			return
		}
		n := xds.Code{Value: "N", Scheme: xds.ConfidentialityOID}
		for _, codes := range [][]xds.Code{nil, {n}, append(xds.Marks{MaskedPS: true, HiddenReps: true}.Codes(), n)} {
			for _, status := range []xds.Status{xds.Approved, xds.Archived, xds.Deprecated} {
				v := admit(t, xds.Document{Entry: xds.DocumentEntry{LogicalID: uuidURN + testRecord, AvailabilityStatus: status, Confidentiality: codes}})[0]
				p.Acts(v)
			}
		}
		p.Blind()
		p.Nominal()
	})
}
