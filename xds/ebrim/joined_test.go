package ebrim

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// joined is the answer of an Initiating Gateway: our own, what a Responding Gateway
// like ours answered, and an error of a third.
func joined(t *testing.T, own QueryAnswer) []byte {
	t.Helper()
	theirs := own
	theirs.Home = "urn:oid:1.2.4"
	el, err := xmlgate.Parse(AppendQueryResponse(nil, theirs), xmlgate.Envelope())
	if err != nil {
		t.Fatal(err)
	}
	d, _ := own.Documents[0].Value()
	other, found := DecodeForeign(el, theirs.Home, LeafClass, d.Entry.PatientID)
	if len(found) > 0 {
		t.Fatal(found)
	}
	own.Home, own.Partial, own.Others = "urn:oid:1.2.3", true, []Foreign{other}
	own.Foreign = []ForeignError{{Home: "urn:oid:1.2.5", Code: "XDSRegistryBusy", Context: `"<&>`}}
	b := AppendQueryResponse(nil, own)
	if el, err = xmlgate.Parse(b, xmlgate.Envelope()); err != nil {
		t.Fatal(err)
	}
	answer, found := DecodeQueryResponse(el)
	if len(found) > 0 || answer.Status != StatusPartial || len(answer.Documents) != 2*len(own.Documents) || len(answer.Errors) != 1 || answer.Errors[0].Location != "urn:oid:1.2.5" {
		t.Errorf("%s: %d documents, %+v %v", answer.Status, len(answer.Documents), answer.Errors, found)
	}
	for _, list := range el.Find(NamespaceRIM, "RegistryObjectList").Children {
		if home := list.Attr("home"); home != own.Home && home != theirs.Home {
			t.Errorf("%s of %q", list.Local, home)
		}
	}
	return b
}

// TestForwardedQuery: every stored query with all of its parameters is the same
// question when it is asked of another community.
func TestForwardedQuery(t *testing.T) {
	decode := func(b []byte) (*xmlgate.Element, StoredQuery) {
		el, err := xmlgate.Parse(b, xmlgate.Envelope())
		if err != nil {
			t.Fatal(err)
		}
		q, _ := DecodeQuery(el)
		return el, q
	}
	asked := 0
	for _, row := range Catalogue {
		request, q := decode(AppendQuery(nil, everyParameter(row)))
		if q.Row == nil {
			continue
		}
		asked++
		_, got := decode(AppendForwardedQuery(nil, request, q, "urn:oid:1.2.4"))
		q.HomeCommunityID = "urn:oid:1.2.4"
		if row.takes("$homeCommunityId") && got.HomeCommunityID != "urn:oid:1.2.4" {
			t.Errorf("%s: for %q", row.Name, got.HomeCommunityID)
		}
		got.HomeCommunityID = q.HomeCommunityID
		if diff := cmp.Diff(q, got, cmp.AllowUnexported(CatalogueRow{})); diff != "" {
			t.Errorf("%s:\n%s", row.Name, diff)
		}
	}
	if asked < 3 {
		t.Errorf("only %d queries", asked)
	}
}
