package readable

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// The shortest files of their kind that the package looks at.
const (
	png  = "\x89PNG\r\n\x1A\n0000"
	pdf  = "%PDF-1.4\n%%EOF"
	jpeg = "\xFF\xD8\xFF\xE0"
)

// document is a CDA around a body.
func document(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet type="text/xsl" href="https://evil.example/cda.xsl"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<code code="11502-2" displayName="CR d'examens"/><title>Bilan &lt;b&gt; sanguin</title><effectiveTime value="20260110231500+0100"/><versionNumber value="2"/>
<recordTarget><patientRole><id root="1.2.250.1.213.1.4.10" extension="293035999901185"/><patient>
<name><family qualifier="BR">GARNIER</family><family qualifier="CL">DUBOIS</family><given>ALICE JEANNE</given><given qualifier="BR">ALICE</given></name>
<administrativeGenderCode code="F"/><birthTime value="19930314"/></patient></patientRole></recordTarget>
<author><functionCode displayName="Médecin traitant"/><assignedAuthor><code displayName="Médecin"/><assignedPerson><name><family>DURAND</family><given>Philippe</given></name></assignedPerson>
<representedOrganization><name>Cabinet &amp; Fils</name></representedOrganization></assignedAuthor></author>
<author><assignedAuthor><assignedAuthoringDevice><manufacturerModelName>X1</manufacturerModelName><softwareName>Automate</softwareName></assignedAuthoringDevice></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><name>Labo Martin</name></representedCustodianOrganization></assignedCustodian></custodian>
<documentationOf><serviceEvent><code displayName="Hématologie"/><effectiveTime><low value="20260110"/><high value="20260111"/></effectiveTime></serviceEvent></documentationOf>
<component>` + body + `</component></ClinicalDocument>`
}

// narrative is a structured body of one section with this text, and one picture and one
// PDF that it may name.
func narrative(text string) string {
	return document(`<structuredBody><component><section><title>Résultats</title><text>` + text + `</text>
<entry><observationMedia ID="img"><value mediaType="image/png" representation="B64">` + base64.StdEncoding.EncodeToString([]byte(png)) + `</value></observationMedia></entry>
<entry><regionOfInterest ID="roi"><entryRelationship><observationMedia><value mediaType="application/pdf" representation="B64">` + base64.StdEncoding.EncodeToString([]byte(pdf)) + `</value></observationMedia></entryRelationship></regionOfInterest></entry>
<entry><observationMedia ID="fake"><value mediaType="image/png" representation="B64">` + base64.StdEncoding.EncodeToString([]byte(`<svg onload="x()"/>`)) + `</value></observationMedia></entry>
</section></component></structuredBody>`)
}

func open(t *testing.T, doc string) Document {
	t.Helper()
	d, err := Open(strings.NewReader(doc), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestHeader(t *testing.T) {
	h := open(t, narrative("x")).Header
	got := fmt.Sprintf("%q", []any{h.Title, h.Type, h.At, h.Version, h.Patient, h.Authors, h.Custodian, h.From, h.To, h.Events})
	want := `["Bilan <b> sanguin" "CR d'examens" "10/01/2026 23:15 +0100" "2" {"DUBOIS" "GARNIER" "ALICE" "14/03/1993" "F"} ` +
		`[{"DURAND" "Philippe" "Médecin traitant" "Cabinet & Fils"} {"Automate" "X1" "" ""}] "Labo Martin" "10/01/2026" "11/01/2026" ["Hématologie"]]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if strings.Contains(fmt.Sprint(h), "293035999901185") {
		t.Error("the summary holds the INS")
	}
}

