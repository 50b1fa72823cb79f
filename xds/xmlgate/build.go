package xmlgate

import (
	"bytes"
	"unicode/utf8"
)

// builder makes the tree. Elements, attributes and lists of children come from
// slabs: a message takes tens of allocations instead of tens of thousands. A nil
// builder builds nothing.
type builder struct {
	root     *Element
	kids     []*Element // children of the open elements, outermost first
	elements []Element
	attrs    []Attr
	lists    []*Element

	offset, line, column int // how far lines have been counted, from 0
}

// slab takes n values of zero from the slab, which grows with what was used.
func slab[T any](from *[]T, n int) []T {
	if n == 0 {
		return nil
	}
	if cap(*from)-len(*from) < n {
		*from = make([]T, 0, max(n, min(2*cap(*from), 4096), 32))
	}
	start := len(*from)
	*from = (*from)[:start+n]
	return (*from)[start : start+n : start+n]
}

func (b *builder) start(s *scanner, offset int, space, local string) *Element {
	b.count(s.doc, offset)
	e := &slab(&b.elements, 1)[0]
	e.Space, e.Local, e.doc, e.scope = space, local, s.doc, s.scope
	e.Start, e.Line, e.Column = offset, b.line+1, b.column+1
	declared := 0
	for i := range s.attrs {
		if s.attrs[i].space == xmlnsSpace {
			declared++
		}
	}
	e.Attrs = slab(&b.attrs, len(s.attrs)-declared)[:0]
	for i := range s.attrs {
		if a := &s.attrs[i]; a.space != xmlnsSpace {
			e.Attrs = append(e.Attrs, Attr{a.space, a.local, a.value})
		}
	}
	if len(s.stack) == 0 {
		b.root = e
		return e
	}
	parent := &s.stack[len(s.stack)-1]
	e.Parent = parent.element
	if len(b.kids) == parent.kids { // first child: what came before may be mere indentation
		if notSpace(parent.text) == len(parent.text) {
			parent.text = ""
		}
		if blank(parent.runs) {
			parent.runs = parent.runs[:0]
		}
	}
	b.kids = append(b.kids, e)
	return e
}

func (b *builder) addText(f *frame, run string) {
	if b == nil || run == "" {
		return
	}
	if len(b.kids) > f.kids && notSpace(run) == len(run) {
		return
	}
	switch {
	case f.text == "" && len(f.runs) == 0:
		f.text = run
	case len(f.runs) == 0:
		f.runs = append(append(f.runs, f.text...), run...)
	default:
		f.runs = append(f.runs, run...)
	}
}

func (b *builder) end(f *frame, offset int) {
	if b == nil {
		return
	}
	e := f.element
	e.End = offset
	e.Text = f.text
	if len(f.runs) > 0 {
		e.Text = string(f.runs)
	}
	e.Children = slab(&b.lists, len(b.kids)-f.kids)
	copy(e.Children, b.kids[f.kids:])
	b.kids = b.kids[:f.kids]
}

// count moves the line counter forward to an offset.
func (b *builder) count(doc []byte, offset int) {
	passed := doc[b.offset:offset]
	b.offset = offset
	if last := bytes.LastIndexByte(passed, '\n'); last >= 0 {
		b.line += bytes.Count(passed, []byte{'\n'})
		b.column = 0
		passed = passed[last+1:]
	}
	b.column += utf8.RuneCount(passed)
}

func blank(b []byte) bool {
	for _, c := range b {
		if !isSpace(c) {
			return false
		}
	}
	return true
}
