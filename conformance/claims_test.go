package conformance_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestClaims: each sentence of the sources that promises something to a patient or a
// professional (claims.tsv) names a test that is in the tree, or says why the promise is
// not this software's.
func TestClaims(t *testing.T) {
	raw, err := os.ReadFile("claims.tsv")
	if err != nil {
		t.Fatal(err)
	}
	tree, seen, sources := readTests(t), map[string]bool{}, map[string]int{}
	for i, line := range strings.Split(strings.TrimRight(string(raw), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != 4 || !claimID.MatchString(cells[0]) || seen[cells[0]] || cells[1] == "" {
			t.Errorf("line %d: an id S0-01 of its own, a sentence, tests, a note: %q", i+1, line)
			continue
		}
		id, tests, note := cells[0], strings.Fields(cells[2]), cells[3]
		seen[id] = true
		sources[id[:2]]++
		if cells[2] == "-" && note == "" {
			t.Errorf("%s: neither a test nor a reason", id)
		}
		for _, name := range tests {
			path, test, _ := strings.Cut(name, ":")
			if test == "" {
				path, test = "", name
			}
			if name != "-" && !tree.holds(path, test) {
				t.Errorf("%s: no test %s", id, name)
			}
		}
	}
	for _, source := range []string{"S0", "S1", "S2", "S3", "S4"} {
		if sources[source] < 10 {
			t.Errorf("%s promises %d things", source, sources[source])
		}
	}
}

var claimID = regexp.MustCompile(`^S[0-4]-[0-9]{2}$`)
