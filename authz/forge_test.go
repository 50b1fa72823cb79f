package authz_test

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
	"strings"
	"testing"
)

// forgeries are ways to spell a permission or an admitted value that was not
// given. None may compile, and for the reason named: not for a typing error.
var forgeries = []struct{ name, body, because string }{
	{"Scope of a record", `_ = authz.Scope{record: "r"}`, "unexported field record"},
	{"Scope, unkeyed", `_ = authz.Scope{nil, "r", "", authz.Predicate{}, nil}`, "unexported field"},
	{"Scope, field set", `var sc authz.Scope; sc.record = "r"`, "sc.record undefined"},
	{"Scope, predicate set", `var sc authz.Scope; sc.predicate = authz.Predicate{}`, "sc.predicate undefined"},
	{"Scope, converted", `_ = authz.Scope(scopeTwin{record: "r"})`, "cannot convert"},
	{"Scope, converted pointer", `_ = (*authz.Scope)(&scopeTwin{record: "r"})`, "cannot convert"},
	{"Scope, embedded", `type mine struct{ authz.Scope }; var m mine; m.record = "r"`, "m.record undefined"},
	{"Visible of a value", `_ = authz.Visible[xds.Document]{value: d, ok: true}`, "unexported field value"},
	{"Visible, unkeyed", `_ = authz.Visible[xds.Document]{d, true}`, "unexported field"},
	{"Visible, field set", `var v authz.Visible[xds.Document]; v.ok = true`, "v.ok undefined"},
	{"Visible, value changed", `v, _ := authz.Admit(sc, d); v.value = d`, "v.value undefined"},
	{"Visible, converted", `_ = authz.Visible[xds.Document](visibleTwin{d, true})`, "cannot convert"},
	{"Visible of another type", `v, _ := authz.Admit(sc, d); _ = authz.Visible[xds.DocumentEntry](v)`, "cannot convert"},
	{"a document for a Visible", `show(d)`, "cannot use d"},
	{"a pointer for a Visible", `show(&d)`, "cannot use &d"},
	{"Predicate that admits all", `_ = authz.Predicate{permits: []authz.Clause{{Rule: "mine"}}}`, "unexported field permits"},
	{"Predicate, asked outside a Scope", `_, _ = sc.Predicate().admits(d)`, "admits undefined"},
	{"Predicate of a Policy", `var p authz.Policy; _ = p.residual(authz.State{}, authz.Search, authz.Subject{})`, "p.residual undefined"},
	{"Deposit", `_ = authz.Deposit{record: "r", kind: authz.Pro}`, "unexported field record"},
	{"Amend", `_ = authz.Amend{record: "r", action: authz.Delete}`, "unexported field record"},
	{"Allowed", `_ = authz.Allowed{record: "r", action: authz.Block}`, "unexported field record"},
	{"Update", `_ = authz.Update{judged: map[authz.Value]bool{}}`, "unexported field judged"},
	{"Update around a Deposit", `var u authz.Update; u.deposit = authz.Deposit{}`, "u.deposit undefined"},
	{"Removal", `_ = authz.Removal{record: "r"}`, "unexported field record"},
	{"an Amend for a Removal", `var a authz.Amend; _ = authz.Removal(a)`, "cannot convert"},
	{"an Amend for an Allowed", `var a authz.Amend; _ = authz.Allowed(a)`, "cannot convert"},
	{"System without a reason given", `_ = authz.System{reason: "because"}`, "unexported field reason"},
	{"Seen with objects of its own", `_ = authz.Seen{objects: map[string]bool{"x": true}}`, "unexported field objects"},
	{"Seen, object added", `authz.NewSeen(sc).objects["x"] = true`, "objects undefined"},
}

const program = `package forger

import (
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

type scopeTwin struct {
	session   authz.Session
	record    string
	patient   xds.CX
	predicate authz.Predicate
	facts     authz.Facts
	trace     *authz.Trace
}

type visibleTwin struct {
	value xds.Document
	ok    bool
}

func show(authz.Visible[xds.Document]) {}

func forge(sc authz.Scope, d xds.Document) {
	BODY
}
`

func TestForgingDoesNotCompile(t *testing.T) {
	check := typeChecker(t)
	if err := check(`v, ok := authz.Admit(sc, d); if ok { show(v) }; show(authz.Visible[xds.Document]{}); _ = authz.Scope{}.Record()`); err != nil {
		t.Fatalf("the control does not compile, so nothing here is proved: %v", err)
	}
	for _, f := range forgeries {
		err := check(f.body)
		if err == nil || !strings.Contains(err.Error(), f.because) {
			t.Errorf("%s: %v, want a compile error with %q", f.name, err, f.because)
		}
	}
}

// The twins above are only forgeries as long as they have the fields of the real types.
func TestTwinsAreTwins(t *testing.T) {
	fields := map[string]string{}
	file, err := parser.ParseFile(token.NewFileSet(), "program", program, 0)
	if err != nil {
		t.Fatal(err)
	}
	collect := func(f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				var names []string
				for _, field := range s.Fields.List {
					for _, name := range field.Names {
						names = append(names, name.Name)
					}
				}
				fields[spec.Name.Name] = strings.Join(names, " ")
			}
			return true
		})
	}
	collect(file)
	for _, name := range []string{"scope.go", "visible.go"} {
		real, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		collect(real)
	}
	if fields["Scope"] == "" || fields["Scope"] != fields["scopeTwin"] || fields["Visible"] != fields["visibleTwin"] {
		t.Errorf("Scope %q and %q, Visible %q and %q", fields["Scope"], fields["scopeTwin"], fields["Visible"], fields["visibleTwin"])
	}
}

// typeChecker compiles bodies of a function against the real packages, as the
// compiler exports them.
func typeChecker(t *testing.T) func(body string) error {
	t.Helper()
	exports := exportFiles(t)
	set := token.NewFileSet()
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	config := types.Config{Importer: importer.ForCompiler(set, "gc", lookup)}
	return func(body string) error {
		file, err := parser.ParseFile(set, "forger.go", strings.Replace(program, "BODY", body, 1), 0)
		if err != nil {
			return err
		}
		var all []error
		config.Error = func(err error) { all = append(all, err) }
		config.Check("forger", set, []*ast.File{file}, nil)
		return errors.Join(all...)
	}
}

func exportFiles(t *testing.T) map[string]string {
	t.Helper()
	var problem bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Export", ".")
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v %s", err, problem.String())
	}
	exports := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return exports
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
	}
}
