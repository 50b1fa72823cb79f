package vaccination

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

const record = "0190a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2b"

// note is one with everything that an act can say.
func note() Note {
	doctor := Person{
		ID: ID{Root: "1.2.250.1.71.4.2.1", Extension: "899900000017"}, Family: "DURAND", Given: "Sophie",
		Specialty: xds.Code{Value: "G15_10/SM26", Scheme: "1.2.250.1.213.1.1.4.5", Display: "Médecin - Qualifié en Médecine Générale (SM)"},
		Structure: ID{Root: "1.2.250.1.71.4.2.2", Extension: "499990001"}, StructureName: "Cabinet <A&B>",
	}
	return Note{
		UniqueID: "2.25.7", SetID: "2.25.8", Version: 2, Parent: "2.25.6", SectionID: "11111111-1111-4111-8111-111111111111",
		At:      time.Date(2026, 11, 22, 9, 30, 0, 0, time.FixedZone("", 3600)),
		Patient: Patient{INS: xds.NewCX("293035999901195", "1.2.250.1.213.1.4.10", "NH"), Family: "GARNIER", Given: "Alice", BirthDate: "19930314", Sex: "F"},
		Author:  doctor, Custodian: Person{Structure: doctor.Structure, StructureName: doctor.StructureName},
		Facility: xds.Code{Value: "SA07", Scheme: "1.2.250.1.71.4.2.4", Display: "Cabinet individuel"},
		Setting:  xds.Code{Value: "AMBULATOIRE", Scheme: "1.2.250.1.213.1.1.4.9", Display: "Ambulatoire"},
		Act: Act{
			IDs:  []ID{{Root: "8d4d4a0e-6f0f-4b43-9f8f-0c7ce8f0a001"}, InSystem("https://lgc.example/ids", "v-1")},
			When: "20261120101500+0100", Series: "BOOSTER", Rank: 3, Lot: "L<1>&2", Expires: "202712", Maker: "Laboratoire", Name: "Vaccin tétanique",
			Vaccine: []xds.Code{{Value: "68747507", Scheme: CIS, Display: "VACCIN TETANIQUE"}, {Value: "J07AM", Scheme: ATC, Display: "vaccins tétaniques"}, {Value: "3400932857241", Scheme: CIP}},
			Route:   xds.Code{Value: "20035000", Scheme: EDQM, Display: "Voie intramusculaire"}, Site: xds.Code{Value: "16217701000119102", Scheme: SNOMED, Display: "deltoïde gauche"},
			Dose: Quantity{"0.50", "mL"}, Performer: doctor, Author: doctor, Written: "20261122093000+0100", Comment: "Bien supporté.\nRAS",
			Reactions: []Reaction{{ID: ID{Root: "5D002088-67F2-47BF-A256-F2F2A2C8941D"}, Code: xds.Code{Value: "R50.2", Scheme: CIM10, Display: "Fièvre"}, Text: "Fièvre", On: "20261121"}},
		},
	}
}

// TestWrittenIsRead: what a note says is read back from it, and its header passes the
// affinity domain.
func TestWrittenIsRead(t *testing.T) {
	refused := note()
	refused.Act.NotDone, refused.Act.Reason, refused.Act.Rank, refused.Act.Reactions = true, xds.Code{Value: "PATOBJ", Scheme: "2.16.840.1.113883.5.8", Display: "refus du patient"}, 0, nil
	wrong := note()
	wrong.Act.Nullified, wrong.Act.When, wrong.Parent = true, "2026", ""
	for name, n := range map[string]Note{"done": note(), "not done": refused, "in error": wrong} {
		doc, err := Write(n)
		if err != nil {
			t.Fatal(err)
		}
		got, findings := Read(doc)
		n.Act.Comment = oneLine(n.Act.Comment)
		want := Document{UniqueID: n.UniqueID, SetID: n.SetID, Type: "87273-9", Version: 2, Acts: []Act{n.Act}}
		if diff := cmp.Diff(want, got); diff != "" || len(findings) > 0 {
			t.Errorf("%s: %v\n%s", name, findings, diff)
		}
		h, findings := cda.Derive(doc, cda.Options{ClassOf: dmp.Class})
		if len(findings) > 0 || h.Entry.ClassCode.Value != "52" || h.Entry.FormatCode.Value != "urn:asip:ci-sis:vac-note:2021" || h.Replaces() != n.Parent {
			t.Errorf("%s: %v %+v", name, findings, h.Entry)
		}
	}
}

