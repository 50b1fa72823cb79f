package iti_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// registryObjects is a submission as stacks write it: XML of their own making, long
// prefixes or none, white space between elements, attributes in any order.
func (w *world) registryObjects(prefix string, h holder) (text, uniqueID string) {
	lot := w.lot(server, h)
	uniqueID = lot.Documents[0].UniqueID
	slot := func(name string, values ...string) string {
		s := "\n  <R:Slot name='" + name + "'>\n   <R:ValueList>"
		for _, v := range values {
			s += "\n    <R:Value>\n     " + v + "\n    </R:Value>"
		}
		return s + "\n   </R:ValueList></R:Slot>"
	}
	n := 0
	code := func(object, scheme, value, system string) string {
		n++
		return fmt.Sprintf("\n  <R:Classification nodeRepresentation=%q classifiedObject=%q id=\"cl%d\" classificationScheme=%q objectType=\"urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Classification\">"+
			"%s<R:Name><R:LocalizedString xml:lang=\"fr-FR\" value=\"x\"/></R:Name></R:Classification>", value, object, n, scheme, slot("codingScheme", system))
	}
	external := func(object, scheme, name, value string) string {
		n++
		return fmt.Sprintf("\n  <R:ExternalIdentifier value=%q registryObject=%q identificationScheme=%q id=\"ei%d\"><R:Name><R:LocalizedString value=%q/></R:Name></R:ExternalIdentifier>",
			strings.ReplaceAll(value, "&", "&amp;"), object, scheme, n, name)
	}
	author := func(object, scheme, person string) string {
		n++
		s := fmt.Sprintf("\n  <R:Classification id=\"cl%d\" classificationScheme=%q classifiedObject=%q nodeRepresentation=\"\">", n, scheme, object)
		if person != "" {
			s += slot("authorPerson", person)
		}
		return s + slot("authorInstitution", "CHU^^^^^&amp;1.2.250.1.71.4.2.2&amp;ISO^IDNST^^^"+hospital) + "</R:Classification>"
	}
	ins := string(h.ins)
	doctor := author0()
	text = `<L:SubmitObjectsRequest>
 <R:RegistryObjectList>
 <R:ExtrinsicObject mimeType="text/xml" id="Document01" objectType="` + xds.StableDocument + `">` +
		slot("creationTime", "20260131") + slot("languageCode", "fr-FR") + slot("serviceStartTime", "20260130") +
		slot("sourcePatientId", "IPP1^^^&amp;1.2.3.4&amp;ISO^PI") + slot("sourcePatientInfo", "PID-5|DURAND^Alice", "PID-7|"+h.traits.BirthDate, "PID-8|F") +
		slot("legalAuthenticator", doctor) + "\n  <R:Name><R:LocalizedString value='CR d&apos;examens'/></R:Name><R:Description/>" +
		author("Document01", "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d", doctor) +
		code("Document01", "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983", "11502-2", loinc) +
		code("Document01", "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d", "urn:ihe:iti:xds-sd:pdf:2008", "1.3.6.1.4.1.19376.1.2.3") +
		code("Document01", "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1", "SA01", "1.2.250.1.71.4.2.4") +
		code("Document01", "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead", "ETABLISSEMENT", "1.2.250.1.213.1.1.4.9") +
		code("Document01", "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f", "N", xds.ConfidentialityOID) +
		external("Document01", "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427", "XDSDocumentEntry.patientId", ins) +
		external("Document01", "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab", "XDSDocumentEntry.uniqueId", uniqueID) + `
 </R:ExtrinsicObject>
 <R:RegistryPackage id="Set01">` + slot("submissionTime", "20260131120000") +
		author("Set01", "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d", "") +
		code("Set01", "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500", "03", "1.2.250.1.213.2.2") +
		external("Set01", "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446", "XDSSubmissionSet.patientId", ins) +
		external("Set01", "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8", "XDSSubmissionSet.uniqueId", lot.Set.UniqueID) +
		external("Set01", "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832", "XDSSubmissionSet.sourceId", "1.2.5") + `
 </R:RegistryPackage>
 <R:Classification id="clNode" classifiedObject="Set01" classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"/>
 <R:Association id="as1" targetObject="Document01" sourceObject="Set01" associationType="urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember">` +
		slot("SubmissionSetStatus", "Original") + `</R:Association>
 </R:RegistryObjectList>
</L:SubmitObjectsRequest>`
	return strings.NewReplacer("<R:", "<"+prefix, "</R:", "</"+prefix, "<L:", "<lcm:", "</L:", "</lcm:").Replace(text), uniqueID
}

// author0 is the doctor of a lot, as XML text.
func author0() string {
	return strings.ReplaceAll(string(xds.NewXCN(author.ID, "HOPITAL", "Ève", "1.2.250.1.71.4.2.1", "IDNPS")), "&", "&amp;")
}

