package iti

import (
	"bytes"
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// asking says in the context what a query asks, for the audit message of its trail row
// (ITI TF-2 3.18.5.1: the AdhocQueryRequest as it came).
func (s *Server) asking(ctx context.Context, body *xmlgate.Element) context.Context {
	if !s.Registry.Audited || body.Local != "AdhocQueryRequest" && body.Local != "Subscribe" {
		return ctx
	}
	return registry.Asking(ctx, standing(body))
}

// standing is an element as a text of its own: with the namespace declarations that it
// inherits.
func standing(e *xmlgate.Element) []byte {
	raw := e.Raw()
	name := bytes.IndexAny(raw, " \t\r\n/>")
	var inherited []byte
	for _, d := range e.Inherited() {
		inherited = append(inherited, " xmlns"...)
		if d.Prefix != "" {
			inherited = append(append(inherited, ':'), d.Prefix...)
		}
		inherited = append(xmlgate.AppendEscaped(append(inherited, '=', '"'), d.URI, true), '"')
	}
	return slices.Concat(raw[:name], inherited, raw[name:])
}
