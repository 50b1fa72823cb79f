package soap

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// maxURI bounds the addressing headers, in bytes.
const maxURI = 2 << 10

// envelopeRules are what is demanded of an envelope.
type envelopeRules struct {
	request    bool           // wsa:Action and wsa:MessageID are required, only an anonymous answer is possible
	actions    []string       // that HTTP names; each must be wsa:Action
	understood []xmlgate.Name // beside addressing and security
}

// readEnvelope checks the shape of the envelope and fills the message from it.
func (m *Message) readEnvelope(root *xmlgate.Element, rules envelopeRules) error {
	if !root.Is(NS, "Envelope") {
		if root.Local == "Envelope" {
			return xds.Errors{root.Finding("SOAP-002", "{"+xds.Shorten(root.Space)+"}Envelope", "{"+NS+"}Envelope")}
		}
		return xds.Errors{root.Finding("SOAP-001", "{"+xds.Shorten(root.Space)+"}"+xds.Shorten(root.Local), "{"+NS+"}Envelope")}
	}
	es := m.readParts(root)
	if m.Header != nil {
		if err := m.Header.Within(m.limit.Security); err != nil {
			return append(es, err.(xds.Errors)...)
		}
		es = append(es, mustUnderstand(m.Header, rules.understood)...)
	}
	es = append(es, m.readSecurity()...)
	es = append(es, m.readAddressing(rules)...)
	if len(es) > xds.MaxFindings {
		es = es[:xds.MaxFindings]
	}
	return es.Err()
}

// readParts finds Header and Body: an optional Header, then one Body with one child.
func (m *Message) readParts(root *xmlgate.Element) (es xds.Errors) {
	rest := root.Children
	if root.Trimmed() != "" {
		es.Add(root.Finding("SOAP-001", "du texte dans l'enveloppe", "Header et Body"))
	}
	if len(rest) > 0 && rest[0].Is(NS, "Header") {
		m.Header, rest = rest[0], rest[1:]
	}
	if len(rest) == 0 || !rest[0].Is(NS, "Body") {
		es.Add(root.Finding("SOAP-001", "aucun Body à sa place", "Header (au plus un), puis un Body"))
		return es
	}
	body := rest[0]
	for _, more := range rest[1:min(len(rest), xds.MaxFindings)] {
		es.Add(more.Finding("SOAP-001", xds.Shorten(more.Local)+" en trop dans l'enveloppe", "Header (au plus un), puis un Body"))
	}
	if len(body.Children) != 1 || body.Trimmed() != "" {
		es.Add(body.Finding("SOAP-001", "Body vide ou à plusieurs contenus", "exactement un élément dans Body"))
		return es
	}
	m.Body = body.Children[0]
	return es
}

// mustUnderstand finds the header blocks that are addressed to us, demand to be
// understood, and are not (SOAP 1.2 part 1 section 2.4).
func mustUnderstand(header *xmlgate.Element, understood []xmlgate.Name) (es xds.Errors) {
	for _, block := range header.Children {
		if len(es) >= xds.MaxFindings {
			break
		}
		value, _ := block.AttrNS(NS, "mustUnderstand")
		switch strings.TrimSpace(value) {
		case "", "0", "false":
			continue
		case "1", "true":
		default:
			es.Add(block.Finding("SOAP-001", "mustUnderstand="+xds.Shorten(value), "true, false, 1 ou 0"))
			continue
		}
		if forUs(block) && !known(block.Name()) && !slices.Contains(understood, block.Name()) {
			es.Add(block.Finding("SOAP-003", "{"+xds.Shorten(block.Space)+"}"+xds.Shorten(block.Local), "sans mustUnderstand, ou absent"))
		}
	}
	return es
}

// forUs tells whether a header block is for the node that answers.
func forUs(block *xmlgate.Element) bool {
	role, _ := block.AttrNS(NS, "role")
	return role == "" || role == NS+"/role/ultimateReceiver" || role == NS+"/role/next"
}

func known(n xmlgate.Name) bool {
	return n == xmlgate.Name{Space: NSSecurity, Local: "Security"} || n.Space == NSAddr &&
		slices.Contains([]string{"Action", "MessageID", "To", "From", "ReplyTo", "FaultTo", "RelatesTo"}, n.Local)
}

func (m *Message) readSecurity() (es xds.Errors) {
	for i, block := range m.Header.ChildrenNamed(NSSecurity, "Security") {
		if i > 0 {
			es.Add(block.Finding("SAML-001", "second wsse:Security", "un seul wsse:Security"))
			continue
		}
		m.Security = block
	}
	return es
}

func (m *Message) readAddressing(rules envelopeRules) (es xds.Errors) {
	m.Action = m.address("Action", rules.request, &es)
	m.MessageID = m.address("MessageID", rules.request, &es)
	m.RelatesTo = m.address("RelatesTo", false, &es)
	if m.Action != "" {
		for _, a := range rules.actions {
			if a != m.Action {
				es.Add(xds.Found("SOAP-005", "HTTP: action", xds.Shorten(a), xds.Shorten(m.Action)))
			}
		}
	}
	if !rules.request {
		return es
	}
	for _, name := range []string{"ReplyTo", "FaultTo"} {
		blocks := m.Header.ChildrenNamed(NSAddr, name)
		for i, block := range blocks[:min(len(blocks), xds.MaxFindings)] {
			if i > 0 {
				es.Add(block.Finding("SOAP-006", "wsa:"+name+" répété", "au plus un"))
			}
			if to := block.Child(NSAddr, "Address").Trimmed(); to != anonymous {
				es.Add(block.Finding("SOAP-009", xds.Shorten(to), anonymous))
			}
		}
	}
	return es
}

// address is the value of an addressing header that may stand once.
func (m *Message) address(name string, required bool, es *xds.Errors) string {
	blocks := m.Header.ChildrenNamed(NSAddr, name)
	switch {
	case len(blocks) > 1 && name != "RelatesTo":
		es.Add(blocks[1].Finding("SOAP-006", "wsa:"+name+" répété", "une fois"))
	case len(blocks) == 0 && required:
		es.Add(&xds.Error{ID: "SOAP-006", Where: "Envelope/Header", Found: "wsa:" + name + " absent", Expected: "wsa:" + name + " (" + NSAddr + ") une fois"})
	}
	if len(blocks) == 0 {
		return ""
	}
	value := blocks[0].Trimmed()
	switch {
	case len(value) > maxURI:
		es.Add(blocks[0].Finding("XML-003", "wsa:"+name+" de plus de "+bytesText(maxURI), "au plus "+bytesText(maxURI)))
		return ""
	case len(blocks[0].Children) > 0 || strings.ContainsAny(value, " \t\r\n") || value == "" && required:
		es.Add(blocks[0].Finding("SOAP-006", "wsa:"+name+" vide ou mal formé", "un URI"))
		return ""
	}
	return value
}

// messageID is the wsa:MessageID of an envelope that is refused, for the fault.
func messageID(root *xmlgate.Element) string {
	id := root.Find(NS, "Header").Child(NSAddr, "MessageID").Trimmed()
	if len(id) > maxURI {
		return ""
	}
	return id
}
