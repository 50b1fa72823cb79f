package ebrim

import "strings"

// MaxValues bounds how many values one parameter may have (design §5).
const MaxValues = 1000

// tooManyValues is what a list of more values is told.
const tooManyValues = "au plus 1000 valeurs"

// literal is one value of a stored-query parameter.
type literal struct {
	text   string
	quoted bool // 'text' rather than a number
}

// literals reads one Value element: a value `'x'` or 123, or a list
// `('a','b')`; an apostrophe inside a text is doubled (ITI TF-2
// 3.18.4.1.2.3.5). problem says what is wrong, "" when nothing is.
func literals(s string) (values []literal, problem string) {
	rest := skip(s)
	if rest == "" {
		return nil, "une valeur"
	}
	list := rest[0] == '('
	if list {
		rest = skip(rest[1:])
	}
	for {
		var v literal
		v, rest, problem = one(rest)
		if problem != "" {
			return nil, problem
		}
		values = append(values, v)
		rest = skip(rest)
		if !list {
			if rest != "" {
				return nil, "une seule valeur, ou une liste entre parenthèses : ('a','b')"
			}
			return values, ""
		}
		switch {
		case strings.HasPrefix(rest, ","):
			rest = skip(rest[1:])
		case strings.HasPrefix(rest, ")") && skip(rest[1:]) == "":
			return values, ""
		default:
			return nil, "une liste fermée par une parenthèse : ('a','b')"
		}
		if len(values) > MaxValues {
			return nil, tooManyValues
		}
	}
}

// one reads a quoted text or a number at the start of s.
func one(s string) (v literal, rest, problem string) {
	if s == "" || s[0] != '\'' {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 0 {
			return v, s, "un texte entre apostrophes : 'texte', ou un nombre"
		}
		return literal{text: s[:n]}, s[n:], ""
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return literal{text: b.String(), quoted: true}, s[i+1:], ""
	}
	return v, s, "une apostrophe fermante (une apostrophe dans le texte se double)"
}

func skip(s string) string { return strings.TrimLeft(s, " \t\r\n") }

// quote is the reverse of literals for one text.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