func TestNarrative(t *testing.T) {
	picture := `<img class="cda-image" alt="PNG" src="data:image/png;base64,` + base64.StdEncoding.EncodeToString([]byte(png)) + `">`
	for name, c := range map[string]struct {
		text, want string
		omitted    bool
	}{
		"mixed content keeps its order":  {`avant <content styleCode="Bold xRed">gras</content> après<br/>fin`, `avant <strong>gras</strong> après<br>fin`, false},
		"paragraph":                      {`<paragraph styleCode="Italics">un</paragraph><paragraph>deux</paragraph>`, `<p>un</p><p>deux</p>`, false},
		"paragraph around a table":       {`<paragraph><table><tbody><tr><td>1</td></tr></tbody></table></paragraph>`, `<div class="cda-paragraph"><div class="cda-table"><table><tbody><tr><td>1</td></tr></tbody></table></div></div>`, false},
		"lists":                          {`<list listType="ordered"><caption>C</caption><item>a<list><item>b</item></list></item></list>`, `<ol><li class="cda-caption">C</li><li>a<ul><li>b</li></ul></li></ol>`, false},
		"table":                          {`<table border="1" width="9999"><caption>C</caption><col width="1"/><thead><tr><th colspan="2" ID="x">H</th></tr></thead><tbody><tr><th>R</th><td rowspan="3" styleCode="Bold">v &lt; 2</td></tr></tbody></table>`, `<div class="cda-table"><table><caption>C</caption><thead><tr><th colspan="2" scope="col">H</th></tr></thead><tbody><tr><th scope="row">R</th><td rowspan="3">v &lt; 2</td></tr></tbody></table></div>`, false},
		"absurd spans":                   {`<table><tr><td colspan="99999999" rowspan="-1">v</td></tr></table>`, `<div class="cda-table"><table><tr><td>v</td></tr></table></div>`, false},
		"sub, sup and notes":             {`H<sub>2</sub>O 10<sup>9</sup><footnote ID="n">note</footnote><footnoteRef IDREF="n"/>`, `H<sub>2</sub>O 10<sup>9</sup><small>note</small>`, false},
		"revisions":                      {`<content revised="delete">faux</content><content revised="insert">vrai</content>`, `<del>faux</del><ins>vrai</ins>`, false},
		"cdata is text":                  {`<![CDATA[<script>alert(1)</script>]]>`, `&lt;script&gt;alert(1)&lt;/script&gt;`, false},
		"comments are nothing":           {`a<!-- <b> -->b<?x y?>c`, `abc`, false},
		"references are text":            {`&lt;img src=x onerror=alert(1)&gt;&#60;svg&#62;&quot;&apos;`, `&lt;img src=x onerror=alert(1)&gt;&lt;svg&gt;&#34;&#39;`, false},
		"script":                         {`a<script>alert(1)</script>b<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(2)</x:script>`, `ab`, true},
		"style":                          {`<style>body{display:none}</style>`, ``, true},
		"handlers":                       {`<paragraph onclick="x()" style="position:fixed" class="c">p</paragraph><content onload="x()">c</content>`, `<p>p</p><span>c</span>`, false},
		"svg":                            {`<svg xmlns="http://www.w3.org/2000/svg" onload="x()"><a href="javascript:x()"><text>t</text></a></svg>`, `<span><span><span>t</span></span></span>`, false},
		"foreign table rows":             {`<x:tr xmlns:x="u:x">t</x:tr><tr><td>stray</td></tr>`, `<span>t</span><span><span>stray</span></span>`, false},
		"HTML elements are their text":   {`<iframe src="https://evil.example">i</iframe><form action="/x"><input name="n" value="v"/></form><base href="//evil"/>`, `<span>i</span><span><span></span></span><span></span>`, false},
		"javascript link":                {`<linkHtml href="javascript:alert(1)">ici</linkHtml>`, `<span class="cda-link">ici</span>`, false},
		"web link is text":               {`<linkHtml href=" https://sante.example/?a=1&amp;b=&quot;2">ici</linkHtml>`, `<span class="cda-link">ici</span> (https://sante.example/?a=1&amp;b=&#34;2)`, false},
		"picture, once":                  {`<renderMultiMedia referencedObject="img"/><renderMultiMedia referencedObject="img"><caption>La courbe</caption></renderMultiMedia>`, picture + `<a class="cda-file" href="/a?n=0&amp;x">La courbe</a>`, false},
		"PDF of a region is a link":      {`<renderMultiMedia referencedObject="roi"/>`, `<a class="cda-file" href="/a?n=1&amp;x">PDF</a>`, false},
		"what is no picture is a link":   {`<renderMultiMedia referencedObject="fake"/>`, `<a class="cda-file" href="/a?n=2&amp;x">PNG</a>`, false},
		"caption of a picture in an alt": {`<renderMultiMedia referencedObject="img"><caption>"&gt;&lt;script&gt;</caption></renderMultiMedia>`, strings.Replace(picture, "PNG", "&#34;&gt;&lt;script&gt;", 1), false},
		"media that is not there":        {`<renderMultiMedia referencedObject="nowhere https://evil.example/x.png"/>`, ``, true},
		"text where only rows may stand": {`<table>hors<tr>  <td>1</td></tr></table>`, `<div class="cda-table"><table>hors<tr><td>1</td></tr></table></div>`, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, narrative(c.text))
			got := string(d.HTML(func(n int) string { return fmt.Sprintf("/a?n=%d&x", n) }))
			want := `<section class="cda-section"><h2>Résultats</h2><div class="cda-narrative">` + c.want + `</div></section>`
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if d.Omitted != c.omitted {
				t.Errorf("Omitted = %v", d.Omitted)
			}
			ours(t, got)
		})
	}
}

