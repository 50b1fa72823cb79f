package xmlgate

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// TestAttacks are the rows of safety §2.3 A that the raw bytes decide, with the
// budget of that section: refused, quickly, in less than twice the memory of the text.
func TestAttacks(t *testing.T) {
	doctype := func(subset string) string {
		return "<!DOCTYPE a [" + subset + "]><a>&e;</a>"
	}
	for _, c := range []struct {
		name, doc, id, found string
	}{
		{"A-01 DOCTYPE internal entity", doctype(`<!ENTITY e "x">`), "XML-002", "<!DOCTYPE"},
		{"A-02 external entity file", doctype(`<!ENTITY e SYSTEM "file:///etc/passwd">`), "XML-002", "<!DOCTYPE"},
		{"A-02 external entity http", doctype(`<!ENTITY e SYSTEM "http://127.0.0.1:1/x">`), "XML-002", "<!DOCTYPE"},
		{"A-03 parameter entity", doctype(`<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;`), "XML-002", "<!DOCTYPE"},
		{"A-04 billion laughs", doctype(`<!ENTITY l "ha"><!ENTITY e "&l;&l;&l;&l;&l;&l;&l;&l;&l;">`), "XML-002", "<!DOCTYPE"},
		{"A-05 quadratic blow-up", doctype(`<!ENTITY e "` + strings.Repeat("x", 1<<20) + `">`), "XML-002", "<!DOCTYPE"},
		{"A-05 entity without DTD", "<a>&e;</a>", "XML-002", "&e;"},
		{"A-06 depth 100 000", strings.Repeat("<a>", 100_000) + strings.Repeat("</a>", 100_000), "XML-003", "64 niveaux"},
		{"A-07 one million siblings", "<r>" + strings.Repeat("<a/>", 1_000_000) + "</r>", "XML-003", "200000 éléments"},
		{"A-08 100 000 attributes", "<a" + numbered(100_000, ` a%d=""`) + "/>", "XML-003", "64 attributs"},
		{"A-09 5 000 xmlns", "<a" + numbered(5_000, ` xmlns:p%d="urn:p%[1]d"`) + "/>", "XML-003", "64 attributs"},
		{"A-10 xmlns nested 3 000 deep", numbered(3_000, `<a xmlns:p%d="urn:p%[1]d">`), "XML-003", "64 niveaux"},
		{"A-10 xmlns nested, many each", "<r>" + numbered(60, `<a xmlns:p%d="u:1" xmlns:q%[1]d="u:1" xmlns:r%[1]d="u:1">`), "XML-003", "128 espaces"},
		{"A-12 duplicate attribute", `<a b="1" b="2"/>`, "XML-001", "attribut b répété"},
		{"A-13 duplicate attribute through two prefixes", `<a xmlns:p="u:1" xmlns:q="u:1" p:b="1" q:b="2"/>`, "XML-001", "attribut b répété"},
		{"A-12 duplicate namespace declaration", `<a xmlns:p="u:1" xmlns:p="u:2"/>`, "XML-001", "attribut p répété"},
		{"A-14 undeclared prefix of an element", `<p:a/>`, "XML-001", "préfixe p non déclaré"},
		{"A-14 undeclared prefix of an attribute", `<a p:b=""/>`, "XML-001", "préfixe p non déclaré"},
		{"A-14 prefix out of scope", `<r><a xmlns:p="u:1"/><p:b/></r>`, "XML-001", "préfixe p non déclaré"},
		{"A-15 second root", `<a/><b/>`, "XML-001", "second élément racine"},
		{"A-15 trailing text", `<a/>x`, "XML-001", "texte hors"},
		{"A-15 leading text", `x<a/>`, "XML-001", "texte hors"},
		{"A-15 trailing CDATA", `<a/><![CDATA[x]]>`, "XML-001", "CDATA hors"},
		{"A-16 UTF-16 little endian", "\xFF\xFE<\x00a\x00/\x00>\x00", "XML-002", "UTF-16"},
		{"A-16 UTF-16 big endian", "\xFE\xFF\x00<\x00a\x00/\x00>", "XML-002", "UTF-16"},
		{"A-16 UTF-16 without mark", "<\x00a\x00/\x00>\x00", "XML-002", "UTF-16"},
		{"A-16 UTF-8 byte order mark", "\xEF\xBB\xBF<a/>", "XML-002", "BOM"},
		{"A-17 ISO-8859-1 declared", `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, "XML-002", "ISO-8859-1"},
		{"A-17 ISO-8859-1 declared and sent", "<?xml version='1.0' encoding='iso-8859-1'?><a>\xE9</a>", "XML-002", "iso-8859-1"},
		{"A-17 UTF-16 declared in UTF-8", `<?xml version="1.0" encoding="UTF-16"?><a/>`, "XML-002", "UTF-16"},
		{"A-17 XML 1.1", `<?xml version="1.1"?><a/>`, "XML-002", "1.1"},
		{"A-18 Latin-1 byte", "<a>\xE9</a>", "XML-001", "octet 0xE9"},
		{"A-18 overlong", "<a>\xC0\xBC</a>", "XML-001", "octet 0xC0"},
		{"A-18 surrogate", "<a>\xED\xA0\x80</a>", "XML-001", "octet 0xED"},
		{"A-18 NUL", "<a>\x00</a>", "XML-001", "U+0000"},
		{"A-18 control in an attribute", "<a b='\x1B'/>", "XML-001", "U+001B"},
		{"A-18 U+FFFE", "<a>\uFFFE</a>", "XML-001", "U+FFFE"},
		{"A-18 reference to NUL", "<a>&#0;</a>", "XML-001", "référence"},
		{"A-18 reference to a surrogate", "<a>&#xD800;</a>", "XML-001", "référence"},
		{"A-18 reference beyond Unicode", "<a>&#x110000;</a>", "XML-001", "référence"},
		{"A-18 signed reference", "<a>&#+65;</a>", "XML-001", "référence"},
		{"A-19 instruction before", `<?pi x?><a/>`, "XML-002", "<?pi?>"},
		{"A-19 instruction inside", `<a><?pi x?></a>`, "XML-002", "<?pi?>"},
		{"A-19 late declaration", ` <?xml version="1.0"?><a/>`, "XML-001", "déclaration"},
		{"A-20 comment inside a value", `<a>8997<!-- -->00000001</a>`, "XML-002", "commentaire"},
		{"nesting: closing tag alone", `</a></a>`, "XML-001", "sans balise ouvrante"},
		{"nesting: crossed", `<a><b></a></b>`, "XML-001", "</a>"},
		{"nesting: longer closing name", `<a></ab>`, "XML-001", "mal formée"},
		{"nesting: never closed", `<a><b></b>`, "XML-001", "<a> jamais fermé"},
		{"nesting: other prefix, same name", `<p:a xmlns:p="u:1" xmlns:q="u:1"></q:a>`, "XML-001", "</q:a>"},
		{"empty", "", "XML-001", "aucun élément"},
		{"only a declaration", `<?xml version="1.0"?>`, "XML-001", "aucun élément"},
		{"declaration without version", `<?xml encoding="UTF-8"?><a/>`, "XML-001", "sans version"},
		{"declaration with more", `<?xml version="1.0" x="1"?><a/>`, "XML-001", "déclaration mal formée"},
		{"attribute without quotes", `<a b=c/>`, "XML-001", "sans guillemets"},
		{"attribute without value", `<a b/>`, "XML-001", "sans valeur"},
		{"attributes not separated", `<a b="1"c="2"/>`, "XML-001", "mal formés"},
		{"< in an attribute", `<a b="<"/>`, "XML-001", "< dans"},
		{"]]> in text", `<a>]]></a>`, "XML-001", "]]>"},
		{"lone ampersand", `<a>A & B</a>`, "XML-001", "& isolé"},
		{"colon games", `<a:b:c xmlns:a="u:1"/>`, "XML-001", "mal formés"},
		{"empty prefix", `<:a/>`, "XML-001", "nom d'élément"},
		{"empty local name", `<a: xmlns:a="u:1"/>`, "XML-001", "nom d'élément"},
		{"xmlns as a prefix", `<xmlns:a/>`, "XML-001", "non déclaré"},
		{"xml prefix rebound", `<a xmlns:xml="urn:x"/>`, "XML-001", "redéfini"},
		{"other prefix for xml", `<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`, "XML-001", "redéfini"},
		{"prefix unbound", `<a xmlns:p=""/>`, "XML-001", "vide"},
		{"B-51 relative namespace", `<a xmlns="b"/>`, "XML-002", "relatif"},
		{"truncated tag", `<a b="`, "XML-001", "jamais fermée"},
		{"truncated at <", `<a><`, "XML-001", "fin de texte"},
		{"truncated CDATA", `<a><![CDATA[x`, "XML-001", "CDATA jamais"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := []byte(c.doc)
			for reader, read := range map[string]func() error{
				"Check": func() error { return Check(doc, Limits{}) },
				"Parse": func() error { _, err := Parse(doc, Limits{}); return err },
			} {
				before, start := allocated(), time.Now()
				err := read()
				took, memory := time.Since(start), allocated()-before
				wantFinding(t, err, c.id, c.found)
				if took > 500*time.Millisecond {
					t.Errorf("%s took %v", reader, took)
				}
				if limit := uint64(2*len(doc) + 64<<10); memory > limit {
					t.Errorf("%s allocated %d bytes for %d", reader, memory, len(doc))
				}
			}
		})
	}
}

