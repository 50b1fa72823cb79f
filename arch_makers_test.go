package passerelle_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// makers are what a right, a fact or a hidden document can be made with or read by, and
// the packages that may name it, however it was imported.
var makers = map[string][]string{
	"authz.Admit":                    {"registry"},
	"authz.NewSeen":                  {"registry"},
	"authz.AsSystem":                 {"cmd/…"},
	"authz.NewSchedule":              {"cmd/passerelle/policies"},
	"(*authz.Schedule).Replace":      {"cmd/passerelle/policies"},
	"(*authz.Gate).Foresee":          {"registry"},
	"(*authz.Gate).Audience":         {"rights"},
	"(*authz.Gate).OpenUpdate":       {"intake"},
	"(*authz.Gate).OpenRemoval":      {"xds/iti"},
	"(*authz.Gate).Note":             {"registry", "population"},
	"(*authz.Gate).NoteOf":           {"registry"},
	"registry/record.Empty":          {"registry"},
	"registry/record.Destroyed":      {"registry"},
	"(*authz.Gate).Explain":          {"cmd/…"},
	"(*authz.Gate).ExplainDocument":  {"cmd/…"},
	"field authz.Gate":               {"cmd/…"},
	"field authz.Policy":             {"cmd/…", "authz/…"},
	"written authz.Subject":          {"xds/saml", "fhir/iua", "cmd/passerelle/sandbox", "registry", "registry/account", "hl7v2"},
	"(*registry.Session).Facts":      {"cmd/passerelle/sandbox"},
	"(*registry.Session).Inspect":    {"cmd/passerelle/sandbox"},
	"(*registry.Registry).Peek":      {"fhir/mhd", "intake", "carnet"},
	"(*repository.Store).List":       {"cmd/…"},
	"(*repository.Store).Everything": {"registry", "cmd/…"},
}

// closed are standard packages that reach past the gateway, and who may import them.
var closed = map[string][]string{
	"reflect": {"api", "cmd/…"}, "os/exec": {"registry/postgres", "cmd/…", "bench", "conformance/internal/mutate"}, "syscall": {"registry/postgres", "repository", "cmd/…", "failpoint"},
	"database/sql": {"registry/postgres"},
}

// built is a package as the compiler made it.
type built struct {
	ImportPath, Export, Dir                                     string
	GoFiles, IgnoredGoFiles, SFiles, SysoFiles, CFiles, Imports []string
}

// compiled builds packages with all that they import, and gives what imports them.
func compiled(t *testing.T, set *token.FileSet, patterns ...string) ([]built, types.Importer) {
	t.Helper()
	var problem bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-export", "-deps",
		"-json=ImportPath,Export,Dir,GoFiles,IgnoredGoFiles,SFiles,SysoFiles,CFiles,Imports"}, patterns...)...)
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(problem.String())
	}
	var all []built
	exports := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p built
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		all = append(all, p)
	}
	return all, importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
}

