package soap

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Message is one SOAP 1.2 message. The envelope is in memory, bounded and
// checked; the parts beside it are read one after another by NextPart.
type Message struct {
	Action    string // wsa:Action
	MessageID string // wsa:MessageID
	RelatesTo string // wsa:RelatesTo, "" when absent

	Envelope *xmlgate.Element // the whole root part
	Header   *xmlgate.Element // soap:Header, nil when absent
	Security *xmlgate.Element // wsse:Security of the header, nil when absent
	Body     *xmlgate.Element // the one child of soap:Body

	// Root are the bytes of the envelope that the elements are views of. Parts
	// that stood for base64 of the security header are already back in it.
	Root []byte
	// Multipart tells that the message came as MTOM.
	Multipart bool

	limit    Limits
	stream   *stream // nil when the message is the envelope alone
	early    []*Part // held in memory: they came before the envelope or a token
	budget   int64   // left for early
	includes includes
	failed   error // sticky
}

// Read reads the envelope of a request: media type, root part, XML gate, shape
// of the envelope, WS-Addressing, references to parts. Headers of other names
// that the caller understands are named by understood; WS-Addressing and
// wsse:Security always are.
//
// The error is an xds.Errors with all findings, ready for WriteFault. The
// message is never nil: when it is refused, it still has the MessageID if that
// could be read, for the RelatesTo of the fault.
func Read(r *http.Request, l Limits, understood ...xmlgate.Name) (*Message, error) {
	m := &Message{limit: l, budget: l.Early}
	in := incoming{header: r.Header, body: r.Body, size: r.ContentLength}
	return m, m.read(in, envelopeRules{request: true, understood: understood})
}

// incoming is the HTTP message that carries the envelope.
type incoming struct {
	header http.Header
	body   io.Reader
	size   int64 // -1 when unknown
}

func (m *Message) read(in incoming, rules envelopeRules) error {
	if e := strings.Join(in.header.Values("Content-Encoding"), ","); e != "" && !strings.EqualFold(e, "identity") {
		return xds.Errors{mend(xds.Found("SOAP-007", "Content-Encoding", xds.Shorten(e), "aucun Content-Encoding"), "envoyer le corps sans compression")}
	}
	types := in.header.Values("Content-Type")
	if len(types) != 1 {
		return xds.Errors{xds.Found("SOAP-007", "Content-Type", "absent ou répété", typeSOAP+" ou "+typeMultipart)}
	}
	media, problem := parseMediaType(types[0])
	if problem != nil {
		return xds.Errors{problem}
	}
	switch media.name {
	case typeSOAP:
		return m.readPlain(in, media, rules)
	case typeMultipart:
		return m.readMultipart(in, media, rules)
	case "text/xml":
		return xds.Errors{xds.Found("SOAP-002", "Content-Type", "text/xml (SOAP 1.1)", typeSOAP)}
	}
	return xds.Errors{xds.Found("SOAP-007", "Content-Type", xds.Shorten(media.name), typeSOAP+" ou "+typeMultipart)}
}

func (m *Message) readPlain(in incoming, media mediaType, rules envelopeRules) error {
	if e := media.checkCharset("Content-Type"); e != nil {
		return xds.Errors{e}
	}
	var err error
	if m.Root, err = m.readRoot(in.body, in.size); err != nil {
		return err
	}
	rules.actions = append(soapAction(in.header), media.actions()...)
	return m.open("", rules)
}

func (m *Message) readMultipart(in incoming, media mediaType, rules envelopeRules) error {
	m.Multipart = true
	if in.size > m.limit.Total {
		return xds.Errors{tooLarge("HTTP", in.size, m.limit.Total)}
	}
	if e := checkMTOM(media); e != nil {
		return xds.Errors{e}
	}
	if e := checkBoundary(media.params["boundary"]); e != nil {
		return xds.Errors{e}
	}
	m.stream = &stream{
		split: newMultipart(in.body, in.size, media.params["boundary"], m.limit),
		limit: m.limit, seen: map[string]bool{},
	}
	root, err := m.findRoot(cidKey(media.params["start"]))
	if err != nil {
		return err
	}
	inner, err := checkRootPart(root)
	if err != nil {
		return err
	}
	if m.Root, err = m.readRoot(root.body, -1); err != nil {
		return err
	}
	rules.actions = slices.Concat(soapAction(in.header), media.actions(), inner.actions())
	return m.open(root.ContentID, rules)
}

// soapAction is the action of the HTTP header of SOAP 1.1, which some stacks send
// with SOAP 1.2 too. A proxy may route by it, so it must not say anything else.
func soapAction(h http.Header) []string {
	var actions []string
	for _, v := range h.Values("Soapaction") {
		if a := strings.Trim(v, "\" \t"); a != "" {
			actions = append(actions, a)
		}
	}
	return actions
}

// checkMTOM is lenient about start-info, which stacks fill with text/xml,
// application/soap+xml or nothing, and strict about type, which says what it is.
func checkMTOM(media mediaType) *xds.Error {
	switch t := media.inner("type"); t {
	case typeXOP, "":
	case "text/xml":
		return xds.Found("SOAP-002", "Content-Type: type", "text/xml (SOAP 1.1)", typeXOP)
	default:
		return xds.Found("SOAP-007", "Content-Type: type", xds.Shorten(t), typeXOP)
	}
	switch t := media.inner("start-info"); t {
	case typeSOAP, "text/xml", typeXOP, "":
		return nil
	default:
		return xds.Found("SOAP-007", "Content-Type: start-info", xds.Shorten(t), typeSOAP)
	}
}