// tags are all that the package may write.
var tags = regexp.MustCompile(`^(</?(section|h[2-6]|div|p|span|strong|em|del|ins|sub|sup|small|ul|ol|li|table|caption|thead|tbody|tfoot|tr|pre|a)>` +
	`|<br>|</t[dh]>|<(section|div|span|li|strong|pre) class="cda-[a-z]+">|<a class="cda-file" href="/a\?n=\d+&amp;x">` +
	`|<(td|th)( colspan="\d{1,3}")?( rowspan="\d{1,3}")?( scope="(row|col)")?>` +
	`|<img class="cda-image" alt="[^"<>]*" src="data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=]*">)`)

// ours fails on any tag that is not of the list, and on tags that are not balanced.
func ours(t *testing.T, page string) {
	t.Helper()
	var stack []string
	for i := strings.IndexByte(page, '<'); i >= 0; i = strings.IndexByte(page, '<') {
		page = page[i:]
		tag := tags.FindString(page)
		if tag == "" {
			t.Fatalf("a tag that is not ours: %.80q", page)
		}
		page = page[len(tag):]
		name := strings.FieldsFunc(tag, func(r rune) bool { return strings.ContainsRune("</> ", r) })[0]
		switch {
		case name == "br" || name == "img":
		case tag[1] != '/':
			stack = append(stack, name)
		case len(stack) == 0 || stack[len(stack)-1] != name:
			t.Fatalf("%s closes %v", tag, stack)
		default:
			stack = stack[:len(stack)-1]
		}
	}
	if len(stack) > 0 {
		t.Fatalf("left open: %v", stack)
	}
}

func TestSectionsNest(t *testing.T) {
	d := open(t, document(`<structuredBody><component><section><title>A</title><component><section><title>B</title><text>t</text></section></component></section></component>
<component><section><title>C</title><entry/></section></component></structuredBody>`))
	want := `<section class="cda-section"><h2>A</h2><section class="cda-section"><h3>B</h3><div class="cda-narrative">t</div></section></section><section class="cda-section"><h2>C</h2></section>`
	if got := string(d.HTML(nil)); got != want {
		t.Errorf("got %s", got)
	}
	if !d.Omitted {
		t.Error("entries without narrative are not told")
	}
}

