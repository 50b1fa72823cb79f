package soap

import (
	"io"
	"strings"
	"testing"
)

// bombs are messages that cost much to read to their end: each must be refused long
// before, in memory that does not grow with what it would unfold to.
func bombs() map[string]struct{ contentType, body string } {
	in := func(header, body string) string { return envelope(headers+header, payload+body) }
	plain := "application/soap+xml"
	one := rootPart(envelope(headers, documents("d1")))
	return map[string]struct{ contentType, body string }{
		"depth":               {plain, in("", strings.Repeat("<a>", 1_000_000))},
		"siblings":            {plain, in("", strings.Repeat("<a/>", 1_000_000))},
		"attributes":          {plain, in("", "<a"+strings.Repeat(` a=""`, 500_000)+"/>")},
		"namespaces":          {plain, in("<t>"+strings.Repeat(`<a xmlns:p="u:1"/>`, 5_000)+"</t>", "")},
		"nested namespaces":   {plain, in("<t>"+strings.Repeat(strings.Repeat(`<a xmlns:p="u:1" xmlns:q="u:2">`, 60)+strings.Repeat("</a>", 60), 100)+"</t>", "")},
		"must understand":     {plain, in(strings.Repeat(`<x s:mustUnderstand="1"/>`, 19_000), "")},
		"reply addresses":     {plain, in(strings.Repeat(`<a:ReplyTo><a:Address>http://x</a:Address></a:ReplyTo>`, 9_000), "")},
		"security headers":    {plain, in(strings.Repeat(`<w:Security xmlns:w="`+NSSecurity+`"/>`, 250), "")},
		"bodies":              {plain, strings.Replace(envelope(headers, payload), "</s:Envelope>", strings.Repeat("<s:Body/>", 50_000)+"</s:Envelope>", 1)},
		"entities":            {plain, `<!DOCTYPE a [<!ENTITY e "` + strings.Repeat("x", 1<<20) + `">]>` + in("", strings.Repeat("&e;", 1000))},
		"comments":            {plain, in("", strings.Repeat("<!-- -->", 400_000))},
		"references":          {plain, in("", strings.Repeat(`<x:D xmlns:x="urn:x"><xop:Include xmlns:xop="`+NSXOP+`" href="cid:d"/></x:D>`, 20_000))},
		"empty parts":         {mtomType, one + strings.Repeat("--b\r\n\r\n\r\n", 1_000_000)},
		"part header":         {mtomType, one + "--b\r\nX: " + strings.Repeat("x", 10<<20)},
		"part header lines":   {mtomType, one + "--b\r\n" + strings.Repeat("X:\r\n ", 1_000_000)},
		"near boundaries":     {mtomType, one + part("d2", strings.Repeat("\r\n--", 2_000_000))},
		"parameters":          {mtomType + strings.Repeat("; a=b", 100_000), one},
		"preamble":            {mtomType, strings.Repeat("\r\n--", 2_000_000) + one},
		"base64 of a million": {mtomType, one + part("d1", strings.Repeat("\r\n", 4<<20), "Content-Transfer-Encoding: base64\r\n")},
	}
}

// TestBombs bounds what is read and what is allocated for each: no more than twice the
// largest envelope, and of a multipart no more than some buffers, whatever follows.
func TestBombs(t *testing.T) {
	for name, bomb := range bombs() {
		t.Run(name, func(t *testing.T) {
			tape := &counting{Reader: strings.NewReader(bomb.body)}
			r := requestFrom(bomb.contentType, tape)
			limit := uint64(20 << 20) // five envelopes: the buffer that grows, and the tree
			if strings.HasPrefix(bomb.contentType, "multipart/") {
				limit = 1 << 20
			}
			before := allocated()
			_, err := readAll(r, DefaultLimits())
			if spent := allocated() - before; spent > limit {
				t.Errorf("%d bytes allocated, %d read of %d", spent, tape.read, len(bomb.body))
			}
			if err == nil {
				t.Error("accepted")
			}
			refuse(t, "", err)
		})
	}
}

// counting counts what was read.
type counting struct {
	io.Reader
	read int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

// BenchmarkRefused is the CPU of a refusal: the goal is 50 ms for each (safety §2.3).
func BenchmarkRefused(b *testing.B) {
	for name, bomb := range bombs() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(bomb.body)))
			for b.Loop() {
				if _, err := readAll(request(bomb.contentType, bomb.body), DefaultLimits()); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}
