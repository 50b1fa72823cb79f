package passerelle_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The ways around the Gate that compile (conformance/attack.md), each closed where a
// developer would open it. What these tests cannot see is the inside of registry:
// whoever edits it is stopped by its own tests and by those of conformance.

// face tells the packages that answer clients or stand between them and the stores.
func face(folder string) bool {
	return slices.ContainsFunc([]string{"xds", "fhir", "api", "intake"}, func(root string) bool { return within(folder, root) })
}

// Faces hold no statement, read no file and walk no store.
func TestArchFacesAskTheStores(t *testing.T) {
	sources(t, func(folder string, file *ast.File, _ string) {
		service := within(folder, "cmd/passerelle/service")
		if !face(folder) && !service || within(folder, "fhir/internal") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			s, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, _ := s.X.(*ast.Ident)
			switch name := s.Sel.Name; {
			case slices.Contains([]string{"Query", "QueryRow", "Exec", "SendBatch", "CopyFrom"}, name) && len(call.Args) >= 2:
				t.Errorf("%s sends a statement: %s", folder, name)
			case slices.Contains([]string{"Everything", "Under", "List"}, name) && len(call.Args) >= 1:
				t.Errorf("%s walks a store: %s", folder, name)
			case from != nil && from.Name == "os" && slices.Contains([]string{"Open", "OpenFile", "ReadFile", "ReadDir", "DirFS"}, name):
				t.Errorf("%s reads files: os.%s", folder, name)
			}
			return true
		})
	})
}

// Nothing in the tree passes the compiler by: whatever its folder, its build tags or
// its language.
func TestArchNoUnsafe(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && path != "." && (strings.HasPrefix(d.Name(), ".") || path == "bin") {
				return filepath.SkipDir
			}
			return err
		}
		switch ext := filepath.Ext(path); {
		case slices.Contains([]string{".s", ".S", ".c", ".cc", ".h", ".syso", ".a", ".so"}, ext):
			t.Errorf("%s: not Go", path)
		case ext != ".go":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, word := range []string{"\"uns" + "afe\"", "//go:link" + "name", "Uns" + "afePointer", "Uns" + "afeAddr", "reflect.New" + "At", "import \"" + "C\""} {
			if bytes.Contains(text, []byte(word)) && !strings.HasPrefix(path, "arch_") && path != filepath.Join("authz", "forge_test.go") {
				t.Errorf("%s: %s", path, word)
			}
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files, %v", files, err)
	}
}

var update = flag.Bool("update", false, "write testdata/stores.golden anew")

// What the stores export is written down: a new door to rows or bytes is added to the
// list by hand, and read by whoever reviews it.
func TestArchDoorsOfTheStores(t *testing.T) {
	var doors []string
	sources(t, func(folder string, file *ast.File, _ string) {
		if !slices.Contains([]string{"registry", "registry/outbox", "registry/record", "registry/trail", "repository"}, folder) {
			return
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() {
				continue
			}
			f.Body, f.Doc = nil, nil
			var line bytes.Buffer
			if err := format.Node(&line, token.NewFileSet(), f); err != nil {
				t.Fatal(err)
			}
			doors = append(doors, fmt.Sprintf("%s: %s", folder, strings.Join(strings.Fields(line.String()), " ")))
		}
	})
	slices.Sort(doors)
	got, golden := strings.Join(doors, "\n")+"\n", filepath.Join("testdata", "stores.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(string(want), "\n")
	for _, d := range doors {
		if !slices.Contains(known, d) {
			t.Errorf("new: %s\n(go test -run TestArchDoors . -update, once it is seen to give nothing past a Scope)", d)
		}
	}
	if !t.Failed() && got != string(want) {
		t.Errorf("%s is not current: go test -run TestArchDoors . -update", golden)
	}
}
