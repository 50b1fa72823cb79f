package vaccination

import (
	_ "embed"
	"encoding/csv"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// vaccinesCSV is a small table of vaccines: those that the value sets and samples of
// the CI-SIS name, and those of the calendar. A code that it does not hold is no error:
// the BDPM has hundreds.
//
//go:embed vaccines.csv
var vaccinesCSV string

// vaccine is one row: the name, and the diseases that it protects from.
type vaccine struct {
	name     string
	atc      string
	diseases []string
}

var vaccines = func() map[string]vaccine {
	rows, err := csv.NewReader(strings.NewReader(vaccinesCSV)).ReadAll()
	if err != nil {
		panic(err) // a mistake of the build, which every test meets
	}
	table := map[string]vaccine{}
	for _, row := range rows[1:] {
		table[row[1]+"^^"+row[0]] = vaccine{row[2], row[3], strings.Split(row[4], ";")}
	}
	return table
}()

// Vaccines are the ATC codes of the table, in the order of their codes.
func Vaccines() (codes []xds.Code) {
	for key, v := range vaccines {
		if value, ok := strings.CutSuffix(key, "^^"+ATC); ok {
			codes = append(codes, xds.Code{Value: value, Scheme: ATC, Display: v.name})
		}
	}
	slices.SortFunc(codes, func(a, b xds.Code) int { return strings.Compare(a.Value, b.Value) })
	return codes
}

// NameOf is the name of a vaccine in the table, "" when it holds none.
func NameOf(c xds.Code) string { return vaccines[c.Key()].name }

// ATCOf are the ATC codes of an act: its own, else those of its other codes by the table.
func (a Act) ATCOf() (codes []string) {
	for _, c := range a.Vaccine {
		if c.Scheme == ATC {
			codes = append(codes, c.Value)
		}
	}
	for _, c := range a.Vaccine {
		if v, known := vaccines[c.Key()]; known && len(codes) == 0 {
			codes = append(codes, v.atc)
		}
	}
	return codes
}

// Diseases are those that a vaccine protects from, none when the table does not say.
func Diseases(c xds.Code) []string { return vaccines[c.Key()].diseases }