func TestFindingHasLineAndColumn(t *testing.T) {
	err := Check([]byte("<a>\n  <é b='à'>\n    é <!DOCTYPE x>\n"), Limits{})
	var es xds.Errors
	if !errors.As(err, &es) || es[0].Line != 3 || es[0].Column != 7 {
		t.Errorf("got %v, want line 3, column 7", err)
	}
}

func TestAccepted(t *testing.T) {
	for name, doc := range map[string]string{
		"declaration":                   `<?xml version="1.0" encoding="utf-8" standalone='yes' ?>` + "\r\n<a/>\n",
		"declaration without encoding":  `<?xml version='1.0'?><a/>`,
		"A-22 XInclude, schemaLocation": `<a xmlns:xi="http://www.w3.org/2001/XInclude" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="u:1 http://127.0.0.1:1/x.xsd"><xi:include href="file:///etc/passwd"/></a>`,
		"A-24 xml:base and xml:id":      `<a xml:base="http://127.0.0.1:1/" xml:id="x"/>`,
		"names with accents":            `<relevé clé="1"/>`,
		"same local name, two spaces":   `<a xmlns:p="u:1" b="1" p:b="2"/>`,
		"space before >":                "<a\n></a\t>",
		"depth 64":                      strings.Repeat("<a>", 64) + strings.Repeat("</a>", 64),
	} {
		if err := Check([]byte(doc), Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	payload := "\xEF\xBB\xBF" + `<?xml version="1.0"?><!-- x --><?xml-stylesheet href="x.xsl"?><a><!----><?p?></a><!-- y -->`
	if err := Check([]byte(payload), Payload()); err != nil {
		t.Errorf("payload: %v", err)
	}
	for name, bad := range map[string]string{"--": `<a><!-- x -- y --></a>`, "--->": `<a><!-- x ---></a>`, "open": `<a><!-- x`, "<?": `<a><? x?></a>`, "?>": `<a><?x`} {
		if err := Check([]byte(bad), Payload()); err == nil {
			t.Errorf("payload with bad %s accepted", name)
		}
	}
}

func TestWithin(t *testing.T) {
	root, err := Parse([]byte(`<e xmlns:a="u:1"><h><s xmlns:b="u:2" xmlns:c="u:3"/><s/></h><b/></e>`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	header := root.Child("", "h")
	if err := header.Within(Limits{Elements: 3, Namespaces: 3}); err != nil {
		t.Errorf("within its limits: %v", err)
	}
	wantFinding(t, header.Within(Limits{Elements: 2}), "XML-003", "2 éléments")
	wantFinding(t, header.Within(Limits{Namespaces: 2}), "XML-003", "2 déclarations")
	wantFinding(t, header.Within(Limits{Scope: 2}), "XML-003", "2 espaces")
}

func wantFinding(t *testing.T, err error, id, found string) {
	t.Helper()
	var es xds.Errors
	if !errors.As(err, &es) || len(es) != 1 {
		t.Fatalf("got %v, want one finding %s", err, id)
	}
	if es[0].ID != id || !strings.Contains(es[0].Found, found) || es[0].Line == 0 || es[0].Column == 0 || es[0].Expected == "" {
		t.Errorf("got %+v, want %s with %q, a place and what is expected", es[0], id, found)
	}
}

func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
