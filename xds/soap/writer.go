package soap

import (
	"io"
	"strings"

	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// flushSize is how much a Writer gathers before it writes.
const flushSize = 64 << 10

// Writer appends XML: fixed prefixes, written as given, one pass, no tree. It
// escapes what is text and trusts what is a name: names are constants of the
// program. The zero Writer gathers in memory; see Bytes.
//
//	w.Start("rim:Slot", "name", "creationTime")
//	w.Leaf("rim:Value", created)
//	w.End()
type Writer struct {
	buf  []byte
	open []string  // names of the open elements
	tag  bool      // the last start tag still lacks its >
	dst  io.Writer // nil: gather
	err  error     // of dst, sticky
	sent bool      // something went to dst
}

// Start opens an element; attrs are names and values in turn, declarations of
// namespaces among them.
func (w *Writer) Start(name string, attrs ...string) {
	w.closeTag()
	w.flush(flushSize)
	w.buf = append(append(w.buf, '<'), name...)
	w.tag = true
	w.open = append(w.open, name)
	for i := 0; i+1 < len(attrs); i += 2 {
		w.Attr(attrs[i], attrs[i+1])
	}
}

// Attr adds an attribute to the element just opened.
func (w *Writer) Attr(name, value string) {
	w.buf = append(append(append(w.buf, ' '), name...), '=', '"')
	w.buf = xmlgate.AppendEscaped(w.buf, value, true)
	w.buf = append(w.buf, '"')
}

// Text adds character data.
func (w *Writer) Text(s string) {
	w.closeTag()
	w.buf = xmlgate.AppendEscaped(w.buf, s, false)
}

// End closes the innermost element.
func (w *Writer) End() {
	last := len(w.open) - 1
	if w.tag {
		w.buf = append(w.buf, '/', '>')
		w.tag = false
	} else {
		w.buf = append(append(append(w.buf, '<', '/'), w.open[last]...), '>')
	}
	w.open = w.open[:last]
}

// Leaf is an element of nothing but text.
func (w *Writer) Leaf(name, text string, attrs ...string) {
	w.Start(name, attrs...)
	w.Text(text)
	w.End()
}

// Include says that the part of this Content-ID is the content of the open element.
func (w *Writer) Include(contentID string) {
	w.Start("xop:Include", "xmlns:xop", NSXOP, "href", "cid:"+escapeCID(contentID))
	w.End()
}

// Raw adds XML as it is: a signed token, an element taken from an accepted message.
func (w *Writer) Raw(xml []byte) {
	w.closeTag()
	if w.dst != nil && len(xml) >= flushSize { // long: not copied
		w.flush(0)
		if w.err == nil {
			_, w.err = w.dst.Write(xml)
		}
		return
	}
	w.buf = append(w.buf, xml...)
}

// Bytes are what has been written, when it has not gone to a destination.
func (w *Writer) Bytes() []byte {
	w.closeTag()
	return w.buf
}

func (w *Writer) closeTag() {
	if w.tag {
		w.buf = append(w.buf, '>')
		w.tag = false
	}
}

// flush hands what has been gathered to the destination once it is this much.
func (w *Writer) flush(least int) {
	if w.dst == nil || len(w.buf) < least {
		return
	}
	if w.err == nil {
		_, w.err = w.dst.Write(w.buf)
	}
	w.sent = true
	w.buf = w.buf[:0]
}

// escapeCID writes a Content-ID so that header and reference are the same text,
// and both stay one token whatever the id holds.
func escapeCID(id string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~@+:"
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(id) {
		if strings.IndexByte(plain, id[i]) >= 0 {
			b.WriteByte(id[i])
			continue
		}
		b.Write([]byte{'%', digits[id[i]>>4], digits[id[i]&15]})
	}
	return b.String()
}
