package soap

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestReadMTOM(t *testing.T) {
	body := "preamble\r\n" + rootPart(envelope(headers, documents("d1", "d2", "d3", "d4"))) +
		part("d1", "one\r\n--bogus\r\n--") + part("d2", "") +
		part("d3", base64.StdEncoding.EncodeToString([]byte("three\x00"))+"\r\n", "Content-Transfer-Encoding: BASE64\r\n") +
		part("d4", "\n--b\n-", "Content-Transfer-Encoding: 8bit\r\n", "X-Folded: a\r\n b\r\n") + "--b-- \r\nepilogue"
	want := map[string]string{"d1": "one\r\n--bogus\r\n--", "d2": "", "d3": "three\x00", "d4": "\n--b\n-"}
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "halves": iotest.HalfReader, "data with EOF": iotest.DataErrReader,
	} {
		got, err := readAll(requestFrom(mtomType, wrap(strings.NewReader(body))), DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got.content); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestMIMEAttacks are the rows of safety §2.3 E that the transport decides.
func TestMIMEAttacks(t *testing.T) {
	whole := func(cids string, parts ...string) string {
		return rootPart(envelope(headers, documents(strings.Fields(cids)...))) + strings.Join(parts, "") + "--b--\r\n"
	}
	href := func(to string) string {
		return strings.Replace(whole("d1", part("d1", "x")), "cid:d1", to, 1)
	}
	in := func(old, now string) string {
		return strings.Replace(whole("d1", part("d1", "x")), old, now, 1)
	}
	include := `<xop:Include xmlns:xop="` + NSXOP + `" href="cid:d1"/>`
	limits := DefaultLimits()
	limits.Part, limits.Parts, limits.Total = 1000, 4, 12<<20
	for _, c := range []struct {
		name, contentType, body, id, says string
	}{
		{"E-82 http", mtomType, href("http://127.0.0.1:1/x"), "MIME-002", "http:"},
		{"E-82 https", mtomType, href("https://127.0.0.1:1/x"), "MIME-002", "https:"},
		{"E-82 file", mtomType, href("file:///etc/passwd"), "MIME-002", "file:"},
		{"E-82 ftp", mtomType, href("ftp://127.0.0.1/x"), "MIME-002", "ftp:"},
		{"E-82 relative", mtomType, href("d1"), "MIME-002", "href"},
		{"E-83 the envelope itself", mtomType, href("cid:root"), "MIME-002", "elle-même"},
		{"E-84 unknown cid", mtomType, href("cid:d2"), "MIME-002", "partie sans référence"},
		{"E-84 unknown cid, no part", mtomType, whole("d2"), "MIME-002", "aucune partie <d2>"},
		{"E-84 case", mtomType, href("cid:D1"), "MIME-002", "partie sans référence"},
		{"E-84 decoded once only", mtomType, href("cid:%2564%2531"), "MIME-002", "partie sans référence"},
		{"E-85 duplicate Content-ID", mtomType, whole("d1", part("d1", "x"), part("d1", "y")), "MIME-001", "Content-ID répété"},
		{"E-85 the id of the envelope", mtomType, whole("d1", part("root", "x")), "MIME-001", "Content-ID répété"},
		{"E-86 same part twice", mtomType, whole("d1 d1", part("d1", "x")), "MIME-002", "deux fois"},
		{"E-87 unreferenced part", mtomType, whole("d1", part("d1", "x"), part("d2", "y")), "MIME-002", "partie sans référence"},
		{"E-87 part without Content-ID", mtomType, whole("d1", "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"), "MIME-002", "partie sans référence"},
		{"E-88 a million empty parts", mtomType, whole("d1", strings.Repeat("--b\r\n\r\n\r\n", 100_000)), "MIME-002", "partie sans référence"},
		{"E-88 more parts than allowed", mtomType, whole("d1 d2 d3 d4 d5", part("d1", "x")), "MIME-003", "plus de 4"},
		{"E-88 empty parts before the envelope", strings.Replace(mtomType, "root", "none", 1), strings.Repeat("--b\r\n\r\n\r\n", 100_000) + "--b--", "MIME-003", "plus de 4"},
		{"E-89 part header of 10 MB", mtomType, in("Content-ID: <d1>", "X: "+strings.Repeat("x", 10<<20)), "MIME-003", "8 Kio"},
		{"E-89 part header of many lines", mtomType, in("Content-ID: <d1>", strings.Repeat("X:\r\n ", 3000)), "MIME-003", "8 Kio"},
		{"E-90 no closing boundary", mtomType, in("--b--\r\n", ""), "MIME-001", "frontière de fin"},
		{"E-90 half a closing boundary", mtomType, in("--b--\r\n", "--b-"), "MIME-001", "frontière de fin"},
		{"E-90 padded boundary at the end", mtomType, in("--b--\r\n", "--b  "), "MIME-001", "frontière de fin"},
		{"E-90 closing boundary that is another", mtomType, in("--b--\r\n", "--bb--"), "MIME-001", "frontière de fin"},
		{"E-91 no boundary", strings.Replace(mtomType, `boundary="b";`, "", 1), whole(""), "MIME-001", "frontière absente"},
		{"E-91 boundary of 71", strings.Replace(mtomType, `"b"`, strings.Repeat("b", 71), 1), whole(""), "MIME-001", "frontière"},
		{"E-91 boundary with a quote", strings.Replace(mtomType, `"b"`, `"b\""`, 1), whole(""), "MIME-001", "frontière"},
		{"E-91 line end in the header", strings.Replace(mtomType, `"b"`, "\"b\r\n\"", 1), whole(""), "SOAP-007", "contrôle"},
		{"E-92 line ends mixed", mtomType, in("--b\r\nContent-Type: text/plain\r\n", "--b\nContent-Type: text/plain\n"), "MIME-001", "mêlées"},
		{"E-93 long preamble", mtomType, strings.Repeat("x\r\n", 40_000) + whole(""), "MIME-001", "préambule"},
		{"E-93 long epilogue", mtomType, whole("d1", part("d1", "x")) + strings.Repeat("x", 80_000), "MIME-001", "épilogue"},
		{"E-93 parts in the epilogue", mtomType, whole("d1", "--b--\r\n", part("d1", "x")), "MIME-002", "aucune partie <d1>"},
		{"E-94 quoted-printable", mtomType, in("<d1>\r\n", "<d1>\r\nContent-Transfer-Encoding: quoted-printable\r\n"), "MIME-001", "quoted-printable"},
		{"E-94 gzip", mtomType, in("<d1>\r\n", "<d1>\r\nContent-Encoding: gzip\r\n"), "MIME-001", "gzip"},
		{"E-94 base64 that is none", mtomType, in("<d1>\r\n", "<d1>\r\nContent-Transfer-Encoding: base64\r\n"), "MIME-001", "base64 invalide"},
		{"E-94 base64 beyond the limit", mtomType, whole("d1", part("d1", strings.Repeat("QUJD", 400), "Content-Transfer-Encoding: base64\r\n")), "SOAP-008", "1000 octets"},
		{"E-95 nested multipart", mtomType, in("text/plain", "multipart/mixed; boundary=c"), "MIME-001", "multipart dans"},
		{"E-96 start names another part", strings.Replace(mtomType, "<root>", "<d1>", 1), whole("d1", part("d1", "x")), "SOAP-007", "text/plain"},
		{"E-96 start names no part", strings.Replace(mtomType, "<root>", "<other>", 1), whole("d1", part("d1", "x")), "MIME-001", "aucune partie <other>"},
		{"E-96 type is no XOP", strings.Replace(mtomType, "application/xop+xml", "text/html", 1), whole("d1", part("d1", "x")), "SOAP-007", "text/html"},
		{"E-96 type is SOAP 1.1", strings.Replace(mtomType, "application/xop+xml", "text/xml", 1), whole("d1", part("d1", "x")), "SOAP-002", "text/xml"},
		{"E-96 start-info is JSON", strings.Replace(mtomType, "application/soap+xml", "application/json", 1), whole("d1", part("d1", "x")), "SOAP-007", "application/json"},
		{"E-97 include with text beside it", mtomType, in(include, "x"+include), "MIME-002", "mêlé"},
		{"E-97 include with a brother", mtomType, in(include, include+"<e/>"), "MIME-002", "mêlé"},
		{"E-97 include with content", mtomType, in(`href="cid:d1"/>`, `href="cid:d1">x</xop:Include>`), "MIME-002", "contenu"},
		{"E-97 in the header", mtomType, in("</s:Header>", "<h>"+include+"</h></s:Header>"), "MIME-002", "dans l'en-tête"},
		{"E-97 in the security header, no base64 element", mtomType, in("</s:Header>", `<w:Security xmlns:w="`+NSSecurity+`"><w:Username>`+include+`</w:Username></w:Security></s:Header>`), "MIME-002", "dans l'en-tête"},
		{"E-97 base64 element outside the security header", mtomType, in("</s:Header>", `<d:DigestValue xmlns:d="`+NSDSig+`">`+include+`</d:DigestValue></s:Header>`), "MIME-002", "dans l'en-tête"},
		{"E-99 limit + 1", mtomType, whole("d1", part("d1", strings.Repeat("x", 1001))), "SOAP-008", "1000 octets"},
		{"header line without colon", mtomType, in("Content-Type: text/plain", "Content-Type text/plain"), "MIME-001", "ligne sans nom"},
		{"header given twice", mtomType, in("Content-Type: text/plain", "Content-Type: text/plain\r\ncontent-type: text/html"), "MIME-001", "répété"},
		{"no part at all", mtomType, "--b--\r\n", "MIME-001", "aucune partie"},
		{"empty body", mtomType, "", "MIME-001", "corps vide"},
		{"another boundary", mtomType, strings.ReplaceAll(whole("d1", part("d1", "x")), "--b", "--other"), "MIME-001", "commence par --other"},
		{"no boundary in the body", mtomType, strings.Repeat("x", 200), "MIME-001", "n'est pas dans le corps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []*http.Request{request(c.contentType, c.body), requestFrom(c.contentType, io.MultiReader(strings.NewReader(c.body)))} {
				_, err := readAll(r, limits) // with and without Content-Length
				wantFinding(t, err, c.id, c.says)
				refuse(t, "", err)
			}
		})
	}
}

