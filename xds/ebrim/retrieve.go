package ebrim

import (
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// MaxRetrieve bounds how many documents one ITI-43 request may ask for.
const MaxRetrieve = 1000

// RetrieveRequest asks for one document (ITI TF-2 3.43.4.1.2).
type RetrieveRequest struct {
	HomeCommunityID    string // "" = none given
	RepositoryUniqueID string
	DocumentUniqueID   string
}

// DecodeRetrieve reads an xdsb:RetrieveDocumentSetRequest (ITI-43), in its order.
func DecodeRetrieve(body *xmlgate.Element) ([]RetrieveRequest, xds.Errors) {
	return decodeRequests(body, NamespaceXDS, "RetrieveDocumentSetRequest")
}

// decodeRequests reads the documents that a body of this name asks for.
func decodeRequests(body *xmlgate.Element, space, local string) ([]RetrieveRequest, xds.Errors) {
	var d decoder
	if !body.Is(space, local) {
		d.shape(body, local)
		return nil, d.found
	}
	asked := body.ChildrenNamed(NamespaceXDS, "DocumentRequest")
	switch {
	case len(asked) == 0:
		d.add(body, &xds.Error{ID: "META-001", Where: "DocumentRequest", Expected: "au moins un document demandé"})
	case len(asked) > MaxRetrieve:
		d.add(asked[MaxRetrieve], &xds.Error{ID: "META-015", Where: "DocumentRequest", Found: strconv.Itoa(len(asked)),
			Expected: "au plus " + strconv.Itoa(MaxRetrieve) + " documents par requête"})
		return nil, d.found
	}
	var requests []RetrieveRequest
	for i, el := range asked {
		r := RetrieveRequest{
			HomeCommunityID:    el.Child(NamespaceXDS, "HomeCommunityId").Trimmed(),
			RepositoryUniqueID: el.Child(NamespaceXDS, "RepositoryUniqueId").Trimmed(),
			DocumentUniqueID:   el.Child(NamespaceXDS, "DocumentUniqueId").Trimmed(),
		}
		where := "DocumentRequest[" + strconv.Itoa(i+1) + "]"
		if r.RepositoryUniqueID == "" {
			d.add(el, &xds.Error{ID: "META-001", Where: where + ".RepositoryUniqueId", Expected: "le repositoryUniqueId rendu par la recherche", Object: r.DocumentUniqueID})
		}
		if r.DocumentUniqueID == "" {
			d.add(el, &xds.Error{ID: "META-001", Where: where + ".DocumentUniqueId", Expected: "l'uniqueId du document"})
		}
		requests = append(requests, r)
	}
	return requests, d.found
}
