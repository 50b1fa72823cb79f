// Package soap reads and writes SOAP 1.2 messages as IHE uses them (ITI TF-2
// Appendix V): one envelope over HTTP, WS-Addressing headers, documents beside
// the envelope by MTOM and XOP.
//
// It owns the transport form: media types, multipart, the shape of the envelope,
// addressing, faults. It knows nothing of XDS: what the body means, who sends
// it and whether he may is decided by its callers.
//
// It must never open a connection because a message says so (wsa:ReplyTo and
// xop:Include are refused unless they name the back channel and a part of the
// message), never hold a document in memory, and never let a message pass as
// whole whose closing boundary has not been seen.
//
// Specifications: SOAP 1.2 parts 1 and 2, WS-Addressing 1.0 core and SOAP
// binding, XOP, MTOM, RFC 2046, RFC 2387, RFC 2392.
package soap

// Namespaces of the envelope and its headers.
const (
	NS         = "http://www.w3.org/2003/05/soap-envelope"
	NSAddr     = "http://www.w3.org/2005/08/addressing"
	NSXOP      = "http://www.w3.org/2004/08/xop/include"
	NSSecurity = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	NSDSig     = "http://www.w3.org/2000/09/xmldsig#"

	// NSFinding is the namespace of the findings in the Detail of a Fault.
	NSFinding = "urn:passerelle:finding:1.0"
)

const (
	anonymous       = NSAddr + "/anonymous"
	actionFault     = NSAddr + "/soap/fault"
	actionAddrFault = NSAddr + "/fault"

	typeSOAP      = "application/soap+xml"
	typeXOP       = "application/xop+xml"
	typeMultipart = "multipart/related"
)
