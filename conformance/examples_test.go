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
