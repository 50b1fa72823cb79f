package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/passerelle-sante/passerelle/xds"
)

// document is a file on its way in: its values, where each key stands, and what
// speaks against it.
type document struct {
	places   map[string]unstable.Position // by key: http.listen, vihf[1].issuer
	findings xds.Errors
}

// decode reads TOML into a File that holds the defaults. Syntax errors end it; all
// the rest is found before anything is said.
func decode(raw []byte) (file File, d *document, ok bool) {
	d = &document{places: map[string]unstable.Position{}}
	file = defaults()
	tree := map[string]any{}
	if err := toml.Unmarshal(raw, &tree); err != nil {
		d.syntax(err)
		return file, d, false
	}
	d.locate(raw)
	d.table("", tree, reflect.ValueOf(&file).Elem())
	return file, d, true
}

// syntax is the finding of a file that is no TOML. What stands there is not
// repeated: it may be a secret that somebody put in the wrong place.
func (d *document) syntax(err error) {
	f := &xds.Error{ID: "CONF-001", Where: "fichier", Expected: "TOML 1.0 : [table], clé = valeur, textes entre guillemets"}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		f.Line, f.Column = at.Position()
	}
	d.findings.Add(f)
}

// locate walks the expressions of the file for the positions of the keys.
func (d *document) locate(raw []byte) {
	var p unstable.Parser
	p.Reset(raw)
	table, counts := "", map[string]int{}
	for p.NextExpression() {
		e := p.Expression()
		var names []string
		at := unstable.Position{}
		for it := e.Key(); it.Next(); {
			if len(names) == 0 {
				at = p.Shape(p.Range(it.Node().Data)).Start
			}
			names = append(names, string(it.Node().Data))
		}
		key := strings.Join(names, ".")
		switch e.Kind {
		case unstable.Table:
			table = key
		case unstable.ArrayTable:
			table = key + "[" + strconv.Itoa(counts[key]) + "]"
			counts[key]++
			key = table
		case unstable.KeyValue:
			key = join(table, key)
		default:
			continue
		}
		d.places[key] = at
	}
}

func join(table, name string) string {
	if table == "" {
		return name
	}
	return table + "." + name
}

// told tells whether there is a finding at a key already.
func (d *document) told(key string) bool {
	return slices.ContainsFunc(d.findings, func(e *xds.Error) bool { return e.Where == key })
}

// add enters a finding at a key, or at the nearest table that is there.
func (d *document) add(e *xds.Error) {
	for key := e.Where; key != ""; {
		if at, ok := d.places[key]; ok {
			e.Line, e.Column = at.Line, at.Column
			break
		}
		i := max(strings.LastIndexByte(key, '.'), strings.LastIndexByte(key, '['))
		key = key[:max(i, 0)]
	}
	d.findings.Add(e)
}

// table copies the values of a TOML table into a struct.
func (d *document) table(path string, tree map[string]any, into reflect.Value) {
	fields := map[string]reflect.Value{}
	for i := range into.NumField() {
		fields[into.Type().Field(i).Tag.Get("toml")] = into.Field(i)
	}
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		key := join(path, name)
		field, known := fields[name]
		if !known {
			names := slices.Sorted(maps.Keys(fields))
			d.add(&xds.Error{ID: "CONF-002", Where: key, Found: name, Expected: strings.Join(names, ", "), Nearest: xds.Nearest(name, names, 2)})
			continue
		}
		d.value(key, tree[name], field)
	}
}

// value copies one value. Found is its type alone, never the value: it may be a
// secret that somebody wrote where a file name belongs.
func (d *document) value(key string, v any, into reflect.Value) {
	if into.Type() == reflect.TypeFor[time.Duration]() {
		d.duration(key, v, into)
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		if tree, ok := v.(map[string]any); ok {
			d.table(key, tree, into)
			return
		}
	case reflect.Slice:
		if list, ok := v.([]any); ok {
			into.Set(reflect.MakeSlice(into.Type(), len(list), len(list)))
			for i, element := range list {
				d.value(key+"["+strconv.Itoa(i)+"]", element, into.Index(i))
			}
			return
		}
	case reflect.String:
		if text, ok := v.(string); ok {
			into.SetString(text)
			return
		}
	case reflect.Bool:
		if yes, ok := v.(bool); ok {
			into.SetBool(yes)
			return
		}
	case reflect.Int:
		if n, ok := v.(int64); ok {
			into.SetInt(n)
			return
		}
	}
	d.add(&xds.Error{ID: "CONF-003", Where: key, Found: nature(reflect.TypeOf(v)), Expected: nature(into.Type())})
}

func (d *document) duration(key string, v any, into reflect.Value) {
	text, ok := v.(string)
	if !ok {
		d.add(&xds.Error{ID: "CONF-003", Where: key, Found: nature(reflect.TypeOf(v)), Expected: nature(into.Type())})
		return
	}
	span, err := time.ParseDuration(text)
	if err != nil {
		d.add(&xds.Error{ID: "CONF-005", Where: key, Found: text, Expected: nature(into.Type())})
		return
	}
	into.SetInt(int64(span))
}

// nature is a type in the words of the operator.
func nature(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return `une durée comme "30s", "5m" ou "24h"`
	}
	switch t.Kind() {
	case reflect.String:
		return `un texte "entre guillemets"`
	case reflect.Bool:
		return "true ou false"
	case reflect.Int, reflect.Int64:
		return "un nombre entier"
	case reflect.Float64:
		return "un nombre à virgule"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return "une table répétée [[…]]"
		}
		return `une liste ["…", "…"]`
	case reflect.Map, reflect.Struct:
		return "une table [ ]"
	}
	return fmt.Sprintf("une valeur d'un autre type (%s)", t.Kind())
}
