package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
)

// mutation is one change of one file.
type mutation struct {
	file       string
	in         string // function or variable that it stands in
	start, end int    // bytes of the file
	before     string
	after      string
	number     int // among equal changes in the same function
}

// id names the change without a line number, so that it stays the same when other
// lines move.
func (m mutation) id() string {
	name := fmt.Sprintf("%s %s: %s => %s", m.file, m.in, short(m.before), short(m.after))
	if m.number > 1 {
		name += fmt.Sprintf(" #%d", m.number)
	}
	return name
}

func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return "(nothing)"
	}
	if r := []rune(s); len(r) > 80 {
		s = string(r[:50]) + "…" + string(r[len(r)-28:])
	}
	return s
}

// sitesOf finds every change that this program knows in one file.
func sitesOf(file string) ([]mutation, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := finder{file: file, text: string(text), base: set.File(tree.Pos()), seen: map[string]int{}}
	for _, d := range tree.Decls {
		f.declaration(d)
	}
	return f.found, nil
}

// finder walks one file.
type finder struct {
	file, text, in string
	base           *token.File
	found          []mutation
	seen           map[string]int
}

func (f *finder) declaration(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		f.in = d.Name.Name
		ast.Inspect(d.Body, f.visit)
	case *ast.GenDecl:
		if d.Tok != token.VAR && d.Tok != token.CONST {
			return
		}
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok {
				f.in = v.Names[0].Name
				for _, value := range v.Values {
					ast.Inspect(value, f.visit)
				}
			}
		}
	}
}

// add records the change of a part of the file.
func (f *finder) add(from, to token.Pos, after string) {
	m := mutation{file: f.file, in: f.in, start: f.base.Offset(from), end: f.base.Offset(to), after: after}
	m.before = f.text[m.start:m.end]
	f.seen[m.id()]++
	m.number = f.seen[m.id()]
	f.found = append(f.found, m)
}

// replace changes a part of an expression, and is named by the whole of it.
func (f *finder) replace(n ast.Node, from, to token.Pos, after string) {
	whole, at := f.source(n), f.base.Offset(from)-f.base.Offset(n.Pos())
	f.add(n.Pos(), n.End(), whole[:at]+after+whole[at+int(to-from):])
}

func (f *finder) source(n ast.Node) string {
	return f.text[f.base.Offset(n.Pos()):f.base.Offset(n.End())]
}

var otherOperator = map[token.Token]string{
	token.EQL: "!=", token.NEQ: "==", token.LAND: "||", token.LOR: "&&", token.LSS: "<=", token.LEQ: "<", token.GTR: ">=",
	token.GEQ: ">", token.ADD: "-", token.SUB: "+", token.AND_NOT: "&", token.OR: "&",
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if op, ok := otherOperator[n.Op]; ok && !f.ofText(n) {
			f.replace(n, n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), op)
		}
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			f.replace(n, n.OpPos, n.OpPos+1, "")
		}
	case *ast.IfStmt:
		f.add(n.Cond.Pos(), n.Cond.End(), "!("+f.source(n.Cond)+")")
	case *ast.Ident:
		if other := map[string]string{"true": "false", "false": "true"}[n.Name]; other != "" {
			f.add(n.Pos(), n.End(), other)
		}
	case *ast.BasicLit:
		f.literal(n)
	case *ast.CompositeLit:
		for _, e := range n.Elts {
			f.element(e)
		}
	case *ast.BlockStmt:
		for _, s := range n.List {
			f.statement(s)
		}
	case *ast.CaseClause: // of each list all but the last, which a comma would follow
		if len(n.List) > 1 {
			for i, e := range n.List[:len(n.List)-1] {
				f.add(e.Pos(), n.List[i+1].Pos(), "")
			}
		}
	}
	return true
}

// ofText tells whether an addition joins texts, which has no other operator.
func (f *finder) ofText(n *ast.BinaryExpr) bool {
	return n.Op == token.ADD && strings.ContainsAny(f.source(n), "\"`")
}

// literal changes a number by one and a text by a letter, or an SQL word by its
// opposite; prose for people is left alone.
func (f *finder) literal(n *ast.BasicLit) {
	switch n.Kind {
	case token.INT:
		if v, err := strconv.Atoi(n.Value); err == nil {
			f.add(n.Pos(), n.End(), strconv.Itoa(v+1))
		}
	case token.STRING:
		for _, w := range [][2]string{{" and ", " or "}, {" or ", " and "}, {"not ", ""}, {" = ", " <> "}, {"true", "false"}, {"false", "true"}, {" > ", " >= "},
			{" desc", ""}, {".latest", ".latest is not null"}, {"l.mask_ps", "l.hide_patient"}, {"l.hide_reps", "l.hide_patient"}} {
			if strings.Contains(n.Value, w[0]) && !f.prose(n.Value) {
				f.add(n.Pos(), n.End(), strings.Replace(n.Value, w[0], w[1], 1))
			}
		}
		if last := len(n.Value) - 1; last > 1 && !strings.Contains(n.Value, " ") {
			f.add(n.Pos(), n.End(), n.Value[:last]+"x"+n.Value[last:])
		}
	}
}

// prose tells whether a text is a sentence for people.
func (f *finder) prose(s string) bool {
	return strings.HasSuffix(f.file, "problems.go") || strings.ContainsAny(s, "éèàç:;")
}

// element takes a row or a value out of a list.
func (f *finder) element(e ast.Expr) {
	end := e.End()
	if rest := strings.TrimLeft(f.text[f.base.Offset(end):], " \t"); strings.HasPrefix(rest, ",") {
		end += token.Pos(len(f.text[f.base.Offset(end):])-len(rest)) + 1
	}
	f.add(e.Pos(), end, "")
}

// statement leaves out what is done for its effect.
func (f *finder) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		f.add(s.Pos(), s.End(), "")
	case *ast.AssignStmt:
		if s.Tok != token.DEFINE {
			f.add(s.Pos(), s.End(), "")
		}
	case *ast.IncDecStmt:
		f.add(s.Pos(), s.End(), "")
	}
}
