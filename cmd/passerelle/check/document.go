package check

import (
	"io"
	"strings"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/profile"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// document judges a CDA by itself: what its header lacks for the metadata, and what
// the profile would say of the metadata that it gives.
func (c *Checker) document(file *io.SectionReader) (Result, error) {
	content := newMeter(file)
	header, found, err := cda.Read(content, c.derivation())
	if err != nil {
		return Result{}, err
	}
	r := Result{Kind: "cda", Subject: about(header), Good: Words{"métadonnées déductibles", "metadata can be derived"}}
	r.add(found)
	r.add(c.entry(header, found))
	r.sort()
	if c.Metadata != nil {
		r.add(c.beside(header, content.content()))
		r.Good = Words{"métadonnées déductibles, et celles données concordent", "metadata can be derived, and those given agree"}
	}
	return r, nil
}

// derivation is how headers are read under the profile.
func (c *Checker) derivation() cda.Options {
	if c.Rules.Name == "dmp" {
		return cda.Options{} // the profile derives the class, as at the entrance for bare CDA
	}
	return cda.Options{ClassOf: func(typeCode xds.Code) (xds.Code, bool) {
		class, known := dmp.Class(typeCode)
		if !known {
			class = typeCode // IHE alone asks for a class, not for one of a list
		}
		return class, true
	}}
}

// about is a CDA in the words of the field.
func about(h cda.Header) string {
	if h.Entry.TypeCode.IsZero() {
		return "CDA"
	}
	level := "N3"
	if o, ok := h.Origin("formatCode"); ok && strings.Contains(o.Path, "nonXMLBody") {
		level = "N1"
	}
	return "CDA " + level + ", " + h.Entry.TypeCode.Value
}

// entry is what the profile says of the entry that a header gives, at the places of
// the header; what the derivation has said already is left out.
func (c *Checker) entry(h cda.Header, derived xds.Errors) xds.Errors {
	if h.Entry.MimeType == "" {
		return nil // nothing could be read
	}
	const structure = "0"
	s := lot.Build(h, lot.Sender{Structure: structure}, lot.Choice{SubmittedAt: xds.NewDTM(c.At)})
	c.Rules.Normalise(&s)
	var found xds.Errors
	for _, e := range c.Rules.Check(s, profile.Context{Depositor: profile.Depositor{Kind: profile.Structure, Structure: structure}}) {
		if strings.HasPrefix(e.Where, "DocumentEntry[") {
			found.Add(e)
		}
	}
	return h.Located(derived, found)
}
