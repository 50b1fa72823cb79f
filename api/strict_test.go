package api

import (
	"errors"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

func TestDecode(t *testing.T) {
	type inner struct {
		Family *string `json:"family"`
	}
	type body struct {
		MaskAll *bool    `json:"maskAll"`
		Name    string   `json:"name"`
		Count   *int     `json:"count"`
		Traits  *inner   `json:"traits"`
		Omit    []string `json:"omit"`
	}
	for text, want := range map[string]string{
		`{"maskAll":true,"name":"a","count":-3,"traits":{"family":"x"},"omit":["a","b"]}`: "",
		`{}`:                               "",
		` {"maskAll":null} `:               "",
		`{"MASKALL":true}`:                 "JSON-002 MASKALL",
		`{"maskAll":true,"maskAll":false}`: "JSON-001 maskAll",
		`{"maskAll":"yes"}`:                "JSON-002 maskAll",
		`{"name":1,"count":"x"}`:           "JSON-002 name, JSON-002 count",
		`{"count":1.5}`:                    "JSON-002 count",
		`{"traits":{"Family":"x"}}`:        "JSON-002 traits.Family",
		`{"traits":[]}`:                    "JSON-002 traits",
		`{"omit":"exp"}`:                   "JSON-002 omit",
		`{"omit":[1]}`:                     "JSON-002 omit",
		`[]`:                               "JSON-001 corps",
		`null`:                             "JSON-001 corps",
		`{"name":"a"} {}`:                  "JSON-001 corps",
		`{"name":`:                         "JSON-001 corps",
		``:                                 "JSON-001 corps",
		strings.Repeat("[", 20000) + "1":   "JSON-001 corps",
		`{"x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`: "JSON-002 x",
	} {
		var into body
		var got []string
		var one *xds.Error
		var all xds.Errors
		switch err := Decode(strings.NewReader(text), false, &into); {
		case errors.As(err, &all):
		case errors.As(err, &one):
			all = xds.Errors{one}
		}
		for _, e := range all {
			got = append(got, e.ID+" "+e.Where)
			if strings.Contains(e.Text(), "json:") || strings.Contains(e.Text(), "api.") {
				t.Errorf("speaks of Go: %s", e.Text())
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%.60s gives %v, want %s", text, got, want)
		}
	}
	if err := Decode(strings.NewReader(" "), true, &body{}); err != nil {
		t.Errorf("an optional body: %v", err)
	}
}
