package iti_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// TestAttacksSOAP is group D of safety §2.3: what the envelope and its addressing can do.
func TestAttacksSOAP(t *testing.T) {
	a := newAssault(t)
	soapText := func(name, message, want string) attack { return attack{name, soapType, message, want} }
	header := func(name, block, want string) attack {
		return attack{name, soapType, a.in("</s:Header>", block+"</s:Header>"), want}
	}
	query := ebrim.AppendQuery(nil, storedQuery("FindDocuments", ebrim.LeafClass, "$XDSDocumentEntryPatientId", string(a.alice.ins)))
	address := func(name string) string {
		return "<a:" + name + "><a:Address>" + a.outside + "/answers</a:Address></a:" + name + ">"
	}
	const elsewhere = "Fault 400 Sender/InvalidAddressingHeader/OnlyAnonymousAddressSupported SOAP-009"
	const addressing = "Fault 400 Sender/MessageAddressingHeaderRequired SOAP-006"
	messageID := a.good[strings.Index(a.good, "<a:MessageID>") : strings.Index(a.good, "</a:MessageID>")+len("</a:MessageID>")]
	a.repel(t, "/xds/repository", []attack{
		soapText("75 action of another body", envelope(actionSubmit, a.token, query), mismatch),
		soapText("75 action of another transaction", envelope(actionRetrieve, a.token, query), mismatch),
		soapText("75 action of the other endpoint", envelope(actionQuery, a.token, query), "Fault 400 Sender/ActionNotSupported SOAP-004"),
		{"75 HTTP names another action", soapType + `; action="` + actionRetrieve + `"`, a.good, mismatch},
		{"75 start-info names another action", strings.Replace(mtomType, "application/soap+xml", `application/soap+xml; action=\"`+actionRetrieve+`\"`, 1), mtom(a.mtom, "d1", canary), mismatch},
		header("76 unknown header that must be understood", `<x:y xmlns:x="urn:x" s:mustUnderstand="1"/>`, "Fault 400 MustUnderstand SOAP-003"),
		header("76 the same for the next node", `<x:y xmlns:x="urn:x" s:mustUnderstand="true" s:role="`+soap.NS+`/role/next"/>`, "Fault 400 MustUnderstand SOAP-003"),
		header("77 ReplyTo elsewhere", address("ReplyTo"), elsewhere),
		header("77 FaultTo elsewhere", address("FaultTo"), elsewhere),
		soapText("78 MessageID missing", a.in(messageID, ""), addressing),
		soapText("78 MessageID twice in one message", a.in(messageID, messageID+messageID), addressing),
		soapText("79 two contents of the Body", a.in("</s:Body>", "<x/></s:Body>"), shape),
		soapText("79 two Bodies", a.in("</s:Body>", "</s:Body><s:Body><x/></s:Body>"), shape),
		{"80 SOAP 1.1 by its media type", "text/xml; charset=UTF-8", a.good, version},
		header("81 RelatesTo of 3 kB", "<a:RelatesTo>urn:"+strings.Repeat("x", 3000)+"</a:RelatesTo>", beyond),
		header("81 a thousand RelatesTo", strings.Repeat("<a:RelatesTo>urn:x</a:RelatesTo>", 30_000), beyond),
	})
	t.Run("75 SOAPAction names another action", func(t *testing.T) {
		for action, want := range map[string]string{actionRetrieve: mismatch, `"` + actionRetrieve + `"`: mismatch, `""`: "200 Success", `"` + actionSubmit + `"`: "200 Success"} {
			message := a.inline(a.world.lot(server, a.alice))
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.server.URL+"/xds/repository", strings.NewReader(message))
			if err != nil {
				t.Fatal(err)
			}
			request.Header = http.Header{"Content-Type": {soapType}, "Soapaction": {action}}
			rec := &recorder{t: t}
			response, err := rec.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			if got := answerLine(response.StatusCode, rec.body); got != want {
				t.Errorf("SOAPAction: %s gives %s", action, got)
			}
		}
	})
	t.Run("78 MessageID used again", func(t *testing.T) {
		message := a.inline(a.world.lot(server, a.alice))
		a.accept(t, "/xds/repository", soapType, message)
		before := a.left()
		if got, raw := a.send("/xds/repository", soapType, message); got != "200 Failure; REG-002 XDSDuplicateUniqueIdInRegistry" {
			t.Errorf("the same message again: %s\n%s", got, raw)
		}
		if after := a.left(); after != before {
			t.Errorf("%s, then %s", before, after)
		}
	})
}

