package fhir

import (
	"bytes"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Searchset is the answer to a search.
type Searchset struct {
	Base     string
	Self     string // address of the search as it was understood
	Next     string // address of the next page, "" on the last one
	Total    *int   // nil leaves it out (_total=none)
	Lists    []List // found, instead of documents
	Included Included
	Warnings xds.Errors
}

// Included are the resources that stand in an answer because others refer to them.
type Included struct {
	Documents []authz.Visible[xds.Document]
	Lists     []List
	Record    string // of the patient, "" = he is not wanted
	Patient   xds.CX
}

// AppendSearchset writes the documents or the Lists found, in their order, what was to
// come with them, a total and links (MHD 2:3.66.4.2, 2:3.67.4.2; R4 3.1.1.4). relations
// gives what each document relates to and may be nil.
func AppendSearchset(b []byte, s Searchset, docs []authz.Visible[xds.Document], relations func(authz.Visible[xds.Document]) []Relation) []byte {
	w := documents{out: out{b}, base: s.Base}
	w.openSet(s)
	started := false
	start := func() {
		if !started {
			w.open("entry", '[')
			started = true
		}
		w.open("", '{')
	}
	found := func(docs []authz.Visible[xds.Document], mode string) {
		for _, v := range docs {
			d, ok := v.Value()
			if !ok {
				continue
			}
			start()
			w.joined("fullUrl", s.Base, "/DocumentReference/", ID(d))
			w.key("resource")
			var related []Relation
			if relations != nil {
				related = relations(v)
			}
			w.write(&d, related)
			w.search(mode)
		}
	}
	lists := func(lists []List, mode string) {
		for _, l := range lists {
			if id := l.ID(); id != "" {
				start()
				w.str("fullUrl", s.Base+"/List/"+id)
				w.key("resource")
				w.b = AppendList(w.b, l)
				w.search(mode)
			}
		}
	}
	found(docs, "match")
	lists(s.Lists, "match")
	if s.Included.Record != "" {
		start()
		w.str("fullUrl", s.Base+"/Patient/"+s.Included.Record)
		w.key("resource")
		w.patientInBrief(s.Included.Record, s.Included.Patient)
		w.search("include")
	}
	found(s.Included.Documents, "include")
	lists(s.Included.Lists, "include")
	if len(s.Warnings) > 0 {
		start()
		w.key("resource")
		w.b = AppendOutcome(w.b, s.Warnings, false)
		w.search("outcome")
	}
	if started {
		w.shut(']')
	}
	w.shut('}')
	return w.b
}

// openSet opens a searchset, up to its entries.
func (w *out) openSet(s Searchset) {
	w.open("", '{')
	w.str("resourceType", "Bundle")
	w.str("type", "searchset")
	if s.Total != nil {
		w.number("total", int64(*s.Total))
	}
	w.open("link", '[')
	w.link("self", s.Self)
	if s.Next != "" {
		w.link("next", s.Next)
	}
	w.shut(']')
}

func (w *out) link(relation, url string) {
	w.open("", '{')
	w.str("relation", relation)
	w.str("url", url)
	w.shut('}')
}

// search ends an entry.
func (w *out) search(mode string) {
	w.fixed(`"search":{"mode":"`)
	w.b = append(append(w.b, mode...), `"}}`...)
}

// EntryResponse answers one entry of a transaction.
type EntryResponse struct {
	Status   string // 201 Created
	Location string // relative to the base, "" when nothing was made
	ETag     string
	Outcome  xds.Errors // warnings
}

// AppendTransactionResponse answers a transaction, one response per request entry
// in the same order (P10; MHD 2:3.65.4.2.2).
func AppendTransactionResponse(b []byte, base string, entries []EntryResponse) []byte {
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "Bundle")
	w.open("meta", '{')
	w.open("profile", '[')
	w.text(mhdProfiles + "ProvideDocumentBundleResponse")
	w.b = append(w.b, ']', '}')
	w.str("type", "transaction-response")
	w.open("link", '[')
	w.link("self", base)
	w.shut(']')
	w.open("entry", '[')
	for _, e := range entries {
		w.open("", '{')
		w.open("response", '{')
		w.str("status", e.Status)
		w.str("location", e.Location)
		w.str("etag", e.ETag)
		if len(e.Outcome) > 0 {
			w.key("outcome")
			w.b = AppendOutcome(w.b, e.Outcome, true)
		}
		w.b = append(w.b, '}', '}')
	}
	w.b = append(w.b, ']', '}')
	return w.b
}

// AppendBinary writes a document as a Binary resource around data that is already
// base64: before is everything in front of it, after everything behind. The zero
// Visible writes nothing.
func AppendBinary(b []byte, v authz.Visible[xds.Document]) (before []byte, after string) {
	d, ok := v.Value()
	if !ok {
		return b, ""
	}
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "Binary")
	w.str("id", ID(d))
	w.open("meta", '{')
	w.str("versionId", "1")
	w.shut('}')
	w.str("contentType", d.Entry.MimeType)
	w.open("securityContext", '{')
	w.str("reference", "DocumentReference/"+ID(d))
	w.shut('}')
	w.key("data")
	return append(w.b, '"'), `"}`
}

// AppendBinaryXML is AppendBinary as XML.
func AppendBinaryXML(b []byte, v authz.Visible[xds.Document]) (before []byte, after string, err error) {
	head, tail := AppendBinary(nil, v)
	if len(head) == 0 {
		return b, "", nil
	}
	n, err := scan(string(head) + tail)
	if err != nil {
		return b, "", err
	}
	if b, err = AppendXML(b, n, false); err != nil {
		return nil, "", err
	}
	mark := []byte(`<data value="`) // < is escaped wherever it is text
	end := bytes.Index(b, mark) + len(mark)
	return b[:end], string(b[end:]), nil
}
