package mhd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// act is a vaccination of alice's.
func act(id, when, cis, lot string) vaccination.Act {
	return vaccination.Act{
		IDs: []vaccination.ID{{Root: id}}, When: when, Lot: lot, Name: "Vaccin " + cis, Series: "IMMUNIZ", Rank: 1,
		Vaccine:   []xds.Code{{Value: cis, Scheme: vaccination.CIS, Display: "VACCIN"}, {Value: "J07AM", Scheme: vaccination.ATC}},
		Performer: vaccination.Person{ID: vaccination.ID{Root: "1.2.250.1.71.4.2.1", Extension: "durand"}, Family: "DURAND"},
		Author:    vaccination.Person{ID: vaccination.ID{Root: "1.2.250.1.71.4.2.1", Extension: "durand"}, Family: "DURAND"},
	}
}

// deposit registers a note as somebody; spoil changes its text. It gives the FHIR id
// of the document.
func (w *world) deposit(who authz.Subject, a vaccination.Act, spoil ...string) string {
	w.t.Helper()
	author := vaccination.Person{ID: vaccination.ID{Root: "1.2.250.1.71.4.2.1", Extension: who.ID}, Family: "DURAND", Given: "Sophie"}
	doc, err := vaccination.Write(vaccination.Note{
		UniqueID: w.oid(), SetID: w.oid(), Version: 1, SectionID: newID(), At: time.Now().Add(time.Duration(w.lots) * time.Second),
		Patient: vaccination.Patient{INS: w.alice, Family: "DURAND", Given: "Alice", BirthDate: "19790312", Sex: "F"},
		Author:  author, Custodian: vaccination.Person{StructureName: "Cabinet"},
		Facility: xds.Code{Value: "SA07", Scheme: "1.2.250.1.71.4.2.4"}, Setting: xds.Code{Value: "AMBULATOIRE", Scheme: "1.2.250.1.213.1.1.4.9"}, Act: a,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	doc = []byte(strings.NewReplacer(spoil...).Replace(string(doc)))
	h, findings := cda.Derive(doc, cda.Options{ClassOf: dmp.Class})
	if findings.Failed() {
		w.t.Fatal(findings)
	}
	h.Entry.EntryUUID, h.Entry.SourcePatientID = "d", w.alice
	lot := xds.Submission{
		Set: xds.SubmissionSet{EntryUUID: "s", UniqueID: w.oid(), SourceID: "1.2.3", PatientID: w.alice, SubmissionTime: xds.NewDTM(time.Now()),
			ContentType: xds.Code{Value: "04", Scheme: "1.2.250.1.213.2.2"}, Authors: []xds.Author{{Person: xds.NewXCN(who.ID, "DURAND", "", "1.2.250.1.71.4.2.1", "IDNPS")}}},
		Documents:    []xds.DocumentEntry{h.Entry},
		Associations: []xds.Association{{EntryUUID: "a", Type: xds.HasMember, Source: "s", Target: "d", SetStatus: "Original"}},
	}
	in, err := w.desk.Open(w.t.Context(), who, "ITI-41", lot, nil, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer in.Close(w.t.Context())
	if err := in.Take(w.t.Context(), 0, bytes.NewReader(doc)); err != nil {
		w.t.Fatal(err)
	}
	receipt, _, err := in.Register(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimPrefix(receipt.Documents[0].LogicalID, "urn:uuid:")
}

func (w *world) oid() string {
	w.lots++
	return fmt.Sprintf("1.2.250.1.999.10.%d", w.lots)
}

var durand = authz.Subject{Nature: authz.NaturePro, ID: "durand", Profession: "10"}

// immunization is what a test reads of one.
type immunization struct {
	ResourceType, ID, Status, LotNumber string
	Meta                                struct{ VersionID, Source string }
	Identifier                          []struct{ System, Value string }
}

// carnet is the answer to a search: the lots in their order, and the rest.
func (w *world) carnet(who iua.Claims, query string) (lots string, found []immunization, set searchset, body string) {
	w.t.Helper()
	got := w.get(who, "Immunization?"+query)
	var bundle struct {
		Entry []struct{ Resource immunization }
	}
	if got.status != http.StatusOK || json.Unmarshal(got.body, &bundle) != nil || json.Unmarshal(got.body, &set) != nil {
		w.t.Fatalf("%s: %d %s", query, got.status, got.body)
	}
	if _, findings := fhir.ReadResource(bytes.NewReader(got.body), 1<<20, "Bundle"); len(findings) > 0 {
		w.t.Errorf("%s: %v", query, findings)
	}
	for _, e := range bundle.Entry {
		if e.Resource.ResourceType == "Immunization" {
			found = append(found, e.Resource)
			lots += " " + e.Resource.LotNumber
		}
	}
	return strings.TrimSpace(lots), found, set, string(got.body)
}

// TestImmunizationSearch: the acts of the visible notes, narrowed and ordered, page by
// page.
func TestImmunizationSearch(t *testing.T) {
	w := newWorld(t)
	who, of := pro("durand"), "patient="+w.record
	w.deposit(durand, act("8D4D4A0E-6F0F-4B43-9F8F-0C7CE8F0A001", "20200101", "68747507", "A1"))
	refused := act("8D4D4A0E-6F0F-4B43-9F8F-0C7CE8F0A002", "20210630101500+0200", "61077869", "")
	refused.NotDone, refused.Lot = true, "b2"
	w.deposit(durand, refused)
	wrong := act("1.2.3", "2022", "61920725", "C3")
	wrong.IDs[0].Extension, wrong.Nullified, wrong.Performer.ID.Extension = "x", true, "hopital"
	w.deposit(durand, wrong)

	for query, want := range map[string]string{
		"": "C3 b2 A1", "&_sort=date": "A1 b2 C3", "&status=completed": "A1", "&status=not-done,entered-in-error": "C3 b2", "&status:not=completed": "C3 b2",
		"&vaccine-code=68747507": "A1", "&vaccine-code=https://smt.esante.gouv.fr/terminologie-bdpm|61077869": "b2", "&vaccine-code:not=68747507": "C3 b2",
		"&vaccine-code=http://www.whocc.no/atc|": "C3 b2 A1", "&vaccine-code=|68747507": "", "&vaccine-code=urn:oid:1.2.250.1.213.2.3.1|61920725,J07X": "C3",
		"&lot-number=B": "b2", "&lot-number:exact=B2": "", "&lot-number:contains=3": "C3", "&series=IMM": "C3 b2 A1",
		"&date=2020": "A1", "&date=2021-06-30": "b2", "&date=ge2021-06-30T08:15:00Z": "C3 b2", "&date=lt2021": "A1", "&date=sa2021": "C3", "&date=ne2022": "b2 A1", "&date=eb2022&date=gt2020": "b2",
		"&identifier=urn:uuid:8d4d4a0e-6f0f-4b43-9f8f-0c7ce8f0a001": "A1", "&identifier=urn:ietf:rfc:3986|urn:uuid:8D4D4A0E-6F0F-4B43-9F8F-0C7CE8F0A002": "b2",
		"&identifier=urn:oid:1.2.3|x": "C3", "&identifier=x": "C3", "&identifier=urn:oid:1.2.3|y": "", "&performer.identifier=hopital": "C3",
		"&performer:identifier=urn:oid:1.2.250.1.71.4.2.1|durand": "b2 A1", "&_lastUpdated=ge2020": "C3 b2 A1", "&_lastUpdated=lt2020": "",
	} {
		lots, found, set, _ := w.carnet(who, of+query)
		if lots != want || *set.Total != len(found) {
			t.Errorf("%s: %q of %d, want %q", query, lots, *set.Total, want)
		}
	}
	for query, where := range map[string]string{
		"&status=done": "status", "&date=2020-13": "date", "&_sort=lot-number": "_sort", "&vaccine-code:above=x": "vaccine-code:above", "&_revinclude=List:item": "_revinclude",
		"&performer=Practitioner/1": "performer", "&identifier=|": "identifier", "&status=": "status",
	} {
		if got := w.get(who, "Immunization?"+of+query); got.status != http.StatusBadRequest || got.outcome()[0] != "FHIR-008 "+where {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	if got := w.get(who, "Immunization"); got.status != http.StatusBadRequest || got.outcome()[0] != "QRY-002 patient" {
		t.Errorf("nobody's: %d %s", got.status, got.body)
	}

	var pages []string
	next := "Immunization?" + of + "&_count=2"
	for next != "" {
		_, query, _ := strings.Cut(next, "?")
		lots, _, set, _ := w.carnet(who, query)
		pages = append(pages, lots)
		if next = set.link("next"); next != "" {
			if got := w.get(pro("hopital"), next); got.status != http.StatusBadRequest {
				t.Errorf("the link of another reader: %d", got.status)
			}
		}
	}
	if fmt.Sprint(pages) != "[C3 b2 A1]" || len(pages) != 2 {
		t.Errorf("pages %q", pages)
	}
	_, _, set, body := w.carnet(who, of+"&_summary=count")
	if *set.Total != 3 || len(set.Entry) != 0 {
		t.Error(body)
	}
	if _, _, _, body := w.carnet(who, of+"&status=completed&_revinclude=Provenance:target"); !strings.Contains(body, `"resourceType":"Provenance"`) || !strings.Contains(body, `"mode":"include"`) {
		t.Error(body)
	}
}

// TestImmunizationRead: by id with its version, and what is hidden as what is unknown.
func TestImmunizationRead(t *testing.T) {
	w := newWorld(t)
	who := pro("durand")
	document := w.deposit(durand, act("8D4D4A0E-6F0F-4B43-9F8F-0C7CE8F0A001", "20200101", "68747507", "A1"))
	_, found, _, _ := w.carnet(who, "patient="+w.record)
	if found[0].Meta.Source != base+"/DocumentReference/"+document || found[0].Meta.VersionID != "1.1" || found[0].Identifier[0].Value != "urn:uuid:8d4d4a0e-6f0f-4b43-9f8f-0c7ce8f0a001" {
		t.Errorf("%+v", found)
	}
	path := "Immunization/" + found[0].ID
	got := w.get(who, path)
	if got.status != http.StatusOK || got.header.Get("ETag") != `W/"1.1"` || got.header.Get("Last-Modified") == "" {
		t.Errorf("%d %v", got.status, got.header)
	}
	if got := w.get(who, path, "If-None-Match", `W/"1.1"`); got.status != http.StatusNotModified {
		t.Error(got.status)
	}
	if got := w.get(who, "Provenance/"+found[0].ID); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	unknown := w.get(who, "Immunization/"+strings.Repeat("a", 52))
	stranger := w.get(pro("nobody"), path)
	w.mask(document)
	hidden := w.get(pro("hopital"), path)
	if unknown.status != http.StatusNotFound || hidden.status != http.StatusNotFound || !bytes.Equal(unknown.body, hidden.body) || !bytes.Equal(unknown.body, stranger.body) {
		t.Errorf("%d %s\n%d %s\n%s", unknown.status, unknown.body, hidden.status, hidden.body, stranger.body)
	}
	if lots, _, set, _ := w.carnet(pro("hopital"), "patient="+w.record); lots != "" || *set.Total != 0 {
		t.Errorf("%q %d", lots, *set.Total)
	}
	if lots, found, _, _ := w.carnet(who, "patient="+w.record); lots != "A1" || found[0].Meta.VersionID != "1.2m" {
		t.Errorf("its author: %q %+v", lots, found)
	}
}

// TestImmunizationUnreadable: a document that cannot be read adds a warning for who
// sees it, and nothing for anybody else.
func TestImmunizationUnreadable(t *testing.T) {
	w := newWorld(t)
	w.deposit(durand, act("8D4D4A0E-6F0F-4B43-9F8F-0C7CE8F0A001", "20200101", "68747507", "A1"))
	broken := w.deposit(durand, act("8D4D4A0E-6F0F-4B43-9F8F-0C7CE8F0A002", "20200101", "68747507", "B2"), `<statusCode code="completed"/>`, `<statusCode code="active"/>`)
	lots, _, _, body := w.carnet(pro("hopital"), "patient="+w.record)
	if lots != "A1" || !strings.Contains(body, `"mode":"outcome"`) || !strings.Contains(body, "DocumentReference/"+broken) {
		t.Errorf("%q %s", lots, body)
	}
	w.mask(broken)
	if lots, _, _, body := w.carnet(pro("hopital"), "patient="+w.record); lots != "A1" || strings.Contains(body, "outcome") {
		t.Errorf("%q %s", lots, body)
	}
}