func TestLevelOne(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		kind    Kind
		shown   string
		html    string
		omitted bool
	}{
		"pdf":                   {`<text mediaType="application/pdf" representation="B64"> ` + base64.StdEncoding.EncodeToString([]byte(pdf)) + "\n\t</text>", PDF, "application/pdf", "", false},
		"jpeg":                  {`<text mediaType="image/jpeg" representation="B64">` + base64.StdEncoding.EncodeToString([]byte(jpeg)) + `</text>`, Image, "image/jpeg", `<img class="cda-image" alt="JPG" src="data:image/jpeg;base64,/9j/4A==">`, false},
		"latin-1 text":          {`<text mediaType="text/plain; charset=iso-8859-1" representation="B64">` + base64.StdEncoding.EncodeToString([]byte("<b>\xE9t\xE9")) + `</text>`, Text, "", `<pre class="cda-text">&lt;b&gt;été</pre>`, false},
		"text as it is":         {`<text>bonjour &lt;script&gt;</text>`, Text, "", `<pre class="cda-text">bonjour &lt;script&gt;</pre>`, false},
		"a page said to be PDF": {`<text mediaType="application/pdf" representation="B64">` + base64.StdEncoding.EncodeToString([]byte("<html><script>")) + `</text>`, File, "", "", false},
		"html":                  {`<text mediaType="text/html" representation="B64">` + base64.StdEncoding.EncodeToString([]byte("<script>")) + `</text>`, File, "", "", false},
		"svg":                   {`<text mediaType="image/svg+xml" representation="B64">` + base64.StdEncoding.EncodeToString([]byte("<svg/>")) + `</text>`, File, "", "", false},
		"rtf":                   {`<text mediaType="application/rtf" representation="B64">e1xydGYx</text>`, File, "", "", false},
		"elsewhere":             {`<text mediaType="application/pdf"><reference value="https://evil.example/x.pdf"/></text>`, File, "", "", true},
		"compressed":            {`<text mediaType="application/pdf" representation="B64" compression="DF">AAAA</text>`, File, "", "", true},
		"no base64":             {`<text mediaType="application/pdf" representation="B64">***</text>`, File, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, document("<nonXMLBody>"+c.text+"</nonXMLBody>"))
			a, ok := d.Attachment()
			if ok == c.omitted || d.Kind != c.kind || a.Shown() != c.shown || d.Omitted != c.omitted {
				t.Errorf("kind %d, shown as %q, attachment %v, omitted %v", d.Kind, a.Shown(), ok, d.Omitted)
			}
			if got := string(d.HTML(nil)); got != c.html {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestBare(t *testing.T) {
	d, err := Bare("Text/Plain;charset=utf-8", strings.NewReader("\xEF\xBB\xBFà <jeun>"), 100)
	if err != nil || d.Kind != Text || d.HTML(nil) != `<pre class="cda-text">à &lt;jeun&gt;</pre>` {
		t.Errorf("%v %d %s", err, d.Kind, d.HTML(nil))
	}
	if _, err := Bare("text/plain", strings.NewReader("12345"), 4); err == nil {
		t.Error("longer than the limit, and read")
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ doc, id string }{
		"entity":       {`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><ClinicalDocument xmlns="urn:hl7-org:v3">&x;</ClinicalDocument>`, "XML-002"},
		"no CDA":       {`<html xmlns="http://www.w3.org/1999/xhtml"/>`, "META-004"},
		"deep":         {narrative(strings.Repeat("<list><item>", 100) + strings.Repeat("</item></list>", 100)), "XML-003"},
		"many":         {narrative("<table>" + strings.Repeat("<tr><td/></tr>", 100_001) + "</table>"), "XML-003"},
		"long":         {narrative(strings.Repeat("x", 1<<22)), "XML-003"},
		"not well put": {narrative("<table>"), "XML-001"},
	} {
		_, err := Open(strings.NewReader(c.doc), 1<<22)
		var found xds.Errors
		if !errors.As(err, &found) || found[0].ID != c.id {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A page is bounded whatever the body, still closed, and says that it is a part.
func TestHugePage(t *testing.T) {
	d, err := Open(strings.NewReader(narrative("<table>"+strings.Repeat(`<tr><td>""""""""""""""""""""""""""""""""""""""""</td></tr>`, 60_000)+"</table>")), 16<<20)
	if err != nil {
		t.Fatal(err)
	}
	page := string(d.HTML(nil))
	if len(page) > 2*maxHTML || !d.Omitted {
		t.Errorf("%d bytes, Omitted %v", len(page), d.Omitted)
	}
	ours(t, page)
}

func FuzzOpen(f *testing.F) {
	for _, text := range []string{`a <content styleCode="Bold">b</content>`, `<table><thead><tr><th>h</th></tr></thead></table>`, `<renderMultiMedia referencedObject="img roi fake"/>`,
		`<linkHtml href="javascript:x">l</linkHtml>`, `<list><caption>c</caption><item>i</item></list>`, `<![CDATA[<]]>&lt;`, `<svg xmlns="u:x" onload="x"/>`} {
		f.Add(narrative(text))
	}
	f.Fuzz(func(t *testing.T, doc string) {
		d, err := Open(strings.NewReader(doc), 1<<20)
		if err != nil {
			return
		}
		ours(t, string(d.HTML(func(n int) string { return fmt.Sprintf("/a?n=%d&x", n) })))
	})
}
