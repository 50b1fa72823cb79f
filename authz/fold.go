package authz

import (
	"strings"
	"unicode"
)

// foldName compares traits without case, accents, hyphens, apostrophes and spaces
// (policy §1.9). It folds composed and decomposed accents to the same letters: the
// combining marks of the latter are no letters.
func foldName(s string) string {
	var b strings.Builder
	for _, r := range strings.ToUpper(s) {
		if plain, ok := unaccented[r]; ok {
			b.WriteString(plain)
			continue
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// SameName tells whether two names of a person are the same but for case, accents,
// hyphens, apostrophes and spaces (policy §1.9).
func SameName(a, b string) bool { return foldName(a) == foldName(b) }

// unaccented maps the accented capitals of the Latin script, as far as the names
// of Europe, Turkey and Vietnam use them, to the letters of the INS traits.
var unaccented = func() map[rune]string {
	m := map[rune]string{}
	for _, line := range [][2]string{
		{"A", "ÀÁÂÃÄÅĀĂĄǍẠẢẤẦẨẪẬẮẰẲẴẶ"}, {"AE", "Æ"}, {"C", "ÇĆĈĊČ"}, {"D", "ĎĐÐ"}, {"E", "ÈÉÊËĒĔĖĘĚẸẺẼẾỀỂỄỆ"},
		{"G", "ĜĞĠĢǦ"}, {"H", "ĤĦ"}, {"I", "ÌÍÎÏĨĪĬĮİǏỈỊ"}, {"IJ", "Ĳ"}, {"J", "Ĵ"}, {"K", "ĶǨ"}, {"L", "ĹĻĽĿŁ"},
		{"N", "ÑŃŅŇ"}, {"O", "ÒÓÔÕÖØŌŎŐǑƠỌỎỐỒỔỖỘỚỜỞỠỢ"}, {"OE", "Œ"}, {"R", "ŔŖŘ"}, {"S", "ŚŜŞŠȘ"}, {"SS", "ẞß"},
		{"T", "ŢŤŦȚ"}, {"TH", "Þ"}, {"U", "ÙÚÛÜŨŪŬŮŰŲǓƯỤỦỨỪỬỮỰ"}, {"W", "ŴẀẂẄ"}, {"Y", "ÝŶŸỲỴỶỸ"}, {"Z", "ŹŻŽ"},
	} {
		for _, r := range line[1] {
			m[r] = line[0]
		}
	}
	return m
}()