func TestTotalLimit(t *testing.T) {
	limits := DefaultLimits()
	limits.Total = 1 << 20
	body := rootPart(envelope(headers, documents("d1"))) + part("d1", strings.Repeat("x", 2<<20)) + "--b--"
	_, err := readAll(requestFrom(mtomType, io.MultiReader(strings.NewReader(body))), limits)
	wantFinding(t, err, "SOAP-008", "au plus 1 Mio")
	announced := requestFrom(mtomType, unreadable{t})
	announced.ContentLength = 2 << 20
	_, err = readAll(announced, limits)
	wantFinding(t, err, "SOAP-008", "2 Mio")
}

// TestEveryTruncationIsSeen cuts a message behind each of its bytes: none but
// the whole one, with or without its last line end, may read as complete.
func TestEveryTruncationIsSeen(t *testing.T) {
	for name, body := range map[string]string{
		"CRLF": rootPart(envelope(headers, documents("d1", "d2"))) + part("d1", "one") + part("d2", "VHdv", "Content-Transfer-Encoding: base64\r\n") + "--b--\r\n",
		"LF":   strings.ReplaceAll(rootPart(envelope(headers, documents("d1")))+part("d1", "one")+"--b--\r\n", "\r\n", "\n"),
	} {
		end := strings.Index(body, "--b--") + len("--b--")
		for n := range body {
			_, err := readAll(request(mtomType, body[:n]), DefaultLimits())
			if n < end && err == nil {
				t.Errorf("%s: cut behind %d of %d bytes reads as whole", name, n, len(body))
			}
			if n >= end && err != nil {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(body), err)
			}
		}
	}
}

