package conformance_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// question is one request of the corpus. In its text, names in braces stand for ids
// of the world that is asked: {record}, {ins}, {one}, {one.uid}, {hidden.set}.
type question struct {
	route string // as one line of `offered` names it
	text  string
	byID  bool // asked once more with a token that names no patient
	ask   func(t *testing.T, w *world, b *kitBearer) string
}

// name is the question as test output names it.
func (q question) name() string { return q.route + " " + q.text }

var placeholder = regexp.MustCompile(`\{[a-z0-9.:]+\}`)

// fill writes the ids of a world in place of their names.
func (w *world) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		name := p[1 : len(p)-1]
		switch name {
		case "record":
			return w.patient.Record
		case "ins":
			return string(w.patient.INS)
		case "ins.token":
			return url.QueryEscape("urn:oid:" + w.patient.INS.Authority() + "|" + w.patient.INS.ID())
		case "ins.id":
			return w.patient.INS.ID()
		case "ins.key":
			return string(w.patient.INS.Key())
		}
		if id, ok := w.ids[name]; ok {
			return id
		}
		document, attribute, _ := strings.Cut(name, ".")
		e := w.held[document].entry
		switch attribute {
		case "type":
			return e.TypeCode.Value
		case "class":
			return e.ClassCode.Value
		case "dtm":
			return string(e.CreationTime)
		case "date":
			return kitTime(e.CreationTime)
		case "sha256":
			return fmt.Sprintf("%x", sha256.Sum256(w.held[document].content))
		}
		return p
	})
}

// httpRow is a request of the FHIR face or of the JSON API; header is "Name: value".
type httpRow struct{ method, path, header, body string }

// bareCDA says whose it is and what it replaces, and too little to be stored.
const bareCDA = `<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><id root="1.2.250.1.213.1.4.10" extension="{ins.id}"/></patientRole></recordTarget>` +
	`<relatedDocument typeCode="RPLC"><parentDocument><id root="{hidden.uid}"/></parentDocument></relatedDocument></ClinicalDocument>`

// subscriptionBody names the hidden document and a consumer that nobody has listed.
const subscriptionBody = `{"resourceType":"Subscription","id":"{hidden}","status":"requested","reason":"x","criteria":"https://github.com/passerelle-sante/passerelle/fhir/SubscriptionTopic/documents",` +
	`"_criteria":{"extension":[{"url":"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria","valueString":"DocumentReference?patient=Patient/{record}&type={hidden.type}"}]},` +
	`"channel":{"type":"rest-hook","endpoint":"https://nobody.invalid/{hidden}","payload":"application/fhir+json","_payload":{"extension":[{"url":"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content","valueCode":"id-only"}]}}}`

