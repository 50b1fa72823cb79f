package cda

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// TestPublishedSamples derives the 45 examples of the ANS and compares type,
// class and format with their index. They carry no licence and are not part of
// the project: PASSERELLE_SHARED, or a folder shared beside the clone, holds them.
func TestPublishedSamples(t *testing.T) {
	shared := os.Getenv("PASSERELLE_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(shared, "dmp", "cda")
	if _, err := os.Stat(dir); err != nil {
		t.Log("the published samples are not here; TestDerive and the corpus of the sandbox stand alone")
		return
	}
	classes := map[string]xds.Code{}
	for _, row := range table(t, filepath.Join(shared, "dmp", "valuesets", "type-class.csv")) {
		classes[row["typeCode"]] = xds.Code{Value: row["classCode"], Scheme: row["classCode_system"], Display: row["classCode_display"]}
	}
	classOf := func(c xds.Code) (xds.Code, bool) { class, ok := classes[c.Value]; return class, ok }
	index := table(t, filepath.Join(dir, "index.csv"))
	if len(index) != 45 {
		t.Errorf("%d samples", len(index))
	}
	for _, row := range index {
		t.Run(row["file"], func(t *testing.T) {
			doc, err := os.ReadFile(filepath.Join(dir, row["file"]))
			if err != nil {
				t.Fatal(err)
			}
			h, errs := Derive(doc, Options{ClassOf: classOf})
			if errs.Failed() {
				t.Error(errs)
			}
			for _, c := range []struct{ what, got, want string }{
				{"type", h.Entry.TypeCode.Value, row["typeCode"]}, {"class", h.Entry.ClassCode.Value, row["classCode"]},
				{"format", h.Entry.FormatCode.Value, row["formatCode"]}, {"id", h.Entry.UniqueID, row["id_root"]},
				{"replaces", yes(h.Replaces() != ""), yes(row["relatedDocument"] == "RPLC")},
			} {
				if c.got != c.want {
					t.Errorf("%s %s, want %s", c.what, c.got, c.want)
				}
			}
			if h.Entry.ServiceStart == "" || h.Entry.PracticeSetting.IsZero() || h.Entry.FacilityType.IsZero() || h.Entry.Title == "" || len(h.Entry.Authors) == 0 {
				t.Errorf("incomplete entry: %+v", h.Entry)
			}
		})
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// table reads a CSV file with a header line.
func table(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = r[i]
		}
		rows = append(rows, row)
	}
	return rows
}
