package iti

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// describe answers ?wsdl: the operations of the endpoint, their actions, its
// address and the limits of a message (design §5, users P-20).
func (s *Server) describe(w http.ResponseWriter, actor Actor) {
	name, path := Endpoints[actor].Name, Endpoints[actor].Path
	var messages, operations, bindings strings.Builder
	used := map[string]bool{}
	for _, t := range transactions {
		if t.actor != actor || t.name == "ITI-54" { // what is always refused (DSUB-008) is not offered
			continue
		}
		op := t.action[strings.LastIndexAny(t.action, ":/")+1:]
		answer := t.answer()
		used[t.body.Space], used[answer.Space] = true, true
		fmt.Fprintf(&messages, "  <wsdl:message name=%q><wsdl:part name=\"body\" element=%q/></wsdl:message>\n", op+"_Message", qualified(t.body))
		fmt.Fprintf(&messages, "  <wsdl:message name=%q><wsdl:part name=\"body\" element=%q/></wsdl:message>\n", op+"Response_Message", qualified(answer))
		fmt.Fprintf(&operations, "    <wsdl:operation name=%[1]q>\n      <wsdl:documentation>%[3]s</wsdl:documentation>\n"+
			"      <wsdl:input message=\"tns:%[4]s_Message\" wsaw:Action=%[2]q/>\n"+
			"      <wsdl:output message=\"tns:%[4]sResponse_Message\" wsaw:Action=%[5]q/>\n    </wsdl:operation>\n",
			name+"_"+op, t.action, t.name+notes[t.name], op, t.replyAction())
		fmt.Fprintf(&bindings, "    <wsdl:operation name=%q>\n      <soap12:operation soapAction=%q/>\n"+
			"      <wsdl:input><soap12:body use=\"literal\"/></wsdl:input>\n      <wsdl:output><soap12:body use=\"literal\"/></wsdl:output>\n"+
			"    </wsdl:operation>\n", name+"_"+op, t.action)
	}
	var declared, imports strings.Builder
	for _, v := range vocabularies {
		if used[v.space] {
			fmt.Fprintf(&declared, " xmlns:%s=%q", v.prefix, v.space)
			fmt.Fprintf(&imports, "      <xsd:import namespace=%q/>\n", v.space)
		}
	}
	w.Header().Set("Content-Type", "application/wsdl+xml; charset=utf-8")
	fmt.Fprintf(w, wsdlFrame, name, s.limitsText(), messages.String(), operations.String(), bindings.String(), s.Base+path, declared.String(), imports.String())
}

// answer is the element that a success of the transaction carries.
func (t transaction) answer() xmlgate.Name {
	switch {
	case t.name == "ITI-41", t.body.Space == ebrim.NamespaceLCM, t.body.Space == ebrim.NamespaceRMD:
		return xmlgate.Name{Space: ebrim.NamespaceRS, Local: "RegistryResponse"}
	case t.body.Space == namespaceHL7:
		return xmlgate.Name{Space: namespaceHL7, Local: "PRPA_IN201308UV02"}
	}
	return xmlgate.Name{Space: t.body.Space, Local: strings.TrimSuffix(t.body.Local, "Request") + "Response"}
}

// limitsText says what a message may measure.
func (s *Server) limitsText() string {
	return fmt.Sprintf("SOAP 1.2 et MTOM/XOP. Limites : %d Mio par document joint, %d Mio d'enveloppe (donc environ %d Mio de base64 en ligne), "+
		"%d parties MIME, 250 documents et 2000 objets par lot, 1000 valeurs par paramètre. "+
		"Les schémas sont ceux que publient IHE (IHEXDSB.xsd), OASIS (ebRS 3.0, WS-Notification) et HL7 ; ils ne sont pas servis ici : "+
		"les donner au générateur de code par un catalogue.",
		s.Limits.Part>>20, s.Limits.Root>>20, s.Limits.Root*3/4>>20, s.Limits.Parts)
}

// notes say of a transaction what its standard leaves open.
var notes = map[string]string{
	"ITI-57": " : ce qui diffère décide des droits demandés ; un professionnel qui masque ou démasque atteste la demande du patient par un Slot " +
		xds.AttestationSlot + " = true sur le SubmissionSet (C-11)",
	"ITI-92": " : comme ITI-57, pour les seuls DocumentEntry",
	"ITI-62": " : réservé aux exploitants",
	"ITI-86": " : réservé aux exploitants ; tous les documents, ou aucun",
}

// vocabularies are the prefixes of the namespaces that messages are made of.
var vocabularies = []struct{ prefix, space string }{
	{"ihe", ebrim.NamespaceXDS}, {"query", ebrim.NamespaceQuery}, {"lcm", ebrim.NamespaceLCM}, {"rs", ebrim.NamespaceRS},
	{"rmd", ebrim.NamespaceRMD}, {"wsnt", namespaceNotification}, {"hl7", namespaceHL7}, {"grants", namespaceGrants}, {"patients", namespacePatients},
}

// qualified is an element's name under the prefix of its vocabulary.
func qualified(n xmlgate.Name) string {
	for _, v := range vocabularies {
		if v.space == n.Space {
			return v.prefix + ":" + n.Local
		}
	}
	return n.Local
}

const wsdlFrame = `<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions name="%[1]s" targetNamespace="urn:ihe:iti:xds-b:2007" xmlns:tns="urn:ihe:iti:xds-b:2007"%[7]s
  xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl">
  <wsdl:documentation>%[2]s</wsdl:documentation>
  <wsdl:types>
    <xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema">
%[8]s    </xsd:schema>
  </wsdl:types>
%[3]s  <wsdl:portType name="%[1]s_PortType">
%[4]s  </wsdl:portType>
  <wsdl:binding name="%[1]s_Binding_Soap12" type="tns:%[1]s_PortType">
    <soap12:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsaw:UsingAddressing/>
%[5]s  </wsdl:binding>
  <wsdl:service name="%[1]s_Service">
    <wsdl:port name="%[1]s_Port_Soap12" binding="tns:%[1]s_Binding_Soap12"><soap12:address location=%[6]q/></wsdl:port>
  </wsdl:service>
</wsdl:definitions>
`
