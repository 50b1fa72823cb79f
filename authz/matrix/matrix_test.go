package matrix_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/xds"
)

const loinc = "^^2.16.840.1.113883.6.1"

func embedded(t *testing.T) *matrix.Matrix {
	t.Helper()
	m, err := matrix.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The figures of data/ORIGIN.md: how many cells are official, and for whom.
func TestEmbedded(t *testing.T) {
	m := embedded(t)
	official := map[string]int{}
	total := 0
	for _, c := range m.Columns {
		for _, typ := range m.Types {
			cell, ok := m.Cell(c.Name, typ.Key)
			if !ok {
				t.Fatalf("no cell for %s × %s", c.Name, typ.Key)
			}
			if cell.Official {
				official[c.Name]++
				total++
			}
			if cell.Official == (cell.Source == "") {
				t.Errorf("%s × %s: official %v by %q", c.Name, typ.Key, cell.Official, cell.Source)
			}
		}
	}
	want := map[string]int{
		"medecin": 102, "radiologue": 102, "biologiste_medecin": 102, "medecin_du_travail": 129,
		"infirmier": 14, "chirurgien_dentiste": 6, "pedicure_podologue": 1,
	}
	if diff := cmp.Diff(want, official); diff != "" || len(m.Types) != 129 || len(m.Columns) != 29 || total != 456 {
		t.Errorf("%d types, %d columns, %d official cells:\n%s", len(m.Types), len(m.Columns), total, diff)
	}
}

// The facts behind the official cells, as ORIGIN.md restates them.
func TestOfficialFacts(t *testing.T) {
	m := embedded(t)
	expect := func(column string, allowed bool, codes ...string) {
		t.Helper()
		for _, code := range codes {
			found := false
			for _, typ := range m.Types {
				if !strings.HasPrefix(typ.Key, code+"^^") {
					continue
				}
				found = true
				if cell, _ := m.Cell(column, typ.Key); cell.Allowed != allowed || !cell.Official {
					t.Errorf("%s × %s: %+v", column, code, cell)
				}
			}
			if !found {
				t.Errorf("type %s is not in the matrix", code)
			}
		}
	}
	expect("medecin", false, "ATTEST-RESID")
	expect("medecin", true, "15508-5", "11526-1", "EXPPAT_3", "REMB")
	expect("chirurgien_dentiste", false, "80788-3", "75496-0", "83981-1", "83901-9", "68599-0", "EXPPAT_3")
	expect("infirmier", true, "83981-1", "DOCPAT03", "DOCPAT05", "DOCPAT06", "47420-5", "11502-2", "15507-7", "56445-0", "PROT_ALD")
	expect("infirmier", false, "75496-0", "68599-0", "83901-9", "68817-6", "89601-9")
	expect("pedicure_podologue", false, "15508-5")
	for _, typ := range m.Types {
		if cell, _ := m.Cell("medecin_du_travail", typ.Key); cell.Allowed {
			t.Errorf("the occupational physician may read %s", typ.Key)
		}
	}
}

func TestColumn(t *testing.T) {
	m := embedded(t)
	for _, c := range []struct{ profession, specialty, want string }{
		{"10", "SM26", "medecin"},
		{"10", "", "medecin"},
		{"10", "SM59", "medecin"},
		{"10", "SM25", "medecin_du_travail"},
		{"10", "SM44", "radiologue"},
		{"10", "SM03", "biologiste_medecin"},
		{"21", "A", "pharmacien"},
		{"21", "G", "biologiste_pharmacien"},
		{"60", "", "infirmier"},
		{"69", "", "infirmier"},
		{"80", "SM25", "pedicure_podologue"},
		{"93", "", "psychologue"},
		{"R94", "", "assistant_social"},
		{"77", "", ""},
		{"", "", ""},
		{"", "SM25", ""},
	} {
		if col, ok := m.Column(c.profession, c.specialty); col.Name != c.want || ok != (c.want != "") {
			t.Errorf("%s/%s: %q, want %q", c.profession, c.specialty, col.Name, c.want)
		}
	}
}

func TestTypesOf(t *testing.T) {
	m := embedded(t)
	types := func(o matrix.Options, profession, specialty string) authz.TypeSet {
		return m.TypesOf(o)(authz.Subject{Profession: profession, Specialty: specialty})
	}
	delivery, unknown := "15508-5"+loinc, "99999-9"+loinc
	for _, c := range []struct {
		name              string
		set               authz.TypeSet
		delivery, unknown bool
	}{
		{"physician", types(matrix.Options{}, "10", "SM26"), true, false},
		{"podiatrist", types(matrix.Options{}, "80", ""), false, false},
		{"dentist", types(matrix.Options{}, "40", ""), true, false},
		{"occupational", types(matrix.Options{}, "10", "SM25"), false, false},
		{"unknown profession", types(matrix.Options{}, "77", ""), false, false},
		{"no profession", types(matrix.Options{}, "", ""), false, false},
		{"generic, physician", types(matrix.Options{Generic: true}, "10", "SM26"), true, true},
		{"generic, podiatrist", types(matrix.Options{Generic: true}, "80", ""), false, false},
		{"generic, unknown profession", types(matrix.Options{Generic: true}, "77", ""), false, false},
	} {
		if c.set.Has(delivery) != c.delivery || c.set.Has(unknown) != c.unknown {
			t.Errorf("%s: delivery report %v, unknown type %v", c.name, c.set.Has(delivery), c.set.Has(unknown))
		}
	}
	if types(matrix.Options{Generic: true}, "10", "").Has("ATTEST-RESID^^" + schemeOf(m, "ATTEST-RESID")) {
		t.Error("the generic profile opens what the matrix refuses")
	}
	if types(matrix.Options{}, "10", "").Has("15508-5^^1.2.3") {
		t.Error("the code of another scheme counts")
	}
	for _, profession := range []string{"93", "R94", "R95", "R291"} {
		if len(types(matrix.Options{}, profession, "").Allowed) != 0 || len(types(matrix.Options{Provisional: true}, profession, "").Allowed) == 0 {
			t.Errorf("%s: provisional columns are in force with the option alone", profession)
		}
	}
}

func schemeOf(m *matrix.Matrix, code string) string {
	for _, typ := range m.Types {
		if value, scheme, _ := strings.Cut(typ.Key, "^^"); value == code {
			return scheme
		}
	}
	return ""
}

const (
	columns = "column,label,professions,specialties,provisional\nmedecin,Médecin,10,,0\ntravail,Médecin du travail,10,SM25,0\n"
	cells   = "typeCode,scheme,display,classCode,medecin,travail\n11502-2,1.2,Biologie,11,1F1,0F8\n15508-5,1.2,Accouchement,11,1,0\n"
)

// The version names the content: it changes with any cell or column, and with
// nothing else.
func TestVersion(t *testing.T) {
	version := func(name, columns, cells string) string {
		t.Helper()
		m, err := matrix.Read(name, strings.NewReader(columns), strings.NewReader(cells))
		if err != nil {
			t.Fatal(err)
		}
		return m.Version
	}
	first := version("locale", columns, cells)
	if !strings.HasPrefix(first, "locale@") || len(first) != len("locale@")+12 || first != version("locale", columns, cells) {
		t.Errorf("version %s", first)
	}
	versions := []string{
		first, version("autre", columns, cells), version("locale", columns, strings.Replace(cells, "1,0\n", "0,0\n", 1)),
		version("locale", strings.Replace(columns, "SM25,0", "SM25,1", 1), cells), embedded(t).Version,
	}
	slices.Sort(versions)
	if len(slices.Compact(versions)) != 5 {
		t.Errorf("versions %v", versions)
	}
}

// Each defect is found where it stands, and nothing is made of the tables.
func TestReadRefusesBadTables(t *testing.T) {
	change := strings.Replace
	const header = "typeCode,scheme,display,classCode,medecin,travail\n"
	for _, c := range []struct{ name, columns, cells, want string }{
		{"no columns", "", cells, "POL-001 columns.csv 1:1"},
		{"columns, header alone", "column,label,professions,specialties,provisional\n", cells, "POL-007 columns.csv 0:0"},
		{"columns, other header", change(columns, "professions", "codes", 1), cells, "POL-001 columns.csv 1:1"},
		{"columns, too few fields", "column,label\nmedecin,Médecin\n", cells, "POL-001 columns.csv 1:1"},
		{"columns, a short row", columns + "x,y\n", cells, "POL-001 columns.csv 4:1"},
		{"column without a name", change(columns, "\nmedecin,", "\n,", 1), cells, "POL-005 columns.csv 2:1"},
		{"column name in capitals", change(columns, "\nmedecin,", "\nMedecin,", 1), change(cells, "medecin", "Medecin", 1), "POL-005 columns.csv 2:1"},
		{"column without professions", change(columns, ",10,,0", ",,,0", 1), cells, "POL-002 columns.csv 2:3"},
		{"profession in words", change(columns, ",10,,0", ",médecin,,0", 1), cells, "POL-002 columns.csv 2:3"},
		{"specialty in words", change(columns, "SM25", "du travail", 1), cells, "POL-005 columns.csv 3:4"},
		{"provisional neither 0 nor 1", change(columns, ",10,,0", ",10,,oui", 1), cells, "POL-004 columns.csv 2:5"},
		{"a label of two lines", change(columns, "Médecin,", "\"Méde\ncin\",", 1), cells, "POL-001 columns.csv 2:2"},
		{"column twice", change(columns, "travail,", "medecin,", 1), change(cells, ",travail", ",medecin", 1), "POL-006 columns.csv 3:1"},
		{"profession twice", change(columns, "SM25", "", 1), cells, "POL-006 columns.csv 3:3"},
		{"no cells", columns, "", "POL-001 matrice.csv 1:1"},
		{"cells, header alone", columns, header, "POL-007 matrice.csv 0:0"},
		{"cells, other header", columns, change(cells, "scheme", "oid", 1), "POL-001 matrice.csv 1:1"},
		{"a column missing", columns, "typeCode,scheme,display,classCode,medecin\n11502-2,1.2,Biologie,11,1\n", "POL-005 matrice.csv 1:1"},
		{"a column nobody described", columns, change(cells, "travail", "dentiste", 1), "POL-005 matrice.csv 1:6"},
		{"a column of cells twice", columns, change(cells, "travail", "medecin", 1), "POL-006 matrice.csv 1:6"},
		{"type twice", columns, cells + "11502-2,1.2,Biologie,11,1,0\n", "POL-006 matrice.csv 4:1"},
		{"type without code", columns, change(cells, "15508-5", "", 1), "POL-003 matrice.csv 3:1"},
		{"type without scheme", columns, change(cells, "15508-5,1.2", "15508-5,", 1), "POL-003 matrice.csv 3:1"},
		{"empty cell", columns, change(cells, ",1,0\n", ",1,\n", 1), "POL-004 matrice.csv, type 15508-5, colonne travail 3:6"},
		{"cell neither 0 nor 1", columns, change(cells, ",1,0\n", ",1,2\n", 1), "POL-004 matrice.csv, type 15508-5, colonne travail 3:6"},
		{"cell of two digits", columns, change(cells, ",1,0\n", ",10,0\n", 1), "POL-004 matrice.csv, type 15508-5, colonne medecin 3:5"},
		{"a short row of cells", columns, cells + "1,2\n", "POL-001 matrice.csv 4:1"},
		{"a broken quote", columns, cells + "\"", "POL-001 matrice.csv 4:2"},
		{"not UTF-8", columns, change(cells, "Biologie", "Biologie m\xe9dicale", 1), "POL-001 matrice.csv 0:0"},
	} {
		m, err := matrix.Read("test", strings.NewReader(c.columns), strings.NewReader(c.cells))
		if found := told(err); len(found) == 0 || found[0] != c.want || m != nil {
			t.Errorf("%s: %q, want %q", c.name, found, c.want)
		}
	}
}

// told are the findings of an error, each as its code and where it is.
func told(err error) (all []string) {
	findings, _ := xds.FindingsOf(err)
	for _, e := range findings {
		where := fmt.Sprintf("%s %s", e.ID, e.Where)
		if !strings.Contains(e.Where, "#") {
			where += fmt.Sprintf(" %d:%d", e.Line, e.Column)
		}
		all = append(all, where)
	}
	return all
}

// What Encode writes, Read reads; the embedded tables are in that very form.
func TestEncode(t *testing.T) {
	m := embedded(t)
	columns, cells := m.Encode()
	for name, written := range map[string][]byte{"columns.csv": columns, "matrice.csv": cells} {
		file, err := os.ReadFile(filepath.Join("data", name))
		if err != nil || !bytes.Equal(file, written) {
			t.Errorf("%s is not what Encode writes (%v)", name, err)
		}
	}
	again, err := matrix.Read(matrix.EmbeddedName, bytes.NewReader(columns), bytes.NewReader(cells))
	if err != nil || again.Version != m.Version || again.Checksum != m.Checksum || !strings.HasPrefix(m.Checksum, m.Version[len(matrix.EmbeddedName)+1:]) {
		t.Errorf("%s, then %+v (%v)", m.Version, again, err)
	}
}