// TestArchMakers resolves what every package of the product names, so that neither
// another spelling nor an alias hides it: no face makes a Gate or a Policy, changes
// one, changes who asks, admits by itself, or asks for the right of the gateway.
func TestArchMakers(t *testing.T) {
	set := token.NewFileSet()
	listed, imp := compiled(t, set, "./...")
	var all []built
	for _, p := range listed {
		if p.ImportPath == module || strings.HasPrefix(p.ImportPath, module+"/") {
			all = append(all, p)
		}
	}
	short := strings.NewReplacer(module+"/", "")
	named := map[string]bool{}
	for _, p := range all {
		name := inside(p.ImportPath)
		if n := slices.Concat(p.SFiles, p.SysoFiles, p.CFiles); len(n) > 0 {
			t.Errorf("%s holds %v, which no test reads", name, n)
		}
		if strings.Contains("/"+name, "/testdata") || strings.Contains("/"+name, "/_") {
			t.Errorf("%s is imported, and hidden from go list ./...", name)
		}
		if name == "authz" || name == "bench" || support(name) {
			continue
		}
		var files []*ast.File
		for _, f := range slices.Concat(p.GoFiles, p.IgnoredGoFiles) {
			file, err := parser.ParseFile(set, filepath.Join(p.Dir, f), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range file.Imports {
				path := strings.Trim(i.Path.Value, `"`)
				if i.Name != nil && i.Name.Name == "." {
					t.Errorf("%s imports %s into its own names", name, path)
				}
				if to, ok := closed[path]; (ok || path == "unsafe" || path == "C") && !anyCovers(to, name) {
					t.Errorf("%s imports %s", name, path)
				}
			}
			if slices.Contains(p.GoFiles, f) {
				files = append(files, file)
			}
		}
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
		config := types.Config{Importer: imp, Error: func(error) {}}
		config.Check(p.ImportPath, set, files, info) //nolint:errcheck
		ask := func(what string, at token.Pos) {
			to, ok := makers[what]
			if !ok {
				return
			}
			if named[what] = true; !anyCovers(to, name) {
				t.Errorf("%s: %s names %s", set.Position(at), name, what)
			}
		}
		for id, o := range info.Uses {
			if f, ok := o.(*types.Func); ok {
				ask(short.Replace(f.FullName()), id.Pos())
			}
		}
		of := func(x ast.Expr) string {
			typ := info.Types[x].Type
			if typ == nil {
				return ""
			}
			if pt, ok := typ.Underlying().(*types.Pointer); ok {
				typ = pt.Elem()
			}
			return short.Replace(types.Unalias(typ).String())
		}
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CompositeLit:
					if len(n.Elts) > 0 {
						ask("field "+of(n), n.Pos())
						ask("written "+of(n), n.Pos())
					}
				case *ast.SelectorExpr:
					if s := info.Selections[n]; s != nil && s.Kind() == types.FieldVal {
						ask("field "+of(n.X), n.Pos())
					}
				case *ast.AssignStmt:
					for _, l := range n.Lhs {
						if s, ok := l.(*ast.SelectorExpr); ok {
							ask("written "+of(s.X), l.Pos())
						}
					}
				case *ast.UnaryExpr:
					if s, ok := n.X.(*ast.SelectorExpr); ok && n.Op == token.AND {
						ask("written "+of(s.X), n.Pos())
					}
				}
				return true
			})
		}
	}
	t.Logf("%d of %d makers are named somewhere", len(named), len(makers))
}

// TestArchReads: what a package of the stores hands out is no row, no connection, no
// bytes and no document, but as a Visible or against a System.
func TestArchReads(t *testing.T) {
	_, imp := compiled(t, token.NewFileSet(), "./registry/...", "./repository")
	secret := []string{"pgx", "internal/db.Tx", "xds.Document", "xds.DocumentEntry", "xds.SubmissionSet", "xds.Folder", "io.Reader", "io.ReadCloser", "[]byte"}
	looked := 0
	for _, name := range []string{"registry", "registry/outbox", "registry/record", "registry/trail", "repository"} {
		pkg, err := imp.Import(module + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		judge := func(f *types.Func) {
			if looked++; !f.Exported() {
				return
			}
			sig := f.Type().(*types.Signature)
			params := sig.Params().String()
			if strings.Contains(params, "authz.System") || strings.Contains(params, "authz.Visible") {
				return
			}
			results := strings.ReplaceAll(sig.Results().String(), module+"/", "")
			for _, s := range secret {
				bare := results
				for {
					before, rest, ok := strings.Cut(bare, "authz.Visible[")
					if !ok {
						break
					}
					_, after, _ := strings.Cut(rest, "]")
					bare = before + after
				}
				if strings.Contains(bare, s) {
					t.Errorf("%s gives %s", strings.ReplaceAll(f.FullName(), module+"/", ""), results)
				}
			}
		}
		for _, n := range pkg.Scope().Names() {
			switch o := pkg.Scope().Lookup(n).(type) {
			case *types.Func:
				judge(o)
			case *types.TypeName:
				if !o.Exported() {
					continue
				}
				set := types.NewMethodSet(types.NewPointer(o.Type()))
				for i := range set.Len() {
					judge(set.At(i).Obj().(*types.Func))
				}
			}
		}
	}
	if looked < 40 {
		t.Errorf("only %d functions", looked)
	}
}
