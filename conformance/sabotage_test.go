package conformance_test

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sabotage switches one rule off.
type sabotage struct {
	name         string
	file         string // "" = the table of rules
	line         string // of it, as it starts
	before, with string // what is changed in it; without them the line goes
	pkg          string // of row; "" = that of the truth table
	row          string // of the truth table, or a test, that must turn red
	script       string // of the black-box scripts that must turn red
}

var sabotages = []sabotage{
	{name: "masked documents", line: `permit("R-23"`, before: "unmasked, ", row: "TestSeeds/T023", script: "TestScripts/01-story"},
	{name: "the door of blocked professionals", line: `closes("R-04"`, row: "TestSeeds/T019", script: "TestScripts/01-story"},
	{name: "hidden from the patient", line: `forbid("R-09"`, row: "TestSeeds/T055", script: "TestScripts/12-hidden"},
	{name: "an application without a grant", file: "../authz/gate.go", line: "if !granted && !otherPatient {", before: "!granted", with: "false",
		pkg: "./authz", row: "TestApplicationNeedsAGrant/no_grant", script: "TestScripts/21-applications"},
	{name: "the types of a grant", file: "../authz/predicate.go", line: "if !p.limit.admits(", before: "!p.limit", with: "false && !p.limit",
		pkg: "./authz", row: "TestApplicationSeesItsTypesAlone/both"},
	{name: "the types of a grant, in SQL", file: "../registry/compile.go", line: "if types, limited := p.Limit(); limited {", before: "; limited {", with: "; limited && false {",
		pkg: "./registry", row: "TestSQLIsAdmit"},
}

// TestSabotage builds the gateway with one rule switched off, the tree untouched (go's
// -overlay), and sees that a named row of the truth table and a named script on the
// real binary turn red: the safety net is not asleep. Without PASSERELLE_LONG, one
// rule and its row.
func TestSabotage(t *testing.T) {
	long := os.Getenv("PASSERELLE_LONG") == "1"
	for i, s := range sabotages {
		if i > 0 && !long {
			break
		}
		t.Run(s.name, func(t *testing.T) {
			overlay := s.overlay(t)
			turnsRed(t, overlay, cmp.Or(s.pkg, "./authz/france"), s.row)
			if long && s.script != "" {
				turnsRed(t, overlay, "./conformance", s.script)
			}
		})
	}
}

// overlay writes the file without the rule, beside the tree.
func (s sabotage) overlay(t *testing.T) string {
	t.Helper()
	rules, err := filepath.Abs(cmp.Or(s.file, "../authz/france/rules.go"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	var changed strings.Builder
	found := 0
	for line := range strings.Lines(string(source)) {
		if strings.HasPrefix(strings.TrimSpace(line), s.line) {
			found++
			if s.before == "" {
				continue
			}
			without := strings.Replace(line, s.before, s.with, 1)
			if without == line {
				t.Fatalf("no %q in %q", s.before, line)
			}
			line = without
		}
		changed.WriteString(line)
	}
	if found != 1 {
		t.Fatalf("%d lines start with %s", found, s.line)
	}
	dir := t.TempDir()
	sabotaged, overlay := filepath.Join(dir, "sabotaged.go"), filepath.Join(dir, "overlay.json")
	data, err := json.Marshal(map[string]any{"Replace": map[string]string{rules: sabotaged}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{sabotaged: changed.String(), overlay: string(data)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return overlay
}

// turnsRed runs one test on the sabotaged source. The flag goes by the environment, so
// that the binary which a script plays on is built from it too.
func turnsRed(t *testing.T, overlay, pkg, test string) {
	t.Helper()
	name, sub, _ := strings.Cut(test, "/")
	run := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-count=1", "-v", "-run", "^"+name+"$/^"+sub+"$", pkg)
	run.Dir = ".."
	run.Env = append(os.Environ(), "GOFLAGS=-overlay="+overlay, "PASSERELLE_LONG=")
	out, err := run.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--- FAIL: "+test) {
		t.Errorf("%s did not turn red: %v\n%s", test, err, tail(out))
	}
}

func tail(out []byte) string {
	const most = 2000
	if len(out) > most {
		out = out[len(out)-most:]
	}
	return string(out)
}
