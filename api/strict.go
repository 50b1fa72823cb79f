package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Decode reads one JSON object into a struct, strictly: members by their exact
// name, none twice, none unknown, each of its type, nothing behind the object. All
// findings come at once, in the words of JSON. An empty body is an empty object
// when optional is set.
func Decode(body io.Reader, optional bool, into any) error {
	raw, err := io.ReadAll(body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &xds.Error{ID: "SOAP-010"}
	case errors.As(err, &tooLarge):
		return &xds.Error{ID: "FHIR-007", Where: "corps", Expected: "un objet JSON plus petit"}
	case err != nil:
		return &xds.Error{ID: "JSON-001", Where: "corps", Found: "corps interrompu", Expected: "un objet JSON"}
	case len(bytes.TrimSpace(raw)) == 0 && optional:
		return nil
	case !json.Valid(raw):
		return &xds.Error{ID: "JSON-001", Where: "corps", Found: "ce n'est pas du JSON", Expected: "un objet JSON"}
	}
	var s strict
	s.value(raw, reflect.TypeOf(into).Elem(), "")
	if err := s.findings.Err(); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return &xds.Error{ID: "JSON-002", Where: "corps", Expected: "les valeurs décrites dans /api/openapi.json"}
	}
	return nil
}

// strict compares a JSON text with a Go type, which bounds its depth.
type strict struct{ findings xds.Errors }

// value compares one value; null stands for an absent one.
func (s *strict) value(raw json.RawMessage, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	first := bytes.TrimSpace(raw)[0]
	want := ""
	switch t.Kind() {
	case reflect.Struct:
		if first == '{' {
			s.object(raw, t, path)
			return
		}
		want = "un objet"
	case reflect.Slice:
		if first == '[' {
			s.list(raw, t.Elem(), path)
			return
		}
		want = "une liste"
	case reflect.Map: // of texts
		if first == '{' {
			s.texts(raw, t, path)
			return
		}
		want = "un objet"
	case reflect.Bool:
		if first != 't' && first != 'f' {
			want = "true ou false"
		}
	case reflect.Int:
		if first != '-' && (first < '0' || first > '9') || bytes.ContainsAny(raw, ".eE") {
			want = "un nombre entier"
		}
	default:
		if first != '"' {
			want = "un texte"
		}
	}
	if want == "" || first == 'n' && path != "" {
		return
	}
	if path == "" {
		s.findings.Add(&xds.Error{ID: "JSON-001", Where: "corps", Expected: want + " JSON"})
		return
	}
	s.findings.Add(&xds.Error{ID: "JSON-002", Where: path, Found: string(raw), Expected: want})
}

// object compares the members of an object with the fields of a struct.
func (s *strict) object(raw json.RawMessage, t reflect.Type, path string) {
	fields := map[string]reflect.Type{}
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields[name] = t.Field(i).Type
		names = append(names, name)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token() // the opening brace: the text is valid
	var seen []string
	for d.More() {
		token, _ := d.Token()
		name, _ := token.(string)
		var member json.RawMessage
		if d.Decode(&member) != nil {
			return
		}
		where := strings.TrimPrefix(path+"."+name, ".")
		field, known := fields[name]
		switch {
		case !known:
			s.findings.Add(&xds.Error{ID: "JSON-002", Where: where, Found: "membre inconnu", Expected: strings.Join(names, ", "), Nearest: xds.Nearest(name, names, 3)})
		case slices.Contains(seen, name):
			s.findings.Add(&xds.Error{ID: "JSON-001", Where: where, Found: "membre donné deux fois", Expected: "une seule fois"})
		default:
			s.value(member, field, where)
		}
		seen = append(seen, name)
	}
}

// texts compares an object whose members have any name; one given twice is refused.
func (s *strict) texts(raw json.RawMessage, t reflect.Type, path string) {
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token() // the opening brace: the text is valid
	seen := map[string]bool{}
	for d.More() {
		token, _ := d.Token()
		name, _ := token.(string)
		var member json.RawMessage
		if d.Decode(&member) != nil {
			return
		}
		where := path + "." + xds.Shorten(name)
		if seen[name] {
			s.findings.Add(&xds.Error{ID: "JSON-001", Where: where, Found: "membre donné deux fois", Expected: "une seule fois"})
		}
		seen[name] = true
		s.value(member, t.Elem(), where)
	}
}

func (s *strict) list(raw json.RawMessage, t reflect.Type, path string) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return
	}
	for _, item := range items {
		s.value(item, t, path)
	}
}
