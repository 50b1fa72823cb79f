package authz

import (
	"strings"
	"unicode"
)

// foldName compares traits without case, accents, hyphens, apostrophes and spaces
// (policy §1.9).
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

// unaccented maps the accented capitals of French and its neighbours.
var unaccented = map[rune]string{
	'À': "A", 'Á': "A", 'Â': "A", 'Ã': "A", 'Ä': "A", 'Å': "A", 'Æ': "AE", 'Ç': "C", 'È': "E", 'É': "E", 'Ê': "E",
	'Ë': "E", 'Ì': "I", 'Í': "I", 'Î': "I", 'Ï': "I", 'Ñ': "N", 'Ò': "O", 'Ó': "O", 'Ô': "O", 'Õ': "O", 'Ö': "O",
	'Ø': "O", 'Œ': "OE", 'Ù': "U", 'Ú': "U", 'Û': "U", 'Ü': "U", 'Ý': "Y", 'Ÿ': "Y", 'ẞ': "SS", 'ß': "SS",
	'Ś': "S", 'Š': "S", 'Ž': "Z", 'Ź': "Z", 'Ż': "Z", 'Č': "C", 'Ć': "C", 'Ł': "L", 'Ń': "N", 'Ę': "E", 'Ą': "A",
}