// httpRows: a later call or parameter is a row more. What would change the record is
// about what is hidden, or changes both worlds alike.
var httpRows = []httpRow{
	{"GET", "/fhir/DocumentReference?patient=Patient/{record}", "", ""},
	{"GET", "/fhir/DocumentReference?subject={record}", "", ""},
	{"GET", "/fhir/DocumentReference?patient.identifier={ins.token}", "", ""},
	{"GET", "/fhir/DocumentReference?subject.identifier={ins.token}", "", ""},
	{"GET", "/fhir/DocumentReference?patient:identifier={ins.token}", "", ""},
	{"GET", "/fhir/DocumentReference?subject:identifier={ins.token}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&subject.identifier={ins.token}", "", ""},
	{"POST", "/fhir/DocumentReference/_search", "Content-Type: application/x-www-form-urlencoded", "patient=Patient/{record}&status=current,superseded&_count=1"},
	{"POST", "/fhir/DocumentReference/_search?patient=Patient/{record}", "Content-Type: application/x-www-form-urlencoded", "identifier={hidden.uid}"},
	{"POST", "/fhir/DocumentReference/_search", "Content-Type: application/json", "{}"},
	{"GET", "/fhir/DocumentReference?patient={record}&status=current", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&status=superseded", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&status=entered-in-error", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&status=current,superseded,entered-in-error", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&status:not=current", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&status:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&isArchived=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&isArchived=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&isArchived:not=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&identifier={hidden.uid}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&identifier=urn:ietf:rfc:3986|urn:oid:{hidden.uid}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&identifier=urn:uuid:{hidden}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&identifier={one.uid},{hidden.uid},{never.uid}", "", ""},
	{"GET", "/fhir/DocumentReference?identifier={hidden.uid}", "", ""},
	{"GET", "/fhir/DocumentReference?_id={hidden}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_id={hidden}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_id={one},{hidden}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_lastUpdated=gt2020-01-01", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_lastUpdated=gt2020-01-01&_sort=-_lastUpdated&_count=1", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&type={hidden.type}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&type:not={hidden.type}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&type:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&type=15508-5", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&type=http://loinc.org|", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&category={hidden.class}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&category:not={hidden.class}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&category:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&format=urn:ihe:iti:xds-sd:text:2008", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&format:not=urn:ihe:iti:xds-sd:text:2008", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&format:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&facility=SA01", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&facility:not=SA01", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&facility:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&setting=ETABLISSEMENT", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&setting:not=ETABLISSEMENT", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&setting:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&event=H4A0", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&event:not=H4A0", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&event:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&security-label=MASQUE_PS", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&security-label=INVISIBLE_PATIENT", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&security-label=INVISIBLE_REPRESENTANTS_LEGAUX", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&security-label:not=MASQUE_PS", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&security-label:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&date=lt2100", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&date={hidden.date}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&date:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&creation={hidden.date}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&creation:missing=false&_sort=creation", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&period=gt2000", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&period:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&period-start={hidden.date}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&period-start:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&period-end=gt2000", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&period-end:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&related.identifier=urn:oid:1.2.3|5", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&related:identifier=5", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.identifier=899900001324", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author:identifier=899900001324", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&PDSm_isArchived=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&PDSm_isArchived:not=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&PDSm_DocumentReference_period-start={hidden.date}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&PDSm_DocumentReference_period-start:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&PDSm_DocumentReference_period-end=gt2000", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&PDSm_DocumentReference_period-end:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_lastupdated=ge2000", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_lastupdated:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_lastUpdated:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&identifier:not=urn:oid:{hidden.uid}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&identifier:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_id:not={hidden}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_id:not={one}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&related.identifier:not=5", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&related.identifier:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&related:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.identifier:not=899900001324", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.identifier:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.family:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.given:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.name=hugo", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.name:exact=LECLERCQ", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.name:contains=cler", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.name:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author:PractitionerRole.practitioner.family=lecl", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&date=ap{hidden.date}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&date=ne{hidden.date}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&creation=lt2000,{hidden.date}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&period=ne2000", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_sort=type,-status,-period&_count=1", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_sort=-_id", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.family=lecl", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.family:exact=LECLERCQ", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.family:contains=cler", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.given=hugo", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.given:exact=Hugo", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&author.given:contains=u", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_sort=date", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_sort=-creation,_lastUpdated", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_sort=type", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_count=0", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_count=3", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_count=4&_total=accurate", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_count=1&_total=none", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_total=estimate", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_summary=count", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_summary=count&status=superseded", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_summary=text", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_elements=type,author&_format=xml", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_cursor=AAAA", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_include=DocumentReference:relatesto&_revinclude=List:item&_has:List:item:status=current", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_include=DocumentReference:relatesto", "Prefer: handling=strict", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&relatesto=DocumentReference/{hidden}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&relatesto={one}", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&relatesto:missing=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&relatesto:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_include=DocumentReference:relatesto&relatesto:missing=false", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_revinclude=List:item", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_revinclude=List:item&_count=1", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_lastUpdated=ge2000&_revinclude=List:item&_include=DocumentReference:patient", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_include=DocumentReference:subject&_include=DocumentReference:author&_summary=count", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_format=json&_pretty=true", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&_format=xml", "", ""},
	{"GET", "/fhir/DocumentReference?patient={record}&date=2026-02-31", "", ""},
	{"GET", "/fhir/DocumentReference", "", ""},
	{"GET", "/fhir/DocumentReference/{one}", "", ""},
	{"GET", "/fhir/DocumentReference/{two}", "", ""},
	{"GET", "/fhir/DocumentReference/{shared}", "", ""},
	{"GET", "/fhir/DocumentReference/{late}", "", ""},
	{"GET", "/fhir/DocumentReference/{one}", `If-None-Match: W/"1"`, ""},
	{"GET", "/fhir/DocumentReference/{hidden}", "", ""},
	{"GET", "/fhir/DocumentReference/{hidden}", `If-None-Match: W/"1"`, ""},
	{"GET", "/fhir/DocumentReference/{hidden}", `If-None-Match: *`, ""},
	{"GET", "/fhir/DocumentReference/{hidden}", `If-Match: W/"1"`, ""},
	{"GET", "/fhir/DocumentReference/{hidden}", `If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT`, ""},
	{"GET", "/fhir/DocumentReference/{hidden}", `Accept-Encoding: gzip, br`, ""},
	{"GET", "/fhir/DocumentReference/{hidden}/_history", "", ""},
	{"GET", "/fhir/DocumentReference/{hidden}/_history/1", "", ""},
	{"GET", "/fhir/DocumentReference/{hidden}/$everything", "", ""},
	{"GET", "/fhir/DocumentReference/{one}/_history/1", "", ""},
	{"GET", "/fhir/DocumentReference/{hidden}/_history/2", "", ""},
	{"POST", "/fhir/DocumentReference", "Content-Type: application/fhir+json", `{"resourceType":"DocumentReference","masterIdentifier":{"value":"urn:oid:{hidden.uid}"},"status":"current","relatesTo":[{"code":"appends","target":{"reference":"DocumentReference/{hidden}"}}],"subject":{"reference":"Patient/{record}"},"content":[{"attachment":{"contentType":"text/plain","data":"eA==","size":9}}]}`},
	{"POST", "/fhir/DocumentReference", "Content-Type: application/fhir+json", `{"resourceType":"DocumentReference","masterIdentifier":{"value":"urn:oid:1.2.3"},"status":"current","relatesTo":[{"code":"appends","target":{"reference":"DocumentReference?identifier=urn:oid:{hidden.uid}"}}],"subject":{"reference":"Patient/{record}"},"content":[{"attachment":{"contentType":"text/plain","data":"eA==","size":9}}]}`},
	{"POST", "/fhir/DocumentReference/$generate-metadata?persist=false", "Content-Type: application/fhir+json", `{"resourceType":"Binary","contentType":"text/xml","data":"PENsaW5pY2FsRG9jdW1lbnQgeG1sbnM9InVybjpobDctb3JnOnYzIi8+"}`},
	{"PATCH", "/fhir/DocumentReference/{hidden}", "Content-Type: application/json-patch+json", `[{"op":"test","path":"/status","value":"current"}]`},
	{"PATCH", "/fhir/DocumentReference/{hidden}", "Content-Type: application/json-patch+json", `[{"op":"remove","path":"/securityLabel/7"}]`},
	{"PATCH", "/fhir/DocumentReference/{hidden}", "Content-Type: application/json-patch+json; charset=utf-8", `[{"op":"replace","path":"/description","value":"x"}]`},
	{"PATCH", "/fhir/DocumentReference/{hidden}", "Content-Type: application/fhir+json", `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"delete"},{"name":"path","valueString":"DocumentReference.securityLabel[1]"}]}]}`},
	{"PATCH", "/fhir/DocumentReference?identifier={hidden.uid}", "Content-Type: application/json-patch+json", `[{"op":"test","path":"/status","value":"superseded"}]`},
	{"PATCH", "/fhir/DocumentReference?identifier=urn:ietf:rfc:3986|urn:oid:{hidden.uid},{one.uid}", "Content-Type: application/json-patch+json", `[{"op":"test","path":"/status","value":"superseded"}]`},
	{"PUT", "/fhir/DocumentReference/{hidden}", "Content-Type: application/fhir+json", `{"resourceType":"DocumentReference"}`},
	{"DELETE", "/fhir/DocumentReference/{hidden}", "", ""},
	{"GET", "/fhir/Binary/{hidden}", "", ""},
	{"GET", "/fhir/Binary/{hidden}", "Accept: application/fhir+json", ""},
	{"GET", "/fhir/Binary/{hidden}", "Accept: image/png", ""},
	{"GET", "/fhir/Binary/{hidden}", "Range: bytes=0-3", ""},
	{"GET", "/fhir/Binary/{hidden}", "Range: bytes=9999-", ""},
	{"GET", "/fhir/Binary/{hidden}", `If-None-Match: "{hidden.sha256}"`, ""},
	{"GET", "/fhir/Binary/{hidden}", `If-None-Match: *`, ""},
	{"HEAD", "/fhir/Binary/{hidden}", "", ""},
	{"HEAD", "/fhir/Binary/{hidden}", `If-None-Match: *`, ""},
	{"GET", "/fhir/Binary/{one}", "Range: bytes=0-3", ""},
	{"GET", "/fhir/Binary/{one}", "Accept: application/fhir+json", ""},
	{"HEAD", "/fhir/Binary/{one}", "", ""},
	{"GET", "/fhir/Binary/{one}", "", ""},
	{"GET", "/fhir/List/{hidden.set}", "", ""},
	{"POST", "/fhir/List/_search?_include=List:item", "Content-Type: application/x-www-form-urlencoded", "patient=Patient/{record}&code=submissionset&_count=1"},
	{"GET", "/fhir/List?patient={record}", "", ""},
	{"GET", "/fhir/List?patient={record}&code=folder", "", ""},
	{"GET", "/fhir/List?patient={record}&code=submissionset&_count=1", "", ""},
	{"GET", "/fhir/List?patient={record}&code:not=folder", "", ""},
	{"GET", "/fhir/List?patient={record}&code:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&status=current", "", ""},
	{"GET", "/fhir/List?patient={record}&status=retired", "", ""},
	{"GET", "/fhir/List?patient={record}&status:not=current", "", ""},
	{"GET", "/fhir/List?patient={record}&status:missing=false", "", ""},
	{"GET", "/fhir/List?patient={record}&date=ge2000", "", ""},
	{"GET", "/fhir/List?patient={record}&date={hidden.date}", "", ""},
	{"GET", "/fhir/List?patient={record}&date=lt{hidden.date}&code=submissionset", "", ""},
	{"GET", "/fhir/List?patient={record}&date:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&_lastUpdated=ge2000&_summary=count", "", ""},
	{"GET", "/fhir/List?patient={record}&_lastUpdated:missing=false", "", ""},
	{"GET", "/fhir/List?patient={record}&_lastupdated=lt2100", "", ""},
	{"GET", "/fhir/List?patient={record}&_lastupdated:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&designationType=04", "", ""},
	{"GET", "/fhir/List?patient={record}&designationType=C", "", ""},
	{"GET", "/fhir/List?patient={record}&designationType:not=04", "", ""},
	{"GET", "/fhir/List?patient={record}&designationType:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&DesignationType=C", "", ""},
	{"GET", "/fhir/List?patient={record}&DesignationType:not=C", "", ""},
	{"GET", "/fhir/List?patient={record}&DesignationType:missing=false", "", ""},
	{"GET", "/fhir/List?patient={record}&identifier={hidden.setuid}", "", ""},
	{"GET", "/fhir/List?patient={record}&identifier=urn:uuid:{hidden.set}", "", ""},
	{"GET", "/fhir/List?patient={record}&identifier={hidden.uid}", "", ""},
	{"GET", "/fhir/List?patient={record}&identifier={hidden.folder.uid},{never.uid}", "", ""},
	{"GET", "/fhir/List?patient={record}&identifier:not={hidden.setuid}", "", ""},
	{"GET", "/fhir/List?patient={record}&identifier:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&_id={hidden.set}", "", ""},
	{"GET", "/fhir/List?patient={record}&_id={hidden.folder},{box}", "", ""},
	{"GET", "/fhir/List?patient={record}&_id={hidden}", "", ""},
	{"GET", "/fhir/List?patient={record}&_id:not={hidden.set}", "", ""},
	{"GET", "/fhir/List?patient={record}&title=cach", "", ""},
	{"GET", "/fhir/List?patient={record}&title:contains=otterie", "", ""},
	{"GET", "/fhir/List?patient={record}&title:exact=Sonde", "", ""},
	{"GET", "/fhir/List?patient={record}&title:missing=false", "", ""},
	{"GET", "/fhir/List?patient={record}&isArchived=true", "", ""},
	{"GET", "/fhir/List?patient={record}&isArchived:not=true", "", ""},
	{"GET", "/fhir/List?patient={record}&PDSm_isArchived=false", "", ""},
	{"GET", "/fhir/List?patient={record}&PDSm_isArchived:not=false", "", ""},
	{"GET", "/fhir/List?patient={record}&sourceId=1.2.3", "", ""},
	{"GET", "/fhir/List?patient={record}&sourceId:not=1.2.3", "", ""},
	{"GET", "/fhir/List?patient={record}&sourceId:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&SourceId=1.2.3", "", ""},
	{"GET", "/fhir/List?patient={record}&SourceId:not=1.2.3", "", ""},
	{"GET", "/fhir/List?patient={record}&SourceId:missing=false", "", ""},
	{"GET", "/fhir/List?patient={record}&source:identifier=899900001324", "", ""},
	{"GET", "/fhir/List?patient={record}&source:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&source.identifier=899900001324", "", ""},
	{"GET", "/fhir/List?patient={record}&source.identifier:not=1", "", ""},
	{"GET", "/fhir/List?patient={record}&source.identifier:missing=false", "", ""},
	{"GET", "/fhir/List?patient={record}&PDSm_List_PatientAsSource:identifier=1", "", ""},
	{"GET", "/fhir/List?patient={record}&PDSm_List_PatientAsSource:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&PDSm_List_PractitionerRoleAsSource:identifier=899900001324", "", ""},
	{"GET", "/fhir/List?patient={record}&PDSm_List_PractitionerRoleAsSource:missing=false", "", ""},
	{"GET", "/fhir/List?patient={record}&PDSm_List_PractitionerRoleAsSource.family=lecl", "", ""},
	{"GET", "/fhir/List?patient={record}&source.family=lecl", "", ""},
	{"GET", "/fhir/List?patient={record}&source.family:exact=LECLERCQ", "", ""},
	{"GET", "/fhir/List?patient={record}&source.family:contains=cler", "", ""},
	{"GET", "/fhir/List?patient={record}&source.family:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&source.given=hugo", "", ""},
	{"GET", "/fhir/List?patient={record}&source.given:exact=Hugo", "", ""},
	{"GET", "/fhir/List?patient={record}&source.given:contains=u", "", ""},
	{"GET", "/fhir/List?patient={record}&source.given:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&source.name=lecl", "", ""},
	{"GET", "/fhir/List?patient={record}&source.name:exact=LECLERCQ", "", ""},
	{"GET", "/fhir/List?patient={record}&source.name:contains=cler", "", ""},
	{"GET", "/fhir/List?patient={record}&source.name:missing=false", "", ""},
	{"GET", "/fhir/List?patient={record}&authorOrg:identifier=1", "", ""},
	{"GET", "/fhir/List?patient={record}&authorOrg:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&authorOrg.identifier=1", "", ""},
	{"GET", "/fhir/List?patient={record}&authorOrg.identifier:not=1", "", ""},
	{"GET", "/fhir/List?patient={record}&authorOrg.identifier:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&authorOrg.name=c", "", ""},
	{"GET", "/fhir/List?patient={record}&authorOrg.name:exact=CHU", "", ""},
	{"GET", "/fhir/List?patient={record}&authorOrg.name:contains=h", "", ""},
	{"GET", "/fhir/List?patient={record}&authorOrg.name:missing=true", "", ""},
	{"GET", "/fhir/List?patient={record}&PDSm_authorOrg:identifier=1", "", ""},
	{"GET", "/fhir/List?patient={record}&PDSm_authorOrg:missing=false", "", ""},
	{"GET", "/fhir/List?patient={record}&_sort=date&_count=1", "", ""},
	{"GET", "/fhir/List?patient={record}&_sort=-_lastUpdated&_count=2", "", ""},
	{"GET", "/fhir/List?patient={record}&_sort=title", "", ""},
	{"GET", "/fhir/List?patient={record}&_include=List:item&_include=List:patient", "", ""},
	{"GET", "/fhir/List?patient={record}&code=submissionset&date=ge2000&_include=List:item&_count=1", "", ""},
	{"GET", "/fhir/List?patient={record}&_include=List:subject&_include=List:source", "", ""},
	{"GET", "/fhir/List?patient={record}&_cursor=AAAA", "", ""},
	{"GET", "/fhir/List?patient={record}&_total=none&_count=1", "", ""},
	{"GET", "/fhir/List?patient={record}&_count=0", "", ""},
	{"GET", "/fhir/List?patient={record}&_elements=title", "", ""},
	{"GET", "/fhir/List?patient={record}&_summary=true", "", ""},
	{"GET", "/fhir/List?patient={record}&_format=xml", "", ""},
	{"GET", "/fhir/List?patient.identifier=urn:oid:1.2.250.1.213.1.4.10|{ins}", "", ""},
	{"GET", "/fhir/List?patient:identifier=urn:oid:1.2.250.1.213.1.4.10|{ins}", "", ""},
	{"GET", "/fhir/List?subject={record}", "", ""},
	{"GET", "/fhir/List?subject:identifier=urn:oid:1.2.250.1.213.1.4.10|{ins}", "", ""},
	{"GET", "/fhir/List?subject.identifier=urn:oid:1.2.250.1.213.1.4.10|{ins}", "", ""},
	{"GET", "/fhir/List?identifier={hidden.setuid}", "", ""},
	{"GET", "/fhir/List?_id={hidden.set}", "", ""},
	{"GET", "/fhir/List/{hidden.folder}", "", ""},
	{"GET", "/fhir/List/{hidden.set}", "If-None-Match: *", ""},
	{"GET", "/fhir/List/{hidden}", "", ""},
	{"GET", "/fhir/List/{one.set}", "", ""},
	{"GET", "/fhir/List/{shared.set}", "", ""},
	{"GET", "/fhir/List/{box}", "", ""},
	{"GET", "/fhir/List/{hidden.set}/_history", "", ""},
	{"DELETE", "/fhir/List/{hidden.set}", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&lot-number:missing=false", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&series:missing=true", "", ""},
	{"GET", "/fhir/Immunization?patient={record}", "", ""},
	{"GET", "/fhir/Immunization?patient=Patient/{record}&_count=1&_sort=date&_total=none", "", ""},
	{"GET", "/fhir/Immunization?patient:identifier={ins.token}&_sort=-_lastUpdated", "", ""},
	{"GET", "/fhir/Immunization?patient.identifier={ins.token}&_summary=count", "", ""},
	{"POST", "/fhir/Immunization/_search", "Content-Type: application/x-www-form-urlencoded", "patient={record}&_revinclude=Provenance:target"},
	{"GET", "/fhir/Immunization?patient={record}&_revinclude=Provenance:target", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&status=completed", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&status:not=entered-in-error", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&vaccine-code=http://www.whocc.no/atc|J07BB02", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&vaccine-code:not=68747507", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&date=ge2000&date=lt2100", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&lot-number=L", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&lot-number:exact=L", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&lot-number:contains=0", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&series=IMMUNIZ", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&series:exact=IMMUNIZ", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&series:contains=MM", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&identifier=urn:oid:{hidden.uid}|x", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&performer.identifier=899900001324", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&performer:identifier=899900001324", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&performer=Practitioner/1", "", ""},
	{"GET", "/fhir/Immunization?patient={record}&_id={hidden}&_lastUpdated=ge2000", "", ""},
	{"GET", "/fhir/Immunization/{hidden}", "", ""},
	{"GET", "/fhir/Immunization/{hidden}", "If-None-Match: *", ""},
	{"GET", "/fhir/Immunization/{hidden}/_history/1.1", "", ""},
	{"POST", "/fhir/Immunization", "Content-Type: application/fhir+json", `{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/{record}"},"occurrenceString":"hier"}`},
	{"POST", "/fhir/Immunization", "If-None-Exist: identifier=urn:oid:{hidden.uid}|x", `{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/{record}"},"occurrenceString":"hier"}`},
	{"PUT", "/fhir/Immunization/{hidden}", "Content-Type: application/fhir+json", `{"resourceType":"Immunization","id":"{hidden}","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/{record}"},"occurrenceDateTime":"2020-01-01"}`},
	{"GET", "/fhir/ImmunizationRecommendation?patient={record}", "", ""},
	{"GET", "/fhir/ImmunizationRecommendation?patient:identifier={ins.token}&_summary=count", "", ""},
	{"GET", "/fhir/ImmunizationRecommendation?patient.identifier={ins.token}", "", ""},
	{"POST", "/fhir/ImmunizationRecommendation/_search", "Content-Type: application/x-www-form-urlencoded", "patient={record}"},
	{"GET", "/fhir/ImmunizationRecommendation/{record}", "", ""},
	{"GET", "/fhir/ImmunizationRecommendation/{record}", "If-None-Match: *", ""},
	{"GET", "/fhir/AllergyIntolerance?patient={record}", "", ""},
	{"GET", "/fhir/AllergyIntolerance?patient:identifier={ins.token}&_id={hidden}&_total=accurate", "", ""},
	{"POST", "/fhir/AllergyIntolerance/_search", "Content-Type: application/x-www-form-urlencoded", "patient={record}&_summary=count"},
	{"GET", "/fhir/AllergyIntolerance/{hidden}", "If-None-Match: *", ""},
	{"GET", "/fhir/Condition?patient={record}", "", ""},
	{"GET", "/fhir/Condition?patient:identifier={ins.token}&_id={hidden}&_total=accurate", "", ""},
	{"POST", "/fhir/Condition/_search", "Content-Type: application/x-www-form-urlencoded", "patient={record}&_summary=count"},
	{"GET", "/fhir/Condition/{hidden}", "If-None-Match: *", ""},
	{"GET", "/fhir/FamilyMemberHistory?patient={record}", "", ""},
	{"GET", "/fhir/FamilyMemberHistory?patient:identifier={ins.token}&_id={hidden}&_total=accurate", "", ""},
	{"POST", "/fhir/FamilyMemberHistory/_search", "Content-Type: application/x-www-form-urlencoded", "patient={record}&_summary=count"},
	{"GET", "/fhir/FamilyMemberHistory/{hidden}", "If-None-Match: *", ""},
	{"GET", "/fhir/MedicationStatement?patient={record}", "", ""},
	{"GET", "/fhir/MedicationStatement?patient:identifier={ins.token}&_id={hidden}&_total=accurate", "", ""},
	{"POST", "/fhir/MedicationStatement/_search", "Content-Type: application/x-www-form-urlencoded", "patient={record}&_summary=count"},
	{"GET", "/fhir/MedicationStatement/{hidden}", "If-None-Match: *", ""},
	{"GET", "/fhir/Observation?patient={record}", "", ""},
	{"GET", "/fhir/Observation?patient:identifier={ins.token}&_id={hidden}&_total=accurate", "", ""},
	{"POST", "/fhir/Observation/_search", "Content-Type: application/x-www-form-urlencoded", "patient={record}&_summary=count"},
	{"GET", "/fhir/Observation/{hidden}", "If-None-Match: *", ""},
	{"GET", "/fhir/RelatedPerson?patient={record}", "", ""},
	{"GET", "/fhir/RelatedPerson?patient:identifier={ins.token}&_id={hidden}&_total=accurate", "", ""},
	{"POST", "/fhir/RelatedPerson/_search", "Content-Type: application/x-www-form-urlencoded", "patient={record}&_summary=count"},
	{"GET", "/fhir/RelatedPerson/{hidden}", "If-None-Match: *", ""},
	{"GET", "/fhir/Observation?patient.identifier={ins.token}&code=http://loinc.org|85354-9&date=ge2000&_count=1", "", ""},
	{"GET", "/fhir/AllergyIntolerance?patient.identifier={ins.token}", "", ""},
	{"GET", "/fhir/Condition?patient.identifier={ins.token}", "", ""},
	{"GET", "/fhir/FamilyMemberHistory?patient.identifier={ins.token}", "", ""},
	{"GET", "/fhir/MedicationStatement?patient.identifier={ins.token}", "", ""},
	{"GET", "/fhir/RelatedPerson?patient.identifier={ins.token}", "", ""},
	{"GET", "/fhir/Provenance/{hidden}", "", ""},
	{"GET", "/fhir/Provenance?target=DocumentReference/{hidden}", "", ""},
	{"GET", "/fhir/AuditEvent?entity=DocumentReference/{hidden}", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&_count=120", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&_count=200&_total=none", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&_total=accurate", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&_summary=count", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&date=ge2020-01-01", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&action=R", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&outcome=8", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&outcome=0&_count=25", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&type=rest", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&subtype=ITI-68", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&subtype=urn:ihe:event-type-code|ITI-65", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&agent:identifier=899900001324", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&agent.identifier=urn:oid:1.2.250.1.71.4.2.1|899900001217", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&agent=Practitioner/x", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&entity=DocumentReference/{hidden}", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&entity=DocumentReference/{one}", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&entity={hidden}", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&_id={hidden}", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&_sort=-date", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&_sort=date", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&_cursor=AAAA", "", ""},
	{"GET", "/fhir/AuditEvent?patient={record}&_include=AuditEvent:entity", "", ""},
	{"GET", "/fhir/AuditEvent?patient.identifier={ins.token}&action=C", "", ""},
	{"GET", "/fhir/AuditEvent?patient:identifier={ins.token}&action=E", "", ""},
	{"GET", "/fhir/AuditEvent?_id=x", "", ""},
	{"GET", "/fhir/AuditEvent/{hidden}", "", ""},
	{"GET", "/fhir/AuditEvent/{hidden.set}", "", ""},
	{"POST", "/fhir/AuditEvent/_search", "Content-Type: application/x-www-form-urlencoded", "patient={record}&entity=DocumentReference/{hidden}&_count=10"},
	{"DELETE", "/fhir/AuditEvent/{hidden}", "", ""},
	{"POST", "/fhir/AuditEvent", "Content-Type: application/fhir+json", "{}"},
	{"GET", "/fhir/Patient/{record}/$everything", "", ""},
	{"GET", "/fhir/Patient?identifier={ins.token}", "", ""},
	{"GET", "/fhir/Patient?_id={record}", "", ""},
	{"GET", "/fhir/Patient?_id={hidden}", "", ""},
	{"GET", "/fhir/Patient?_id={record}&identifier={ins.token}&_count=0", "", ""},
	{"POST", "/fhir/Patient/_search", "Content-Type: application/x-www-form-urlencoded", "identifier={ins.token}"},
	{"GET", "/fhir/Patient/{record}", "", ""},
	{"GET", "/fhir/Patient/{record}", "If-None-Match: *", ""},
	{"GET", "/fhir/Patient/{hidden}", "", ""},
	{"GET", "/fhir/CareTeam?patient={record}", "", ""},
	{"GET", "/fhir/CareTeam?patient={record}&_count=1", "", ""},
	{"GET", "/fhir/CareTeam?patient.identifier={ins.token}", "", ""},
	{"GET", "/fhir/CareTeam?patient:identifier={ins.token}&_total=none", "", ""},
	{"GET", "/fhir/CareTeam?patient={record}&status=active", "", ""},
	{"GET", "/fhir/CareTeam?patient={record}&participant:identifier=899900001324", "", ""},
	{"GET", "/fhir/CareTeam?patient={record}&participant=Practitioner/x", "", ""},
	{"GET", "/fhir/CareTeam?patient={record}&participant.identifier=899900001217", "", ""},
	{"GET", "/fhir/CareTeam?patient={record}&_id={hidden}", "", ""},
	{"GET", "/fhir/CareTeam?_id=x", "", ""},
	{"GET", "/fhir/CareTeam?patient={record}&_cursor=AAAA", "", ""},
	{"GET", "/fhir/CareTeam/{hidden}", "", ""},
	{"POST", "/fhir/CareTeam/_search", "Content-Type: application/x-www-form-urlencoded", "patient={record}&_summary=count"},
	{"DELETE", "/fhir/CareTeam/{hidden}", "", ""},
	{"GET", "/fhir/Consent?patient={record}", "", ""},
	{"GET", "/fhir/Consent?patient={record}&_count=1", "", ""},
	{"GET", "/fhir/Consent?patient.identifier={ins.token}", "", ""},
	{"GET", "/fhir/Consent?patient:identifier={ins.token}&_total=none", "", ""},
	{"GET", "/fhir/Consent?patient={record}&status=active", "", ""},
	{"GET", "/fhir/Consent?patient={record}&actor:identifier=899900001324", "", ""},
	{"GET", "/fhir/Consent?patient={record}&actor=Practitioner/x", "", ""},
	{"GET", "/fhir/Consent?patient={record}&actor.identifier=899900001217", "", ""},
	{"GET", "/fhir/Consent?patient={record}&_id={hidden}", "", ""},
	{"GET", "/fhir/Consent?_id=x", "", ""},
	{"GET", "/fhir/Consent?patient={record}&_cursor=AAAA", "", ""},
	{"GET", "/fhir/Consent/{hidden}", "", ""},
	{"POST", "/fhir/Consent/_search", "Content-Type: application/x-www-form-urlencoded", "patient={record}&_summary=count"},
	{"DELETE", "/fhir/Consent/{hidden}", "", ""},
	{"POST", "/fhir/Subscription", "Content-Type: application/fhir+json", subscriptionBody},
	{"POST", "/fhir/Subscription", "If-None-Exist: url=https://nobody.invalid/{hidden}", subscriptionBody},
	{"GET", "/fhir/Subscription?patient=Patient/{record}", "", ""},
	{"GET", "/fhir/Subscription?patient=Patient/{record}&status=active&url=https://nobody.invalid/", "Prefer: handling=strict", ""},
	{"GET", "/fhir/Subscription?patient=Patient/{record}&_id={hidden}", "Prefer: handling=strict", ""},
	{"POST", "/fhir/Subscription/_search", "Content-Type: application/x-www-form-urlencoded", "_id={hidden}"},
	{"GET", "/fhir/Subscription/{hidden}", "", ""},
	{"GET", "/fhir/Subscription/{hidden}", "If-None-Match: *", ""},
	{"PUT", "/fhir/Subscription/{hidden}", "Content-Type: application/fhir+json", subscriptionBody},
	{"DELETE", "/fhir/Subscription/{hidden}", "If-Match: *", ""},
	{"GET", "/fhir/Subscription/$status?id={hidden}&status=active", "", ""},
	{"GET", "/fhir/Subscription/{hidden}/$status", "", ""},
	{"GET", "/fhir/metadata", "", ""},
	{"POST", "/fhir", "Content-Type: application/fhir+json", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"DocumentReference/{hidden}"}}]}`},
	{"POST", "/fhir", "Content-Type: application/fhir+json", `{"resourceType":"Bundle","type":`},
	{"POST", "/api/v1/records/search", "", `{"ins":"{ins}"}`},
	{"POST", "/api/v1/records/search", "", `{"ins":"x"}`},
	{"GET", "/api/v1/records/{record}", "", ""},
	{"PUT", "/api/v1/records/{record}/settings", "", `{}`},
	{"PUT", "/api/v1/records/{record}/settings", "", `{"maskAll":"oui"}`},
	{"POST", "/api/v1/records/{record}/activate", "", ""},
	{"PUT", "/api/v1/records/{record}/agreement", "", `{"agrees":true}`},
	{"PUT", "/api/v1/records/{record}/agreement", "", `{}`},
	{"POST", "/api/v1/records/{record}/oppose", "", `{"attested":true}`},
	{"POST", "/api/v1/records/{record}/reopen", "", ""},
	{"POST", "/api/v1/records/{record}/erase", "", ""},
	{"GET", "/api/v1/records/{record}/certificate", "", ""},
	{"GET", "/api/v1/records/{record}/export", "", ""},
	{"POST", "/api/v1/records/{record}/close", "", `x`},
	{"PUT", "/api/v1/records/{record}/links/dr-urg", "", `{"basis":"consent","attested":true,"expires":"2020-01-01"}`},
	{"DELETE", "/api/v1/records/{record}/links/dr-urg", "", ""},
	{"PUT", "/api/v1/records/{record}/blocks/dr-urg", "", `{"attested":true}`},
	{"DELETE", "/api/v1/records/{record}/blocks/dr-urg", "", ""},
	{"PUT", "/api/v1/records/{record}/administrator", "", `{"professional":"dr-urg"}`},
	{"POST", "/api/v1/records/{record}/documents/{hidden}/mask", "", `{"attested":true}`},
	{"POST", "/api/v1/records/{record}/documents/{hidden}/mask", "", ""},
	{"POST", "/api/v1/records/{record}/documents/urn:uuid:{hidden}/unmask", "", `{"attested":true}`},
	{"POST", "/api/v1/records/{record}/documents/{hidden}/reveal-patient", "", `{"attested":true}`},
	{"POST", "/api/v1/records/{record}/documents/{hidden}/reveal-representatives", "", `{"attested":true}`},
	{"POST", "/api/v1/records/{record}/documents/{hidden}/archive", "", `{"attested":true}`},
	{"POST", "/api/v1/records/{record}/documents/{hidden}/unarchive", "", `{"attested":true}`},
	{"POST", "/api/v1/records/{record}/documents/{hidden}/delete", "", ""},
	{"POST", "/api/v1/records/{record}/documents/{hidden}/read", "", ""},
	{"POST", "/api/v1/records/{record}/documents/{hidden}/mask", "", `{"attested":`},
	{"POST", "/intake/cda?replace={hidden.uid}", "Content-Type: application/xml", bareCDA},
	{"POST", "/intake/cda?replace=urn:uuid:{hidden}&confidentiality=MASQUE_PS", "Content-Type: text/xml", bareCDA},
	{"POST", "/intake/cda", "Content-Type: application/xml", bareCDA},
	{"GET", "/api/openapi.json", "", ""},
	{"GET", "/xds/registry?wsdl", "", ""},
	{"GET", "/xds/repository?wsdl", "", ""},
	{"GET", "/xds/gateway?wsdl", "", ""},
	{"GET", "/xds/initiating?wsdl", "", ""},
	{"DELETE", "/api/v1/records/{record}/administrator", "", ""},
	{"GET", "/api/v1/records", "", ""},
	{"GET", "/api/v1/reports", "", ""},
	{"PUT", "/api/v1/reports/AAAA-BBBB", "", `{"answer":"x"}`},
	{"GET", "/api/v1/records/{record}/delegates", "", ""},
	{"POST", "/api/v1/records/{record}/delegates", "", `{"family":"x"}`},
	{"DELETE", "/api/v1/records/{record}/delegates/self", "", ""},
	{"DELETE", "/api/v1/records/{record}/delegates/nothing", "", ""},
	{"GET", "/api/v1/applications", "", ""},
	{"GET", "/api/v1/records/{record}/applications", "", ""},
	{"PUT", "/api/v1/records/{record}/applications/nothing", "", `{"scopes":["patient/DocumentReference.rs"]}`},
	{"PUT", "/api/v1/records/{record}/applications/nothing", "", `{"scopes":"x"}`},
	{"DELETE", "/api/v1/records/{record}/applications/nothing", "", ""},
	{"GET", "/api/v1/records?by=document&since=2020-01-01", "", ""},
	{"GET", "/api/v1/records?by=nothing", "", ""},
	{"GET", "/api/v1/records/{record}/authorizations", "", ""},
	{"GET", "/api/v1/records/{record}/authorizations?access=forbidden", "", ""},
	{"GET", "/api/v1/records/{record}/profile/mesures", "", ""},
	{"PUT", "/api/v1/records/{record}/profile/allergies", "", `{"entries":[]}`},
	{"PUT", "/api/v1/records/{record}/profile/allergies", "", `{"document":"{hidden}","entries":[{"kind":"aucune","values":{}}]}`},
	{"GET", "/api/v1/records/{record}/history", "", ""},
	{"GET", "/api/v1/records/{record}/history?from=2020-01-01&to=2100-01-01", "", ""},
	{"GET", "/api/v1/records/{record}/history?actor=dr-hopital", "", ""},
	{"GET", "/api/v1/records/{record}/history?page=9.x", "", ""},
}

// queryRow is a stored query: parameters as NAME=VALUE, values joined by |.
type queryRow struct {
	query  string
	params []string
}

const (
	allStatuses = "$XDSDocumentEntryStatus=" + string(xds.Approved+"|"+xds.Deprecated+"|"+xds.Deleted)
	withArchive = "$XDSDocumentEntryStatus=" + string(xds.Archived+"|"+xds.Approved)
	ofPatient   = "$XDSDocumentEntryPatientId={ins.key}"

	approvedSets    = "$XDSSubmissionSetStatus=" + string(xds.Approved)
	approvedFolders = "$XDSFolderStatus=" + string(xds.Approved)
	anyLink         = "$XDSAssociationStatus=" + string(xds.Approved+"|"+xds.Deprecated)
	anyRelation     = "$AssociationTypes=" + string(xds.Appends+"|"+xds.Replaces+"|"+xds.Transforms+"|"+xds.Signs+"|"+xds.HasMember)
)

// queryRows are asked with both return types.
var queryRows = []queryRow{
	{"FindDocuments", []string{ofPatient, allStatuses}},
	{"FindDocuments", []string{ofPatient, withArchive}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryTypeCode={hidden.type}^^2.16.840.1.113883.6.1"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryClassCode={hidden.class}^^1.2.250.1.213.1.1.4.1"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryPracticeSettingCode=ETABLISSEMENT^^1.2.250.1.213.1.1.4.9"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryHealthcareFacilityTypeCode=SA01^^1.2.250.1.71.4.2.4"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryEventCodeList=H4A0^^2.25.7"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryConfidentialityCode=MASQUE_PS^^1.2.250.1.213.1.1.4.13"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryConfidentialityCode=INVISIBLE_PATIENT^^1.2.250.1.213.1.1.4.13"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryFormatCode=urn:ihe:iti:xds-sd:text:2008^^1.3.6.1.4.1.19376.1.2.3"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryAuthorPerson=%LECLERCQ%"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryAuthorPerson=%"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryType=urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryCreationTimeFrom=2000", "$XDSDocumentEntryCreationTimeTo=2100"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryCreationTimeFrom={hidden.dtm}"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryServiceStartTimeFrom=2000", "$XDSDocumentEntryServiceStartTimeTo={hidden.dtm}"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryServiceStopTimeFrom=2000", "$XDSDocumentEntryServiceStopTimeTo=2100"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$MetadataLevel=2"}},
	{"FindDocuments", []string{ofPatient}},
	{"GetDocuments", []string{"$XDSDocumentEntryEntryUUID=urn:uuid:{hidden}"}},
	{"GetDocuments", []string{"$XDSDocumentEntryLogicalID=urn:uuid:{hidden}"}},
	{"GetDocuments", []string{"$XDSDocumentEntryUniqueId={hidden.uid}"}},
	{"GetDocuments", []string{"$XDSDocumentEntryUniqueId={one.uid}|{hidden.uid}", "$MetadataLevel=2"}},
	{"GetDocuments", []string{"$XDSDocumentEntryLogicalID=urn:uuid:{hidden}", "$MetadataLevel=2"}},
	{"GetDocuments", []string{"$XDSDocumentEntryUniqueId={one.uid}|{hidden.uid}|{own.uid}|{never.uid}"}},
	{"GetDocuments", []string{"$XDSDocumentEntryEntryUUID=urn:uuid:{one}|urn:uuid:{hidden}|urn:uuid:{two}"}},
	{"GetDocuments", []string{"$XDSDocumentEntryEntryUUID=urn:uuid:{hidden.set}"}},
	{"GetDocuments", []string{"$XDSDocumentEntryUniqueId={hidden.uid}", "$homeCommunityId=urn:oid:1.2.3"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetEntryUUID=urn:uuid:{hidden.set}"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId={hidden.setuid}"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetEntryUUID=urn:uuid:{hidden}"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId={one.setuid}"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId={two.setuid}"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId={shared.setuid}"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId={late.setuid}"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId={shared.setuid}", "$XDSDocumentEntryConfidentialityCode=MASQUE_PS^^1.2.250.1.213.1.1.4.13"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId={shared.setuid}", "$XDSDocumentEntryFormatCode=urn:ihe:iti:xds-sd:text:2008^^1.3.6.1.4.1.19376.1.2.3"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId={shared.setuid}", "$XDSDocumentEntryType=urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId={shared.setuid}", "$homeCommunityId=urn:oid:1.2.3"}},
	{"FindDocuments", []string{ofPatient, allStatuses, "$XDSDocumentEntryDocumentAvailability=Online"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId={shared.setuid}", anyLink, "$MetadataLevel=2"}},
	{"FindDocumentsByReferenceId", []string{ofPatient, allStatuses, "$XDSDocumentEntryReferenceIdList=x^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession"}},
	{"FindDocumentsByReferenceId", append([]string{"$XDSDocumentEntryReferenceIdList=x^^^&1.2.3&ISO^y", "$XDSDocumentEntryEventCodeList=H4A0^^2.25.7"}, wide...)},
	{"FindDocumentsByTitle", []string{ofPatient, allStatuses, "$XDSDocumentEntryTitle=%"}},
	{"FindDocumentsByTitle", []string{ofPatient, allStatuses, "$XDSDocumentEntryTitle=Cachotterie%"}},
	{"FindDocumentsByTitle", append([]string{"$XDSDocumentEntryTitle=%", "$XDSDocumentEntryAuthorInstitution=%", "$XDSDocumentEntryEventCodeList=H4A0^^2.25.7"}, wide...)},
	{"FindSubmissionSets", []string{"$XDSSubmissionSetPatientId={ins.key}", approvedSets}},
	{"FindSubmissionSets", []string{"$XDSSubmissionSetPatientId={ins.key}", approvedSets, "$XDSSubmissionSetSubmissionTimeFrom={hidden.dtm}", "$XDSSubmissionSetSubmissionTimeTo=2100",
		"$XDSSubmissionSetAuthorPerson=%"}},
	{"FindSubmissionSets", []string{"$XDSSubmissionSetPatientId={ins.key}", approvedSets, "$XDSSubmissionSetSourceId=1.2.3", "$XDSSubmissionSetContentType=04^^1.2.250.1.213.2.2"}},
	{"FindFolders", []string{"$XDSFolderPatientId={ins.key}", approvedFolders}},
	{"FindFolders", []string{"$XDSFolderPatientId={ins.key}", approvedFolders, "$XDSFolderLastUpdateTimeFrom=2000", "$XDSFolderLastUpdateTimeTo=2100", "$XDSFolderCodeList=C^^1.2.3"}},
	{"GetAll", []string{"$patientId={ins.key}", allStatuses, approvedSets, approvedFolders}},
	{"GetAll", []string{"$patientId={ins.key}", allStatuses, approvedSets, approvedFolders, anyLink, "$MetadataLevel=2", "$XDSDocumentEntryType=urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"}},
	{"GetAll", []string{"$patientId={ins.key}", allStatuses, approvedSets, approvedFolders, "$XDSDocumentEntryConfidentialityCode=MASQUE_PS^^1.2.250.1.213.1.1.4.13",
		"$XDSDocumentEntryFormatCode=urn:ihe:iti:xds-sd:text:2008^^1.3.6.1.4.1.19376.1.2.3"}},
	{"GetFolders", []string{"$XDSFolderEntryUUID=urn:uuid:{hidden.folder}"}},
	{"GetFolders", []string{"$XDSFolderLogicalID=urn:uuid:{hidden.folder}"}},
	{"GetFolders", []string{"$XDSFolderUniqueId={hidden.folder.uid}|{never.uid}", "$homeCommunityId=urn:oid:1.2.3"}},
	{"GetFolders", []string{"$XDSFolderUniqueId={hidden.folder.uid}|{never.uid}"}},
	{"GetFolders", []string{"$XDSFolderEntryUUID=urn:uuid:{box}|urn:uuid:{hidden}"}},
	{"GetAssociations", []string{"$uuid=urn:uuid:{one}"}},
	{"GetAssociations", []string{"$uuid=urn:uuid:{hidden}"}},
	{"GetAssociations", []string{"$uuid=urn:uuid:{hidden.set}|urn:uuid:{hidden.folder}|urn:uuid:{hidden.member}|urn:uuid:{hidden.relation}"}},
	{"GetAssociations", []string{"$uuid=urn:uuid:{one}|urn:uuid:{two}|urn:uuid:{hidden}", anyLink, "$MetadataLevel=2"}},
	{"GetAssociations", []string{"$uuid=urn:uuid:{box}"}},
	{"GetAssociations", []string{"$uuid=urn:uuid:{late}"}},
	{"GetAssociations", []string{"$uuid=urn:uuid:{hidden}", "$homeCommunityId=urn:oid:1.2.3"}},
	{"GetDocumentsAndAssociations", []string{"$XDSDocumentEntryEntryUUID=urn:uuid:{hidden}|urn:uuid:{one}"}},
	{"GetDocumentsAndAssociations", []string{"$XDSDocumentEntryUniqueId={hidden.uid}", anyLink, "$MetadataLevel=2"}},
	{"GetDocumentsAndAssociations", []string{"$XDSDocumentEntryUniqueId={shared.uid}"}},
	{"GetDocumentsAndAssociations", []string{"$XDSDocumentEntryUniqueId={hidden.uid}", "$homeCommunityId=urn:oid:1.2.3"}},
	{"GetSubmissionSets", []string{"$uuid=urn:uuid:{hidden}"}},
	{"GetSubmissionSets", []string{"$uuid=urn:uuid:{one}|urn:uuid:{hidden}|urn:uuid:{two}|urn:uuid:{hidden.folder}"}},
	{"GetSubmissionSets", []string{"$uuid=urn:uuid:{box}"}},
	{"GetSubmissionSets", []string{"$uuid=urn:uuid:{hidden}", "$homeCommunityId=urn:oid:1.2.3"}},
	{"GetFolderAndContents", []string{"$XDSFolderEntryUUID=urn:uuid:{hidden.folder}"}},
	{"GetFolderAndContents", []string{"$XDSFolderUniqueId={hidden.folder.uid}", "$homeCommunityId=urn:oid:1.2.3"}},
	{"GetFolderAndContents", []string{"$XDSFolderUniqueId={box.uid}"}},
	{"GetFolderAndContents", []string{"$XDSFolderUniqueId={box.uid}", "$XDSDocumentEntryConfidentialityCode=MASQUE_PS^^1.2.250.1.213.1.1.4.13", "$XDSDocumentEntryFormatCode=x^^1.2.3"}},
	{"GetFolderAndContents", []string{"$XDSFolderUniqueId={box.uid}", "$XDSDocumentEntryType=urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1", anyLink, "$MetadataLevel=2"}},
	{"GetFoldersForDocument", []string{"$XDSDocumentEntryEntryUUID=urn:uuid:{hidden}"}},
	{"GetFoldersForDocument", []string{"$XDSDocumentEntryUniqueId={hidden.uid}", anyLink, "$MetadataLevel=2"}},
	{"GetFoldersForDocument", []string{"$XDSDocumentEntryUniqueId={shared.uid}"}},
	{"GetFoldersForDocument", []string{"$XDSDocumentEntryUniqueId={hidden.uid}", "$homeCommunityId=urn:oid:1.2.3"}},
	{"GetRelatedDocuments", []string{"$XDSDocumentEntryUniqueId={hidden.uid}", anyRelation}},
	{"GetRelatedDocuments", []string{"$XDSDocumentEntryEntryUUID=urn:uuid:{one}", anyRelation}},
	{"GetRelatedDocuments", []string{"$XDSDocumentEntryEntryUUID=urn:uuid:{late}", anyRelation}},
	{"GetRelatedDocuments", []string{"$XDSDocumentEntryEntryUUID=urn:uuid:{two}", anyRelation, "$XDSDocumentEntryType=urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1", anyLink, "$MetadataLevel=2"}},
	{"GetRelatedDocuments", []string{"$XDSDocumentEntryUniqueId={hidden.uid}", anyRelation, "$homeCommunityId=urn:oid:1.2.3"}},
	{"FindDocumentsForMultiplePatients", []string{ofPatient, allStatuses, "$XDSDocumentEntryHealthcareFacilityTypeCode=SA01^^1.2.250.1.71.4.2.4"}},
	{"FindDocumentsForMultiplePatients", append([]string{"$XDSDocumentEntryEventCodeList=H4A0^^2.25.7"}, wide...)},
	{"FindFoldersForMultiplePatients", []string{"$XDSFolderPatientId={ins.key}", approvedFolders, "$XDSFolderCodeList=C^^1.2.3"}},
	{"FindFoldersForMultiplePatients", []string{"$XDSFolderPatientId={ins.key}", approvedFolders, "$XDSFolderCodeList=C^^1.2.3", "$XDSFolderLastUpdateTimeFrom=2000", "$XDSFolderLastUpdateTimeTo=2100"}},
}

// wide are all filters of a search for documents, with values that most have.
var wide = []string{ofPatient, allStatuses, "$XDSDocumentEntryType=urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1", "$XDSDocumentEntryClassCode={hidden.class}^^1.2.250.1.213.1.1.4.1",
	"$XDSDocumentEntryTypeCode={hidden.type}^^2.16.840.1.113883.6.1", "$XDSDocumentEntryPracticeSettingCode=ETABLISSEMENT^^1.2.250.1.213.1.1.4.9",
	"$XDSDocumentEntryHealthcareFacilityTypeCode=SA01^^1.2.250.1.71.4.2.4", "$XDSDocumentEntryConfidentialityCode=N^^2.16.840.1.113883.5.25",
	"$XDSDocumentEntryFormatCode=urn:ihe:iti:xds-sd:text:2008^^1.3.6.1.4.1.19376.1.2.3", "$XDSDocumentEntryAuthorPerson=%", "$XDSDocumentEntryDocumentAvailability=Online",
	"$XDSDocumentEntryCreationTimeFrom=2000", "$XDSDocumentEntryCreationTimeTo=2100", "$XDSDocumentEntryServiceStartTimeFrom=2000", "$XDSDocumentEntryServiceStartTimeTo=2100",
	"$XDSDocumentEntryServiceStopTimeFrom=2000", "$XDSDocumentEntryServiceStopTimeTo=2100"}

// retrieveRows are the ids of one ITI-43 each.
var retrieveRows = [][]string{
	{"{hidden.uid}"}, {"{one.uid}", "{hidden.uid}", "{never.uid}"}, {"{hidden}"}, {"urn:oid:{hidden.uid}"}, {"{hidden.uid}", "{hidden.uid}"}, {"{shared.uid}", "{hidden.uid}"},
}

// depositRow is a submission that points at something. Both faces refuse it.
type depositRow struct {
	relate xds.AssociationType
	target string
}

var depositRows = []depositRow{
	{xds.Replaces, "{hidden}"}, {xds.Appends, "{hidden}"}, {xds.Transforms, "{hidden}"}, {xds.TransReplace, "{hidden}"}, {xds.Signs, "{hidden}"},
	{xds.Replaces, "{hidden.set}"}, {xds.Appends, "{hidden.member}"}, {xds.Replaces, "{hidden.relation}"},
	{xds.HasMember, "{hidden.folder}"}, {xds.HasMember, "{hidden}"}, // puts the document of the asker into it
}

// corpus is every question about the documents of a pair of worlds; rows that name
// what these worlds have not are left out.
func (p *pair) corpus() []question {
	var all []question
	for i, name := range p.scenario.hidden {
		about := func(text string) (string, bool) {
			for _, absent := range []string{"shared", "late", "box"} {
				if _, there := p.worlds[0].ids[absent]; !there && strings.Contains(text, "{"+absent) {
					return "", false
				}
			}
			return strings.ReplaceAll(text, "{hidden", "{"+name), i == 0 || strings.Contains(text, "{hidden")
		}
		all = append(all, rowsAbout(about)...)
	}
	if p.asks == nil {
		return all
	}
	return slices.DeleteFunc(all, func(q question) bool { return !p.asks(q) })
}

// rowsAbout are the questions of all tables whose text about keeps, as it writes it.
func rowsAbout(about func(string) (string, bool)) []question {
	var all []question
	for _, r := range httpRows {
		if _, wanted := about(r.path + r.header + r.body); !wanted {
			continue
		}
		r.path, _ = about(r.path)
		r.header, _ = about(r.header)
		r.body, _ = about(r.body)
		all = append(all, r.question())
	}
	for _, r := range queryRows {
		if text, wanted := about(strings.Join(r.params, "\n")); wanted {
			r.params = strings.Split(text, "\n")
			all = append(all, r.question(ebrim.LeafClass), r.question(ebrim.ObjectRef))
		}
	}
	for _, r := range crossRows {
		if text, wanted := about(strings.Join(r.params, "\n")); wanted {
			r.params = strings.Split(text, "\n")
			all = append(all, r.questions()...)
		}
	}
	for _, r := range brokerRows {
		if text, wanted := about(r.about); wanted {
			r.about = text
			all = append(all, r.question())
		}
	}
	for _, ids := range retrieveRows {
		if text, wanted := about(strings.Join(ids, "\n")); wanted {
			all = append(all, retrieveQuestion(strings.Split(text, "\n")))
		}
	}
	for _, r := range updateRows {
		if text, wanted := about(r.target); wanted {
			r.target = text
			all = append(all, r.questions()...)
		}
	}
	if text, wanted := about("{hidden}"); wanted {
		all = append(all, removeQuestions(text)...)
	}
	for _, r := range depositRows {
		if text, wanted := about(r.target); wanted {
			r.target = text
			all = append(all, r.bySOAP(), r.byRegistration(kitRegister, "ITI-42", xds.StableDocument), r.byRegistration(kitOnDemand, "ITI-61", xds.OnDemandDocument))
			if slices.Contains([]xds.AssociationType{xds.Replaces, xds.Appends, xds.Transforms}, r.relate) { // what relatesTo can say
				all = append(all, r.byFHIR(false), r.byFHIR(true))
			}
		}
	}
	return all
}

// header is the row's header as net/http has it.
func (r httpRow) headers(w *world) http.Header {
	h := http.Header{}
	if r.body != "" {
		h.Set("Content-Type", "application/json")
	}
	if name, value, ok := strings.Cut(r.header, ": "); ok {
		h.Set(name, w.fill(value))
	}
	return h
}

func (r httpRow) question() question {
	path, _, _ := strings.Cut(r.path, "?")
	q := question{route: r.method + " " + path, text: strings.TrimSpace(strings.TrimPrefix(r.path, path) + " " + r.header + " " + r.body)}
	q.byID = strings.Contains(r.path, "{hidden") || strings.Contains(r.path, "/{one}")
	q.ask = func(t *testing.T, w *world, b *kitBearer) string {
		t.Helper()
		var whole []string
		for next := w.fill(r.path); next != ""; {
			answer := w.send(t, r.method, next, b.jwt(t), r.headers(w), []byte(w.fill(r.body)))
			if strings.HasSuffix(r.path, "/export") {
				answer.body = unpack(t, answer.body)
			}
			whole = append(whole, kitWhole(answer.status, answer.header, answer.body))
			if next = nextPage(answer.body, w.url); len(whole) > 20 {
				t.Fatalf("no last page: %s", r.path)
			}
		}
		return strings.Join(whole, pageBreak)
	}
	return q
}

// nextPage is the path of the next page of a searchset, "" on the last one.
func nextPage(body []byte, base string) string {
	var set struct {
		Link []struct{ Relation, URL string }
	}
	if json.Unmarshal(body, &set) != nil {
		return ""
	}
	for _, l := range set.Link {
		if l.Relation == "next" {
			return strings.TrimPrefix(l.URL, base)
		}
	}
	return ""
}

func (r queryRow) question(as ebrim.ReturnType) question {
	transaction, action := "ITI-18 ", kitQuery
	if ebrim.Lookup(r.query).MultiPatient {
		transaction, action = "ITI-51 ", kitMany
	}
	q := question{route: transaction + r.query, text: string(as) + " " + strings.Join(r.params, " "), byID: !strings.HasPrefix(r.query, "Find")}
	q.ask = func(t *testing.T, w *world, b *kitBearer) string {
		t.Helper()
		var params []ebrim.QueryParam
		for _, p := range r.params {
			name, value, _ := strings.Cut(w.fill(p), "=")
			params = append(params, ebrim.QueryParam{Name: name, Values: strings.Split(value, "|")})
		}
		_, _, whole := w.post(t, b, action, ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup(r.query).UUID, ReturnType: as, Params: params}))
		return whole
	}
	return q
}

func retrieveQuestion(ids []string) question {
	q := question{route: "ITI-43", text: strings.Join(ids, " "), byID: true}
	q.ask = func(t *testing.T, w *world, b *kitBearer) string {
		t.Helper()
		var requests []ebrim.RetrieveRequest
		for _, id := range ids {
			requests = append(requests, ebrim.RetrieveRequest{RepositoryUniqueID: sandbox.RepositoryID, DocumentUniqueID: w.fill(id)})
		}
		_, _, whole := w.post(t, b, kitRetrieve, ebrim.AppendRetrieveRequest(nil, requests))
		return whole
	}
	return q
}

// lot is the submission of a row: a document of the asker's, of ids of its own.
func (r depositRow) lot(t *testing.T, w *world, b *kitBearer, face string) (xds.Submission, map[string][]byte) {
	t.Helper()
	name := "probe." + face + "." + string(r.relate) + "." + r.target
	as := b.claims.As
	d := w.document(t, w.patient, as, "", "11502-2")
	d.entry.EntryUUID, d.entry.UniqueID = w.uuid(name), w.oid(name+".uid")
	d.entry.CreationTime, d.entry.ServiceStart = xds.NewDTM(w.base), xds.NewDTM(w.base)
	d.content = []byte("sonde")
	d.entry.Hash, d.entry.Size = "", 0
	lot, content := w.lot(w.patient, as, d)
	lot.Set.EntryUUID, lot.Set.UniqueID, lot.Set.SubmissionTime = w.uuid(name+".set"), w.oid(name+".setuid"), xds.NewDTM(w.base)
	lot.Associations[0].EntryUUID, lot.Associations[0].Source = w.uuid(name+".member"), lot.Set.EntryUUID
	source, target := d.entry.EntryUUID, "urn:uuid:"+w.fill(r.target)
	if r.relate == xds.HasMember {
		source, target = target, source
	}
	kitRelate(&lot, r.relate, source, target)
	lot.Associations[1].EntryUUID = w.uuid(name + ".relation")
	return lot, content
}

func (r depositRow) bySOAP() question {
	q := question{route: "ITI-41", text: fmt.Sprintf("%s %s", r.relate, r.target)}
	q.ask = func(t *testing.T, w *world, b *kitBearer) string {
		t.Helper()
		lot, content := r.lot(t, w, b, "soap")
		return refused(t, w.provide(t, b, lot, content))
	}
	return q
}

// byRegistration sends the metadata alone; the document is in another house.
func (r depositRow) byRegistration(action, name, kind string) question {
	q := question{route: name, text: fmt.Sprintf("%s %s", r.relate, r.target)}
	q.ask = func(t *testing.T, w *world, b *kitBearer) string {
		t.Helper()
		lot, _ := r.lot(t, w, b, name)
		d := &lot.Documents[0]
		d.ObjectType, d.RepositoryUniqueID = kind, "2.25.4242"
		if kind == xds.StableDocument {
			d.Hash, d.Size = strings.Repeat("ab", 20), 5
		}
		return refused(t, w.registerMetadata(t, b, action, lot))
	}
	return q
}

// byFHIR points at the target by its id or, as a logical reference, by its uniqueId;
// the bundle is to be left alone if that already exists.
func (r depositRow) byFHIR(logical bool) question {
	q := question{route: "POST /fhir", text: fmt.Sprintf("ITI-65 %s %s logical=%v", r.relate, r.target, logical)}
	q.ask = func(t *testing.T, w *world, b *kitBearer) string {
		t.Helper()
		lot, content := r.lot(t, w, b, fmt.Sprint("fhir", logical))
		raw := string(kitBundle(t, lot, content))
		target := w.fill(r.target)
		if logical {
			uid := w.fill(strings.TrimSuffix(r.target, "}") + ".uid}")
			raw = strings.Replace(raw, `{"reference":"DocumentReference/`+target+`"}`, `{"identifier":{"system":"urn:ietf:rfc:3986","value":"urn:oid:`+uid+`"}}`, 1)
			raw = strings.Replace(raw, `"request":{"method":"POST"`, `"request":{"ifNoneExist":"identifier=`+uid+`","method":"POST"`, 1)
		}
		_, answer := w.fhir(t, b, http.MethodPost, "", []byte(raw))
		return refused(t, answer)
	}
	return q
}

// refused makes sure that a probe was not stored.
func refused(t *testing.T, answer kitAnswer) string {
	t.Helper()
	if answer.code == "" {
		t.Errorf("a probe was stored: %s", answer.whole)
	}
	return answer.whole
}