// TestDialects: submissions as two families of stacks write them, end to end. The
// messages are ours, in their style.
func TestDialects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const content = "%PDF-1.7\r\n\x00\x01--uuid:\r\n"
	for _, c := range []struct {
		name   string
		prefix string
		build  func(objects string, token []byte) (contentType, body string)
	}{
		{"CXF", "ns3:", func(objects string, token []byte) (string, string) {
			const boundary = "uuid:3a0e4ad2-7c7f-4b1b-9a3e-0c9d"
			env := `<soap:Envelope xmlns:soap="` + soap.NS + `"><soap:Header><Action xmlns="` + soap.NSAddr + `" xmlns:soap="` + soap.NS + `" soap:mustUnderstand="true">` + actionSubmit +
				`</Action><MessageID xmlns="` + soap.NSAddr + `">urn:uuid:7d1c</MessageID><To xmlns="` + soap.NSAddr + `">` + w.server.URL + `/xds/repository</To><ReplyTo xmlns="` + soap.NSAddr +
				`"><Address>http://www.w3.org/2005/08/addressing/anonymous</Address></ReplyTo>` + string(token) + `</soap:Header><soap:Body>` +
				`<ns5:ProvideAndRegisterDocumentSetRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" xmlns:ns3="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" xmlns:ns4="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" xmlns:ns5="urn:ihe:iti:xds-b:2007">` +
				objects + `<ns5:Document id="Document01"><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:8f2e-1@urn%3Aihe%3Aiti%3Axds-b%3A2007"/></ns5:Document></ns5:ProvideAndRegisterDocumentSetRequest></soap:Body></soap:Envelope>`
			return `multipart/related; type="application/xop+xml"; boundary="` + boundary + `"; start="<root.message@cxf.apache.org>"; start-info="application/soap+xml; action=\"` + actionSubmit + `\""`,
				"\r\n--" + boundary + "\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml; action=\\\"" + actionSubmit + "\\\"\"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <root.message@cxf.apache.org>\r\n\r\n" +
					env + "\r\n--" + boundary + "\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <8f2e-1@urn:ihe:iti:xds-b:2007>\r\n\r\n" + content + "\r\n--" + boundary + "--"
		}},
		{"Axis2", "", func(objects string, token []byte) (string, string) {
			const boundary = "MIMEBoundaryurn_uuid_9D20AB"
			env := `<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv="` + soap.NS + `"><soapenv:Header xmlns:wsa="` + soap.NSAddr + `"><wsa:To soapenv:mustUnderstand="true">` + w.server.URL +
				`/xds/repository</wsa:To>` + string(token) + `<wsa:MessageID soapenv:mustUnderstand="true">urn:uuid:9D21</wsa:MessageID><wsa:Action soapenv:mustUnderstand="true">` + actionSubmit +
				`</wsa:Action></soapenv:Header><soapenv:Body><xdsb:ProvideAndRegisterDocumentSetRequest xmlns:xdsb="urn:ihe:iti:xds-b:2007" xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0">` +
				strings.Replace(objects, "<RegistryObjectList>", `<RegistryObjectList xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">`, 1) +
				"\n<xdsb:Document id=\"Document01\">\n<xop:Include href=\"cid:1.urn:uuid:9D22@apache.org\" xmlns:xop=\"http://www.w3.org/2004/08/xop/include\"/></xdsb:Document>" +
				`</xdsb:ProvideAndRegisterDocumentSetRequest></soapenv:Body></soapenv:Envelope>`
			return `multipart/related; boundary=` + boundary + `; type="application/xop+xml"; start="<0.urn:uuid:9D21@apache.org>"; start-info="application/soap+xml"; action="` + actionSubmit + `"`,
				"--" + boundary + "\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml\"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <0.urn:uuid:9D21@apache.org>\r\n\r\n" +
					env + "\r\n--" + boundary + "\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <1.urn:uuid:9D22@apache.org>\r\n\r\n" + content + "\r\n--" + boundary + "--\r\n"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			objects, id := w.registryObjects(c.prefix, w.alice)
			contentType, body := c.build(objects, w.security(on(server, w.alice)))
			if got, raw := w.send("/xds/repository", contentType, body); got != "200 Success" {
				t.Fatalf("%s\n%s", got, raw)
			}
			outcome, got, _ := w.retrieve(on(durand, w.alice), id)
			if outcome != "Success" || got[id] != "text/xml "+content {
				t.Errorf("%s: %q", outcome, got[id])
			}
			if d := w.entry(w.alice, id); d.Title != "CR d'examens" || len(d.SourcePatientInfo) != 3 {
				t.Errorf("read as %+v", d)
			}
		})
	}
}
