package console

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	inPages = regexp.MustCompile("\\bt \"((?:[^\"\\\\]|\\\\.)*)\"")
	inCode  = regexp.MustCompile("(?:\\.T\\(|Text: )\"((?:[^\"\\\\]|\\\\.)*)\"")
)

// TestEnglish: every text of a page has its English, and no English is left over from a
// text that is gone..
func TestEnglish(t *testing.T) {
	used := map[string]string{}
	read := func(dir fs.FS, pattern string, find *regexp.Regexp) {
		names, err := fs.Glob(dir, pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, name := range names {
			raw, err := fs.ReadFile(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, m := range find.FindAllStringSubmatch(string(raw), -1) {
				used[strings.ReplaceAll(m[1], `\"`, `"`)] = name
			}
		}
	}
	read(sources, "pages/*.html", inPages)
	read(os.DirFS("."), "*.go", inCode)
	for _, table := range tables {
		for _, text := range table {
			used[text] = "a table"
		}
	}
	for text, where := range used {
		if inEnglish[text] == "" {
			t.Errorf("%s: no English for %q", where, text)
		}
	}
	for text := range inEnglish {
		if used[text] == "" {
			t.Errorf("English of %q, which no page says", text)
		}
	}
}

// tables are texts that stand in maps and lists.
var tables = [][]string{
	values(roleWords), values(professionWords),
	categoryLabels(), stateLabels(),
	deeds(acts), deeds(calls), sortTexts(), values(delegationWords),
	values(reportWords), values(aboutWords), values(eventWords), digestWords, values(resourceWords), values(lifeWords), {"lire", "ajouter", "modifier", "supprimer"},
}

func values[K comparable](m map[K]string) (all []string) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

func deeds[K comparable](m map[K]deed) (all []string) {
	for _, d := range m {
		all = append(all, d.done, d.tried)
	}
	return append(all, "fait un acte dans le dossier", "faire un acte dans le dossier")
}

func sortTexts() (all []string) {
	for _, s := range sorts {
		all = append(all, s.Text)
	}
	return all
}