// TestConnectionLost: what breaks while a document is read is no end of it.
func TestConnectionLost(t *testing.T) {
	start := rootPart(envelope(headers, documents("d1"))) + "--b\r\nContent-ID: <d1>\r\n\r\nhalf"
	m, err := Read(requestFrom(mtomType, io.MultiReader(strings.NewReader(start), iotest.ErrReader(io.ErrUnexpectedEOF))), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(p)
	wantFinding(t, err, "MIME-001", "interrompu")
	if _, again := m.NextPart(); again == nil || again == io.EOF {
		t.Errorf("the next part: %v", again)
	}
}

// TestABrokenPartBreaksTheMessage: a caller that overlooks the error of one
// part cannot reach the end of the message.
func TestABrokenPartBreaksTheMessage(t *testing.T) {
	body := rootPart(envelope(headers, documents("d1"))) + part("d1", "!", "Content-Transfer-Encoding: base64\r\n") + "--b--\r\n"
	m, err := Read(request(mtomType, body), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, p); err == nil {
		t.Fatal("bad base64 accepted")
	}
	wantFinding(t, m.Drain(), "MIME-001", "base64")
}

func TestPassedPartIsNoLongerRead(t *testing.T) {
	body := rootPart(envelope(headers, documents("d1", "d2"))) + part("d1", "one") + part("d2", "two") + "--b--"
	m, err := Read(request(mtomType, body), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	first, _ := m.NextPart()
	if _, err := m.NextPart(); err != nil {
		t.Fatal(err)
	}
	if n, err := first.Read(make([]byte, 9)); err == nil || err == io.EOF {
		t.Errorf("read of a passed part: %d %v", n, err)
	}
}

// TestTokenParts: base64 of the security header that a stack moved into parts
// comes back before anyone verifies it; documents met on the way are kept.
func TestTokenParts(t *testing.T) {
	include := func(cid string) string {
		return `<xop:Include xmlns:xop="` + NSXOP + `" href="cid:` + cid + `"/>`
	}
	security := func(cert, value string) string {
		return `<w:Security xmlns:w="` + NSSecurity + `" xmlns:d="` + NSDSig + `"><d:Signature><d:SignatureValue>` + value +
			`</d:SignatureValue><d:X509Certificate>` + cert + `</d:X509Certificate></d:Signature></w:Security>`
	}
	moved := envelope(headers+security(include("cert"), include("value")), documents("d1"))
	want := strings.Replace(strings.Replace(moved, include("cert"), "Y2VydA==", 1), include("value"), "c2ln", 1)
	root, d1, cert, value := rootPart(moved), part("d1", "document"), part("cert", "cert"), part("value", "sig")
	for name, body := range map[string]string{
		"tokens first":            root + cert + value + d1,
		"document between":        root + value + d1 + cert,
		"all before the envelope": d1 + cert + value + root,
	} {
		got, err := readAll(request(mtomType, body+"--b--\r\n"), DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(got.message.Root) != want || got.message.Security.Find(NSDSig, "Signature", "X509Certificate").Text != "Y2VydA==" {
			t.Errorf("%s: envelope is %s", name, got.message.Root)
		}
		if got.content["d1"] != "document" || len(got.ids) != 1 {
			t.Errorf("%s: documents %v", name, got.content)
		}
	}
	_, err := readAll(request(mtomType, root+cert+d1+"--b--\r\n"), DefaultLimits())
	wantFinding(t, err, "MIME-002", "aucune partie <value>")
	_, err = readAll(request(mtomType, root+part("d1", strings.Repeat("x", 70_000))+cert+value+"--b--\r\n"), DefaultLimits())
	wantFinding(t, err, "MIME-001", "jeton de sécurité juste après")
	_, err = readAll(request(mtomType, root+part("cert", strings.Repeat("x", 70_000))+value+d1+"--b--\r\n"), DefaultLimits())
	wantFinding(t, err, "SOAP-008", "64 Kio")
}

func TestPartsBeforeTheEnvelope(t *testing.T) {
	root := rootPart(envelope(headers, documents("d1", "d2")))
	got, err := readAll(request(mtomType, part("d2", "two")+root+part("d1", "one")+"--b--"), DefaultLimits())
	if diff := cmp.Diff([]string{"d2", "d1"}, got.ids); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	_, err = readAll(request(mtomType, part("d2", strings.Repeat("x", 65<<10))+root+part("d1", "one")+"--b--"), DefaultLimits())
	wantFinding(t, err, "MIME-001", "l'enveloppe en première partie")
}

func TestMediaType(t *testing.T) {
	for s, want := range map[string]map[string]string{
		`multipart/related; boundary=uuid:1-2; start=<a@b>; type=application/xop+xml`: {"boundary": "uuid:1-2", "start": "<a@b>", "type": "application/xop+xml"},
		`Multipart/Related;BOUNDARY="----=_Part_1";Type="text/xml";`:                  {"boundary": "----=_Part_1", "type": "text/xml"},
		`multipart/related; start-info="application/soap+xml; action=\"urn:x\"";;a=b`: {"start-info": `application/soap+xml; action="urn:x"`, "a": "b"},
		`multipart/related; a=1; a="1" ; b = 2`:                                       {"a": "1", "b": "2"},
		`multipart/related`:                                                           {},
	} {
		got, err := parseMediaType(s)
		if err != nil || got.name != "multipart/related" {
			t.Errorf("%s: %q %v", s, got.name, err)
		}
		if diff := cmp.Diff(want, got.params); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s, diff)
		}
	}
	for _, bad := range []string{`a/b; c`, `a/b; c="d`, `a/b; c="d"e`, `a/b; c="d\`, `a/b; c=d"e`, "a/b; c=\x01", `a/b; c=1; C=2`, `a/b;` + strings.Repeat(" ", 5000)} {
		if got, err := parseMediaType(bad); err == nil {
			t.Errorf("%.40q accepted: %v", bad, got)
		}
	}
}

// TestLargeDocumentStreams is E-99: 100 MB pass through, memory stays flat.
func TestLargeDocumentStreams(t *testing.T) {
	const size = 100 << 20
	body := io.MultiReader(
		strings.NewReader(rootPart(envelope(headers, documents("d1")))+"--b\r\nContent-ID: <d1>\r\n\r\n"),
		&noise{left: size}, strings.NewReader("\r\n--b--\r\n"))
	m, err := Read(requestFrom(mtomType, body), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	before := allocated()
	n, err := io.Copy(io.Discard, p)
	if err != nil || n != size {
		t.Fatalf("read %d bytes: %v", n, err)
	}
	if err := m.Drain(); err != nil {
		t.Fatal(err)
	}
	if used := allocated() - before; used > 1<<20 {
		t.Errorf("%d bytes allocated for a document of %d", used, size)
	}
}

// noise yields bytes that often look like the beginning of a boundary.
type noise struct{ left, n int }

func (r *noise) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	const text = "\r\n--\r\n-\r\n--c\x00\xff"
	n := min(len(p), r.left)
	for i := range n {
		p[i] = text[(r.n+i)%len(text)]
	}
	r.left -= n
	r.n += n
	return n, nil
}

func BenchmarkPart(b *testing.B) {
	const size = 16 << 20
	b.SetBytes(size)
	for b.Loop() {
		split := newMultipart(io.MultiReader(strings.NewReader("--b\r\n\r\n"), io.LimitReader(zeros{}, size), strings.NewReader("\r\n--b--")), -1, "b", DefaultLimits())
		_, body, err := split.next()
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, body); err != nil || n != size {
			b.Fatal(fmt.Sprint(n, err))
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
