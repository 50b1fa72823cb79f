package iti_test

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds/iti"
)

// description is what a generator of clients reads in a WSDL.
type description struct {
	Declared []xml.Attr `xml:",any,attr"`
	Imports  []struct {
		Namespace string `xml:"namespace,attr"`
	} `xml:"types>schema>import"`
	Messages []struct {
		Name string `xml:"name,attr"`
		Part struct {
			Element string `xml:"element,attr"`
		} `xml:"part"`
	} `xml:"message"`
	Operations []struct {
		Input struct {
			Message string `xml:"message,attr"`
		} `xml:"input"`
		Output struct {
			Message string `xml:"message,attr"`
			Action  string `xml:"Action,attr"`
		} `xml:"output"`
	} `xml:"portType>operation"`
}

// TestWSDL: of each endpoint, every message is of an element whose namespace is
// imported, no other is, and each operation names two messages of the list.
func TestWSDL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	elements := map[string]string{} // message: {namespace}local
	var actions []string
	for _, endpoint := range iti.Endpoints {
		response, err := http.Get(w.server.URL + endpoint.Path + "?wsdl")
		if err != nil {
			t.Fatal(err)
		}
		var d description
		err = xml.NewDecoder(response.Body).Decode(&d)
		response.Body.Close()
		if response.StatusCode == http.StatusNotFound {
			continue // a face that this world does not open
		}
		if err != nil {
			t.Fatalf("%s: %v", endpoint.Path, err)
		}
		spaces := map[string]string{}
		for _, a := range d.Declared {
			if a.Name.Space == "xmlns" {
				spaces[a.Name.Local] = a.Value
			}
		}
		imported := map[string]bool{}
		for _, i := range d.Imports {
			imported[i.Namespace] = false
		}
		known := map[string]bool{}
		for _, m := range d.Messages {
			prefix, local, _ := strings.Cut(m.Part.Element, ":")
			if _, ok := imported[spaces[prefix]]; !ok {
				t.Errorf("%s: %s is of %s, of no imported namespace", endpoint.Path, m.Name, m.Part.Element)
			}
			imported[spaces[prefix]] = true
			known["tns:"+m.Name] = true
			elements[endpoint.Name+" "+m.Name] = "{" + spaces[prefix] + "}" + local
		}
		for namespace, used := range imported {
			if !used {
				t.Errorf("%s: %s imported for nothing", endpoint.Path, namespace)
			}
		}
		if len(d.Operations) == 0 {
			t.Errorf("%s: no operation", endpoint.Path)
		}
		for _, o := range d.Operations {
			actions = append(actions, o.Output.Action)
			if !known[o.Input.Message] || !known[o.Output.Message] {
				t.Errorf("%s: an operation of unknown messages: %+v", endpoint.Path, o)
			}
		}
	}
	// IHE's own WSDL names this answer otherwise than its request (ITI TF-2 3.61.4.2).
	if want := "urn:ihe:iti:2010:RegisterOnDemandDocumentResponse"; !slices.Contains(actions, want) {
		t.Errorf("%s is not in %v", want, actions)
	}
	for message, want := range map[string]string{
		"DMPAccess PRPA_IN201307UV02_Message":                                "{urn:hl7-org:v3}PRPA_IN201307UV02",
		"DMPAccess PRPA_IN201307UV02Response_Message":                        "{urn:hl7-org:v3}PRPA_IN201308UV02",
		"DMPAccess setAuthorizationResponse_Message":                         "{urn:si-dmp-habilitations}setAuthorizationResponse",
		"DocumentRepository ProvideAndRegisterDocumentSet-bResponse_Message": "{urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0}RegistryResponse",
		"DocumentRepository RetrieveDocumentSetResponse_Message":             "{urn:ihe:iti:xds-b:2007}RetrieveDocumentSetResponse",
	} {
		if elements[message] != want {
			t.Errorf("%s: %s instead of %s", message, elements[message], want)
		}
	}
}
