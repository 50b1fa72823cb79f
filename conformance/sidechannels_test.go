package conformance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// channel is one way in which a hidden document could show (safety §1.4). Its test
// is TestSideChannels/SC-nn.
type channel struct {
	id   string
	test func(*testing.T, *theatre)
}

var channels = []channel{
	{"SC-01", counts}, {"SC-02", objectRefs}, {"SC-03", byIDs}, {"SC-04", contents}, {"SC-05", setsOfHidden}, {"SC-06", setsOfSome},
	{"SC-07", associations}, {"SC-08", lineages}, {"SC-09", hiddenChildren}, {"SC-10", untouchedParents}, {"SC-11", folderTimes},
	{"SC-12", retrieved}, {"SC-13", notFound}, {"SC-14", conditions}, {"SC-15", conditionalCreate}, {"SC-16", hiddenTargets}, {"SC-17", updates},
	{"SC-18", paging}, {"SC-19", randomIDs}, {"SC-20", searchControls}, {"SC-21", links}, {"SC-22", labels}, {"SC-23", noWarnings}, {"SC-24", thresholds},
	{"SC-25", notified}, {"SC-26", holderNotified}, {"SC-27", journal}, {"SC-28", auditSearch}, {"SC-29", derived}, {"SC-30", quoted}, {"SC-31", nothingBuilt}, {"SC-32", timing}, {"SC-33", caches}, {"SC-34", compression},
	{"SC-35", collisions}, {"SC-38", descriptions}, {"SC-39", existence}, {"SC-40", takenIDs}, {"SC-41", blocked}, {"SC-42", companions}, {"SC-43", acrossCommunities},
}

// ask asks the questions whose names hold all of the texts, as a reader with and
// without the patient in his token, and gives the answers to them.
func (p *pair) ask(t *testing.T, th *theatre, reader string, texts ...string) (answers []string) {
	t.Helper()
	for _, bound := range []bool{true, false} {
		bearers := p.bearers(reader, bound)
		for _, q := range p.about(t, texts...) {
			if bound || q.byID {
				answers = append(answers, p.same(t, th.phases, bearers, q))
			}
		}
	}
	return answers
}

// all makes sure that every answer holds a text, none makes sure that no answer does.
func all(t *testing.T, answers []string, text string) {
	t.Helper()
	for _, a := range answers {
		if !strings.Contains(a, text) {
			t.Errorf("no %q in %s", text, a)
		}
	}
}

func none(t *testing.T, answers []string, texts ...string) {
	t.Helper()
	for _, a := range answers {
		for _, text := range texts {
			if strings.Contains(a, text) {
				t.Errorf("%q in %s", text, a)
			}
		}
	}
}

// TestSideChannelsListed keeps side-channels.md and the tests in step: each of
// SC-01…SC-44 once, with its test or why there is none yet, and every test named
// there exists.
func TestSideChannelsListed(t *testing.T) {
	raw, err := os.ReadFile("side-channels.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t)
	var listed []string
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "SC-") {
			continue
		}
		id, where := strings.TrimSpace(cells[1]), cells[3]
		listed = append(listed, id)
		tested := slices.ContainsFunc(channels, func(c channel) bool { return c.id == id })
		if named := strings.Contains(where, "`TestSideChannels/"+id+"`"); named != tested {
			t.Errorf("%s: tested %v, said %q", id, tested, where)
		}
		if !tested && !strings.Contains(where, "later:") && !strings.Contains(where, "`Test") {
			t.Errorf("%s: neither a test nor what it waits for: %q", id, where)
		}
		for _, m := range regexp.MustCompile("`(Test[A-Za-z0-9]+)").FindAllStringSubmatch(where, -1) {
			if !slices.Contains(tests, m[1]) {
				t.Errorf("%s names %s, which is nowhere", id, m[1])
			}
		}
	}
	var want []string
	for i := range 44 {
		want = append(want, fmt.Sprintf("SC-%02d", i+1))
	}
	if !slices.Equal(listed, want) {
		t.Errorf("listed: %v", listed)
	}
}

// testNames are the tests of the module.
func testNames(t *testing.T) (names []string) {
	t.Helper()
	for _, pattern := range []string{"*_test.go", "../*_test.go", "../*/*_test.go", "../*/*/*_test.go", "../*/*/*/*_test.go"} {
		for _, file := range glob(t, pattern) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)`).FindAllStringSubmatch(string(raw), -1) {
				names = append(names, m[1])
			}
		}
	}
	return names
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}
