package xmlgate

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustParse(t testing.TB, doc string) *Element {
	t.Helper()
	e, err := Parse([]byte(doc), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestText(t *testing.T) {
	for name, c := range map[string]struct{ doc, text string }{
		"A-21 plain":                    {`<a>é&lt;</a>`, "é<"},
		"A-21 CDATA":                    {`<a><![CDATA[é<]]></a>`, "é<"},
		"A-21 references":               {`<a>&#233;&#x3C;</a>`, "é<"},
		"A-21 zeros in a reference":     {`<a>&#x0000000e9;<![CDATA[]]>&#00060;</a>`, "é<"},
		"all entities":                  {`<a>&lt;&gt;&amp;&quot;&apos;</a>`, `<>&"'`},
		"no double decoding":            {`<a>&amp;lt;</a>`, "&lt;"},
		"no decoding in CDATA":          {`<a><![CDATA[&lt;]]></a>`, "&lt;"},
		"CDATA joins":                   {`<a> x<![CDATA[y]]>z </a>`, " xyz "},
		"CDATA with brackets":           {`<a><![CDATA[]]]]><![CDATA[>]]></a>`, "]]>"},
		"line ends":                     {"<a>1\r\n2\r3\n4</a>", "1\n2\n3\n4"},
		"line ends in CDATA":            {"<a><![CDATA[1\r\n2\r]]></a>", "1\n2\n"},
		"CR by reference stays":         {"<a>&#13;\r\n</a>", "\r\n"},
		"indentation around children":   {"<a>\n <b/>\n <b/>\n</a>", ""},
		"white space of a leaf":         {"<a> \n </a>", " \n "},
		"mixed content":                 {"<a>x <b/> <b/>y</a>", "x y"},
		"indentation then CDATA blanks": {"<a> <![CDATA[ ]]><b/></a>", ""},
	} {
		if got := mustParse(t, c.doc).Text; got != c.text {
			t.Errorf("%s: got %q, want %q", name, got, c.text)
		}
	}
}

func TestAttributeNormalisation(t *testing.T) {
	e := mustParse(t, "<a b='1\r\n2\t3\n4\r5' c='&#10;&#9;&quot;\"'/>")
	if got := e.Attr("b"); got != "1 2 3 4 5" {
		t.Errorf("white space: got %q", got)
	}
	if got := e.Attr("c"); got != "\n\t\"\"" {
		t.Errorf("references: got %q", got)
	}
}

func TestNamespaces(t *testing.T) {
	root := mustParse(t, `<a xmlns="u:1" xmlns:p="u:2" b="" p:c="3"><p:d xmlns:p="u:3" p:e="4"/><f xmlns=""/><p:g type="p:T"/></a>`)
	var names []Name
	for e := range root.All() {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]Name{{"u:1", "a"}, {"u:3", "d"}, {"", "f"}, {"u:2", "g"}}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Attr{{"", "b", ""}, {"u:2", "c", "3"}}, root.Attrs); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if v, _ := root.Children[0].AttrNS("u:3", "e"); v != "4" {
		t.Errorf("attribute of a rebound prefix: got %q", v)
	}
	g := root.Child("u:2", "g")
	if n, ok := g.QName(g.Attr("type")); !ok || n != (Name{"u:2", "T"}) {
		t.Errorf("QName: got %v %v", n, ok)
	}
	for _, bad := range []string{"q:T", ":T", "p:", "p:T:U", "", "p:1"} {
		if n, ok := g.QName(bad); ok {
			t.Errorf("QName(%q) = %v", bad, n)
		}
	}
	if n, ok := root.Child("", "f").QName("T"); !ok || n != (Name{"", "T"}) {
		t.Errorf("QName without default namespace: %v %v", n, ok)
	}
}

func TestPlaces(t *testing.T) {
	doc := "<?xml version='1.0'?>\n<a>\n  <é/><b x='1'>t</b>\n<b><c/></b></a>"
	root := mustParse(t, doc)
	c := root.ChildrenNamed("", "b")[1].Child("", "c")
	if got := c.Path(); got != "a/b[2]/c" {
		t.Errorf("path: got %q", got)
	}
	if c.Line != 4 || c.Column != 4 {
		t.Errorf("place: got %d:%d", c.Line, c.Column)
	}
	b := root.Find("", "b")
	if b.Line != 3 || b.Column != 7 {
		t.Errorf("place behind an accent: got %d:%d", b.Line, b.Column)
	}
	if got := string(b.Raw()); got != "<b x='1'>t</b>" {
		t.Errorf("raw: got %q", got)
	}
	if got := string(root.Raw()); got != doc[strings.Index(doc, "<a>"):] {
		t.Errorf("raw root: got %q", got)
	}
	f := c.Finding("XML-001", "x", "y")
	if f.Where != "a/b[2]/c" || f.Line != 4 || f.Column != 4 {
		t.Errorf("finding: %+v", f)
	}
}

func TestNilElement(t *testing.T) {
	var e *Element
	if e.Is("", "") || e.Child("", "a") != nil || e.ChildrenNamed("", "a") != nil || e.Find("", "a", "b") != nil ||
		e.Attr("a") != "" || e.Trimmed() != "" || e.Path() != "" {
		t.Error("an absent element is not empty")
	}
	for range e.All() {
		t.Error("an absent element has descendants")
	}
}

// TestLongTextIsAView pins that a document inline in base64 is not copied again.
func TestLongTextIsAView(t *testing.T) {
	doc := []byte("<a><b>" + strings.Repeat("QUJD", 1<<18) + "</b></a>")
	before := allocated()
	if _, err := Parse(doc, Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := allocated() - before; got > uint64(len(doc)+64<<10) {
		t.Errorf("allocated %d bytes for a text of %d", got, len(doc))
	}
}

// TestManyRunsAreLinear: joining runs one by one would take minutes.
func TestManyRunsAreLinear(t *testing.T) {
	doc := "<a>" + strings.Repeat("x<b/>", 190_000) + "</a>"
	if got := len(mustParse(t, doc).Text); got != 190_000 {
		t.Errorf("text of %d bytes", got)
	}
}

// entries is an answer of n DocumentEntries as a registry writes it.
func entries(n int) string {
	slot := `<rim:Slot name="creationTime"><rim:ValueList><rim:Value>20240102030405</rim:Value></rim:ValueList></rim:Slot>`
	class := `<rim:Classification id="urn:uuid:5b3c0e5a-0000-4000-8000-000000000001" classificationScheme="urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a" classifiedObject="d" nodeRepresentation="11488-4">` +
		slot + `<rim:Name><rim:LocalizedString value="Compte rendu &amp; synth&#232;se" xml:lang="fr"/></rim:Name></rim:Classification>`
	object := `<rim:ExtrinsicObject id="urn:uuid:5b3c0e5a-0000-4000-8000-000000000000" mimeType="text/xml" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1">` +
		strings.Repeat(slot, 14) + strings.Repeat(class, 10) + "\n</rim:ExtrinsicObject>"
	return `<l xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">` + strings.Repeat(object, n) + `</l>`
}

func BenchmarkParse(b *testing.B) {
	doc := []byte(entries(100))
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	doc := []byte(entries(100))
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(doc, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestInherited checks which declarations an element takes from around it: the
// nearest of a prefix, and none that it makes itself.
func TestInherited(t *testing.T) {
	root, err := Parse([]byte(`<a xmlns="urn:a" xmlns:p="urn:far" xmlns:q="urn:q"><b xmlns="" xmlns:p="urn:near"><p:c xmlns:q="urn:own"/></b></a>`), Envelope())
	if err != nil {
		t.Fatal(err)
	}
	if got := root.Inherited(); got != nil {
		t.Errorf("the root inherits %v", got)
	}
	got := root.Children[0].Children[0].Inherited()
	want := []Declaration{{"", ""}, {"p", "urn:near"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
