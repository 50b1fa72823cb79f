package dmp

import (
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

//go:embed valuesets/*.csv
var files embed.FS

// Sets are one version of the value sets: those of each attribute, and the class that
// follows from each type. They are not to be modified.
type Sets struct {
	ByAttribute map[xds.Attribute]*profile.ValueSet // that of AttrAuthor is about authorSpecialty
	classes     map[string]xds.Code                 // by code^^scheme of the type (ASS_X16, then ASS_X04)
}

// embedded are those of the program: a mistake in them is one of the build, which a test
// finds.
var embedded = func() *Sets {
	s, err := ReadSets(nil)
	if err != nil {
		panic(err)
	}
	return s
}()

// ValueSets are the value sets that the dmp profile of the program holds an attribute to.
func ValueSets() map[xds.Attribute]*profile.ValueSet { return embedded.ByAttribute }

// Class is the document class that follows from a type, in the program's own version; ok
// is false when the table has no such type.
func Class(documentType xds.Code) (class xds.Code, ok bool) { return embedded.Class(documentType) }

// Class is the document class that follows from a type.
func (s *Sets) Class(documentType xds.Code) (class xds.Code, ok bool) {
	class, ok = s.classes[documentType.Key()]
	return class, ok
}

// maxRows bounds one file of a version.
const maxRows = 20_000

// ReadSets reads a version: CSV files of the names and columns of the program's own
// (valuesets/). Those that a version leaves out are the program's. All findings (CODE-001)
// at once.
func ReadSets(version fs.FS) (*Sets, error) {
	r := reader{version: version}
	s := &Sets{ByAttribute: map[xds.Attribute]*profile.ValueSet{
		xds.AttrTypeCode:        {Name: "JDV_J66 (ASS_X16)", OID: "1.2.250.1.213.1.1.5.587", Codes: r.typeCodes()},
		xds.AttrClassCode:       {Name: "TRE_A03", OID: "1.2.250.1.213.1.1.4.1", Codes: r.codes("class")},
		xds.AttrFormatCode:      {Name: "JDV_J60", OID: "1.2.250.1.213.1.1.5.8", Codes: r.codes("format"), AnyScheme: true},
		xds.AttrConfidentiality: {Name: "JDV_J08", OID: "1.2.250.1.213.1.1.5.463", Codes: r.codes("confidentiality")},
		xds.AttrFacilityType:    {Name: "JDV_J02", OID: "1.2.250.1.213.1.1.5.466", Codes: r.codes("facility")},
		xds.AttrPracticeSetting: {Name: "JDV_J04", OID: "1.2.250.1.213.1.1.5.467", Codes: r.codes("practice-setting")},
		xds.AttrAuthor:          {Name: "JDV_J01", OID: "1.2.250.1.213.1.1.5.461", Codes: r.codes("author-specialty"), Open: true},
		xds.AttrContentType:     {Name: "JDV_J59", OID: "1.2.250.1.213.1.1.5.2", Codes: r.codes("content-type"), Partial: true},
		xds.AttrReferenceIDs:    {Name: "JDV_J231", OID: "1.2.250.1.213.1.1.5.693", Codes: r.codes("reference-id"), AnyScheme: true, Partial: true},
		xds.AttrLanguageCode:    {Name: "langue du DMP", Codes: []xds.Code{{Value: "fr-FR", Display: "français"}}, AnyScheme: true},
	}, classes: r.classes()}
	for _, mark := range (xds.Marks{MaskedPS: true, HiddenPatient: true, HiddenReps: true}).Codes() {
		if _, there := s.ByAttribute[xds.AttrConfidentiality].Find(mark); !there {
			r.find("confidentiality.csv", "", mark.Key()+" : les marques sont de la politique d'accès et ne se retirent pas")
		}
	}
	return s, r.findings.Err()
}

// reader reads the files of a version.
type reader struct {
	version  fs.FS // nil: the program's own
	findings xds.Errors
}

func (r *reader) find(where, found, expected string) {
	r.findings.Add(&xds.Error{ID: "CODE-001", Where: where, Found: found, Expected: expected})
}

// codes reads a value set: code, scheme, display.
func (r *reader) codes(name string) []xds.Code {
	var all []xds.Code
	seen := map[string]bool{}
	for i, row := range r.table(name, 3) {
		c := xds.Code{Value: row[0], Scheme: row[1], Display: row[2]}
		if c.Value == "" || seen[c.Key()] {
			r.find(name+".csv:"+strconv.Itoa(i+2), c.Key(), "un code, une seule fois")
		}
		seen[c.Key()] = true
		all = append(all, c)
	}
	return all
}

// table reads a file without its heading.
func (r *reader) table(name string, columns int) [][]string {
	var f fs.File
	err := fs.ErrNotExist
	if r.version != nil {
		f, err = r.version.Open(name + ".csv")
	}
	if errors.Is(err, fs.ErrNotExist) {
		f, err = files.Open("valuesets/" + name + ".csv")
	}
	if err != nil {
		r.find(name+".csv", "", "un fichier lisible")
		return nil
	}
	defer f.Close()
	c := csv.NewReader(f)
	c.FieldsPerRecord = columns
	rows, err := c.ReadAll()
	if err != nil || len(rows) < 2 || len(rows) > maxRows {
		r.find(name+".csv", "", fmt.Sprintf("une ligne de titres et des lignes de %d colonnes", columns))
		return nil
	}
	return rows[1:]
}

// classes read the class of each document type.
func (r *reader) classes() map[string]xds.Code {
	display := map[string]xds.Code{}
	for _, c := range r.codes("class") {
		display[c.Key()] = c
	}
	byType := map[string]xds.Code{}
	for i, row := range r.table("type-class", 6) {
		class := xds.Code{Value: row[3], Scheme: row[4]}
		if class.Value == "" || row[0] == xds.SignatureType {
			continue
		}
		known, there := display[class.Key()]
		if !there {
			r.find("type-class.csv:"+strconv.Itoa(i+2), class.Key(), "une classe de class.csv")
		}
		byType[xds.Code{Value: row[0], Scheme: row[1]}.Key()] = known
	}
	return byType
}

// typeCodes are the types that the DMP takes. The signature document is not
// among them: it is exempt (policy C-02).
func (r *reader) typeCodes() []xds.Code {
	var all []xds.Code
	for _, row := range r.table("type-class", 6) {
		if row[5] == "1" && row[0] != xds.SignatureType {
			all = append(all, xds.Code{Value: row[0], Scheme: row[1], Display: row[2]})
		}
	}
	return all
}

// Files gives each file of the program's own version, and how many there are.
func Files(each func(name string, raw []byte) error) (n int, err error) {
	names, err := fs.Glob(files, "valuesets/*.csv")
	for _, name := range names {
		raw, err := files.ReadFile(name)
		if err == nil {
			err = each(path.Base(name), raw)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, err
}
