package xmlgate

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// FuzzParse holds the gate against encoding/xml: no panic; Check and Parse agree;
// what is accepted, encoding/xml accepts and reads as the same tree.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`<a/>`, `</A></A>`, `<a b="1" c='&lt;2'>x<b/>y<![CDATA[z]]></a>`,
		`<?xml version="1.0" encoding="UTF-8"?><p:a xmlns:p="u:1" xmlns="u:2" p:b=""><c xmlns=""/></p:a>`,
		"<a b='1\r\n2'>1\r\n2\r&#13;&#x10FFFF;</a>", `<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`,
		`<!-- c --><?pi d?><a><!-- c --> <b/> </a><!-- c -->`, `<a xmlns:a="u:1" a:xmlns="x"/>`,
		`<a xml:lang="fr">é</a>`, "\xEF\xBB\xBF<a/>", `<é:à xmlns:é="u:1"/>`, `<a ><b></b ></a >`, `<a>]]&gt;</a>`,
		`<a><![CDATA[]]]]><![CDATA[>]]></a>`, `<a xmlns:p="u:1"><p:b p:c="" xmlns:p="u:2"/></a>`, `<a b:="" :c=""/>`,
		`<S:Envelope xmlns:S="http://www.w3.org/2003/05/soap-envelope"><S:Header/><S:Body><q xmlns="urn:x"/></S:Body></S:Envelope>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		for name, l := range map[string]Limits{"envelope": Envelope(), "payload": Payload()} {
			root, err := Parse(bytes.Clone(doc), l)
			if checked := Check(doc, l); (checked == nil) != (err == nil) {
				t.Fatalf("%s: Check says %v, Parse %v", name, checked, err)
			}
			if err != nil {
				continue
			}
			want, err := byEncodingXML(doc)
			if err != nil {
				t.Fatalf("%s: accepted, but encoding/xml refuses: %v", name, err)
			}
			if got := outline(root); got != want {
				t.Fatalf("%s: got\n%s\nwant\n%s", name, got, want)
			}
			for e := range root.All() {
				if raw := e.Raw(); raw[0] != '<' || raw[len(raw)-1] != '>' {
					t.Fatalf("%s: raw of %s is %q", name, e.Path(), raw)
				}
			}
		}
	})
}

// outline writes a tree one element a line: depth, name, attributes, text.
func outline(root *Element) string {
	var b strings.Builder
	var write func(e *Element, depth int)
	write = func(e *Element, depth int) {
		attrs := slices.Clone(e.Attrs)
		for i := range attrs {
			attrs[i].Value = flat(attrs[i].Value)
		}
		fmt.Fprintf(&b, "%d {%s}%s %q %q\n", depth, e.Space, e.Local, attrs, e.Text)
		for _, c := range e.Children {
			write(c, depth+1)
		}
	}
	write(root, 0)
	return b.String()
}

// flat undoes the difference in attributes: encoding/xml keeps tabs and line ends.
func flat(s string) string { return strings.Map(spaces, s) }

func spaces(r rune) rune {
	if r == '\t' || r == '\n' || r == '\r' {
		return ' '
	}
	return r
}

// byEncodingXML is the outline of the same text as encoding/xml reads it.
func byEncodingXML(doc []byte) (string, error) {
	decoder := xml.NewDecoder(bytes.NewReader(doc))
	var open []*Element
	root := &Element{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return outline(root), nil
		}
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &Element{Space: token.Name.Space, Local: token.Name.Local}
			for _, a := range token.Attr {
				if a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"}) {
					e.Attrs = append(e.Attrs, Attr{a.Name.Space, a.Name.Local, a.Value})
				}
			}
			if len(open) == 0 {
				root = e
			} else {
				parent := open[len(open)-1]
				if len(parent.Children) == 0 && strings.Trim(parent.Text, " \t\r\n") == "" {
					parent.Text = ""
				}
				parent.Children = append(parent.Children, e)
			}
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 {
				continue
			}
			e := open[len(open)-1]
			if run := string(token); len(e.Children) == 0 || strings.Trim(run, " \t\r\n") != "" {
				e.Text += run
			}
		}
	}
}
