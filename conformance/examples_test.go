package conformance_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exampleLines are what every example of docs/examples prints, each in its language.
var exampleLines = regexp.MustCompile(`^documents : [1-9][0-9]*
lu : [1-9][0-9]* octets, empreinte conforme
publié : DocumentReference/[0-9a-f-]{36}
vaccinations : [0-9]+
refus : 403 forbidden ACC-04 Accès non autorisé
$`)

// TestExamples runs each example of docs/examples against a sandbox, as a reader who
// copies it would, when its toolchain is here; the Java one under PASSERELLE_LONG,
// since Maven may have to fetch HAPI FHIR.
func TestExamples(t *testing.T) {
	k := openKit(t)
	examples := filepath.Join("docs", "examples")
	for _, example := range []struct {
		name    string
		tools   []string
		command []string
	}{
		{"curl", []string{"sh", "curl", "openssl"}, []string{"sh", filepath.Join(examples, "exemple.sh")}},
		{"go", []string{"go"}, []string{"go", "run", "./docs/examples"}},
		{"javascript", []string{"node"}, []string{"node", filepath.Join(examples, "exemple.mjs")}},
		{"java", []string{"java", "mvn"}, []string{"sh", "-c", `. conformance/java/classpath.sh && java -cp "$CLASSPATH" ` + filepath.Join(examples, "Exemple.java")}},
	} {
		t.Run(example.name, func(t *testing.T) {
			for _, tool := range example.tools {
				if _, err := exec.LookPath(tool); err != nil {
					t.Logf("exemple %s : %s absent, non exécuté", example.name, tool)
					return
				}
			}
			if example.name == "java" && os.Getenv("PASSERELLE_LONG") == "" {
				t.Log("exemple java : exécuté par make conformance")
				return
			}
			c := exec.CommandContext(t.Context(), example.command[0], example.command[1:]...)
			c.Dir, c.Env = "..", append(os.Environ(), "B="+k.url)
			out, err := c.CombinedOutput()
			if text := string(out); err != nil && strings.Contains(text, "ne sont pas joignables") {
				t.Logf("exemple %s : %s", example.name, strings.TrimSpace(text))
			} else if err != nil || !exampleLines.MatchString(text) {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}

// TestFHIRPage runs the blocks of docs/fhir.md one after the other, as a reader who pastes
// them would: nothing that the page shows is refused.
func TestFHIRPage(t *testing.T) {
	for _, tool := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("docs/fhir.md : %s absent, non exécuté", tool)
			return
		}
	}
	page, err := os.ReadFile("../docs/fhir.md")
	if err != nil {
		t.Fatal(err)
	}
	k := openKit(t)
	dir := t.TempDir()
	if err := os.Symlink(filepath.Dir(buildBinary(t)), filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	const port, border = "http://127.0.0.1:8080", "--- block "
	var script strings.Builder
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	for _, block := range blocks {
		script.WriteString(strings.ReplaceAll(block[1], port, k.url) + "\necho '" + border + "'\n")
	}
	c := exec.CommandContext(t.Context(), "sh", "-c", script.String())
	c.Dir, c.Env = dir, append(os.Environ(), "PASSERELLE_BASE="+k.url)
	out, err := c.CombinedOutput()
	answers := strings.Split(string(out), border)
	if err != nil || !strings.HasPrefix(blocks[0][1], "B="+port) || len(answers) != len(blocks)+1 {
		t.Fatalf("%v: %d of %d blocks\n%s", err, len(answers)-1, len(blocks), out)
	}
	for i, answer := range answers[:len(blocks)] {
		if i > 0 && strings.TrimSpace(answer) == "" || regexp.MustCompile(`"severity":"(error|fatal)"|passerelle :|not found|Aucun document`).MatchString(answer) {
			t.Errorf("%s\n%s", blocks[i][1], answer)
		}
	}
}
