package check

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// kind is what a file is by its first bytes.
type kind int

const (
	kindUnknown kind = iota
	kindCDA
	kindEnvelope  // a SOAP envelope alone
	kindBody      // the content of a soap:Body alone
	kindHTTP      // an HTTP request, from its first line
	kindHeaders   // a MIME message: headers, then parts
	kindMultipart // MIME parts without a header before them
	kindAssertion
	kindXDM
)

// Namespaces of what is recognised.
const (
	nsHL7    = "urn:hl7-org:v3"
	nsSAML   = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsSOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
)

// headBytes is how much of a file recognising it may take.
const headBytes = 64 << 10

func beginning(file *io.SectionReader) ([]byte, error) {
	start := make([]byte, min(headBytes, file.Size()))
	if _, err := file.ReadAt(start, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return start, nil
}

var (
	requestLine = regexp.MustCompile(`^[A-Z]+ [^ \r\n]+ HTTP/1\.[01]\r?\n`)
	mimeHeader  = regexp.MustCompile(`(?i)^(content-[a-z-]+|mime-version):`)
	boundary    = regexp.MustCompile(`^--([!-~]{1,70})\r?\n`)
)

// recognise tells what a file is, and for XML of another kind its root.
func recognise(start []byte) (k kind, root string) {
	switch {
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return kindXDM, ""
	case requestLine.Match(start):
		return kindHTTP, ""
	case mimeHeader.Match(start):
		return kindHeaders, ""
	case boundary.Match(start):
		return kindMultipart, ""
	}
	name := rootOf(start)
	switch {
	case name == xml.Name{Space: nsHL7, Local: "ClinicalDocument"}, name.Local == "ClinicalDocument":
		return kindCDA, ""
	case name.Local == "Envelope" && (name.Space == soap.NS || name.Space == nsSOAP11):
		return kindEnvelope, ""
	case name == xml.Name{Space: nsSAML, Local: "Assertion"}:
		return kindAssertion, ""
	case bodies[xmlgate.Name{Space: name.Space, Local: name.Local}] != "":
		return kindBody, ""
	}
	return kindUnknown, name.Local
}

// bodies are the requests that are judged, by the element of soap:Body.
var bodies = map[xmlgate.Name]string{
	{Space: ebrim.NamespaceXDS, Local: "ProvideAndRegisterDocumentSetRequest"}: "iti-41",
	{Space: ebrim.NamespaceLCM, Local: "SubmitObjectsRequest"}:                 "iti-42",
	{Space: ebrim.NamespaceQuery, Local: "AdhocQueryRequest"}:                  "iti-18",
	{Space: ebrim.NamespaceXDS, Local: "RetrieveDocumentSetRequest"}:           "iti-43",
}

// rootOf is the name of the root of an XML text, whatever its encoding says; zero
// when there is none.
func rootOf(start []byte) xml.Name {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(start, []byte("\xEF\xBB\xBF"))))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := d.Token()
		if err != nil {
			return xml.Name{}
		}
		if e, ok := token.(xml.StartElement); ok {
			return e.Name
		}
	}
}

// gateFindings are those of the XML gate about a text.
func gateFindings(text []byte) xds.Errors {
	err := xmlgate.Check(text, xmlgate.Payload())
	found, _ := xds.FindingsOf(err)
	return found
}
