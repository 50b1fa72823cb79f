package xmlgate

import (
	"strings"
	"testing"
)

func TestEscaped(t *testing.T) {
	for _, c := range []struct{ in, text, attribute string }{
		{"", "", ""},
		{"Compte rendu", "Compte rendu", "Compte rendu"},
		{"é à 漢 𝄞", "é à 漢 𝄞", "é à 漢 𝄞"},
		{`a<b>&"c"`, `a&lt;b&gt;&amp;"c"`, `a&lt;b&gt;&amp;&quot;c&quot;`},
		{"a\tb\nc\rd", "a\tb\nc&#13;d", "a&#9;b&#10;c&#13;d"},
		{"\x00\x1f\x7f", "\uFFFD\uFFFD\x7f", "\uFFFD\uFFFD\x7f"},
		{"a\xffb\xc3", "a\uFFFDb\uFFFD", "a\uFFFDb\uFFFD"},
		{"\uFFFE\uFFFF\uFFFD", "\uFFFD\uFFFD\uFFFD", "\uFFFD\uFFFD\uFFFD"},
	} {
		if got := string(AppendEscaped([]byte("<"), c.in, false)); got != "<"+c.text {
			t.Errorf("%q as text: %q", c.in, got)
		}
		if got := string(AppendEscaped(nil, c.in, true)); got != c.attribute {
			t.Errorf("%q as an attribute: %q", c.in, got)
		}
	}
}

func BenchmarkAppendEscaped(b *testing.B) {
	value := strings.Repeat("urn:uuid:a6e06ca8-0c75-4064-9e5c-88b9045a96f6 ", 4)
	dst := make([]byte, 0, 1024)
	b.SetBytes(int64(len(value)))
	for b.Loop() {
		dst = AppendEscaped(dst[:0], value, true)
	}
}
