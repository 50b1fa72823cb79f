// Package passerelle_test holds the tree to ARCHITECTURE.md.
package passerelle_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/passerelle-sante/passerelle"

// listed is a package as `go list` sees it, broken or not.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
	GoFiles                            []string
	Incomplete                         bool
}

// name is the package's path inside the module.
func (p listed) name() string { return inside(p.ImportPath) }

func inside(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

func packages(t *testing.T) []listed {
	t.Helper()
	var problem bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports,GoFiles,Incomplete", "./...")
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v %s", err, problem.String())
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// arrow is a line of a fenced block of ARCHITECTURE.md.
type arrow struct {
	from string
	to   []string
}

func drawn(t *testing.T, block string) []arrow {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```"+block+"\n")
	body, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("ARCHITECTURE.md has no block %s", block)
	}
	var all []arrow
	for line := range strings.Lines(body) {
		from, to, ok := strings.Cut(line, "->")
		if !ok {
			t.Fatalf("no arrow in %q", line)
		}
		one := arrow{strings.TrimSpace(from), strings.Fields(to)}
		if slices.ContainsFunc(all, func(a arrow) bool { return a.from == one.from }) {
			t.Errorf("%s stands twice in %s", one.from, block)
		}
		all = append(all, one)
	}
	return all
}

// covers tells whether a drawn path names a package: itself, `path/…` it and all
// below, `…` everything.
func covers(pattern, name string) bool {
	below, tree := strings.CutSuffix(pattern, "…")
	return pattern == name || tree && (below == "" || name+"/" == below || strings.HasPrefix(name, below))
}

func anyCovers(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return covers(p, name) })
}

func TestArchArrows(t *testing.T) {
	arrows := drawn(t, "arrows")
	walked := map[string]map[string]bool{}
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 {
			continue // tests alone
		}
		i := slices.IndexFunc(arrows, func(a arrow) bool { return covers(a.from, p.name()) })
		if i < 0 {
			t.Errorf("%s does not stand in ARCHITECTURE.md", p.name())
			continue
		}
		if walked[arrows[i].from] == nil {
			walked[arrows[i].from] = map[string]bool{}
		}
		for _, path := range p.Imports {
			if !strings.HasPrefix(path, module) {
				continue
			}
			walked[arrows[i].from][inside(path)] = true
			if support(inside(path)) && !support(p.name()) {
				t.Errorf("%s imports %s, which is for tests", p.name(), inside(path))
			}
			if !anyCovers(arrows[i].to, inside(path)) {
				t.Errorf("%s -> %s is not drawn in ARCHITECTURE.md", p.name(), inside(path))
			}
		}
		for _, to := range arrows[i].to {
			if !p.Incomplete && !strings.HasSuffix(to, "…") && !slices.Contains(p.Imports, module+"/"+to) {
				t.Errorf("%s -> %s is drawn in ARCHITECTURE.md and not used", p.name(), to)
			}
		}
	}
	for _, a := range arrows {
		if walked[a.from] == nil {
			t.Errorf("%s stands in ARCHITECTURE.md and is no package", a.from)
		}
	}
}

// support tells a package that only tests may import.
func support(name string) bool { return strings.HasSuffix(name, "test") }

func TestArchFences(t *testing.T) {
	fences := drawn(t, "fences")
	// The longest module path that a package path starts with has the say.
	fence := func(path string) (best arrow) {
		for _, f := range fences {
			if (path == f.from || strings.HasPrefix(path, f.from+"/")) && len(f.from) > len(best.from) {
				best = f
			}
		}
		return best
	}
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			if path == "unsafe" || path == "plugin" || path == "C" {
				t.Errorf("%s imports %s", p.name(), path)
			}
			if thirdParty(path) && !anyCovers(fence(path).to, p.name()) {
				t.Errorf("%s imports %s: not behind its fence in ARCHITECTURE.md", p.name(), path)
			}
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if thirdParty(path) && fence(path).from == "" {
				t.Errorf("the tests of %s import %s, which has no fence in ARCHITECTURE.md", p.name(), path)
			}
		}
	}
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, reasons, _ := strings.Cut(string(text), "\n## Dependencies\n")
	for _, f := range fences {
		short := strings.TrimPrefix(f.from, "github.com/")
		if !strings.Contains(reasons, "`"+short+"`") && short != "jackc/pgx/v5/pgxpool" {
			t.Errorf("no sentence says why %s is a dependency", f.from)
		}
	}
}

func thirdParty(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".") && path != module && !strings.HasPrefix(path, module+"/")
}

// sources calls fn with every Go file of the module that is no test, and the
// folder of its package. What does not parse yet is given as far as it does.
func sources(t *testing.T, fn func(folder string, file *ast.File, text string)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || path == "tools") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, _ := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if file != nil {
			files++
			fn(filepath.ToSlash(filepath.Dir(path)), file, string(text))
		}
		return nil
	})
	if err != nil || files < 50 {
		t.Fatalf("%d files, %v", files, err)
	}
}

// The Gate believes its Session: there is one, and nobody may make up half of
// another (authz.Facter, authz.Recorder), but for the suite of the repository's
// tests, which TestArchArrows keeps out of the product.
func TestArchOneSession(t *testing.T) {
	found := map[string]bool{}
	sources(t, func(folder string, file *ast.File, _ string) {
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv == nil {
				continue
			}
			if takes(f, "Facts", "Subject") || takes(f, "Record", "Trace") {
				found[folder+" "+f.Name.Name] = true
			}
		}
	})
	for at := range found {
		if !strings.HasPrefix(at, "registry ") && !strings.HasPrefix(at, "repository/repositorytest ") {
			t.Errorf("%s: a Session that is not the registry's", at)
		}
	}
	if !found["registry Facts"] || !found["registry Record"] {
		t.Errorf("the registry's own Session was not recognised: %v", found)
	}
}

// takes tells whether a method of this name has a parameter of a type so named.
func takes(f *ast.FuncDecl, name, parameter string) bool {
	if f.Name.Name != name {
		return false
	}
	return slices.ContainsFunc(f.Type.Params.List, func(p *ast.Field) bool {
		typ := p.Type
		if star, ok := typ.(*ast.StarExpr); ok {
			typ = star.X
		}
		if selector, ok := typ.(*ast.SelectorExpr); ok {
			return selector.Sel.Name == parameter
		}
		id, ok := typ.(*ast.Ident)
		return ok && id.Name == parameter
	})
}

// What would get round the Gate is named where it belongs and nowhere else: the
// right of the gateway itself under cmd, the table of documents and the pool where
// the statements are.
func TestArchNoWayRound(t *testing.T) {
	systems, pools, tables := 0, 0, 0
	sources(t, func(folder string, file *ast.File, text string) {
		if within(folder, "bench") { // loads and replays statements from outside, as a program that nobody can import
			return
		}
		command, storage := within(folder, "cmd"), within(folder, "registry")
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch selector.Sel.Name {
			case "AsSystem":
				if systems++; !command {
					t.Errorf("%s asks for authz.System", folder)
				}
			case "Pool":
				if x, ok := selector.X.(*ast.Ident); ok && x.Name == "sync" {
					return true
				}
				if pools++; !command && !storage {
					t.Errorf("%s reaches for the pool", folder)
				}
			}
			return true
		})
		if strings.Contains(text, "document_entry") {
			if tables++; !storage {
				t.Errorf("%s names the table of documents", folder)
			}
		}
		if strings.Contains(text, "//go:linkname") {
			t.Errorf("%s links past the compiler", folder)
		}
	})
	if systems == 0 || pools == 0 || tables == 0 {
		t.Errorf("nothing was looked at: %d systems, %d pools, %d tables", systems, pools, tables)
	}
}

func within(folder, root string) bool {
	return folder == root || strings.HasPrefix(folder, root+"/")
}
