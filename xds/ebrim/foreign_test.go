package ebrim_test

import (
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

const neighbour = "urn:oid:1.2.3"

// foreign reads an answer of the neighbour about patient 1.
func foreign(t *testing.T, status, inner string, as ebrim.ReturnType) (ebrim.Foreign, xds.Errors) {
	t.Helper()
	el, err := xmlgate.Parse([]byte(`<query:AdhocQueryResponse xmlns:query="`+ebrim.NamespaceQuery+`" xmlns:rs="`+ebrim.NamespaceRS+`" xmlns:rim="`+ebrim.NamespaceRIM+
		`" status="`+status+`">`+inner+`</query:AdhocQueryResponse>`), xmlgate.Envelope())
	if err != nil {
		t.Fatal(err)
	}
	return ebrim.DecodeForeign(el, neighbour, as, "1^^^&1.2&ISO")
}

// TestForeign: what another community answers is its own, of the type that was asked,
// about the patient that was asked, or not used at all; its errors are told as its own,
// in words that cannot be anything else.
func TestForeign(t *testing.T) {
	list := func(objects string) string { return `<rim:RegistryObjectList>` + objects + `</rim:RegistryObjectList>` }
	entry := func(home, patient string) string {
		return `<rim:ExtrinsicObject id="urn:uuid:1" ` + home + `><rim:ExternalIdentifier id="x" registryObject="urn:uuid:1" identificationScheme="urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427" value="` +
			patient + `"><rim:Name/></rim:ExternalIdentifier></rim:ExtrinsicObject>`
	}
	const ours, theirs = `home="` + neighbour + `"`, `home="urn:oid:9"`
	for name, c := range map[string]struct {
		inner string
		as    ebrim.ReturnType
		want  string
	}{
		"nothing":             {"", ebrim.LeafClass, ""},
		"an entry":            {list(entry(ours, "1^^^&amp;1.2&amp;ISO")), ebrim.LeafClass, ""},
		"no home":             {list(entry("", "1^^^&amp;1.2&amp;ISO")), ebrim.LeafClass, "COM-002"},
		"empty home":          {list(entry(`home=""`, "1^^^&amp;1.2&amp;ISO")), ebrim.LeafClass, "COM-002"},
		"another home":        {list(entry(theirs, "1^^^&amp;1.2&amp;ISO")), ebrim.LeafClass, "COM-003"},
		"another patient":     {list(entry(ours, "2^^^&amp;1.2&amp;ISO")), ebrim.LeafClass, "COM-003"},
		"ids":                 {list(`<rim:ObjectRef id="a" ` + ours + `/>`), ebrim.ObjectRef, ""},
		"ids without a home":  {list(`<rim:ObjectRef id="a"/>`), ebrim.ObjectRef, "COM-002"},
		"ids for objects":     {list(`<rim:ObjectRef id="a" ` + ours + `/>`), ebrim.LeafClass, "COM-003"},
		"objects for ids":     {list(entry(ours, "1^^^&amp;1.2&amp;ISO")), ebrim.ObjectRef, "COM-003"},
		"a link of elsewhere": {list(`<rim:Association id="a" ` + theirs + `/>`), ebrim.LeafClass, "COM-003"},
		"something else":      {list(`<rim:Organization id="a" ` + ours + `/>`), ebrim.LeafClass, "COM-003"},
	} {
		f, found := foreign(t, ebrim.StatusSuccess, c.inner, c.as)
		got := ""
		if len(found) > 0 {
			got = found[0].ID
		}
		if got != c.want || f.Answered() != (c.want == "") {
			t.Errorf("%s: %q %v", name, got, found)
		}
	}
	for code, want := range map[string]string{
		"XDSRegistryBusy": "XDSRegistryBusy", "urn:ihe:XDSRegistryBusy": "XDSRegistryBusy", "": "XDSRegistryError", `/&gt;&lt;x`: "XDSRegistryError", strings.Repeat("a", 65): "XDSRegistryError",
	} {
		f, found := foreign(t, ebrim.StatusFailure, `<rs:RegistryErrorList><rs:RegistryError errorCode="`+code+`" codeContext="`+strings.Repeat("é", 600)+`"/></rs:RegistryErrorList>`, ebrim.LeafClass)
		if len(found) > 0 || f.Answered() || len(f.Errors()) != 1 || f.Errors()[0].Code != want || f.Errors()[0].Home != neighbour || len(f.Errors()[0].Context) > 510 {
			t.Errorf("%s: %+v %v", code, f.Errors(), found)
		}
	}
	if f, _ := foreign(t, "nonsense", "", ebrim.LeafClass); f.Answered() || len(f.Errors()) != 1 {
		t.Errorf("a failure without a reason: %+v", f.Errors())
	}
	if f, _ := foreign(t, ebrim.StatusFailure, `<rs:RegistryErrorList>`+strings.Repeat(`<rs:RegistryError errorCode="a" codeContext="b"/>`, 500)+`</rs:RegistryErrorList>`, ebrim.LeafClass); len(f.Errors()) != 20 {
		t.Errorf("%d errors", len(f.Errors()))
	}
}
