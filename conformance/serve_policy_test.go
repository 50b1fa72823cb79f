package conformance_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newMatrix: an operator imports a version of the matrix beside the running gateway,
// which decides by it ten seconds later.
func (s *site) newMatrix(t *testing.T, g *gateway) {
	t.Helper()
	page := filepath.Join("..", "testdata", "matrice", "page-")
	if stdout, err := s.policy("diff", page+"1.json", page+"2.json"); err == nil || !strings.Contains(stdout, "ouvre  pedicure_podologue  15508-5") {
		t.Errorf("policy diff: %v\n%s", err, stdout)
	}
	stdout, err := s.policy("import", page+"1.json", page+"2.json", "--name", "site", "--by", "ops", "-o", "json")
	var done struct {
		Stored  bool
		Version struct{ Version, State, ImportedBy string }
	}
	if bad := json.Unmarshal([]byte(stdout), &done); bad != nil || err != nil || !done.Stored || done.Version.State != "pending" || done.Version.ImportedBy != "ops" {
		t.Fatalf("policy import: %v\n%s", err, stdout)
	}
	eventually(t, "the gateway decides by the new version", func() bool {
		_, page := g.probe(t, "/metrics")
		return strings.Contains(page, `passerelle_policy_info{matrix="`+done.Version.Version+`",`)
	})
	if stdout, err := s.policy("list"); err != nil || !strings.Contains(stdout, "passée") || !strings.Contains(stdout, "en vigueur") {
		t.Errorf("policy list: %v\n%s", err, stdout)
	}
	if _, err := s.policy("drop", "site"); err == nil {
		t.Error("a version in force was dropped")
	}
}

// policy carries out a command on the versions of the site's matrix.
func (s *site) policy(verb string, args ...string) (stdout string, err error) {
	out, err := exec.Command(s.binary, append([]string{"policy", verb, "-c", s.dir}, args...)...).Output()
	return string(out), err
}
