package soap

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// WriteFault answers a SOAP 1.2 Fault for the findings of err: an *xds.Error or
// xds.Errors; anything else is an internal incident of which nothing is told.
//
// Code and Subcode are those of the gravest finding (a VersionMismatch or a
// MustUnderstand before others); Reason tells it in French and in English;
// Detail carries every finding in the namespace NSFinding. HTTP (policy §0.5):
// 400 for what the sender did, 500 for what we did, and 408, 413, 415 where
// HTTP has a word for it.
func (s Responder) WriteFault(w http.ResponseWriter, relatesTo string, err error) {
	es := findings(err)
	first := gravest(es)
	problem := first.Problem()
	h := addressing{action: actionFault, messageID: s.NewID(), relatesTo: relatesTo, more: func(w *Writer) { faultHeaders(w, es) }}
	if strings.HasPrefix(problem.Subcode, "wsa:") {
		h.action = actionAddrFault
	}
	s.write(w, faultStatus(problem), h, func(w *Writer) { writeFault(w, first, es) })
}

func findings(err error) xds.Errors {
	if es, ok := xds.FindingsOf(err); ok {
		return es
	}
	return xds.Errors{{ID: "INT-001"}}
}

func gravest(es xds.Errors) *xds.Error {
	for _, code := range []string{"VersionMismatch", "MustUnderstand"} {
		if i := slices.IndexFunc(es, func(e *xds.Error) bool { return e.Problem().Fault == code }); i >= 0 {
			return es[i]
		}
	}
	return cmp.Or(es.First(), es[0])
}

// faultCode is the SOAP code of a problem; those that have none of their own
// are ours when their HTTP status says so.
func faultCode(p xds.Problem) string {
	switch {
	case p.Fault != "":
		return p.Fault
	case p.Status >= http.StatusInternalServerError:
		return "Receiver"
	}
	return "Sender"
}

func faultStatus(p xds.Problem) int {
	switch {
	case faultCode(p) == "Receiver":
		return http.StatusInternalServerError
	case p.Status == http.StatusRequestTimeout, p.Status == http.StatusRequestEntityTooLarge, p.Status == http.StatusUnsupportedMediaType:
		return p.Status
	}
	return http.StatusBadRequest
}

// faultHeaders are the header blocks that SOAP 1.2 part 1 sections 5.4.7 and
// 5.4.8 add: which envelope is supported, which blocks were not understood.
func faultHeaders(w *Writer, es xds.Errors) {
	for _, e := range es {
		switch e.Problem().Fault {
		case "VersionMismatch":
			w.Start("soap:Upgrade")
			w.Start("soap:SupportedEnvelope", "qname", "soap:Envelope")
			w.End()
			w.End()
			return
		case "MustUnderstand":
			space, local, ok := strings.Cut(strings.TrimPrefix(e.Found, "{"), "}")
			if !ok {
				continue
			}
			w.Start("soap:NotUnderstood")
			if space == "" {
				w.Attr("qname", local)
			} else {
				w.Attr("xmlns:n", space)
				w.Attr("qname", "n:"+local)
			}
			w.End()
		}
	}
}

func writeFault(w *Writer, first *xds.Error, es xds.Errors) {
	problem := first.Problem()
	w.Start("soap:Fault")
	w.Start("soap:Code")
	w.Leaf("soap:Value", "soap:"+faultCode(problem))
	writeSubcode(w, problem.Subcode)
	w.End()
	w.Start("soap:Reason")
	w.Leaf("soap:Text", first.ID+" "+problem.French+place(first, "où", "trouvé", "attendu")+mending(first), "xml:lang", "fr")
	w.Leaf("soap:Text", first.ID+" "+problem.English+place(first, "where", "found", "expected"), "xml:lang", "en")
	w.End()
	w.Start("soap:Detail")
	for _, e := range es {
		writeFinding(w, e)
	}
	w.End()
	w.End()
}

// subcodeSpaces are the namespaces of subcodes that no envelope declares.
var subcodeSpaces = map[string]string{
	"wsse": NSSecurity, "wsnt": "http://docs.oasis-open.org/wsn/b-2", "wsrf-rw": "http://docs.oasis-open.org/wsrf/rw-2",
}

// writeSubcode nests what the SOAP binding of WS-Addressing section 6.4.1 nests:
// the ways in which an addressing header can be invalid.
func writeSubcode(w *Writer, subcode string) {
	switch subcode {
	case "":
		return
	case "wsa:ActionMismatch", "wsa:OnlyAnonymousAddressSupported":
		w.Start("soap:Subcode")
		w.Leaf("soap:Value", "wsa:InvalidAddressingHeader")
		w.Start("soap:Subcode")
		w.Leaf("soap:Value", subcode)
		w.End()
		w.End()
		return
	}
	w.Start("soap:Subcode")
	prefix, _, _ := strings.Cut(subcode, ":")
	if space := subcodeSpaces[prefix]; space != "" {
		w.Leaf("soap:Value", subcode, "xmlns:"+prefix, space)
	} else {
		w.Leaf("soap:Value", subcode)
	}
	w.End()
}

func place(e *xds.Error, where, found, expected string) string {
	var b strings.Builder
	if e.Where != "" {
		b.WriteString(" ; " + where + " : " + e.Where)
	}
	if e.Line > 0 {
		b.WriteString(" (" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column) + ")")
	}
	if e.Found != "" {
		b.WriteString(" ; " + found + " : " + xds.Shorten(e.Found))
	}
	if e.Expected != "" {
		b.WriteString(" ; " + expected + " : " + e.Expected)
	}
	return b.String()
}

func mending(e *xds.Error) string {
	if hint := e.HintText(); hint != "" {
		return " ; correction : " + hint
	}
	return ""
}

// writeFinding writes one finding for programs; readFinding is its inverse.
func writeFinding(w *Writer, e *xds.Error) {
	p := e.Problem()
	severity := "Error"
	if e.Severity == xds.SeverityWarning {
		severity = "Warning"
	}
	w.Start("f:Finding", "xmlns:f", NSFinding, "code", e.ID, "severity", severity)
	if e.Object != "" {
		w.Attr("object", e.Object)
	}
	if e.Line > 0 {
		w.Attr("line", strconv.Itoa(e.Line))
		w.Attr("column", strconv.Itoa(e.Column))
	}
	w.Leaf("f:Text", p.French, "xml:lang", "fr")
	w.Leaf("f:Text", p.English, "xml:lang", "en")
	for _, field := range []struct{ name, value string }{
		{"f:Where", e.Where}, {"f:Found", xds.Shorten(e.Found)}, {"f:Expected", e.Expected}, {"f:Hint", e.HintText()},
	} {
		if field.value != "" {
			w.Leaf(field.name, field.value)
		}
	}
	for _, n := range e.Nearest {
		w.Leaf("f:Nearest", n)
	}
	w.End()
}
