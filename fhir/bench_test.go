package fhir

import (
	"bytes"
	"strings"
	"testing"
)

// BenchmarkEncodings: a page of 20 documents written from the domain, the same as XML
// for who asks for it, and both read back. bench compares the first with encoding/json.
func BenchmarkEncodings(b *testing.B) {
	docs := admit(b, crDocument())
	for len(docs) < 20 {
		docs = append(docs, docs[0])
	}
	set := Searchset{Base: testBase, Self: testBase + "/DocumentReference?x"}
	text := AppendSearchset(nil, set, docs, nil)
	xml, err := Rendering{Format: XML}.Render(text)
	if err != nil {
		b.Fatal(err)
	}
	for name, run := range map[string]func(buffer []byte) ([]byte, error){
		"write JSON": func(buffer []byte) ([]byte, error) {
			return Rendering{}.Render(AppendSearchset(buffer, set, docs, nil))
		},
		"write XML": func(buffer []byte) ([]byte, error) {
			return Rendering{Format: XML}.Render(AppendSearchset(buffer, set, docs, nil))
		},
		"read JSON": func([]byte) ([]byte, error) {
			_, findings := ReadResource(strings.NewReader(string(text)), 1<<20)
			return nil, findings.Err()
		},
		"read XML": func([]byte) ([]byte, error) {
			_, findings := ReadXML(bytes.NewReader(xml), 1<<20)
			return nil, findings.Err()
		},
	} {
		b.Run(name, func(b *testing.B) {
			buffer := make([]byte, 0, 2*len(xml))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := run(buffer[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