// TestSamples: the published samples give the acts that they tell.
func TestSamples(t *testing.T) {
	shared := os.Getenv("PASSERELLE_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "..", "shared")
	}
	folder := filepath.Join(shared, "dmp", "cda")
	read := func(name string) Document {
		doc, err := os.ReadFile(filepath.Join(folder, name))
		if errors.Is(err, os.ErrNotExist) {
			return Document{}
		}
		d, findings := Read(doc)
		if err != nil || len(findings) > 0 {
			t.Fatal(err, findings)
		}
		return d
	}
	single, history := read("VAC-NOTE_2023.01.xml"), read("VAC_2023.01.xml")
	if single.UniqueID == "" {
		t.Log("the samples of ../shared are not here")
		return
	}
	a := single.Acts[0]
	if len(single.Acts) != 1 || a.When != "20090928" || a.Lot != "4456672" || a.Rank != 2 || a.Series != "INITIMMUNIZ" || a.Code(CIS).Value != "68747507" ||
		len(a.Vaccine) != 3 || a.Performer.Family != "MULLER" || len(a.Reactions) != 1 || !strings.HasPrefix(a.Comment, "Prise récente") || a.Route.Value != "20035000" {
		t.Errorf("%+v", single.Acts)
	}
	if len(history.Acts) != 4 || history.Acts[0].When != "1975" {
		t.Errorf("%+v", history.Acts)
	}
	// Three of the history bear the id of the note, which tells the second of them.
	entries := Gather(record, []Document{history, single})
	if len(entries) != 4 || entries[2].Note != 1 || entries[0].Note != -1 {
		t.Errorf("%+v", entries)
	}
}

// TestGatherTakesNothingBack: a newer note of somebody else, who may have no right to
// replace the older one, hides nothing that it says and does not take its key.
func TestGatherTakesNothingBack(t *testing.T) {
	said := note().Act
	old := Document{Type: NoteType.Value, Acts: []Act{said}}
	first := Gather(record, []Document{old})[0].Key
	other := said
	other.Author.ID.Extension = "899900009999"
	for name, change := range map[string]func(*Act){
		"nullified": func(a *Act) { a.Nullified = true },
		"not done":  func(a *Act) { a.NotDone = true },
		"vaccine":   func(a *Act) { a.Vaccine = []xds.Code{{Value: "J07BB02", Scheme: ATC}} },
		"day":       func(a *Act) { a.When = "20200101" },
	} {
		newer := other
		change(&newer)
		for _, kind := range []string{NoteType.Value, "11369-6"} {
			if kind != NoteType.Value && (name == "vaccine" || name == "day") {
				continue // a history tells what it was made of, corrected
			}
			all := Gather(record, []Document{{Type: kind, Acts: []Act{newer}}, old})
			if len(all) != 2 || all[1].Key != first || all[0].Key == first || all[1].Source != 1 || all[1].Note != 1 {
				t.Errorf("%s in %s: %+v", name, kind, all)
			}
		}
	}
}

// TestGather: one act is told once under one key whatever the documents, and none that
// bears a copied id is lost.
func TestGather(t *testing.T) {
	act := func(id, when, lot string) Act {
		return Act{IDs: []ID{{Root: id}}, When: when, Lot: lot, Vaccine: []xds.Code{{Value: "J07AM", Scheme: ATC}}}
	}
	doc := func(kind string, acts ...Act) Document { return Document{Type: kind, Acts: acts} }
	keys := func(documents ...Document) (all []string, notes []int) {
		for _, e := range Gather(record, documents) {
			all = append(all, e.Key)
			notes = append(notes, e.Note)
		}
		return all, notes
	}
	single := doc("87273-9", act("A", "20200101", "1"))
	alone, _ := keys(single)
	if Record(alone[0]) != record || len(alone[0]) > 64 {
		t.Errorf("key %q of %q", alone[0], Record(alone[0]))
	}
	corrected, notes := keys(doc("87273-9", act("a", "20200101", "2")), single, doc("11369-6", act("A", "20200101", "1"), act("B", "20200101", "1")))
	if len(corrected) != 2 || corrected[0] != alone[0] || notes[0] != 0 || notes[1] != -1 {
		t.Errorf("a correction is the same act: %v %v", corrected, notes)
	}
	copied, notes := keys(doc("11369-6", act("A", "20200101", "1"), act("A", "20210101", "1"), act("A", "20210101", "1")), single)
	if len(copied) != 2 || copied[0] == copied[1] || notes[0] != 1 {
		t.Errorf("a copied id: %v %v", copied, notes)
	}
	other, _ := keys(doc("87273-9", Act{IDs: []ID{{Root: "A"}}, When: "2015", Name: "autre"}), single)
	if len(other) != 2 || other[1] != alone[0] || other[0] == alone[0] { // the older one keeps its key
		t.Errorf("another act under the id: %v", other)
	}
	if elsewhere := Gather("1190a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2b", []Document{single}); elsewhere[0].Key == alone[0] {
		t.Error("a key is of one record")
	}
	for _, bad := range []string{"", "x", strings.ToUpper(alone[0]), alone[0] + "a", strings.Repeat("a", 51) + "b"} {
		if Record(bad) != "" {
			t.Errorf("%q is a key", bad)
		}
	}
}

