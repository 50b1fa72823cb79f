package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck: the words, the places and the exit codes of `passerelle check`.
func TestCheck(t *testing.T) {
	const sample = "../../testdata/cda/cr-accouchement.xml"
	raw, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	doc := string(raw)
	bad := file("bad.xml", strings.NewReplacer(`confidentialityCode code="N"`, `confidentialityCode code="NORMAL"`, `languageCode code="fr-FR"`, `languageCode code=""`).Replace(doc))
	other := file("other.txt", "bonjour")
	for _, c := range []struct {
		name   string
		args   []string
		exit   int
		stdout []string
		stderr string
	}{
		{"good", []string{sample}, exitOK, []string{"ok " + sample + " (CDA N3, 15508-5) métadonnées déductibles"}, ""},
		{"in English", []string{"--lang", "en", sample}, exitOK, []string{"ok " + sample + " (CDA N3, 15508-5) metadata can be derived"}, ""},
		{"by IHE alone", []string{"--profile", "ihe", sample}, exitOK, []string{"ok "}, ""},
		{"bad", []string{bad}, exitFindings, []string{bad + ":11:3 erreur META-003 ClinicalDocument/confidentialityCode (confidentialityCode[1]) : Code absent du jeu de valeurs ; trouvé « NORMAL^^2.16.840.1.113883.5.25 » ; attendu : ",
			bad + ":12:3 erreur META-001 ", "\n2 erreurs, 0 avertissement\n"}, "passerelle errors META-003"},
		{"bad in English", []string{"--lang=en", bad}, exitFindings, []string{"error META-003", "code not in the value set", "\n2 errors, 0 warnings\n"}, ""},
		{"both", []string{sample, bad, other}, exitFindings, []string{"ok " + sample, other + " erreur CHK-001", "3 fichiers : 1 ok, 3 erreurs, 0 avertissement"}, ""},
		{"a folder", []string{dir}, exitFindings, []string{bad + ":11:3"}, ""},
		{"absent", []string{sample, filepath.Join(dir, "absent.xml")}, exitEnvironment, nil, "fichier introuvable"},
		{"an empty folder", []string{t.TempDir()}, exitEnvironment, nil, "rien à contrôler"},
		{"nothing", nil, exitUsage, nil, "argument attendu"},
		{"an instant that is none", []string{"--at", "hier", sample}, exitUsage, nil, "--at"},
		{"another profile", []string{"--profile", "epsos", sample}, exitUsage, nil, "n'est pas une de ses valeurs"},
		{"an authority that is none", []string{"--ca", sample, sample}, exitEnvironment, nil, "aucun certificat PEM"},
		{"metadata that are none", []string{"--metadata", sample, sample}, exitFindings, nil, "CHK-001"},
	} {
		code, stdout, stderr := runLine(t, append([]string{"check"}, c.args...)...)
		if code != c.exit || c.stdout == nil && stdout != "" || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%s: %d\n%s%s", c.name, code, stdout, stderr)
		}
		for _, text := range c.stdout {
			if !strings.Contains(stdout, text) {
				t.Errorf("%s: no %q in\n%s", c.name, text, stdout)
			}
		}
		if strings.Contains(stdout, "\x1b") || strings.Contains(stdout, " | ") {
			t.Errorf("%s: colours or lines of the file, which are for a terminal:\n%s", c.name, stdout)
		}
	}
	code, stdout, _ := runLine(t, "check", "-o", "json", sample, bad)
	var answer struct {
		Files []struct {
			File, Kind string
			OK         bool
			Findings   []struct {
				Code, Severity string
				Line, Column   int
				Nearest        []string
			}
		}
		Errors, Warnings int
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != exitFindings || len(answer.Files) != 2 || answer.Errors != 2 || answer.Warnings != 0 {
		t.Fatalf("%d %v %s", code, err, stdout)
	}
	if f := answer.Files[1].Findings; len(f) != 2 || f[0].Code != "META-003" || f[0].Severity != "error" || f[0].Line != 11 || f[0].Column != 3 || len(f[0].Nearest) == 0 || !answer.Files[0].OK || answer.Files[1].OK {
		t.Errorf("%+v", answer)
	}
}

// TestSnippet: on a terminal the line of a finding stands between its neighbours.
func TestSnippet(t *testing.T) {
	var out strings.Builder
	r := checkReport{program: &program{stdout: &out}, terminal: true}
	r.snippet(strings.NewReader("un\ndeux\t<trois>\x1b[31m\nquatre\ncinq\n"), checkFinding{Line: 2, Column: 6})
	if want := "  1 | un\n  2 | deux <trois>·[31m\n    |      ^\n  3 | quatre\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	r.snippet(strings.NewReader(strings.Repeat("é", 1000)), checkFinding{Line: 1, Column: 900})
	if text := []rune(out.String()); len(text) > 400 || !strings.Contains(out.String(), "^") {
		t.Errorf("%d characters", len(text))
	}
}
