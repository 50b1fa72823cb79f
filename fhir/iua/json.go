package iua

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

// Bounds of the JSON of a token.
const (
	maxDepth = 16
	maxValue = 1_024 // bytes of one claim
	maxID    = 256   // bytes of the identifier of the bearer
	maxList  = 64
)

// claims are the members of a JSON object, by their exact names: encoding/json
// alone would take "EXP" for exp.
type claims map[string]json.RawMessage

// object reads a JSON object in which no name comes twice, at any depth.
func object(data []byte) (claims, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := unique(dec, 0); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("text behind the object")
	}
	var c claims
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("null")
	}
	return c, nil
}

// unique reads one value and refuses a name that comes twice in an object.
func unique(dec *json.Decoder, depth int) error {
	if depth > maxDepth {
		return errors.New("too deep")
	}
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	open, ok := tok.(json.Delim)
	if !ok {
		return nil
	}
	names := map[string]bool{}
	for dec.More() {
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			if text, _ := name.(string); names[text] {
				return errors.New("name repeated")
			} else {
				names[text] = true
			}
		}
		if err := unique(dec, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

func refuse(id, claim, found, expected string) *xds.Error {
	return &xds.Error{ID: id, Where: claim, Found: found, Expected: expected}
}

// text is a string claim, "" when absent. Another type is refused, null too.
func (c claims) text(name string) (string, *xds.Error) {
	raw, ok := c[name]
	if !ok {
		return "", nil
	}
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil || len(*s) > maxValue {
		return "", refuse("TOK-002", name, "valeur d'un autre type ou trop longue", "une chaîne")
	}
	return *s, nil
}

// flag is a boolean claim, false when absent.
func (c claims) flag(name string) (bool, *xds.Error) {
	raw, ok := c[name]
	if !ok {
		return false, nil
	}
	var b *bool
	if json.Unmarshal(raw, &b) != nil || b == nil {
		return false, refuse("TOK-002", name, "valeur d'un autre type", "true ou false")
	}
	return *b, nil
}

// instant is a NumericDate (RFC 7519 §2), the zero time when absent.
func (c claims) instant(name string) (time.Time, *xds.Error) {
	raw, ok := c[name]
	if !ok {
		return time.Time{}, nil
	}
	var n *float64
	if json.Unmarshal(raw, &n) != nil || n == nil || *n < 0 || *n > 1e11 {
		return time.Time{}, refuse("TOK-002", name, "date d'un autre type", "un nombre de secondes depuis 1970")
	}
	whole := int64(*n)
	return time.Unix(whole, int64((*n-float64(whole))*1e9)).UTC(), nil
}

// texts is a claim that is a string or a list of strings.
func (c claims) texts(name string) ([]string, *xds.Error) {
	raw, ok := c[name]
	if !ok {
		return nil, nil
	}
	if raw[0] == '"' {
		s, err := c.text(name)
		return []string{s}, err
	}
	var list []*string
	if json.Unmarshal(raw, &list) != nil || len(list) > maxList {
		return nil, refuse("TOK-002", name, "valeur d'un autre type", "une chaîne ou une liste de chaînes")
	}
	var found []string
	for _, s := range list {
		if s == nil || len(*s) > maxValue {
			return nil, refuse("TOK-002", name, "valeur d'un autre type", "une chaîne ou une liste de chaînes")
		}
		found = append(found, *s)
	}
	return found, nil
}
