package soap

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDialects reads one submission of two documents as the stacks of the field
// write it. The messages are ours, in the style of each.
func TestDialects(t *testing.T) {
	for _, d := range []struct {
		name        string
		contentType string
		boundary    string
		rootHeader  string
		cids        [2]string // as in href
		partHeaders [2]string
		lf          bool
		preamble    string
	}{
		{
			name:        "CXF",
			contentType: `multipart/related; type="application/xop+xml"; boundary="uuid:3a0e4ad2-7c7f-4b1b-9a3e-0c9d"; start="<root.message@cxf.apache.org>"; start-info="application/soap+xml; action=\"` + iti41 + `\""`,
			boundary:    "uuid:3a0e4ad2-7c7f-4b1b-9a3e-0c9d",
			rootHeader:  "Content-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml; action=\\\"" + iti41 + "\\\"\"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <root.message@cxf.apache.org>\r\n",
			cids:        [2]string{"8f2e-1@urn%3Aihe%3Aiti%3Axds-b%3A2007", "8f2e-2@urn%3Aihe%3Aiti%3Axds-b%3A2007"},
			partHeaders: [2]string{"Content-Type: text/xml\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <8f2e-1@urn%3Aihe%3Aiti%3Axds-b%3A2007>\r\n", "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <8f2e-2@urn:ihe:iti:xds-b:2007>\r\n"},
			preamble:    "\r\n",
		},
		{
			name:        "Axis2",
			contentType: `multipart/related; boundary=MIMEBoundaryurn_uuid_9D20; type="application/xop+xml"; start="<0.urn:uuid:9D21@apache.org>"; start-info="application/soap+xml"; action="` + iti41 + `"`,
			boundary:    "MIMEBoundaryurn_uuid_9D20",
			rootHeader:  "Content-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml\"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <0.urn:uuid:9D21@apache.org>\r\n",
			cids:        [2]string{"1.urn:uuid:9D22@apache.org", "2.urn:uuid:9D23@apache.org"},
			partHeaders: [2]string{"Content-Type: text/xml\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <1.urn:uuid:9D22@apache.org>\r\n", "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <2.urn:uuid:9D23@apache.org>\r\n"},
		},
		{
			name:        "Metro",
			contentType: `multipart/related;start="<rootpart*7a11@example.jaxws.sun.com>";type="application/xop+xml";boundary="uuid:7a11";start-info="application/soap+xml;action=\"` + iti41 + `\""`,
			boundary:    "uuid:7a11",
			rootHeader:  "Content-Id: <rootpart*7a11@example.jaxws.sun.com>\r\nContent-Type: application/xop+xml;charset=utf-8;type=\"application/soap+xml;action=\\\"" + iti41 + "\\\"\"\r\nContent-Transfer-Encoding: binary\r\n",
			cids:        [2]string{"b1+1@example.jaxws.sun.com", "b1+2@example.jaxws.sun.com"},
			partHeaders: [2]string{"Content-Id: <b1+1@example.jaxws.sun.com>\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: binary\r\n", "Content-Id: <b1+2@example.jaxws.sun.com>\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: binary\r\n"},
		},
		{
			name:        "WCF",
			contentType: `multipart/related; type="application/xop+xml";start="<http://tempuri.org/0>";boundary="uuid:1b0c+id=1";start-info="application/soap+xml"; action="` + iti41 + `"`,
			boundary:    "uuid:1b0c+id=1",
			rootHeader:  "Content-ID: <http://tempuri.org/0>\r\nContent-Transfer-Encoding: 8bit\r\nContent-Type: application/xop+xml;charset=utf-8;type=\"application/soap+xml\"\r\n",
			cids:        [2]string{"http%3A%2F%2Ftempuri.org%2F1%2F637", "http%3A%2F%2Ftempuri.org%2F2%2F637"},
			partHeaders: [2]string{"Content-ID: <http://tempuri.org/1/637>\r\nContent-Transfer-Encoding: binary\r\nContent-Type: application/octet-stream\r\n", "Content-ID: <http://tempuri.org/2/637>\r\nContent-Transfer-Encoding: binary\r\nContent-Type: application/octet-stream\r\n"},
			preamble:    "\r\n",
		},
		{
			name:        "SoapUI",
			contentType: `multipart/related; type="application/xop+xml"; start="<rootpart@soapui.org>"; start-info="application/soap+xml"; action="` + iti41 + `"; boundary="----=_Part_3_1234.5678"`,
			boundary:    "----=_Part_3_1234.5678",
			rootHeader:  "Content-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml\"; action=\"" + iti41 + "\"\r\nContent-Transfer-Encoding: 8bit\r\nContent-ID: <rootpart@soapui.org>\r\n",
			cids:        [2]string{"doc.xml", "1234"},
			partHeaders: [2]string{"Content-Type: text/xml; charset=us-ascii; name=doc.xml\r\nContent-Transfer-Encoding: 7bit\r\nContent-ID: <doc.xml>\r\nContent-Disposition: attachment; name=\"doc.xml\"; filename=\"doc.xml\"\r\n", "Content-Type: application/pdf; name=a b.pdf\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <1234>\r\n"},
			preamble:    "\r\n",
		},
		{
			name:        "gSOAP",
			contentType: `multipart/related; charset=utf-8; boundary="==AbCd/12=="; type="application/xop+xml"; start="<SOAP-ENV:Envelope>"; start-info="application/soap+xml; charset=utf-8"; action="` + iti41 + `"`,
			boundary:    "==AbCd/12==",
			rootHeader:  "Content-Type: application/xop+xml; charset=utf-8; type=\"application/soap+xml\"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <SOAP-ENV:Envelope>\r\n",
			cids:        [2]string{"id1", "id2"},
			partHeaders: [2]string{"Content-Type: text/xml\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <id1>\r\n", "Content-Type: application/pdf\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <id2>\r\nContent-Description: scan\r\n"},
		},
		{
			name:        "Mirth",
			contentType: `Multipart/Related; boundary=MIME_boundary; start-info=text/xml; type=application/xop+xml; start=<root@mirth>`,
			boundary:    "MIME_boundary",
			rootHeader:  "content-type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\ncontent-id: <root@mirth>\r\n",
			cids:        [2]string{"d1", "d2"},
			partHeaders: [2]string{"content-id: <d1>\r\n", "content-id: <d2>\r\ncontent-type: text/plain\r\n"},
		},
		{
			name:        "by hand, LF",
			contentType: `multipart/related; boundary=b; type="application/xop+xml"`,
			boundary:    "b",
			rootHeader:  "Content-Type: application/xop+xml\r\n",
			cids:        [2]string{"d1", "d2"},
			partHeaders: [2]string{"Content-ID: d1\r\n", "Content-ID:<d2>\r\n"},
			lf:          true,
			preamble:    "a note\r\n",
		},
	} {
		t.Run(d.name, func(t *testing.T) {
			contents := [2]string{"<ClinicalDocument/>\n", "%PDF-1.7\n\x00--\n"}
			body := d.preamble + "--" + d.boundary + "\r\n" + d.rootHeader + "\r\n" + envelope(headers, documents(d.cids[:]...)) + "\r\n"
			for i, h := range d.partHeaders {
				body += "--" + d.boundary + "\r\n" + h + "\r\n" + contents[i] + "\r\n"
			}
			body += "--" + d.boundary + "--\r\n"
			if d.lf {
				body = strings.ReplaceAll(body, "\r\n", "\n")
			}
			got, err := readAll(request(d.contentType, body), DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			for i, doc := range got.message.Body.ChildrenNamed("urn:x", "Document") {
				cid, ok := Include(doc)
				if diff := cmp.Diff(contents[i], got.content[cid]); !ok || diff != "" {
					t.Errorf("document %q (-want +got):\n%s", cid, diff)
				}
			}
			if got.message.Action != iti41 || !got.message.Multipart {
				t.Errorf("action %q", got.message.Action)
			}
			// HTTP names another action: refused wherever the stack puts it.
			if other := strings.ReplaceAll(d.contentType, iti41, "urn:other"); other != d.contentType {
				_, err := Read(request(other, body), DefaultLimits())
				wantFinding(t, err, "SOAP-005", "urn:other")
			}
		})
	}
}
