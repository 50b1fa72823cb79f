package medical

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

var paris = time.FixedZone("", 3600)

// sample is a value that a field takes, with what XML and HTML would trip over.
func sample(f Field) string {
	switch f.Form {
	case Choice:
		return f.Options[len(f.Options)-1].Value
	case Number:
		return decimal(f.Least)
	case Date:
		return "03/2021"
	case Instant:
		return "2026-11-20T08:30"
	case Tick:
		return "oui"
	case Phone:
		return "+33 6 12 34 56 78"
	case Email:
		return "a@exemple.fr"
	case Text:
		return "<script>alert(1)</script> & \"x\"\nsuite ]]>"
	}
	return "<b>'A'&B</b>"
}

// whole is a document with one entry of each kind of a section.
func whole(t *testing.T, s Section) Document {
	d := Document{
		Section: s, UniqueID: "2.25.7", SetID: "2.25.8", Version: 3, At: time.Date(2026, 11, 22, 9, 30, 0, 0, paris), Keeper: "1.2.3",
		Patient: Patient{INS: xds.NewCX("293035999901195", "1.2.250.1.213.1.4.10", "NH"), Family: "GARNIER", Given: "Alice", BirthDate: "19930314", Sex: "F"},
		Author:  "Alice <GARNIER>",
	}
	for i, k := range s.Kinds {
		values := map[string]string{}
		for _, f := range k.Fields {
			values[f.Name] = sample(f)
		}
		if k.ID == "tension" {
			values["systolique"] = "121,5"
		}
		clean, findings := Check(k, values, Bounds{Born: "19930314", Now: d.At, Zone: paris})
		if findings.Failed() {
			t.Fatal(k.ID, findings)
		}
		d.Entries = append(d.Entries, Entry{ID: "0190a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2" + string("0123456789ab"[i]), Kind: k.ID, Values: clean, Written: "20261122093000+0100", By: "Alice"})
	}
	return d
}

// TestWrittenIsRead: every kind of entry comes back as it went, and the header passes
// the affinity domain.
func TestWrittenIsRead(t *testing.T) {
	for _, s := range Sections() {
		d := whole(t, s)
		doc, err := Write(d)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := Read(doc)
		if !ok {
			t.Fatalf("%s is no section:\n%s", s.ID, doc)
		}
		if diff := cmp.Diff(d.Entries, got.Entries); diff != "" || got.Section.ID != s.ID || got.UniqueID != d.UniqueID || got.SetID != d.SetID || got.Version != 3 {
			t.Errorf("%s: %s", s.ID, diff)
		}
		h, findings := cda.Derive(doc, cda.Options{ClassOf: dmp.Class})
		if len(findings) > 0 || !h.Entry.TypeCode.Same(s.Type) || len(h.Entry.EventCodes) != 1 || !h.Entry.EventCodes[0].Same(s.Event()) {
			t.Errorf("%s: %v %+v", s.ID, findings, h.Entry)
		}
		if format := h.Entry.FormatCode.Value; strings.HasPrefix(s.Type.Value, "EXPPAT") != (format == "urn:asip:ci-sis:idap:2011") {
			t.Errorf("%s: format %s", s.ID, format)
		}
		if strings.Contains(string(doc), "<script") || strings.Contains(string(doc), "<b>") {
			t.Errorf("%s: words became markup", s.ID)
		}
	}
}

