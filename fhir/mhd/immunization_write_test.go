package mhd_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// whole is an Immunization with all that a note can hold; changes come in pairs.
func (w *world) whole(changes ...string) string {
	w.t.Helper()
	text := `{"resourceType":"Immunization",
 "contained":[{"resourceType":"Practitioner","id":"p","identifier":[{"system":"urn:oid:1.2.250.1.71.4.2.1","value":"899900000777"}],"name":[{"family":"MARTIN","given":["Lou"]}]},
  {"resourceType":"Observation","id":"o","status":"final","code":{"text":"réaction"},"valueCodeableConcept":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"R50.2","display":"Fièvre"}],"text":"Fièvre"}}],
 "identifier":[{"system":"https://lgc.example/vaccinations","value":"v-1"}],
 "status":"completed",
 "vaccineCode":{"coding":[{"system":"http://www.whocc.no/atc","code":"J07AM","display":"vaccins tétaniques"},{"system":"https://smt.esante.gouv.fr/terminologie-bdpm","code":"68747507"}],"text":"Vaccin tétanique"},
 "patient":{"reference":"Patient/` + w.record + `"},
 "occurrenceDateTime":"2026-01-20T10:15:00+01:00",
 "primarySource":false,
 "manufacturer":{"display":"Laboratoire"},
 "lotNumber":"L-42","expirationDate":"2027-12",
 "site":{"coding":[{"system":"http://snomed.info/sct","code":"16217701000119102","display":"deltoïde gauche"}]},
 "route":{"coding":[{"system":"http://standardterms.edqm.eu","code":"20035000","display":"Voie intramusculaire"}]},
 "doseQuantity":{"value":0.50,"unit":"mL","system":"http://unitsofmeasure.org","code":"mL"},
 "performer":[{"function":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0443","code":"AP"}]},"actor":{"reference":"#p"}}],
 "note":[{"text":"Bien supporté"}],
 "reaction":[{"date":"2026-01-21","detail":{"reference":"#o"}}],
 "protocolApplied":[{"series":"BOOSTER","doseNumberPositiveInt":3}]}`
	for i := 0; i+1 < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			w.t.Fatalf("the immunization has no %s", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return text
}

func (w *world) vaccinate(who iua.Claims, body string, headers ...string) *answer {
	w.t.Helper()
	return w.as(who, http.MethodPost, "/fhir/Immunization", strings.NewReader(body), append([]string{"Content-Type", "application/fhir+json"}, headers...)...)
}

func (w *world) correct(who iua.Claims, id, body string, headers ...string) *answer {
	w.t.Helper()
	return w.as(who, http.MethodPut, "/fhir/Immunization/"+id, strings.NewReader(body), append([]string{"Content-Type", "application/fhir+json"}, headers...)...)
}

// created is the id of an Immunization that was just written.
func (w *world) created(got *answer, status int) (id, version string) {
	w.t.Helper()
	location, ok := strings.CutPrefix(got.header.Get("Location"), base+"/Immunization/")
	id, version, _ = strings.Cut(location, "/_history/")
	if got.status != status || !ok || got.header.Get("ETag") != `W/"`+version+`"` {
		w.t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	if _, findings := fhir.ReadResource(bytes.NewReader(got.body), 1<<20, "Immunization"); len(findings) > 0 && len(got.body) > 0 {
		w.t.Errorf("%v\n%s", findings, got.body)
	}
	return id, version
}

func member(t *testing.T, body []byte, names ...string) string {
	t.Helper()
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, name := range names {
		values = append(values, string(all[name]))
	}
	return strings.Join(values, " ")
}

func holder(w *world) iua.Claims {
	return iua.Claims{Nature: authz.NaturePerson, ID: w.record, Name: "Alice DURAND"}
}

// TestImmunizationCreate: what was sent is read back, stands in the record as a CDA
// note that passes the affinity domain, and names who wrote it.
func TestImmunizationCreate(t *testing.T) {
	w := newWorld(t)
	who := pro("durand")
	got := w.vaccinate(who, w.whole())
	id, version := w.created(got, http.StatusCreated)
	if version != "1.1" {
		t.Error(version)
	}
	var sent map[string]json.RawMessage
	if err := json.Unmarshal([]byte(w.whole()), &sent); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"status", "occurrenceDateTime", "lotNumber", "expirationDate", "manufacturer", "doseQuantity", "note", "protocolApplied", "primarySource"} {
		if got := member(t, got.body, name); got != string(sent[name]) && got != strings.ReplaceAll(string(sent[name]), " ", "") {
			t.Errorf("%s: %s, sent %s", name, got, sent[name])
		}
	}
	for _, part := range []string{`"system":"https://lgc.example/vaccinations","value":"v-1"`, `"code":"68747507"`, `"code":"J07AM"`, `"family":"MARTIN"`, `"value":"899900000777"`, `"code":"R50.2"`,
		`"code":"20035000"`, `"code":"16217701000119102"`, `"value":0.50`, `"code":"AUT"`, `"reference":"Patient/` + w.record} {
		if !strings.Contains(string(got.body), part) {
			t.Errorf("no %s in %s", part, got.body)
		}
	}
	if read := w.get(who, "Immunization/"+id); !bytes.Equal(read.body, got.body) {
		t.Errorf("%s\n%s", read.body, got.body)
	}
	var read immunization
	_ = json.Unmarshal(got.body, &read)
	document := strings.TrimPrefix(read.Meta.Source, base+"/DocumentReference/")
	raw := w.get(pro("hopital"), "Binary/"+document)
	h, findings := cda.Derive(raw.body, cda.Options{ClassOf: dmp.Class})
	if len(findings) > 0 || h.Entry.TypeCode.Value != "87273-9" || h.Version != 1 || !slices.Contains(h.Templates, "1.2.250.1.213.1.1.1.46") {
		t.Errorf("%v %+v", findings, h)
	}
	if h.Entry.Authors[0].Person.ID() != "durand" || h.Entry.ServiceStart != "20260120091500" {
		t.Errorf("%+v", h.Entry)
	}
	if again := w.vaccinate(who, w.whole()); again.status != http.StatusConflict || again.outcome()[0] != "REG-002 Immunization.identifier[0]" {
		t.Errorf("%d %s", again.status, again.body)
	}
	if minimal := w.vaccinate(who, w.whole("v-1", "v-2"), "Prefer", "return=minimal"); minimal.status != http.StatusCreated || len(minimal.body) > 0 {
		t.Errorf("%d %s", minimal.status, minimal.body)
	}
	outcome := w.vaccinate(who, w.whole("v-1", "v-3", `,{"system":"https://smt.esante.gouv.fr/terminologie-bdpm","code":"68747507"}`, `,{"system":"https://a.example","code":"1"}`), "Prefer", "return=OperationOutcome")
	if outcome.status != http.StatusCreated || strings.Join(outcome.outcome(), " ") != "META-018 Immunization.vaccineCode.coding[1].system META-001 Immunization.vaccineCode" {
		t.Errorf("%d %s", outcome.status, outcome.body)
	}
	// Nobody reads what he may only write.
	if blind := w.vaccinate(pro("passant"), w.whole("v-1", "v-4")); blind.status != http.StatusCreated || len(blind.body) > 0 {
		t.Errorf("%d %s", blind.status, blind.body)
	}
}

// TestImmunizationByPatient: the holder's note is his own, and says that he told it.
func TestImmunizationByPatient(t *testing.T) {
	w := newWorld(t)
	body := w.whole(`"primarySource":false,`, `"primarySource":false,"reportOrigin":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/immunization-origin","code":"recall"}]},`,
		`"actor":{"reference":"#p"}`, `"actor":{"display":"Le médecin du village"}`, `{"resourceType":"Practitioner","id":"p","identifier":[{"system":"urn:oid:1.2.250.1.71.4.2.1","value":"899900000777"}],"name":[{"family":"MARTIN","given":["Lou"]}]},`, "")
	got := w.vaccinate(holder(w), body)
	id, _ := w.created(got, http.StatusCreated)
	if !strings.Contains(string(got.body), `"code":"recall"`) || !strings.Contains(string(got.body), "Le médecin du village") || strings.Contains(string(got.body), `"AUT"`) {
		t.Errorf("%s", got.body)
	}
	theirs := strings.NewReplacer("L-42", "L-43", `"reportOrigin":`+member(t, got.body, "reportOrigin")+",", "").Replace(string(got.body))
	if got := w.correct(pro("durand"), id, theirs); got.status != http.StatusForbidden || got.outcome()[0] != "ACC-31 Immunization" {
		t.Errorf("a professional corrects it: %d %s", got.status, got.body)
	}
	corrected := w.correct(holder(w), id, strings.Replace(string(got.body), "L-42", "L-43", 1))
	if again, version := w.created(corrected, http.StatusOK); again != id || version != "2.1" {
		t.Errorf("%s %s", again, version)
	}
	docs := w.search(holder(w), "patient="+w.record+"&type=87273-9&facility=EXP_PATIENT")
	if docs.ids() == "" {
		t.Error("not the patient's own expression")
	}
}

// TestImmunizationRefused: all that a note cannot hold is named, and nothing is stored.
func TestImmunizationRefused(t *testing.T) {
	w := newWorld(t)
	who := pro("durand")
	for _, c := range []struct {
		from, to, want string
		status         int
	}{
		{`"lotNumber"`, `"isSubpotent":true,"lotNumber"`, "FHIR-009 Immunization.isSubpotent", 422},
		{`"lotNumber"`, `"encounter":{"reference":"Encounter/1"},"lotNumber"`, "FHIR-009 Immunization.encounter", 422},
		{`"lotNumber"`, `"extension":[{"url":"https://x.example","valueString":"x"}],"lotNumber"`, "FHIR-009 Immunization.extension", 422},
		{`"lotNumber"`, `"lotNumbr"`, "FHIR-001 Immunization.lotNumbr", 400},
		{`"status":"completed"`, `"status":"done"`, "FHIR-002 Immunization.status", 400},
		{`"occurrenceDateTime":"2026-01-20T10:15:00+01:00"`, `"occurrenceString":"hier"`, "FHIR-009 Immunization.occurrenceString,FHIR-009 Immunization.occurrenceDateTime", 422},
		{`2026-01-20T10:15:00+01:00`, `2100-01-01`, "FHIR-009 Immunization.occurrenceDateTime", 422},
		{`2026-01-20T10:15:00+01:00`, `1979-03-11`, "FHIR-009 Immunization.occurrenceDateTime", 422},
		{`2026-01-20T10:15:00+01:00`, `2026-02-31`, "FHIR-002 Immunization.occurrenceDateTime", 400},
		{`"code":"68747507"`, `"code":"6874"`, "FHIR-009 Immunization.vaccineCode.coding", 422},
		{`"series":"BOOSTER"`, `"series":"rappel"`, "FHIR-009 Immunization.protocolApplied[0].series", 422},
		{`"doseNumberPositiveInt":3`, `"doseNumberPositiveInt":3,"seriesDosesPositiveInt":3`, "FHIR-009 Immunization.protocolApplied[0].seriesDosesPositiveInt", 422},
		{`"text":"Bien supporté"`, `"text":"Bien supporté","authorString":"x"`, "FHIR-009 Immunization.note[0].authorString", 422},
		{`"system":"http://unitsofmeasure.org"`, `"system":"http://x.example"`, "FHIR-009 Immunization.doseQuantity.system", 422},
		{`"primarySource":false`, `"reportOrigin":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/immunization-origin","code":"recall"}]}`, "FHIR-009 Immunization.reportOrigin", 422},
		{`"code":"AP"`, `"code":"OP"`, "FHIR-009 Immunization.performer[0].function", 422},
		{`"status":"completed"`, `"status":"completed","statusReason":{"text":"x"}`, "FHIR-009 Immunization.statusReason", 422},
		{`"system":"https://lgc.example/vaccinations"`, `"system":"urn:ietf:rfc:3986"`, "FHIR-009 Immunization.identifier[0].value", 422},
		{`Patient/` + w.record, `Patient/` + newID(), "REG-001 ", 422},
	} {
		got := w.vaccinate(who, w.whole(c.from, c.to))
		if got.status != c.status || !strings.HasPrefix(strings.Join(got.outcome(), ","), c.want) {
			t.Errorf("%s: %d %s, want %s", c.to, got.status, got.body, c.want)
		}
	}
	if got := w.as(who, http.MethodPost, "/fhir/Immunization", strings.NewReader("x"), "Content-Type", "text/plain"); got.status != http.StatusUnsupportedMediaType {
		t.Error(got.status)
	}
	if got := w.as(who, http.MethodDelete, "/fhir/Immunization/x", nil); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, PUT" {
		t.Errorf("%d %v", got.status, got.header)
	}
	if lots, _, _, _ := w.carnet(who, "patient="+w.record); lots != "" {
		t.Errorf("stored: %q", lots)
	}
	if got := w.vaccinate(iua.Claims{Nature: authz.NatureOther, ID: "x"}, w.whole()); got.status != http.StatusForbidden || got.outcome()[0] != "ACC-02 " {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestImmunizationIfNoneExist: a condition sees what its sender sees, and no more.
func TestImmunizationIfNoneExist(t *testing.T) {
	w := newWorld(t)
	who, condition := pro("durand"), "identifier=https://lgc.example/vaccinations|v-1"
	first, _ := w.created(w.vaccinate(who, w.whole(), "If-None-Exist", condition), http.StatusCreated)
	again := w.vaccinate(who, w.whole(), "If-None-Exist", condition)
	if id, _ := w.created(again, http.StatusOK); id != first {
		t.Errorf("%s, first %s", id, first)
	}
	w.created(w.vaccinate(who, w.whole("v-1", "v-2")), http.StatusCreated)
	if got := w.vaccinate(who, w.whole(), "If-None-Exist", "lot-number=L"); got.status != http.StatusPreconditionFailed || got.outcome()[0] != "FHIR-014 If-None-Exist" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.vaccinate(who, w.whole(), "If-None-Exist", "color=red"); got.status != http.StatusBadRequest {
		t.Errorf("%d %s", got.status, got.body)
	}
	var read immunization
	_ = json.Unmarshal(again.body, &read)
	w.mask(strings.TrimPrefix(read.Meta.Source, base+"/DocumentReference/"))
	// Who does not see it is told nothing of it: he creates one more.
	other, _ := w.created(w.vaccinate(pro("hopital"), w.whole(), "If-None-Exist", condition), http.StatusCreated)
	if lots, _, _, _ := w.carnet(pro("hopital"), "patient="+w.record); lots != "L-42 L-42" || other != first {
		t.Errorf("%q", lots) // the key is that of the act: under it each reads what he may see
	}
}

// TestImmunizationUpdate: a correction is a new version of the note, by its author,
// against the version that he has read.
func TestImmunizationUpdate(t *testing.T) {
	w := newWorld(t)
	who := pro("durand")
	made := w.vaccinate(who, w.whole())
	id, _ := w.created(made, http.StatusCreated)
	body := strings.Replace(string(made.body), `"status":"completed"`, `"status":"entered-in-error"`, 1)
	if got := w.correct(who, id, body, "If-Match", `W/"7"`); got.status != http.StatusPreconditionFailed || got.outcome()[0] != "FHIR-011 If-Match" {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, wrong := range []string{strings.Replace(body, `"id":"`+id+`",`, "", 1), strings.Replace(body, `"id":"`+id+`"`, `"id":"x"`, 1)} {
		if got := w.correct(who, id, wrong); got.status != http.StatusBadRequest {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	if got := w.correct(who, id, strings.Replace(body, `"value":"v-1"`, `"value":"v-9"`, 1)); got.status != 422 || got.outcome()[0] != "FHIR-009 Immunization.identifier[0]" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.correct(pro("hopital"), id, body); got.status != http.StatusForbidden || got.outcome()[0] != "ACC-31 Immunization" {
		t.Errorf("not his: %d %s", got.status, got.body)
	}
	corrected := w.correct(who, id, body, "If-Match", `W/"1.1"`)
	if same, version := w.created(corrected, http.StatusOK); same != id || version != "2.1" || member(t, corrected.body, "status") != `"entered-in-error"` {
		t.Errorf("%s %s %s", same, version, corrected.body)
	}
	if lots, found, _, _ := w.carnet(who, "patient="+w.record); lots != "L-42" || found[0].Status != "entered-in-error" {
		t.Errorf("%q %+v", lots, found)
	}
	former, current := w.get(who, "Immunization/"+id+"/_history/1.1"), w.get(who, "Immunization/"+id+"/_history/2.1")
	if former.status != http.StatusOK || member(t, former.body, "status") != `"completed"` || current.status != http.StatusOK || !bytes.Equal(current.body, corrected.body) {
		t.Errorf("%d %s\n%d %s", former.status, former.body, current.status, current.body)
	}
	if got := w.get(who, "Immunization/"+id+"/_history/3.1"); got.status != http.StatusNotFound {
		t.Error(got.status)
	}
	var read immunization
	_ = json.Unmarshal(corrected.body, &read)
	w.mask(strings.TrimPrefix(read.Meta.Source, base+"/DocumentReference/"))
	unknown := w.correct(pro("hopital"), strings.Repeat("a", 52), strings.Replace(body, id, strings.Repeat("a", 52), 1))
	hidden := w.correct(pro("hopital"), id, body, "If-Match", `W/"2.1"`)
	if hidden.status != http.StatusNotFound || !bytes.Equal(hidden.body, unknown.body) {
		t.Errorf("%d %s\n%d %s", hidden.status, hidden.body, unknown.status, unknown.body)
	}
	if got := w.get(pro("hopital"), "Immunization/"+id+"/_history/1.1"); got.status != http.StatusNotFound {
		t.Errorf("a former version of a masked note: %d", got.status)
	}
}

// TestImmunizationNotDone: a refusal is a vaccination that was not done.
func TestImmunizationNotDone(t *testing.T) {
	w := newWorld(t)
	who := pro("durand")
	got := w.vaccinate(who, w.whole(`"status":"completed"`, `"status":"not-done","statusReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"PATOBJ","display":"refus"}]}`, `"primarySource":false`, `"primarySource":true`))
	w.created(got, http.StatusCreated)
	if member(t, got.body, "status") != `"not-done"` || !strings.Contains(member(t, got.body, "statusReason"), "PATOBJ") {
		t.Errorf("%s", got.body)
	}
}

// TestImmunizationInHistory: what a document of several tells is corrected at its source.
func TestImmunizationInHistory(t *testing.T) {
	w := newWorld(t)
	who := pro("durand")
	document := w.deposit(durand, act("8D4D4A0E-6F0F-4B43-9F8F-0C7CE8F0A001", "20200101", "68747507", "A1"), `code="87273-9"`, `code="11369-6"`)
	_, found, _, _ := w.carnet(who, "patient="+w.record)
	got := w.get(who, "Immunization/"+found[0].ID)
	refused := w.correct(who, found[0].ID, string(got.body))
	if refused.status != 422 || !strings.Contains(string(refused.body), "DocumentReference/"+document) {
		t.Errorf("%d %s", refused.status, refused.body)
	}
}
