package config

import (
	"os"
	"path/filepath"
	"testing"
)

// TestVaccination: a calendar of the site's replaces that of the product, once it is read.
func TestVaccination(t *testing.T) {
	const head = "# version: 2031\n# source: ici\nrule,group,atc,code,series,due,late,end,every,season,mandatory,text\n"
	for name, c := range map[string]struct {
		file, profile, where string
	}{
		"none":        {"", "https://a.example/p", ""},
		"a calendar":  {head + "r,g,J07AL,J07AL,,2,3,,,,,x\n", "https://a.example/p", ""},
		"no rule":     {head, "https://a.example/p", "vaccination.calendar"},
		"no address":  {"", "fr-core-immunization", "vaccination.profiles[0]"},
		"not a table": {"bonjour", "https://a.example/p", "vaccination.calendar"},
	} {
		dir := t.TempDir()
		check := &checker{document: &document{}, dir: dir, config: &Config{}}
		check.config.Vaccination.Profiles = []string{c.profile}
		if c.file != "" {
			if err := os.WriteFile(filepath.Join(dir, "c.csv"), []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			check.config.Vaccination.Calendar = "c.csv"
		}
		check.vaccination()
		switch {
		case c.where == "" && len(check.findings) > 0, c.where != "" && (len(check.findings) != 1 || check.findings[0].Where != c.where):
			t.Errorf("%s: %v", name, check.findings)
		case c.where == "" && c.file != "" && check.config.Calendar.Version != "2031":
			t.Errorf("%s: %+v", name, check.config.Calendar)
		}
	}
}
