package ebrim

import (
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Subscriptions are the filters of a subscription (ITI TF-2 3.52.5.1): queries that
// ITI-18 does not answer. Those that name no patient are refused: a subscription is
// judged on one record.
var Subscriptions = []CatalogueRow{
	{Name: "SubscriptionForDocumentEntry", UUID: "urn:uuid:aa2332d0-f8fe-11e0-be50-0800200c9a66",
		Required: []string{"$XDSDocumentEntryPatientId"},
		Optional: []string{"$XDSDocumentEntryClassCode", "$XDSDocumentEntryTypeCode", "$XDSDocumentEntryReferenceIdList",
			"$XDSDocumentEntryPracticeSettingCode", "$XDSDocumentEntryHealthcareFacilityTypeCode", "$XDSDocumentEntryEventCodeList",
			"$XDSDocumentEntryConfidentialityCode", "$XDSDocumentEntryFormatCode", "$XDSDocumentEntryAuthorPerson"}},
}

// DecodeFilter reads the rim:AdhocQuery of a wsnt:Filter: a patient and conditions on
// documents. Its findings are those of a stored query, and DSUB-002 for a filter that
// is none of Subscriptions.
func DecodeFilter(query *xmlgate.Element) (StoredQuery, xds.Errors) {
	d := queryDecoder{given: map[string]int{}}
	id := query.Attr("id")
	for i := range Subscriptions {
		if row := &Subscriptions[i]; row.UUID == strings.ToLower(id) {
			d.q.Row = row
			for _, slot := range query.ChildrenNamed(NamespaceRIM, "Slot") {
				d.slot(slot, row)
			}
			d.complete(query, row)
			return d.q, d.found
		}
	}
	d.add(query, &xds.Error{ID: "DSUB-002", Where: "AdhocQuery@id", Found: id,
		Expected: Subscriptions[0].Name + " (" + Subscriptions[0].UUID + ") : les documents d'un patient"})
	return d.q, d.found
}

// AppendNotified appends the lcm:SubmitObjectsRequest of a notification (ITI TF-2
// 3.53.4.1.2): entries, or references to them. A zero Visible is not written.
func AppendNotified(b []byte, as ReturnType, documents []authz.Visible[xds.Document]) []byte {
	e := encoder{b}
	e.open("lcm:SubmitObjectsRequest")
	e.buf = append(e.buf, ` xmlns:lcm="`+NamespaceLCM+`" xmlns:rim="`+NamespaceRIM+`"`...)
	e.more()
	e.open("rim:RegistryObjectList")
	e.more()
	e.visible(QueryAnswer{ReturnType: as, Documents: documents})
	e.close("rim:RegistryObjectList")
	e.close("lcm:SubmitObjectsRequest")
	return e.buf
}
