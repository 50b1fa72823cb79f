package conformance_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// testTree is what the test files of the module hold, read once: where each test
// function stands, and by folder the string literals that subtests are named after.
type testTree struct {
	folders map[string][]string // of a test function, by its name
	names   map[string][]string // literals and names of data files, by folder
}

// readTests parses every test file of the module.
func readTests(t *testing.T) testTree {
	t.Helper()
	tree := testTree{folders: map[string][]string{}, names: map[string][]string{}}
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		folder := filepath.Dir(path)
		if !strings.HasSuffix(path, "_test.go") {
			name := strings.TrimSuffix(d.Name(), filepath.Ext(d.Name()))
			for ; folder != ".." && folder != "."; folder = filepath.Dir(folder) {
				tree.names[folder] = append(tree.names[folder], name)
			}
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil {
					tree.folders[n.Name.Name] = append(tree.folders[n.Name.Name], folder)
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					tree.names[folder] = append(tree.names[folder], text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// holds tells whether a test exists, as TestName or TestName/subtest, of any package or
// of the one at the path; the subtest is a literal of its package or the name of one of
// its data files, or begins one.
func (tree testTree) holds(path, name string) bool {
	function, sub, _ := strings.Cut(name, "/")
	for _, folder := range tree.folders[function] {
		if (path == "" || folder == filepath.Join("..", path)) && (sub == "" || tree.named(folder, sub)) {
			return true
		}
	}
	return false
}

func (tree testTree) named(folder, sub string) bool {
	sub = strings.ReplaceAll(sub, "_", " ")
	for _, text := range append(tree.names[folder], tree.shared(folder)...) {
		text = strings.ReplaceAll(text, "_", " ")
		if rest, ok := strings.CutPrefix(text, sub); ok && (rest == "" || rest[0] == ' ' || rest[0] == '-') {
			return true
		}
	}
	if first, rest, ok := strings.Cut(sub, "/"); ok {
		return tree.named(folder, first) && tree.named(folder, rest)
	}
	return false
}

// shared are the data files that the tests of a folder take from another one: the
// dialects are xds/soap's, and xds/iti replays them.
func (tree testTree) shared(folder string) []string {
	if folder == filepath.Join("..", "xds", "iti") {
		return tree.names[filepath.Join("..", "xds", "soap", "testdata")]
	}
	return nil
}

// namedTest is a test between the backquotes of a table, its package before it where
// the name alone does not tell.
var namedTest = regexp.MustCompile("`(?:([a-z0-9/]+) )?((?:Test|Fuzz|Benchmark)[A-Z][^`]*)`")

// TestChecklists: every test that the checklist and the table of attacks name is in the
// tree, and the table has all 128 attacks, each with an outcome and a test.
func TestChecklists(t *testing.T) {
	tree := readTests(t)
	for _, file := range []string{"xds-checklist.md", "fhir-checklist.md", "attacks.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			for _, m := range namedTest.FindAllSubmatch(line, -1) {
				if !tree.holds(string(m[1]), string(m[2])) {
					t.Errorf("%s:%d: no test %s", file, i+1, m[0])
				}
			}
			cells := strings.Split(strings.Trim(string(line), "| "), " | ")
			if row := len(cells) > 1 && strings.HasPrefix(string(line), "| ") && cells[0] != "#" && cells[0] != "what" && cells[0] != "hole" && cells[0] != "NIST" && cells[0] != "family"; row && !namedTest.MatchString(cells[len(cells)-1]) {
				t.Errorf("%s:%d: no test is named", file, i+1)
			}
		}
	}
	attacks, err := os.ReadFile("attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 128; n++ {
		if got := len(regexp.MustCompile(`(?m)^\| `+strconv.Itoa(n)+` \| [^|]+ \| [^|]+ \| `+"`").FindAll(attacks, -1)); got != 1 {
			t.Errorf("attack %d stands %d times in attacks.md", n, got)
		}
	}
}

// TestMissingTestIsNoticed: a name that nothing has is not found, in either half.
func TestMissingTestIsNoticed(t *testing.T) {
	tree := readTests(t)
	for _, name := range []string{"TestNoSuchThing", "TestChecklists/no such subtest, " + strconv.Itoa(1)} {
		if tree.holds("", name) {
			t.Errorf("%s is found", name)
		}
	}
}
