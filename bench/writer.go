package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// writtenEntries is how many LeafClass entries the answer of the writer's gate holds.
const writtenEntries = 100

// node is an element as encoding/xml takes it: names with their prefixes as they are,
// which is the cheapest way to ask it for the same text.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []node
}

// writerGate compares the writer of ITI-18 with encoding/xml: the same answer, byte for
// byte once read again, of real entries that a reader was shown.
func writerGate(ctx context.Context, w *world) ([]result, error) {
	documents, err := w.shown(ctx, writtenEntries)
	if err != nil {
		return nil, err
	}
	answer := ebrim.QueryAnswer{ReturnType: ebrim.LeafClass, Documents: documents}
	text := ebrim.AppendQueryResponse(nil, answer)
	tree, err := xmlgate.Parse(text, soap.AnswerLimits().XML)
	if err != nil {
		return nil, err
	}
	root := nodeOf(tree)
	other, err := xml.Marshal(root)
	if err != nil {
		return nil, err
	}
	if a, b := bytes.Count(text, []byte("<rim:")), bytes.Count(other, []byte("<rim:")); a != b {
		return nil, fmt.Errorf("encoding/xml writes %d elements, the writer %d", b, a)
	}
	var own, theirs []time.Duration
	buffer := make([]byte, 0, len(text))
	for range 60 {
		began := time.Now()
		buffer = ebrim.AppendQueryResponse(buffer[:0], answer)
		own = append(own, time.Since(began))
		began = time.Now()
		if _, err := xml.Marshal(root); err != nil {
			return nil, err
		}
		theirs = append(theirs, time.Since(began))
	}
	a, b := middle(theirs), middle(own)
	share := float64(a) / float64(b)
	return []result{{gate: "writer", what: fmt.Sprintf("encoding/xml ÷ writer, ITI-18 answer of %d entries, %d kB", writtenEntries, len(text)/1000),
		target: "≥ 5", figure: fmt.Sprintf("%.1f", share), spread: short(a) + " ÷ " + short(b), pass: share >= 5,
		details: []string{"encoding/xml is given a tree of elements whose names hold their prefixes, already built; the writer starts from the entries.\n"}}}, nil
}

// shown are documents that the reader of the gates may see, as often as needed.
func (w *world) shown(ctx context.Context, n int) ([]authz.Visible[xds.Document], error) {
	f, err := openFace(ctx, w.dir, w.base(), nil, false)
	if err != nil {
		return nil, err
	}
	defer f.close()
	who := w.cast.professional(reader)
	sub := authz.Subject{Nature: authz.NaturePro, ID: who.ID, Profession: who.Profession, Specialty: who.Specialty, Structure: who.Structure, Mode: authz.Normal}
	var shown []authz.Visible[xds.Document]
	err = f.Registry.Read(ctx, func(s *registry.Session) error {
		scope, err := f.Gate.Open(ctx, s, sub, xds.NewCX(w.readers[0].ins, cast.TestINS, "NH"), authz.Purpose{Action: authz.Search, Transaction: "ITI-18"})
		if err != nil {
			return err
		}
		page, err := s.Find(ctx, scope, xds.Query{Limit: n})
		shown = page.Documents
		return err
	})
	if err != nil || len(shown) == 0 {
		return nil, fmt.Errorf("%d documents to write: %w", len(shown), err)
	}
	for len(shown) < n {
		shown = slices.Concat(shown, shown)
	}
	return shown[:n], nil
}

// nodeOf gives the names of an element their prefixes back.
func nodeOf(e *xmlgate.Element) node {
	prefix := map[string]string{ebrim.NamespaceQuery: "query:", ebrim.NamespaceRS: "rs:", ebrim.NamespaceRIM: "rim:"}
	n := node{XMLName: xml.Name{Local: prefix[e.Space] + e.Local}, Text: e.Text}
	if e.Local == "AdhocQueryResponse" {
		for space, p := range prefix {
			n.Attrs = append(n.Attrs, xml.Attr{Name: xml.Name{Local: "xmlns:" + p[:len(p)-1]}, Value: space})
		}
	}
	for _, a := range e.Attrs {
		name := a.Local
		if a.Space != "" {
			name = "xml:" + name
		}
		n.Attrs = append(n.Attrs, xml.Attr{Name: xml.Name{Local: name}, Value: a.Value})
	}
	for _, c := range e.Children {
		n.Children = append(n.Children, nodeOf(c))
	}
	return n
}