// TestReadRefused: what cannot stand is left out with its place, what is only planned
// without a word.
func TestReadRefused(t *testing.T) {
	doc, err := Write(note())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, to, want string
		acts           int
	}{
		"planned":        {`moodCode="EVN" negationInd`, `moodCode="INT" negationInd`, "", 0},
		"running":        {`<statusCode code="completed"/>` + "\n              <effectiveTime value", `<statusCode code="active"/>` + "\n              <effectiveTime value", "META-003", 0},
		"no date":        {`<effectiveTime value="20261120101500+0100"/>` + "\n              <routeCode", `<effectiveTime nullFlavor="UNK"/><routeCode`, "", 1},
		"a bad date":     {`<effectiveTime value="20261120101500+0100"/>` + "\n              <routeCode", `<effectiveTime value="20261320"/><routeCode`, "META-004", 0},
		"another text":   {"ClinicalDocument", "Clinical", "META-004", 0},
		"an entity":      {"<ClinicalDocument", "<!DOCTYPE x><ClinicalDocument", "XML-002", 0},
		"no other codes": {`moodCode="EVN" negationInd`, `moodCode="EVN" x="1" negationInd`, "", 1},
	} {
		spoilt := strings.ReplaceAll(string(doc), c.from, c.to)
		if spoilt == string(doc) {
			t.Fatalf("%s: nothing to spoil", name)
		}
		d, findings := Read([]byte(spoilt))
		if len(d.Acts) != c.acts || (c.want == "") != (len(findings) == 0) || c.want != "" && findings[0].ID != c.want {
			t.Errorf("%s: %d acts, %v", name, len(d.Acts), findings)
		}
	}
	entry := string(doc[strings.Index(string(doc), "<entry>") : strings.Index(string(doc), "</entry>")+len("</entry>")])
	many, findings := Read([]byte(strings.Replace(string(doc), entry, strings.Repeat(entry, MaxActs+1), 1)))
	if len(many.Acts) != MaxActs || len(findings) != 1 || findings[0].ID != "META-015" {
		t.Errorf("%d acts, %v", len(many.Acts), findings)
	}
}

// TestTime: a day is the writer's own; a clock without offset is not told.
func TestTime(t *testing.T) {
	doc := `<ClinicalDocument xmlns="urn:hl7-org:v3"><component><structuredBody><component><section><entry><substanceAdministration moodCode="EVN"><templateId root="1.2.250.1.213.1.1.3.45"/>` +
		`<id root="A"/><effectiveTime value="%"/></substanceAdministration></entry></section></component></structuredBody></component></ClinicalDocument>`
	for value, want := range map[string]string{
		"1975": "1975", "202101": "202101", "20210409": "20210409", "20210409153500": "20210409", "20210409153500+0100": "20210409153500+0100",
		"20210409153500.123-0330": "20210409153500-0330", "202104091535+0100": "202104091535+0100",
	} {
		d, findings := Read([]byte(strings.Replace(doc, "%", value, 1)))
		if len(findings) > 0 || len(d.Acts) != 1 || d.Acts[0].When != want {
			t.Errorf("%s: %+v %v", value, d.Acts, findings)
		}
	}
	from, to := Span("20210409003000+0100")
	if from.Format(time.RFC3339) != "2021-04-08T23:30:00Z" || to.Sub(from) != time.Second || Day("20210409003000+0100") != "20210409" {
		t.Error(from, to)
	}
}
