package conformance_test

import (
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// The actions between communities.
const (
	kitCrossQuery    = "urn:ihe:iti:2007:CrossGatewayQuery"
	kitCrossRetrieve = "urn:ihe:iti:2007:CrossGatewayRetrieve"
)

// crossRow is a question to the Responding Gateway (ITI-38, ITI-39) and to the
// Initiating Gateway: a stored query, or the ids of a retrieve.
type crossRow struct {
	query  string // "" = a retrieve
	params []string
}

var crossRows = []crossRow{
	{"FindDocuments", []string{ofPatient, allStatuses}},
	{"GetDocuments", []string{"$XDSDocumentEntryUniqueId={one.uid}|{hidden.uid}|{never.uid}"}},
	{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId={hidden.setuid}"}},
	{"", []string{"{hidden.uid}"}},
	{"", []string{"{one.uid}", "{hidden.uid}"}},
}

// questions are the row at both gateways.
func (r crossRow) questions() []question {
	ends := []struct{ name, path, query, retrieve string }{
		{"", "/xds/gateway", kitCrossQuery, kitCrossRetrieve}, {"initiating ", "/xds/initiating", kitQuery, kitRetrieve},
	}
	var all []question
	for _, end := range ends {
		q := question{route: end.name + "ITI-39", text: strings.Join(r.params, " "), byID: !strings.HasPrefix(r.query, "Find")}
		if r.query != "" {
			q.route, q.text = end.name+"ITI-38 "+r.query, strings.Join(r.params, " ")
		}
		q.ask = func(t *testing.T, w *world, b *kitBearer) string {
			t.Helper()
			action, body := end.retrieve, r.retrieve(w)
			if r.query != "" {
				action, body = end.query, r.ask(w)
			}
			_, _, whole := w.postTo(t, b, end.path, action, body)
			return whole
		}
		all = append(all, q)
	}
	return all
}

func (r crossRow) ask(w *world) []byte {
	request := ebrim.QueryRequest{ID: ebrim.Lookup(r.query).UUID, ReturnType: ebrim.LeafClass, Home: sandbox.Home}
	for _, p := range r.params {
		name, value, _ := strings.Cut(w.fill(p), "=")
		request.Params = append(request.Params, ebrim.QueryParam{Name: name, Values: strings.Split(value, "|")})
	}
	return ebrim.AppendQuery(nil, request)
}

func (r crossRow) retrieve(w *world) []byte {
	var requests []ebrim.RetrieveRequest
	for _, id := range r.params {
		requests = append(requests, ebrim.RetrieveRequest{HomeCommunityID: sandbox.Home, RepositoryUniqueID: sandbox.RepositoryID, DocumentUniqueID: w.fill(id)})
	}
	return ebrim.AppendRetrieveRequest(nil, requests)
}

// acrossCommunities is SC-43: between communities, too, what is hidden is unknown: the
// same answer, and no partial failure that an unknown id would not make.
func acrossCommunities(t *testing.T, th *theatre) {
	for _, name := range []string{"masked", "hidden from the patient", "deleted"} {
		p := th.pair(t, name)
		for _, route := range []string{"ITI-38 FindDocuments", "ITI-38 GetDocuments", "ITI-38 GetSubmissionSetAndContents"} {
			answers := p.ask(t, th, p.readers[0], route)
			all(t, answers, "ResponseStatusType:Success")
			none(t, answers, "RegistryErrorList", "PartialSuccess")
		}
	}
	p := th.pair(t, "masked")
	all(t, p.unlike(t, th, "dr-durand", "ITI-39 {hidden.uid}"), "XDSDocumentUniqueIdError")
	all(t, p.ask(t, th, "dr-durand", "ITI-39 {one.uid} {hidden.uid}"), "PartialSuccess")
}
