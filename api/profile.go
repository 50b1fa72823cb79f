package api

import (
	"net/http"

	"github.com/passerelle-sante/passerelle/carnet"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
)

// maxProfile bounds the body of a section, in bytes: 500 entries, with room.
const maxProfile = 1 << 20

type profileEntry struct {
	ID      string            `json:"id"`
	Kind    string            `json:"kind"`
	Values  map[string]string `json:"values"`
	Written string            `json:"written,omitempty"`
	By      string            `json:"by,omitempty"`
}

type profileDocument struct {
	ID      string         `json:"id"`
	Masked  bool           `json:"masked"`
	Entries []profileEntry `json:"entries"`
}

type profileAnswer struct {
	Section   string            `json:"section"`
	Documents []profileDocument `json:"documents"`
}

type profileBody struct {
	Document string      `json:"document"`
	Entries  []draftBody `json:"entries"`
}

type draftBody struct {
	ID     string            `json:"id"`
	Kind   string            `json:"kind"`
	Values map[string]string `json:"values"`
}

type profileWritten struct {
	Document string `json:"document"`
}

// profile reads a section of the medical profile, document by document.
func (s *Server) profile(c *call) (any, error) {
	section, known := medical.SectionOf(c.param("section"))
	if !known {
		return nil, &xds.Error{ID: "JSON-003"}
	}
	p, err := s.Carnet.Profile(c.ctx, c.on(), section)
	if err != nil {
		return nil, err
	}
	answer := profileAnswer{Section: section.ID, Documents: []profileDocument{}}
	for _, d := range p.Documents {
		document := profileDocument{ID: d.ID, Masked: d.Marks.MaskedPS, Entries: []profileEntry{}}
		for _, e := range d.Entries {
			document.Entries = append(document.Entries, profileEntry{e.ID, e.Kind, e.Values, e.Written, e.By})
		}
		answer.Documents = append(answer.Documents, document)
	}
	return answer, nil
}

// writeProfile replaces a document of a section by its whole content, or makes one.
func (s *Server) writeProfile(c *call) (any, error) {
	var body profileBody
	if err := Decode(http.MaxBytesReader(c.ctx.Writer, c.ctx.Request.Body, maxProfile), false, &body); err != nil {
		return nil, err
	}
	var entries []carnet.Draft
	for _, e := range body.Entries {
		entries = append(entries, carnet.Draft{ID: e.ID, Kind: e.Kind, Values: e.Values})
	}
	id, err := s.Carnet.Put(c.ctx, c.on(), c.param("section"), body.Document, entries)
	return profileWritten{id}, err
}
