package soap

import (
	"bytes"
	"errors"
	"io"
	stdmultipart "mime/multipart"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/passerelle-sante/passerelle/xds"
)

// FuzzMultipart: no panic; the size of the reads changes nothing; what is
// accepted, mime/multipart accepts and splits in the same way.
func FuzzMultipart(f *testing.F) {
	for _, seed := range []string{
		"--b\r\n\r\nx\r\n--b--", "--b\nA: 1\n\nx\n--b\n\n\n--b--\n", "x\r\n--b \r\nA: 1\r\n b\r\n\r\n\r\n--b\r\n\r\n--b--\r\nepilogue",
		"--b\r\n\r\n--b--", "--b--", "--b\r\n\r\n\r\n--bb\r\n--b-\r\n", "--b\r\n\r\n\n--b\n\r\n--b--", "\r\n--b\r\n\r\nx\r\n--b--",
		"\n--b--\r\xfb\x13\r\n\x01\n\n--b\n-", "--b\r\n\r\nx\r\n--b--\r",
		"--b \r\n\xc6b: 1\r\n --b\r\n\r\n--b--", "--b\r\n\r\nx\r\n--b--\n", "--b\r\n\r\nx\r\n--b--\nmore", "--b\n\nx\n--b--\r\nmore",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := split(bytes.NewReader(body))
		slow, slowErr := split(iotest.OneByteReader(bytes.NewReader(body)))
		if got != slow || (err == nil) != (slowErr == nil) {
			t.Fatalf("at once %q %v, byte by byte %q %v", got, err, slow, slowErr)
		}
		if err != nil {
			return
		}
		if got == "" { // a message without parts: findRoot refuses it
			return
		}
		// A last line end of any kind is none for us, and an error there.
		if want, err := stdSplit(bytes.TrimRight(body, "\r\n")); err != nil || got != want {
			t.Fatalf("got %q, mime/multipart %q %v", got, want, err)
		}
	})
}

func split(r io.Reader) (string, error) {
	var b strings.Builder
	m := newMultipart(r, -1, "b", DefaultLimits())
	for {
		_, body, err := m.next()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		content, err := io.ReadAll(body)
		b.WriteString("[" + string(content) + "]")
		if err != nil {
			return b.String(), err
		}
	}
}

func stdSplit(body []byte) (string, error) {
	var b strings.Builder
	m := stdmultipart.NewReader(bytes.NewReader(body), "b")
	for {
		p, err := m.NextRawPart()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		content, err := io.ReadAll(p)
		b.WriteString("[" + string(content) + "]")
		if err != nil {
			return b.String(), err
		}
	}
}

// FuzzEnvelope reads any bytes as a message: no panic; a refusal is findings of the
// table whose Fault the gate accepts; what is accepted has an action, an id and one body.
func FuzzEnvelope(f *testing.F) {
	security := `<w:Security xmlns:w="` + NSSecurity + `" s:mustUnderstand="1"/>`
	for _, seed := range []string{
		envelope(headers, payload), envelope(headers+security, payload), envelope("", payload), envelope(headers, payload+payload), envelope(headers+headers, payload),
		strings.ReplaceAll(envelope(headers, payload), NS, "http://schemas.xmlsoap.org/soap/envelope/"), envelope(headers+`<x xmlns="u" s:mustUnderstand="1"/>`, payload),
		envelope(headers+`<a:ReplyTo><a:Address>http://x/</a:Address></a:ReplyTo>`, payload), envelope(headers, documents("d1")), "<a/>", "",
	} {
		f.Add("", []byte(seed))
		f.Add("; action=urn:x", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, parameters string, body []byte) {
		m, err := Read(request(typeSOAP+parameters, string(body)), DefaultLimits())
		if err != nil {
			checkRefusal(t, m, err)
			return
		}
		if m.Action == "" || m.MessageID == "" || m.Body == nil || !m.Envelope.Is(NS, "Envelope") || m.Multipart {
			t.Fatalf("accepted as %+v", m)
		}
		for _, block := range m.Header.Children {
			if value, _ := block.AttrNS(NS, "mustUnderstand"); (value == "1" || value == "true") && forUs(block) && !known(block.Name()) {
				t.Fatalf("%s is not understood", block.Local)
			}
		}
	})
}

// FuzzMessage reads any bytes as MTOM: no panic; a refusal is findings whose Fault the
// gate accepts; a message that is accepted has its closing boundary and as many
// documents as references.
func FuzzMessage(f *testing.F) {
	token := `<w:Security xmlns:w="` + NSSecurity + `" xmlns:d="` + NSDSig + `"><d:SignatureValue><xop:Include xmlns:xop="` + NSXOP + `" href="cid:t"/></d:SignatureValue></w:Security>`
	for _, seed := range []string{
		rootPart(envelope(headers, documents("d1"))) + part("d1", "x") + "--b--\r\n", part("d1", "x") + rootPart(envelope(headers, documents("d1"))) + "--b--",
		rootPart(envelope(headers+token, documents("d1"))) + part("d1", "x") + part("t", "sig") + "--b--", rootPart(envelope(headers, documents("a%2Bb", "a+b"))) + part("a+b", "x") + "--b--",
		rootPart(envelope(headers, documents("d1"))) + part("d1", "eA==", "Content-Transfer-Encoding: base64\r\n") + "--b--", rootPart(envelope(headers, payload)) + "--b--",
		strings.ReplaceAll(rootPart(envelope(headers, documents("d1")))+part("d1", "x")+"--b--", "\r\n", "\n"),
	} {
		f.Add([]byte(seed))
	}
	limits := DefaultLimits()
	limits.Parts = 8
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := readAll(request(mtomType, string(body)), limits)
		if err != nil {
			checkRefusal(t, got.message, err)
			return
		}
		if !bytes.Contains(body, []byte("--b--")) || len(got.ids) != len(got.message.includes.body) || len(got.ids) > limits.Parts {
			t.Fatalf("accepted with %d documents", len(got.ids))
		}
		for _, content := range got.content {
			if len(content) > len(body) {
				t.Fatalf("a document of %d bytes in a message of %d", len(content), len(body))
			}
		}
	})
}

// checkRefusal: an error of Read is findings, and its fault is XML.
func checkRefusal(t *testing.T, m *Message, err error) {
	t.Helper()
	var es xds.Errors
	if !errors.As(err, &es) || len(es) == 0 || len(es) > xds.MaxFindings {
		t.Fatalf("refused with %v", err)
	}
	for _, e := range es {
		if e.Problem().ID != e.ID || e.Problem().Fault == "" {
			t.Fatalf("finding %+v", e)
		}
	}
	if m == nil {
		t.Fatal("no message")
	}
	refuse(t, m.MessageID, err)
}