// TestAttacksMIME is group E of safety §2.3: parts, references, documents.
func TestAttacksMIME(t *testing.T) {
	a := newAssault(t)
	whole := mtom(a.mtom, "d1", canary)
	raw := func(name, message, want string) attack { return attack{name, mtomType, message, want} }
	in := func(name, old, new, want string) attack { return raw(name, a.within(whole, old, new), want) }
	href := func(name, href, want string) attack { return in(name, `href="cid:d1"`, `href="`+href+`"`, want) }
	typed := func(name, old, new, want string) attack {
		return attack{name, a.within(mtomType, old, new), whole, want}
	}
	const include = `<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:d1"/>`
	const part = "Content-Type: text/xml\r\nContent-ID: <d1>\r\n"
	closing := "\r\n--edge--\r\n"
	two := strings.Replace(a.mtom, "</xdsb:Document>", `</xdsb:Document><xdsb:Document id="Document02">`+include+`</xdsb:Document>`, 1)
	a.repel(t, "/xds/repository", []attack{
		href("82 xop:Include by http", a.outside+"/x", noXOP), href("82 xop:Include by https", strings.Replace(a.outside, "http", "https", 1)+"/x", noXOP),
		href("82 xop:Include of a file", "file:///etc/passwd", noXOP), href("82 xop:Include by ftp", strings.Replace(a.outside, "http", "ftp", 1)+"/x", noXOP),
		href("83 xop:Include of the envelope", "cid:root", noXOP),
		href("84 unknown cid", "cid:d2", noXOP), href("84 cid in another case", "cid:D1", noXOP), href("84 cid encoded twice", "cid:%2564%2531", noXOP),
		in("85 two parts of one Content-ID", closing, "\r\n--edge\r\n"+part+"\r\nother"+closing, noMIME),
		raw("86 one part for two documents", mtom(two, "d1", canary), noXOP),
		in("87 a part that nothing refers to", closing, "\r\n--edge\r\nContent-ID: <stray>\r\n\r\nx"+closing, noXOP),
		raw("88 a million empty parts", strings.TrimSuffix(whole, closing)+strings.Repeat("\r\n--edge\r\n\r\n", 800_000)+closing, noXOP),
		raw("88 a million parts before the envelope", strings.Repeat("--edge\r\n\r\n\r\n", 800_000)+whole, "Fault 400 Sender MIME-003"),
		in("89 part header of 10 MB", part, part+"X-Large: "+strings.Repeat("x", 10<<20)+"\r\n", "Fault 400 Sender MIME-003"),
		raw("90 no closing boundary", strings.TrimSuffix(whole, closing), noMIME),
		raw("90 half a closing boundary", strings.TrimSuffix(whole, "--\r\n"), noMIME),
		typed("91 no boundary", `boundary="edge"; `, "", noMIME),
		typed("91 boundary of 71 characters", `"edge"`, `"`+strings.Repeat("e", 71)+`"`, noMIME),
		typed("91 boundary with a quote", `"edge"`, `"ed\"ge"`, noMIME),
		in("92 line ends mixed", "\r\n--edge\r\n"+part, "\r\n--edge\n"+part, noMIME),
		raw("93 preamble of 128 kB", strings.Repeat("x\r\n", 40_000)+whole, noMIME),
		raw("93 epilogue of 80 kB", whole+strings.Repeat("x", 80_000), noMIME),
		raw("93 the document in the epilogue", mtom(a.mtom)+"--edge\r\n"+part+"\r\n"+canary+closing, noXOP),
		in("94 quoted-printable", part, part+"Content-Transfer-Encoding: quoted-printable\r\n", noMIME),
		in("94 compressed part", part, part+"Content-Encoding: gzip\r\n", noMIME),
		in("94 base64 that is none", part, part+"Content-Transfer-Encoding: base64\r\n", noMIME),
		in("95 multipart in a part", "Content-Type: text/xml\r\nContent-ID: <d1>", "Content-Type: multipart/mixed; boundary=x\r\nContent-ID: <d1>", noMIME),
		typed("96 start names the document", "<root>", "<d1>", noMedia),
		typed("96 start names nothing", "<root>", "<none>", noMIME),
		typed("96 type is HTML", "application/xop+xml", "text/html", noMedia),
		typed("96 start-info is JSON", "application/soap+xml", "application/json", noMedia),
		in("97 xop:Include beside text", include, "AAAA"+include, noXOP),
		in("97 xop:Include in a header", "</s:Header>", "<h>"+include+"</h></s:Header>", noXOP),
		in("97 xop:Include as the subject of the token", ">"+hospital+"</saml2:NameID>", ">"+include+"</saml2:NameID>", noXOP),
		raw("98 another hash than the metadata say", mtom(a.attached(a.world.lot(server, a.alice, first(func(d *xds.DocumentEntry) { d.Hash = strings.Repeat("0", 40) }))), "d1", canary),
			"200 Failure; META-006 XDSRepositoryMetadataError"),
		raw("98 another size than the metadata say", mtom(a.attached(a.world.lot(server, a.alice, first(func(d *xds.DocumentEntry) { d.Size = 3 }))), "d1", canary),
			"200 Failure; META-007 XDSRepositoryMetadataError"),
		raw("99 empty document", mtom(a.mtom, "d1", ""), "200 Failure; META-008 XDSRepositoryMetadataError"),
	})

	stored := func(t *testing.T, content, contentType, message string) {
		t.Helper()
		lot := a.world.lot(server, a.alice)
		if message == "" {
			message = mtom(a.attached(lot), "d1", content)
		} else {
			message = strings.Replace(message, "ENVELOPE", a.attached(lot), 1)
		}
		used := allocated()
		a.accept(t, "/xds/repository", contentType, message)
		if spent := allocated() - used; spent > uint64(2*len(message)+memory) {
			t.Errorf("%d bytes allocated for a message of %d", spent, len(message))
		}
		outcome, got, _ := a.retrieve(on(durand, a.alice), lot.Documents[0].UniqueID)
		if outcome != "Success" || got[lot.Documents[0].UniqueID] != "text/xml "+content {
			t.Errorf("%s, or other bytes than were sent (%d)", outcome, len(content))
		}
		a.nobodyCalled(t)
	}
	template := func(change ...string) string {
		return strings.NewReplacer(change...).Replace(mtom("ENVELOPE", "d1", canary))
	}
	t.Run("84 cid percent-encoded once", func(t *testing.T) {
		lot := a.world.lot(server, a.alice)
		a.accept(t, "/xds/repository", mtomType, a.within(mtom(a.attached(lot), "d1", canary), "cid:d1", "cid:%64%31"))
	})
	t.Run("92 LF throughout", func(t *testing.T) { stored(t, canary, mtomType, template("\r\n", "\n")) })
	t.Run("93 a preamble and an epilogue are ignored", func(t *testing.T) {
		stored(t, canary, mtomType, "a note\r\n--edges\r\n"+part+"\r\nsmuggled\r\n"+template()+"--edge\r\n"+part+"\r\nsmuggled")
	})
	t.Run("94 base64 part", func(t *testing.T) {
		stored(t, canary, mtomType, template(canary, base64.StdEncoding.EncodeToString([]byte(canary)), part, part+"Content-Transfer-Encoding: base64\r\n"))
	})
	t.Run("100 archives are stored as they are", func(t *testing.T) {
		stored(t, zipBomb(t), mtomType, "")
		stored(t, "%PDF-1.7\n1 0 obj <</Filter[/FlateDecode/FlateDecode]>> stream", mtomType, "")
	})
	t.Run("101 a CDA with a DTD, a script and a remote image", func(t *testing.T) {
		stored(t, `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="`+a.outside+`/x.xsl"?><!DOCTYPE x [<!ENTITY e SYSTEM "`+a.outside+`/e">]><ClinicalDocument><img src="`+a.outside+`/i.png"/>&e;<script>alert(1)</script></ClinicalDocument>`, mtomType, "")
	})
}

// TestDocumentLimit is attack 99: a document one byte beyond the limit is refused, one
// of the limit is stored, and neither is held in memory.
func TestDocumentLimit(t *testing.T) {
	const limit = 8 << 20
	w := newWorld(t, func(l *soap.Limits) { l.Part = limit })
	for size, want := range map[int]string{limit: "Success", limit + 1: "Fault 413 Sender SOAP-008"} {
		document, before, used := attached("Document01", strings.Repeat("x", size)), w.left(), allocated()
		got := w.push(on(server, w.alice), w.lot(server, w.alice), document)
		if spent := allocated() - used; spent > 4<<20 {
			t.Errorf("%d: %d bytes allocated", size, spent)
		}
		if got != want {
			t.Errorf("%d: %s", size, got)
		}
		if after := w.left(); want != "Success" && after != before {
			t.Errorf("%s, then %s", before, after)
		}
	}
}

// zipBomb is an archive of 32 kB that holds 32 MB.
func zipBomb(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	f, err := archive.Create("IHE_XDM/SUBSET01/DOC.XML")
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	for range 32 {
		if _, err := f.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
