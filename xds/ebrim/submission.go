package ebrim

import (
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// DecodeSubmission reads an lcm:SubmitObjectsRequest (ITI-42, and the first part
// of ITI-41). All findings about its form come at once; the rules of a profile
// are checked afterwards on what is returned. Ids, symbolic or not, are kept as
// given; availabilityStatus, version and lastUpdateTime are left aside, because
// the registry sets them.
func DecodeSubmission(req *xmlgate.Element) (xds.Submission, xds.Errors) {
	d := decoder{submitted: true}
	s := d.submission(req)
	return s, d.found
}

func (d *decoder) submission(req *xmlgate.Element) xds.Submission {
	list := req.Child(NamespaceRIM, "RegistryObjectList")
	if !req.Is(NamespaceLCM, "SubmitObjectsRequest") || list == nil {
		d.shape(req, "lcm:SubmitObjectsRequest avec un rim:RegistryObjectList")
		return xds.Submission{}
	}
	all := d.list(list)
	s := xds.Submission{Documents: all.documents, Folders: all.folders, Associations: all.associations}
	s.Set = d.oneSet(list, all)
	return s
}

// oneSet is the SubmissionSet of a message, of which it must have one.
func (d *decoder) oneSet(list *xmlgate.Element, all objects) xds.SubmissionSet {
	if len(all.sets) == 0 {
		d.add(list, &xds.Error{ID: "META-001", Where: "SubmissionSet", Expected: "un RegistryPackage classé par " + setNode})
		return xds.SubmissionSet{}
	}
	for _, el := range all.setElements[1:] {
		d.add(el, &xds.Error{ID: "META-002", Where: "SubmissionSet[" + xds.Shorten(el.Attr("id")) + "]", Expected: "un seul SubmissionSet par message", Object: el.Attr("id")})
	}
	return all.sets[0]
}

// shape enters the finding that a body is not what the transaction takes.
func (d *decoder) shape(el *xmlgate.Element, expected string) {
	if el == nil {
		d.found.Add(&xds.Error{ID: "SOAP-001", Where: "Body", Expected: expected})
		return
	}
	d.add(el, &xds.Error{ID: "SOAP-001", Where: "Body", Found: el.Local, Expected: expected})
}

// DocumentRef is one xdsb:Document of a message: the id of the ExtrinsicObject
// that describes it, and where its bytes are.
type DocumentRef struct {
	ID      string
	Href    string // of xop:Include, cid:…; "" when the bytes are inline
	Element *xmlgate.Element
}

// Inline is the base64 text of a document that is not attached as a MIME part.
func (r DocumentRef) Inline() string {
	if r.Href != "" {
		return ""
	}
	return r.Element.Text
}

// DecodeProvideAndRegister reads an xdsb:ProvideAndRegisterDocumentSetRequest
// (ITI-41): the submission, and where each document is. Whether documents and
// entries match is not judged here.
func DecodeProvideAndRegister(body *xmlgate.Element) (xds.Submission, []DocumentRef, xds.Errors) {
	d := decoder{submitted: true}
	if !body.Is(NamespaceXDS, "ProvideAndRegisterDocumentSetRequest") {
		d.shape(body, "xdsb:ProvideAndRegisterDocumentSetRequest")
		return xds.Submission{}, nil, d.found
	}
	s := d.submission(body.Child(NamespaceLCM, "SubmitObjectsRequest"))
	seen := map[string]bool{}
	var refs []DocumentRef
	for _, el := range body.ChildrenNamed(NamespaceXDS, "Document") {
		r := DocumentRef{ID: el.Attr("id"), Href: el.Child(NamespaceXOP, "Include").Attr("href"), Element: el}
		switch {
		case r.ID == "":
			d.add(el, &xds.Error{ID: "DOC-002", Where: "Document@id", Expected: "l'id de l'ExtrinsicObject du document"})
			continue
		case seen[r.ID]:
			d.add(el, &xds.Error{ID: "META-002", Where: "Document[" + xds.Shorten(r.ID) + "]", Expected: "un seul Document par id", Object: r.ID})
			continue
		case el.Child(NamespaceXOP, "Include") != nil && r.Href == "":
			d.add(el, &xds.Error{ID: "MIME-002", Where: "Document[" + xds.Shorten(r.ID) + "]", Expected: "xop:Include href=\"cid:…\"", Object: r.ID})
			continue
		}
		seen[r.ID] = true
		refs = append(refs, r)
	}
	return s, refs, d.found
}
