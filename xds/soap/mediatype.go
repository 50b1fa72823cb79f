package soap

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// mediaType is a Content-Type, names in lower case.
type mediaType struct {
	name   string
	params map[string]string
}

// maxMediaType bounds a Content-Type in bytes.
const maxMediaType = 4 << 10

// parseMediaType reads a Content-Type as the stacks of the field write it:
// values with or without quotes (boundary=uuid:…, start=<a@b>, type=text/xml),
// any order, empty parameters. mime.ParseMediaType refuses most of these. A
// parameter given twice with two values is refused.
func parseMediaType(s string) (mediaType, *xds.Error) {
	bad := func(found string) (mediaType, *xds.Error) {
		return mediaType{}, xds.Found("SOAP-007", "Content-Type", found, `type/sous-type; nom="valeur"`)
	}
	if len(s) > maxMediaType || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return bad("valeur trop longue ou caractère de contrôle")
	}
	name, rest, _ := strings.Cut(s, ";")
	m := mediaType{name: strings.ToLower(strings.TrimSpace(name)), params: map[string]string{}}
	for rest = blank(rest); rest != ""; rest = blank(rest) {
		if rest[0] == ';' {
			rest = rest[1:]
			continue
		}
		end := strings.IndexAny(rest, "=;")
		if end < 0 || rest[end] == ';' {
			return bad("paramètre sans valeur")
		}
		key := strings.ToLower(strings.TrimSpace(rest[:end]))
		value, after, ok := parameter(blank(rest[end+1:]))
		if !ok {
			return bad("paramètre " + xds.Shorten(key) + " mal formé")
		}
		if before, twice := m.params[key]; twice && before != value {
			return bad("paramètre " + xds.Shorten(key) + " donné deux fois")
		}
		m.params[key], rest = value, after
	}
	return m, nil
}

// parameter takes a value from the front of s, and the ; behind it.
func parameter(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		value = strings.TrimSpace(value)
		return value, rest, !strings.Contains(value, `"`)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			rest = blank(s[i+1:])
			if rest != "" && rest[0] != ';' {
				return "", "", false
			}
			return b.String(), strings.TrimPrefix(rest, ";"), true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

func blank(s string) string { return strings.TrimLeft(s, " \t") }

// actions are the SOAP actions that a Content-Type names: its own parameter and
// the one inside start-info or type, where some stacks put it.
func (m mediaType) actions() []string {
	var found []string
	if a := m.params["action"]; a != "" {
		found = append(found, a)
	}
	for _, inner := range []string{"start-info", "type"} {
		if t, err := parseMediaType(m.params[inner]); err == nil && t.params["action"] != "" {
			found = append(found, t.params["action"])
		}
	}
	return found
}

// inner is the media type, without its parameters, that a parameter holds.
func (m mediaType) inner(param string) string {
	name, _, _ := strings.Cut(m.params[param], ";")
	return strings.ToLower(strings.TrimSpace(name))
}

// checkCharset refuses every encoding but UTF-8.
func (m mediaType) checkCharset(where string) *xds.Error {
	if c := m.params["charset"]; c != "" && !strings.EqualFold(c, "utf-8") {
		e := xds.Found("SOAP-007", where, "charset="+xds.Shorten(c), "charset=utf-8")
		e.Hint = "envoyer l'enveloppe en UTF-8"
		return e
	}
	return nil
}
