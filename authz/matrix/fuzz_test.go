package matrix_test

import (
	"bytes"
	"testing"

	"github.com/passerelle-sante/passerelle/authz/matrix"
)

// FuzzSource: whatever is handed in ends in findings or in a matrix that is read back
// as it is, never in anything else.
func FuzzSource(f *testing.F) {
	f.Add([]byte(cells), []byte(columns))
	f.Add([]byte(`{"data":[{"type":"node--matrice_professionnel_document","attributes":{"field_consultation_document":1,"field_code_profession":[80],"field_code_loinc":["15508-5",null]}}]}`), []byte{})
	f.Add([]byte(`{"data":[{"relationships":{"field_code_profession":{"data":[null]}}}],"links":{"next":null}}`), []byte("{}"))
	base, err := matrix.Embedded()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		s := matrix.Source{Name: "fuzz", Base: base, Professions: professions, Force: true}
		m, _, _, err := s.Read([]matrix.File{{Name: "a", Data: a}, {Name: "b", Data: b}})
		if (m == nil) != (err != nil) {
			t.Fatalf("%v, %v", m, err)
		}
		if err != nil {
			if len(told(err)) == 0 {
				t.Fatalf("no findings: %v", err)
			}
			return
		}
		first, second := m.Encode()
		again, err := matrix.Read("fuzz", bytes.NewReader(first), bytes.NewReader(second))
		if err != nil || again.Version != m.Version {
			t.Fatalf("read back: %v\n%s\n%s", err, first, second)
		}
	})
}