// TestCheck: every value has its bounds, all findings come at once, and none repeats
// what was written.
func TestCheck(t *testing.T) {
	now := time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC) // the 23rd in Paris
	b := Bounds{Born: "19930314", Now: now, Zone: paris}
	for name, c := range map[string]struct {
		section, kind string
		values        map[string]string
		want          string // fields with findings
		clean         map[string]string
	}{
		"nothing":         {Measures, "tension", nil, "quand systolique diastolique", nil},
		"all wrong":       {Measures, "tension", map[string]string{"quand": "24/11/2026", "systolique": "12", "diastolique": "x", "pouls": "60", "commentaire": "a\x00b"}, "pouls quand systolique diastolique commentaire", nil},
		"upside down":     {Measures, "tension", map[string]string{"quand": "23/11/2026", "systolique": "80", "diastolique": "120"}, "diastolique", nil},
		"today, in Paris": {Measures, "poids", map[string]string{"quand": "23/11/2026", "valeur": " 70,50 "}, "", map[string]string{"quand": "2026-11-23", "valeur": "70.5"}},
		"an hour":         {Measures, "poids", map[string]string{"quand": "2026-11-20T08:05", "valeur": "70"}, "", map[string]string{"quand": "2026-11-20T08:05:00+01:00", "valeur": "70"}},
		"an hour to come": {Measures, "poids", map[string]string{"quand": "2026-11-23T08:05", "valeur": "70"}, "quand", nil},
		"before birth":    {Measures, "poids", map[string]string{"quand": "13/03/1993", "valeur": "70"}, "quand", nil},
		"no such day":     {Measures, "poids", map[string]string{"quand": "31/02/2020", "valeur": "70"}, "quand", nil},
		"a month":         {Measures, "poids", map[string]string{"quand": "02/2020", "valeur": "70"}, "quand", nil},
		"not a number":    {Measures, "poids", map[string]string{"quand": "01/02/2020", "valeur": "NaN"}, "valeur", nil},
		"a year":          {Allergies, "allergie", map[string]string{"substance": "  pénicilline \t G ", "categorie": "medicament", "depuis": "2001"}, "", map[string]string{"substance": "pénicilline G", "categorie": "medicament", "depuis": "2001"}},
		"a choice":        {Allergies, "allergie", map[string]string{"substance": "x", "categorie": "autres", "gravite": "mortelle"}, "categorie gravite", nil},
		"too long":        {Allergies, "allergie", map[string]string{"substance": strings.Repeat("é", 201), "categorie": "autre"}, "substance", nil},
		"long enough":     {Allergies, "allergie", map[string]string{"substance": strings.Repeat("é", 200), "categorie": "autre"}, "", map[string]string{"substance": strings.Repeat("é", 200), "categorie": "autre"}},
		"end first":       {Treatments, "traitement", map[string]string{"nom": "x", "debut": "2021-05", "fin": "2020"}, "fin", nil},
		"same year":       {Treatments, "traitement", map[string]string{"nom": "x", "debut": "2021-05", "fin": "2021"}, "", map[string]string{"nom": "x", "debut": "2021-05", "fin": "2021"}},
		"unreachable":     {Relatives, "urgence", map[string]string{"nom": "X", "lien": "ami"}, "telephone", nil},
		"bad contacts":    {Relatives, "urgence", map[string]string{"nom": "X", "lien": "ami", "telephone": "javascript:1", "email": "a@b"}, "telephone email", nil},
	} {
		s, _ := SectionOf(c.section)
		k, _ := s.Kind(c.kind)
		clean, findings := Check(k, c.values, b)
		var at []string
		for _, f := range findings {
			at = append(at, f.Where)
			for field, value := range c.values {
				if len(value) > 3 && strings.Contains(f.Found+f.Expected, value) {
					t.Errorf("%s: %s is repeated", name, field)
				}
			}
		}
		if got := strings.Join(at, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if diff := cmp.Diff(c.clean, clean); c.clean != nil && diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestReadRefused: what is no section of ours, and entries that cannot stand.
func TestReadRefused(t *testing.T) {
	s, _ := SectionOf(Measures)
	doc, err := Write(whole(t, s))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, to string
		entries  int // -1 = no section
	}{
		"another template": {`<templateId root="` + templateID + `"/>` + "\n  <id", "<id", -1},
		"another section":  {`code="mesures"`, `code="autre"`, -1},
		"an entity":        {"<ClinicalDocument", "<!DOCTYPE x><ClinicalDocument", -1},
		"beyond bounds":    {`value="0.3" unit="kg"`, `value="9000" unit="kg"`, len(s.Kinds) - 1},
		"no id":            {`<id root="0190a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a20"/>`, "", len(s.Kinds) - 1},
		"an id twice":      {"1a21", "1a20", len(s.Kinds) - 1},
		"unknown kind":     {`code="pouls"`, `code="autre"`, len(s.Kinds) - 1},
		"hour of nobody":   {"20261120083000+0100", "20261120083000", 0},
	} {
		spoilt := strings.ReplaceAll(string(doc), c.from, c.to)
		if spoilt == string(doc) {
			t.Fatalf("%s: nothing to spoil", name)
		}
		d, ok := Read([]byte(spoilt))
		if ok != (c.entries >= 0) || ok && len(d.Entries) != c.entries {
			t.Errorf("%s: %v, %d entries", name, ok, len(d.Entries))
		}
	}
}

// TestGather: a copied id hides nothing.
func TestGather(t *testing.T) {
	const record = "0190a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2b"
	s, _ := SectionOf(Allergies)
	one, two := Document{Section: s, UniqueID: "1", Entries: []Entry{{ID: "a"}}}, Document{Section: s, UniqueID: "2", Entries: []Entry{{ID: "a"}, {ID: "b"}}}
	all := Gather(record, []Document{one, two})
	if len(all) != 3 || all[0].Key == all[1].Key || all[1].Source != 1 || xds.RecordOfPart(all[1].Key) != record {
		t.Error(len(all), all[0].Key, all[1].Key)
	}
	if alone := Gather(record, []Document{one}); alone[0].Key != all[0].Key {
		t.Error("a key is not stable")
	}
}