// findRoot is the part named by start, else the first. Parts before it are held.
func (m *Message) findRoot(start string) (*Part, error) {
	for {
		p, err := m.stream.next()
		if errors.Is(err, io.EOF) {
			e := xds.Found("MIME-001", "Content-Type: start", "aucune partie <"+xds.Shorten(start)+">", "le Content-ID de la partie de l'enveloppe")
			e.Hint = "donner dans start le Content-ID de la partie de l'enveloppe, ou retirer start si elle est la première"
			return nil, xds.Errors{e}
		}
		if err != nil || start == "" || p.ContentID == start {
			return p, err
		}
		if err := m.holdEarly(p, "l'enveloppe en première partie"); err != nil {
			return nil, err
		}
	}
}

func (m *Message) holdEarly(p *Part, expected string) error {
	beyond := xds.Found("MIME-001", partName(p.ContentID), "plus de "+bytesText(m.limit.Early)+" avant la partie attendue", expected)
	if err := hold(p, &m.budget, beyond); err != nil {
		return err
	}
	m.early = append(m.early, p)
	return nil
}

func checkRootPart(root *Part) (mediaType, error) {
	media, problem := parseMediaType(root.ContentType)
	if problem == nil && media.name != typeXOP && media.name != typeSOAP {
		problem = xds.Found("SOAP-007", "Content-Type de l'enveloppe", xds.Shorten(media.name), typeXOP)
	}
	if problem == nil {
		problem = media.checkCharset("Content-Type de l'enveloppe")
	}
	if problem != nil {
		return media, xds.Errors{problem}
	}
	return media, nil
}

// readRoot reads the envelope, at most Limits.Root; size is what HTTP says of it, -1 unknown.
func (m *Message) readRoot(r io.Reader, size int64) ([]byte, error) {
	tooBig := func() error {
		return xds.Errors{mend(tooLarge("enveloppe SOAP", size, m.limit.Root),
			"joindre les documents en MTOM (multipart/related, application/xop+xml) plutôt qu'en base64 dans l'enveloppe")}
	}
	if size > m.limit.Root {
		return nil, tooBig()
	}
	var b bytes.Buffer
	if size > 0 {
		b.Grow(int(min(size, 256<<10)) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(io.LimitReader(r, m.limit.Root+1)); err != nil {
		var es xds.Errors
		if errors.As(err, &es) {
			return nil, err
		}
		return nil, xds.Errors{readFailure("SOAP-001", err)}
	}
	if int64(b.Len()) > m.limit.Root {
		return nil, tooBig()
	}
	return b.Bytes(), nil
}

// open parses the envelope; when parts stand for base64 of its security header,
// it puts them back and parses again.
func (m *Message) open(rootID string, rules envelopeRules) error {
	root, err := xmlgate.Parse(m.Root, m.limit.XML)
	if err != nil {
		return err
	}
	in, es := findIncludes(root, rootID, m.limit.Parts)
	if m.stream == nil { // no part can come
		es = append(append(es, missing(in.body)...), missing(in.token)...)
	}
	if es.Failed() {
		m.MessageID = messageID(root)
		return es
	}
	if len(in.token) > 0 {
		if m.Root, err = m.putBack(in); err != nil {
			m.MessageID = messageID(root)
			return err
		}
		if int64(len(m.Root)) > m.limit.Root {
			return xds.Errors{tooLarge("enveloppe SOAP", -1, m.limit.Root)}
		}
		if root, err = xmlgate.Parse(m.Root, m.limit.XML); err != nil {
			return err
		}
		in, es = findIncludes(root, rootID, m.limit.Parts)
		if es.Failed() {
			return es
		}
	}
	m.includes, m.Envelope = in, root
	return m.readEnvelope(root, rules)
}

// NextPart opens the next document, in the order of the message. Every part
// must be the target of one xop:Include of the body. io.EOF is the proof that
// the message is whole: the closing boundary was seen, the body read to its
// end, no reference is left without its part. Nothing may be committed before
// it. Other errors are xds.Errors (MIME-001, MIME-002, MIME-003, SOAP-008).
func (m *Message) NextPart() (*Part, error) {
	if m.failed != nil {
		return nil, m.failed
	}
	p, err := m.nextPart()
	if err != nil {
		m.failed = err
	}
	return p, err
}

func (m *Message) nextPart() (*Part, error) {
	var p *Part
	var err error
	switch {
	case len(m.early) > 0:
		p, m.early = m.early[0], m.early[1:]
	case m.stream == nil:
		return nil, io.EOF
	default:
		p, err = m.stream.next()
	}
	if errors.Is(err, io.EOF) {
		if lost := missing(m.includes.body); lost.Failed() {
			return nil, lost
		}
	}
	if err != nil {
		return nil, err
	}
	i := m.includes.body[p.ContentID]
	if i == nil || p.ContentID == "" {
		return nil, xds.Errors{xds.Found("MIME-002", partName(p.ContentID), "partie sans référence", `un xop:Include href="cid:…" vers elle`)}
	}
	i.met = true
	p.body = &bounded{src: p.body, left: m.limit.Part, limit: m.limit.Part, name: p.ContentID}
	p.failed = &m.failed
	return p, nil
}

// Drain reads what is left of the message and fails unless it is whole. It is
// for callers that expect no part, or need no more of them.
func (m *Message) Drain() error {
	for {
		_, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
