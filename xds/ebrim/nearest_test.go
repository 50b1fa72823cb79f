package ebrim

import (
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// TestUnknownParameterIsTold: a misspelled parameter is told with its line and column,
// what the query takes and what was probably meant; of very many the first are, and the
// rest cost nothing.
func TestUnknownParameterIsTold(t *testing.T) {
	ask := func(slots string) xds.Errors {
		message := AppendQuery(nil, QueryRequest{ID: Lookup("FindDocuments").UUID, ReturnType: LeafClass, Params: []QueryParam{{"$XDSDocumentEntryPatientId", []string{"1^^^&1.2&ISO"}}, {"$XDSDocumentEntryStatus", []string{string(xds.Approved)}}}})
		text := strings.Replace(string(message), "</rim:AdhocQuery>", slots+"</rim:AdhocQuery>", 1)
		root, err := xmlgate.Parse([]byte(text), xmlgate.Envelope())
		if err != nil {
			t.Fatal(err)
		}
		_, findings := DecodeQuery(root)
		return findings
	}
	slot := `<rim:Slot name="$XDSDocumentEntryTypCode"><rim:ValueList><rim:Value>('a^^1')</rim:Value></rim:ValueList></rim:Slot>`
	one := ask("\n " + slot)
	if len(one) != 1 || one[0].ID != "QRY-007" || one[0].Line != 2 || one[0].Column != 2 || !slices.Contains(one[0].Nearest, "$XDSDocumentEntryTypeCode") ||
		one[0].Found == "" || one[0].Expected == "" {
		t.Errorf("%+v", one)
	}
	many := ask(strings.Repeat(slot, 10_000))
	if len(many) != xds.MaxFindings || many[len(many)-1].Nearest != nil {
		t.Errorf("%d findings", len(many))
	}
}
