package ebrim

import (
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// NamespaceRMD is that of the Remove Documents transaction (ITI TF-2 3.86.5).
const NamespaceRMD = "urn:ihe:iti:rmd:2017"

// maxRemoved bounds how many objects one request removes.
const maxRemoved = 2000

// DecodeRemoval reads the lcm:RemoveObjectsRequest of ITI-62: the ids of the objects
// to remove, each once (ITI TF-2 3.62.4.1.2). A query in place of ids is refused:
// what it would find is not for the sender to guess. An empty one beside the ids asks
// for nothing: clients made with IPF always write it.
func DecodeRemoval(req *xmlgate.Element) ([]string, xds.Errors) {
	var d decoder
	list := req.Child(NamespaceRIM, "ObjectRefList")
	if !req.Is(NamespaceLCM, "RemoveObjectsRequest") || list == nil {
		d.shape(req, "lcm:RemoveObjectsRequest avec un rim:ObjectRefList")
		return nil, d.found
	}
	if q := req.Child(NamespaceRIM, "AdhocQuery"); q != nil && (len(q.Attrs)+len(q.Children) > 0 || q.Trimmed() != "") {
		d.add(q, &xds.Error{ID: "META-013", Where: "RemoveObjectsRequest", Found: "AdhocQuery", Expected: "un rim:ObjectRefList seul"})
	}
	var ids []string
	seen := map[string]bool{}
	for i, el := range list.Children {
		where := "ObjectRefList.ObjectRef[" + strconv.Itoa(i+1) + "]"
		id := el.Attr("id")
		switch {
		case !el.Is(NamespaceRIM, "ObjectRef"):
			d.add(el, &xds.Error{ID: "META-013", Where: "ObjectRefList", Found: el.Local, Expected: "ObjectRef"})
		case !xds.IsUUID(id):
			d.add(el, &xds.Error{ID: "META-004", Where: where + "@id", Found: id, Expected: "l'entryUUID d'un objet enregistré : urn:uuid:…", Object: id})
		case !seen[id]:
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 && len(d.found) == 0 {
		d.add(list, &xds.Error{ID: "META-001", Where: "ObjectRefList", Expected: "un ObjectRef par objet à supprimer"})
	}
	if len(ids) > maxRemoved {
		d.add(list, &xds.Error{ID: "META-015", Where: "ObjectRefList", Found: strconv.Itoa(len(ids)), Expected: "au plus " + strconv.Itoa(maxRemoved)})
	}
	return ids, d.found
}

// DecodeRemoveDocuments reads the rmd:RemoveDocumentsRequest of ITI-86, which names
// documents as ITI-43 does (ITI TF-2 3.86.4.1.2).
func DecodeRemoveDocuments(body *xmlgate.Element) ([]RetrieveRequest, xds.Errors) {
	return decodeRequests(body, NamespaceRMD, "RemoveDocumentsRequest")
}

// AppendRemoval appends an lcm:RemoveObjectsRequest, the body of ITI-62.
func AppendRemoval(b []byte, ids []string) []byte {
	e := encoder{b}
	e.open("lcm:RemoveObjectsRequest")
	e.buf = append(e.buf, ` xmlns:lcm="`+NamespaceLCM+`" xmlns:rim="`+NamespaceRIM+`"`...)
	e.more()
	e.open("rim:ObjectRefList")
	e.more()
	for _, id := range ids {
		e.ref(id, "")
	}
	e.close("rim:ObjectRefList")
	e.close("lcm:RemoveObjectsRequest")
	return e.buf
}

// AppendRemoveDocuments appends an rmd:RemoveDocumentsRequest, the body of ITI-86.
func AppendRemoveDocuments(b []byte, documents []RetrieveRequest) []byte {
	e := encoder{b}
	e.open("rmd:RemoveDocumentsRequest")
	e.buf = append(e.buf, ` xmlns:rmd="`+NamespaceRMD+`" xmlns:xdsb="`+NamespaceXDS+`"`...)
	e.more()
	e.requests(documents)
	e.close("rmd:RemoveDocumentsRequest")
	return e.buf
}
