package console_test

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

//go:embed testdata/accessible.js
var accessibleScript string

// narrow is the width at which nothing may need to be scrolled sideways (WCAG 1.4.10).
const narrow = 320

// accessible holds the page of a screen to what RGAA 4.1 and WCAG 2.2 AA say that a
// program can tell: names, labels, headings, landmarks, contrast, focus, reflow and the
// size of targets. What it finds it says all at once.
func (s *screen) accessible() {
	s.t.Helper()
	for _, problem := range s.problems() {
		s.t.Errorf("%s at %d px: %s", s.path(), s.width, problem)
	}
}

func (s *screen) problems() (all []string) {
	s.t.Helper()
	all = eval[[]string](s, accessibleScript+"\nlook()")
	s.run(chromedp.KeyEvent(kb.Tab)) // from now on the focus is one of the keyboard
	all = append(all, eval[[]string](s, accessibleScript+"\nfocus()")...)
	width := s.width
	s.size(narrow)
	all = append(all, eval[[]string](s, accessibleScript+"\nreflow()")...)
	s.size(width)
	return all
}

// everyWidth judges a page, and keeps pictures of it, as on a phone and as on a desk.
func (s *screen) everyWidth(name string) {
	s.t.Helper()
	for _, width := range []int64{desktop, phone} {
		s.size(width)
		s.accessible()
		s.shot(name)
	}
}

// The checks see what they are for: each line breaks a page in one way.
func TestAccessibleSees(t *testing.T) {
	t.Parallel()
	base := open(t)
	s := look(t, base, "patient:alice")
	s.open("/patient")
	s.everyWidth("home")
	for _, c := range []struct{ breaks, says string }{
		{`document.documentElement.lang = ""`, "lang"},
		{`document.title = ""`, "title"},
		{`document.querySelector("main").innerHTML += "<h1>Encore</h1>"`, "h1"},
		{`document.querySelector("main").innerHTML += "<h4>Trop bas</h4>"`, "h4"},
		{`document.querySelector("main").outerHTML = document.querySelector("main").innerHTML`, "main"},
		{`document.querySelector("main").innerHTML += "<input name=x>"`, "input x"},
		{`document.querySelector("main").innerHTML += "<button></button>"`, "button"},
		{`document.querySelector("main").innerHTML += "<a href='/x'></a>"`, "a /x"},
		{`document.querySelector("main").innerHTML += "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"`, "img"},
		{`document.querySelector("main").innerHTML += "<iframe></iframe>"`, "iframe"},
		{`document.querySelector("main").innerHTML += "<b id=a></b><b id=a></b>"`, "id a"},
		{`document.querySelector("main").innerHTML += "<fieldset></fieldset>"`, "fieldset"},
		{`document.querySelector("main").innerHTML += "<table><tr><td>1</table>"`, "table"},
		{`{const p = document.createElement("p"); p.textContent = "pâle"; p.style.color = "#999"; document.querySelector("main").append(p)}`, "contrast"},
		{`{const p = document.createElement("p"); p.textContent = "x".repeat(200); document.querySelector("main").append(p)}`, "sideways"},
		{`{const b = document.createElement("button"); b.textContent = "."; b.style.cssText = "min-height:0;padding:0;font-size:8px"; document.querySelector("main").append(b)}`, "target"},
		{`{const b = document.createElement("button"); b.textContent = "muet"; b.style.outline = "none"; document.querySelector("main").append(b)}`, "focus"},
	} {
		s.open("/patient")
		eval[bool](s, c.breaks+"; true")
		if found := s.problems(); !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, c.says) }) {
			t.Errorf("after %s: %v", c.breaks, found)
		}
	}
	s.withoutScript()
	s.open("/patient")
	if got := eval[string](s, `document.querySelector("h1").textContent`); got == "" {
		t.Error("no page without JavaScript")
	}
	if got := s.open("/patient/3f8c6a52-0000-4000-8000-000000000000"); got != 404 {
		t.Error(fmt.Sprint("status ", got))
	}
	s.accessible()
}
