package iti_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

const actionMany = "urn:ihe:iti:2009:MultiPatientStoredQuery"

// many asks a query of ITI-51 about patients.
func (w *world) many(c saml.Claims, query string, as ebrim.ReturnType, patients []xds.CX, params ...string) (ebrim.QueryResponse, string, reply) {
	w.t.Helper()
	var named []string
	for _, p := range patients {
		named = append(named, string(p))
	}
	patient := "$XDSDocumentEntryPatientId"
	if strings.Contains(query, "Folders") {
		patient = "$XDSFolderPatientId"
	}
	if len(named) > 0 {
		params = append(params, patient, strings.Join(named, "|"))
	}
	got := w.post(actionMany, w.security(c), ebrim.AppendQuery(nil, storedQuery(query, as, params...)), nil)
	if got.fault != nil {
		return ebrim.QueryResponse{}, faultLine(got.fault), got
	}
	q, findings := ebrim.DecodeQueryResponse(got.Body)
	if len(findings) > 0 {
		w.t.Errorf("unreadable answer: %v", findings)
	}
	return q, w.outcome(got), got
}

// TestMultiPatientQuery: who has the operator's right finds of each patient what
// ITI-18 would show him; a closed door and an unknown patient are left out alike, and
// each record that is opened or refused has its line of the trail.
func TestMultiPatientQuery(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.gate.ManyPatients = func(sub authz.Subject) bool { return sub.ID == durand.ID || sub.ID == server.ID }
	s.stored(on(server, s.bruno), s.bruno)
	child := s.stored(on(server, s.leo), s.leo)
	s.uid["child"], s.ids["child"] = child.UniqueID, child.EntryUUID
	unknown := xds.NewCX("199999999999999", nameCode, "NH")
	documents := []string{"$XDSDocumentEntryStatus", approved, "$XDSDocumentEntryHealthcareFacilityTypeCode", "SA01^^1.2.250.1.71.4.2.4"}
	folders := []string{"$XDSFolderStatus", approved, "$XDSFolderCodeList", "A^^" + folderScheme}
	for _, c := range []struct {
		name, query string
		patients    []xds.CX
		params      []string
		want        string
	}{
		{"documents of two", "FindDocumentsForMultiplePatients", []xds.CX{s.alice.ins, s.leo.ins}, documents, "child, next"},
		{"of one", "FindDocumentsForMultiplePatients", []xds.CX{s.leo.ins}, documents, "child"},
		{"one twice", "FindDocumentsForMultiplePatients", []xds.CX{s.leo.ins, s.leo.ins}, documents, "child"},
		{"a closed door", "FindDocumentsForMultiplePatients", []xds.CX{s.bruno.ins, s.leo.ins}, documents, "child"},
		{"a closed door alone", "FindDocumentsForMultiplePatients", []xds.CX{s.bruno.ins}, documents, ""},
		{"nobody", "FindDocumentsForMultiplePatients", []xds.CX{unknown}, documents, ""},
		{"a class that none has", "FindDocumentsForMultiplePatients", []xds.CX{s.alice.ins, s.leo.ins}, append(documents, "$XDSDocumentEntryClassCode", "x^^1.2"), ""},
		{"folders", "FindFoldersForMultiplePatients", []xds.CX{s.alice.ins, s.bruno.ins, s.leo.ins}, folders, "mixed"},
	} {
		for _, as := range []ebrim.ReturnType{ebrim.LeafClass, ebrim.ObjectRef} {
			q, outcome, _ := s.many(durand, c.query, as, c.patients, slices.Clone(c.params)...)
			if got := s.names(q); outcome != "Success" || got != c.want {
				t.Errorf("%s, %s: %s, %s", c.name, as, outcome, got)
			}
		}
	}
	if got := s.trail(s.bruno, "ITI-51"); len(got) != 6 || got[0] != durand.ID+" false ACC-23" {
		t.Errorf("the closed door is traced as %v", got)
	}
	if got := s.trail(s.leo, "ITI-51"); len(got) == 0 || got[0] != durand.ID+" true" {
		t.Errorf("the open door is traced as %v", got)
	}
	_, _, closed := s.many(durand, "FindDocumentsForMultiplePatients", ebrim.LeafClass, []xds.CX{s.bruno.ins}, documents...)
	_, _, never := s.many(durand, "FindDocumentsForMultiplePatients", ebrim.LeafClass, []xds.CX{unknown}, documents...)
	sameAnswer(t, normalised(closed.raw, "\x00"), normalised(never.raw, "\x00"))
}

// TestMultiPatientRefusals: the right, the patients and the token bound one.
func TestMultiPatientRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	documents := []string{"$XDSDocumentEntryStatus", approved, "$XDSDocumentEntryClassCode", "10^^1.2.250.1.213.1.1.4.1"}
	both := []xds.CX{w.alice.ins, w.leo.ins}
	ask := func(as saml.Claims, patients []xds.CX, params ...string) string {
		_, outcome, got := w.many(as, "FindDocumentsForMultiplePatients", ebrim.LeafClass, patients, params...)
		if strings.Contains(string(got.raw), w.alice.ins.ID()) {
			t.Errorf("the answer names a patient: %s", got.raw)
		}
		return outcome
	}
	if got := ask(durand, both, documents...); got != "Failure; OPS-002 XDSRegistryError" {
		t.Errorf("nobody has the right: %s", got)
	}
	w.gate.ManyPatients = func(sub authz.Subject) bool { return sub.ID != petit.ID }
	var crowd []xds.CX
	for i := range 101 {
		crowd = append(crowd, xds.NewCX(fmt.Sprint(1e14+float64(i)), nameCode, "NH"))
	}
	for name, c := range map[string]struct {
		as       saml.Claims
		patients []xds.CX
		params   []string
		want     string
	}{
		"without the right":         {petit, both, documents, "Failure; OPS-002 XDSRegistryError"},
		"a structure":               {server, both, documents, "Failure; ACC-03 XDSRegistryError"},
		"no patient":                {durand, nil, documents, "Failure; QRY-002 XDSStoredQueryMissingParam"},
		"101 patients":              {durand, crowd, documents, "Failure; QRY-003 XDSStoredQueryParamNumber"},
		"no condition":              {durand, both, documents[:2:2], "Failure; QRY-002 XDSStoredQueryMissingParam"},
		"a token for one of them":   {on(durand, w.leo), both, documents, "Failure; ACC-67 XDSRegistryError"},
		"a token for the only one":  {on(durand, w.leo), both[1:], documents, "Success"},
		"a patient that is no text": {durand, []xds.CX{"279035121518989"}, documents, "Failure; QRY-004 XDSRegistryError"},
	} {
		if got := ask(c.as, c.patients, slices.Clone(c.params)...); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := w.post(actionMany, w.security(durand), ebrim.AppendQuery(nil, storedQuery("GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", "1.2")), nil); w.outcome(got) != "Failure; QRY-001 XDSUnknownStoredQuery" {
		t.Errorf("a query of ITI-18: %s", w.outcome(got))
	}
	if got := w.trail(w.alice, "ITI-51"); len(got) != 0 {
		t.Errorf("a refusal without the right opened a record: %v", got)
	}
	if got := w.trail(w.leo, "ITI-51"); len(got) != 2 || got[0] != durand.ID+" false ACC-67" && got[1] != durand.ID+" false ACC-67" {
		t.Errorf("the token's own record: %v", got)
	}
}
