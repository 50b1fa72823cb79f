package mhd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
)

// recommendation is rule:status of each dose, and the act that completes it.
func (w *world) recommendation(who iua.Claims, query string) (told map[string]string, body string) {
	w.t.Helper()
	got := w.get(who, "ImmunizationRecommendation?"+query)
	var set struct {
		Total *int
		Entry []struct {
			Resource struct {
				Recommendation []struct {
					ForecastStatus struct{ Coding []struct{ Code string } }
					ForecastReason []struct {
						Coding []struct{ Code, Version string }
					}
					SupportingImmunization []struct{ Reference string }
				}
			}
		}
	}
	if got.status != http.StatusOK || json.Unmarshal(got.body, &set) != nil || set.Total == nil || *set.Total != len(set.Entry) {
		w.t.Fatalf("%s: %d %s", query, got.status, got.body)
	}
	if _, findings := fhir.ReadResource(bytes.NewReader(got.body), 1<<20, "Bundle"); len(findings) > 0 {
		w.t.Errorf("%v", findings)
	}
	told = map[string]string{}
	for _, e := range set.Entry {
		for _, r := range e.Resource.Recommendation {
			status := r.ForecastStatus.Coding[0].Code
			for _, s := range r.SupportingImmunization {
				status += " " + s.Reference
			}
			told[r.ForecastReason[0].Coding[0].Code] = status
		}
	}
	return told, string(got.body)
}

// TestRecommendation: due by the calendar and the acts that the reader sees, none for
// whom the matrix has no vaccination documents, the same whether one is hidden or not
// there.
func TestRecommendation(t *testing.T) {
	w := newWorld(t)
	of := "patient=" + w.record // born in 1979: the booster of 45 years
	before, body := w.recommendation(pro("hopital"), of)
	if before["dtp-45y"] != "overdue" || !strings.Contains(body, "que le lecteur peut voir") {
		t.Errorf("%v %s", before, body)
	}
	booster := act("8D4D4A0E-6F0F-4B43-9F8F-0C7CE8F0A001", "20250601", "68747507", "A1")
	booster.Vaccine[1].Value = "J07CA01"
	document := w.deposit(durand, booster)
	_, found, _, _ := w.carnet(pro("durand"), of)
	for _, who := range []iua.Claims{pro("durand"), pro("hopital"), holder(w)} {
		if told, _ := w.recommendation(who, of); told["dtp-45y"] != "complete Immunization/"+found[0].ID {
			t.Errorf("%s: %v", who.ID, told)
		}
	}
	read := w.get(pro("durand"), "ImmunizationRecommendation/"+w.record)
	if _, findings := fhir.ReadResource(bytes.NewReader(read.body), 1<<20, "ImmunizationRecommendation"); read.status != http.StatusOK || len(findings) > 0 {
		t.Errorf("%d %v %s", read.status, findings, read.body)
	}
	if got := w.get(pro("durand"), "ImmunizationRecommendation/"+w.record, "If-None-Match", read.header.Get("ETag")); got.status != http.StatusNotModified {
		t.Error(got.status)
	}
	w.mask(document)
	after, hidden := w.recommendation(pro("hopital"), of)
	if fmt.Sprint(after) != fmt.Sprint(before) || hidden != body {
		t.Errorf("what is masked shows: %v, before %v", after, before)
	}
	psychologist := iua.Claims{Nature: authz.NaturePro, ID: "psy", Profession: "93"}
	w.linkAs("psy", "93")
	if told, body := w.recommendation(psychologist, of); len(told) > 0 {
		t.Errorf("none of his business: %s", body)
	}
	for id, who := range map[string]iua.Claims{w.record: psychologist, newID(): pro("durand"), "x": pro("durand")} {
		if got := w.get(who, "ImmunizationRecommendation/"+id); got.status != http.StatusNotFound || !strings.Contains(string(got.body), "FHIR-003") {
			t.Errorf("%s: %d %s", id, got.status, got.body)
		}
	}
	if got := w.get(pro("stranger"), "ImmunizationRecommendation/"+w.record); got.status != http.StatusNotFound {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.get(pro("stranger"), "ImmunizationRecommendation?"+of); got.status != http.StatusForbidden {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.get(pro("durand"), "ImmunizationRecommendation?"+of+"&date=2020", "Prefer", "handling=strict"); got.status != http.StatusBadRequest {
		t.Errorf("%d %s", got.status, got.body)
	}
	if _, body := w.recommendation(pro("durand"), "patient.identifier="+ins); !strings.Contains(body, w.record) {
		t.Error(body)
	}
}
