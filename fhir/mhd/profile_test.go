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
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
)

// entry is one of a section of the profile; its id is made of n.
func entry(n int, kind string, values ...string) medical.Entry {
	e := medical.Entry{ID: fmt.Sprintf("0190a1b2-c3d4-4e5f-8a6b-%012d", n), Kind: kind, Values: map[string]string{}, Written: "20261122093000+0100", By: "Alice DURAND"}
	for i := 0; i+1 < len(values); i += 2 {
		e.Values[values[i]] = values[i+1]
	}
	return e
}

// section deposits a section of alice's profile, spoilt as asked, and gives the FHIR id
// of its document.
func (w *world) section(id string, entries []medical.Entry, spoil ...string) string {
	w.t.Helper()
	s, _ := medical.SectionOf(id)
	doc, err := medical.Write(medical.Document{
		Section: s, UniqueID: w.oid(), SetID: w.oid(), Version: 1, At: time.Now(), Author: "Alice DURAND", Keeper: "1.2.3.4", Entries: entries,
		Patient: medical.Patient{INS: w.alice, Family: "DURAND", Given: "Alice", BirthDate: "19790312", Sex: "F"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	doc = []byte(strings.NewReplacer(spoil...).Replace(string(doc)))
	taken, err := w.server.Entrance.Take(w.t.Context(), authz.Subject{Nature: authz.NaturePerson, ID: w.record}, bytes.NewReader(doc), entrance.Order{Transaction: "WEB:profile"})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimPrefix(taken.Document.LogicalID, "urn:uuid:")
}

// views are the resources that a search on the profile gives; the whole answer is read
// by the element table.
func (w *world) views(who iua.Claims, query string) (found []map[string]any, body string) {
	w.t.Helper()
	got := w.get(who, query)
	var bundle struct {
		Total int
		Entry []struct {
			Resource map[string]any
			Search   struct{ Mode string }
		}
	}
	if got.status != http.StatusOK || json.Unmarshal(got.body, &bundle) != nil {
		w.t.Fatalf("%s: %d %s", query, got.status, got.body)
	}
	if _, findings := fhir.ReadResource(bytes.NewReader(got.body), 1<<20, "Bundle"); len(findings) > 0 {
		w.t.Errorf("%s: %v\n%s", query, findings, got.body)
	}
	for _, e := range bundle.Entry {
		found = append(found, e.Resource)
	}
	if !strings.Contains(query, "_count") && bundle.Total != len(found) {
		w.t.Errorf("%s: %d of %d", query, len(found), bundle.Total)
	}
	return found, string(got.body)
}

// TestProfileViews: each kind of entry is the resource that it should be, whole, as JSON
// and as XML, by search and by id.
func TestProfileViews(t *testing.T) {
	w := newWorld(t)
	w.section(medical.Allergies, []medical.Entry{
		entry(1, "allergie", "substance", "<b>Pénicilline</b>", "categorie", "medicament", "gravite", "severe", "depuis", "2001", "commentaire", "deux fois"),
		entry(2, "aucune"),
	})
	w.section(medical.History, []medical.Entry{
		entry(3, "personnel", "intitule", "Appendicite", "sorte", "operation", "debut", "2010-05", "fin", "2010-06"),
		entry(4, "familial", "intitule", "Diabète", "lien", "mere", "age", "50"),
	})
	w.section(medical.Treatments, []medical.Entry{
		entry(5, "traitement", "nom", "Paracétamol", "posologie", "1 g le soir", "motif", "douleurs", "debut", "2020", "fin", "2021"),
		entry(6, "traitement", "nom", "Metformine", "debut", "2024-01-01"),
	})
	w.section(medical.Measures, []medical.Entry{
		entry(7, "tension", "quand", "2026-01-02T08:30:00+01:00", "systolique", "121.5", "diastolique", "80"),
		entry(8, "poids", "quand", "2026-01-03", "valeur", "70.2"),
		entry(9, "glycemie", "quand", "2026-01-01", "valeur", "1.02", "moment", "jeun"),
	})
	w.section(medical.Relatives, []medical.Entry{
		entry(10, "confiance", "nom", "Garnier", "prenom", "Paul", "lien", "conjoint", "telephone", "06 12 34 56 78", "accord", "oui"),
		entry(11, "urgence", "nom", "Durand", "lien", "parent", "email", "p@exemple.fr"),
	})
	w.section(medical.Wishes, []medical.Entry{entry(12, "don", "position", "refus", "date", "2026-01-05")})
	w.section(medical.Directives, []medical.Entry{entry(13, "directives", "texte", "Je souhaite…", "date", "2026-01-05")})

	who, of := pro("durand"), "patient="+w.record
	for resource, want := range map[string][]string{
		"AllergyIntolerance":  {`"text":"\u003cb>Pénicilline\u003c/b>"|"text":"<b>Pénicilline</b>"`, `"category":["medication"]`, `"severity":"severe"`, `"onsetDateTime":"2001"`, `"code":"716186003"`, `"display":"Alice DURAND"`},
		"Condition":           {`"text":"Appendicite"`, `"onsetDateTime":"2010-05"`, `"abatementDateTime":"2010-06"`, `"code":"resolved"`},
		"FamilyMemberHistory": {`"text":"Diabète"`, `"code":"MTH"`, `"onsetAge":{"value":50,"unit":"ans","system":"http://unitsofmeasure.org","code":"a"}`},
		"MedicationStatement": {`"status":"completed"`, `"status":"active"`, `"start":"2020","end":"2021"`, `"dosage":[{"text":"1 g le soir"}]`},
		"Observation":         {`"code":"85354-9"`, `{"value":121.5,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}`, `"effectiveDateTime":"2026-01-02T08:30:00+01:00"`, `"code":"2339-0"`, `"code":"75781-5"`, `"text":"À jeun"`},
		"RelatedPerson":       {`"family":"Garnier","given":["Paul"]`, `"code":"DOMPART"`, `"system":"phone","value":"06 12 34 56 78"`, `"text":"Personne de confiance"`},
	} {
		found, body := w.views(who, resource+"?"+of)
		for _, text := range want {
			if !anyOf(body, text) {
				t.Errorf("%s has no %s:\n%s", resource, text, body)
			}
		}
		if strings.Contains(body, "Je souhaite") {
			t.Errorf("%s shows the directives", resource)
		}
		for _, one := range found {
			id := one["id"].(string)
			if got := w.get(who, resource+"/"+id); got.status != http.StatusOK || !bytes.Contains(got.body, []byte(id)) || w.get(who, resource+"/"+id, "If-None-Match", got.header.Get("ETag")).status != http.StatusNotModified {
				t.Errorf("%s/%s: %d %s", resource, id, got.status, got.body)
			}
			if only, _ := w.views(who, resource+"?"+of+"&_id="+id); len(only) != 1 {
				t.Errorf("%s by id: %d", resource, len(only))
			}
			if other := map[bool]string{true: "Condition", false: "AllergyIntolerance"}[resource == "AllergyIntolerance"]; w.get(who, other+"/"+id).status != http.StatusNotFound {
				t.Errorf("%s/%s is read as %s", resource, id, other)
			}
		}
		if got := w.get(who, resource+"?"+of, "Accept", "application/fhir+xml"); got.status != http.StatusOK || !bytes.Contains(got.body, []byte("<"+resource)) {
			t.Errorf("%s as XML: %d %s", resource, got.status, got.body)
		}
	}
}

// anyOf tells whether a text holds one of the alternatives.
func anyOf(body, alternatives string) bool {
	for text := range strings.SplitSeq(alternatives, "|") {
		if strings.Contains(body, text) {
			return true
		}
	}
	return false
}

// TestObservationSearch: by code and date, the newest first, page by page.
func TestObservationSearch(t *testing.T) {
	w := newWorld(t)
	w.section(medical.Measures, []medical.Entry{
		entry(1, "tension", "quand", "2026-01-02T08:30:00+01:00", "systolique", "121", "diastolique", "80"),
		entry(2, "poids", "quand", "2026-01-03", "valeur", "70"), entry(3, "poids", "quand", "2025-12-31", "valeur", "71"),
	})
	who, of := pro("durand"), "Observation?patient="+w.record
	days := func(query string) string {
		found, _ := w.views(who, of+query)
		var all []string
		for _, o := range found {
			all = append(all, o["effectiveDateTime"].(string)[:10])
		}
		return strings.Join(all, " ")
	}
	for query, want := range map[string]string{
		"": "2026-01-03 2026-01-02 2025-12-31", "&code=http://loinc.org|29463-7": "2026-01-03 2025-12-31", "&code=8480-6": "2026-01-02", "&code=http://loinc.org|85354-9,29463-7&date=ge2026": "2026-01-03 2026-01-02",
		"&date=2026-01-02T07:30:00Z": "2026-01-02", "&date=lt2026": "2025-12-31", "&code=http://snomed.info/sct|29463-7": "",
	} {
		if got := days(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	var first searchset
	if got := w.get(who, of+"&_count=2"); json.Unmarshal(got.body, &first) != nil || len(first.Entry) != 2 || *first.Total != 3 {
		t.Fatalf("%s", got.body)
	}
	if next, _ := w.views(who, first.link("next")+"&_count=2"); len(next) != 1 || next[0]["effectiveDateTime"] != "2025-12-31" {
		t.Errorf("second page: %v", next)
	}
	for query, where := range map[string]string{"&date=x": "date", "&code=|": "code"} {
		if got := w.get(who, of+query); got.status != http.StatusBadRequest || got.outcome()[0] != "FHIR-008 "+where {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}

// TestProfileRights: the views follow the document: matrix, mask, link; hidden and
// unknown answer the same bytes.
func TestProfileRights(t *testing.T) {
	w := newWorld(t)
	w.linkAs("optic", "28")
	w.linkAs("podo", "80")
	allergies := w.section(medical.Allergies, []medical.Entry{entry(1, "allergie", "substance", "Pénicilline", "categorie", "medicament")})
	w.section(medical.Relatives, []medical.Entry{entry(2, "urgence", "nom", "Durand", "lien", "parent", "email", "p@exemple.fr")})
	optician, podiatrist := iua.Claims{Nature: authz.NaturePro, ID: "optic", Profession: "28"}, iua.Claims{Nature: authz.NaturePro, ID: "podo", Profession: "80"}
	of := "?patient=" + w.record
	count := func(who iua.Claims, resource string) int {
		found, _ := w.views(who, resource+of)
		return len(found)
	}
	// Cells of the matrix: DOCPAT08 is open to all three, EXPPAT_1 not to the optician.
	for _, c := range []struct {
		name     string
		who      iua.Claims
		resource string
		want     int
	}{
		{"physician", pro("durand"), "AllergyIntolerance", 1}, {"podiatrist", podiatrist, "AllergyIntolerance", 1}, {"optician", optician, "AllergyIntolerance", 1},
		{"physician", pro("durand"), "RelatedPerson", 1}, {"podiatrist", podiatrist, "RelatedPerson", 1}, {"optician", optician, "RelatedPerson", 0},
	} {
		if got := count(c.who, c.resource); got != c.want {
			t.Errorf("%s reads %d %s, want %d", c.name, got, c.resource, c.want)
		}
	}
	found, _ := w.views(pro("durand"), "AllergyIntolerance"+of)
	path := "AllergyIntolerance/" + found[0]["id"].(string)
	unknown := w.get(pro("durand"), path[:len(path)-9]+"bbbbbbbba")
	w.mask(allergies)
	if hidden := w.get(pro("durand"), path); hidden.status != http.StatusNotFound || !bytes.Equal(hidden.body, unknown.body) || count(pro("durand"), "AllergyIntolerance") != 0 {
		t.Errorf("masked: %d %s, unknown: %s", hidden.status, hidden.body, unknown.body)
	}
	patient := iua.Claims{Nature: authz.NaturePerson, ID: w.record}
	if count(patient, "AllergyIntolerance") != 1 || w.get(patient, path).status != http.StatusOK {
		t.Error("the patient does not see what he masked")
	}
	w.unlink("durand")
	if got := w.get(pro("durand"), "RelatedPerson"+of); got.status != http.StatusForbidden {
		t.Errorf("without a link: %d %s", got.status, got.body)
	}
}

// TestProfileOfAnotherType: a document of a type that more people read is no section of
// a narrower one, whatever it says of itself.
func TestProfileOfAnotherType(t *testing.T) {
	w := newWorld(t)
	wishes := []medical.Entry{entry(1, "don", "position", "refus")}
	w.section(medical.Wishes, wishes, "EXPPAT_1", "DOCPAT08", "Volontés et droits du patient", "Profil médical Mon espace santé")
	w.section(medical.Wishes, nil, `<templateId root="2.25.31551349572889624181872175193014948054"/>`, "")
	if found, body := w.views(pro("durand"), "Observation?patient="+w.record); len(found) != 0 {
		t.Errorf("%s", body)
	}
	w.section(medical.Wishes, wishes)
	if found, body := w.views(pro("durand"), "Observation?patient="+w.record); len(found) != 1 {
		t.Errorf("%s", body)
	}
}
