package iti_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// dialectTitle has what encodings break: accents, a ligature, a no-break space, a
// sign beyond the basic plane, and the two characters that XML escapes.
const dialectTitle = "Relevé d’œdème\u00a0: 🩺 <A & B>"

// dialectContent is the document of the captures.
const dialectContent = "%PDF-1.7\r\n\x00\x01--uuid:\r\n"

// TestDialects replays each capture of xds/soap/testdata/dialects as the bytes that
// its stack would put on the wire, with an assertion signed now. It succeeds whole
// (the submission is stored and read back, the query finds, the retrieve gives the
// bytes), or is refused by the finding that ends its name.
func TestDialects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stored := w.stored(server, w.alice).UniqueID
	files, err := filepath.Glob("../soap/testdata/dialects/*.http")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d captures: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".http")
		t.Run(name, func(t *testing.T) {
			capture, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			who := durand
			if strings.Contains(name, "-41") {
				who = server
			}
			c := w.capture(who, stored)
			before := w.left()
			response, raw := w.replay(c.fill(capture))
			_, refused, ok := cutLast(name, ".")
			switch {
			case ok && strings.Contains(refused, "-"):
				if got := answerLine(response.StatusCode, raw); !strings.HasPrefix(got, "Fault ") || !strings.HasSuffix(got, " "+refused) {
					t.Errorf("got %s, want a Fault with %s\n%s", got, refused, raw)
				}
				if after := w.left(); after != before {
					t.Errorf("%s, then %s", before, after)
				}
			case strings.Contains(name, "-41"):
				if got := answerLine(response.StatusCode, raw); got != "200 Success" {
					t.Fatalf("%s\n%s", got, raw)
				}
				w.checkSubmitted(t, name, c.document)
			case strings.Contains(name, "-18"):
				if got := answerLine(response.StatusCode, raw); got != "200 Success" || !bytes.Contains(raw, []byte(`"`+stored+`"`)) {
					t.Errorf("%s\n%s", got, raw)
				}
			default:
				if !bytes.Contains(raw, []byte("ResponseStatusType:Success")) || !bytes.Contains(raw, []byte("\r\n\r\ncontent of "+stored+"\r\n--")) {
					t.Errorf("%d\n%s", response.StatusCode, raw)
				}
			}
		})
	}
}

// checkSubmitted reads back what a capture has stored.
func (w *world) checkSubmitted(t *testing.T, name, id string) {
	t.Helper()
	want := dialectContent
	if name == "lf-41" {
		want = "one line\nand another"
	}
	outcome, got, _ := w.retrieve(on(durand, w.alice), id)
	if outcome != "Success" || strings.TrimSuffix(got[id], "\n") != strings.TrimSuffix("text/xml "+want, "\n") {
		t.Errorf("%s: %q", outcome, got[id])
	}
	if d := w.entry(w.alice, id); d.Title != dialectTitle || len(d.SourcePatientInfo) != 3 || string(d.LegalAuthenticator) != "899900000077^HOPITAL^Ève^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS" {
		t.Errorf("read as %+v", d)
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// capture is what the placeholders of a capture stand for.
type capture struct {
	document string
	values   map[string]string
}

// capture signs an assertion and draws ids for one message.
func (w *world) capture(who saml.Claims, stored string) capture {
	w.t.Helper()
	assertion, err := w.signer().Issue(on(who, w.alice))
	if err != nil {
		w.t.Fatal(err)
	}
	n := w.serial.Add(1)
	c := capture{document: fmt.Sprintf("1.2.3.%d", n)}
	inParts, values := string(assertion), map[string]string{}
	for placeholder, element := range map[string]string{"DIGEST": "DigestValue", "SIGNATURE": "SignatureValue", "CERTIFICATE": "X509Certificate"} {
		text := regexp.MustCompile(`<ds:` + element + `>([^<]*)<`).FindStringSubmatch(inParts)
		if text == nil {
			w.t.Fatalf("no %s in %s", element, inParts)
		}
		content, err := base64.StdEncoding.DecodeString(text[1])
		if err != nil {
			w.t.Fatal(err)
		}
		cid := map[string]string{"DIGEST": "digest", "SIGNATURE": "value", "CERTIFICATE": "certificate"}[placeholder]
		inParts = strings.Replace(inParts, ">"+text[1]+"<", `><xop:Include xmlns:xop="`+soap.NSXOP+`" href="cid:`+cid+`-2@http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23"/><`, 1)
		values[placeholder] = string(content)
	}
	inherited := string(assertion)
	for _, declaration := range []string{` xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion"`, ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`} {
		inherited = strings.Replace(inherited, declaration, "", 1)
	}
	now := time.Now().UTC()
	for name, value := range map[string]string{
		"HOST": strings.TrimPrefix(w.server.URL, "http://"), "BASE": w.server.URL, "UUID": newID(), "ASSERTION": string(assertion),
		"ASSERTION-XOP": inParts, "ASSERTION-INHERITED": inherited, "INS": strings.ReplaceAll(string(w.alice.ins), "&", "&amp;"), "BIRTH": w.alice.traits.BirthDate,
		"TITLE": strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(dialectTitle), "DOCUMENT": c.document, "SET": fmt.Sprintf("1.2.4.%d", n),
		"REPOSITORY": repositoryID, "STORED": stored, "CREATED": now.Format(time.RFC3339), "EXPIRES": now.Add(5 * time.Minute).Format(time.RFC3339),
	} {
		values[name] = value
	}
	c.values = values
	return c
}

var placeholders = regexp.MustCompile(`\{\{[A-Z-]+\}\}`)

// fill puts the values in; the length of the body comes last.
func (c capture) fill(text []byte) (head, body []byte) {
	whole := placeholders.ReplaceAllFunc(text, func(p []byte) []byte {
		if v, ok := c.values[string(p[2:len(p)-2])]; ok {
			return []byte(v)
		}
		return p
	})
	head, body, _ = bytes.Cut(whole, []byte("\r\n\r\n"))
	return bytes.Replace(head, []byte("{{LENGTH}}"), fmt.Append(nil, len(body)), 1), body
}

// replay sends one request over a connection of its own: chunked in pieces of an odd
// size when its head says so, the body behind 100 Continue when it asks for that.
func (w *world) replay(head, body []byte) (*http.Response, []byte) {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		w.t.Fatal(err)
	}
	if _, err := conn.Write(append(head, "\r\n\r\n"...)); err != nil {
		w.t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	if bytes.Contains(head, []byte("Expect: 100-continue")) {
		response, err := http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != http.StatusContinue {
			w.t.Fatalf("no 100 Continue: %v %v", response, err)
		}
	}
	if bytes.Contains(head, []byte("Transfer-Encoding: chunked")) {
		var out bytes.Buffer
		for from := 0; from < len(body); from += 1021 {
			piece := body[from:min(from+1021, len(body))]
			fmt.Fprintf(&out, "%x\r\n%s\r\n", len(piece), piece)
		}
		out.WriteString("0\r\n\r\n")
		body = out.Bytes()
	}
	if _, err := conn.Write(body); err != nil {
		w.t.Fatal(err)
	}
	response, err := http.ReadResponse(reader, &http.Request{Method: http.MethodPost})
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	checkAnswer(w.t, response.Header, raw)
	return response, raw
}
