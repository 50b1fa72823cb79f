package dmp

import (
	"embed"
	"encoding/csv"
	"fmt"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

//go:embed valuesets/*.csv
var files embed.FS

// sets are the value sets by attribute; authorSpecialty has no attribute of its
// own and stands under AttrAuthor.
type sets map[xds.Attribute]*profile.ValueSet

// ValueSets are the value sets that the dmp profile holds an attribute to; that
// of AttrAuthor is about authorSpecialty. They are not to be modified.
func ValueSets() map[xds.Attribute]*profile.ValueSet { return valueSets }

var valueSets = sets{
	xds.AttrTypeCode:        {Name: "JDV_J66 (ASS_X16)", OID: "1.2.250.1.213.1.1.5.587", Codes: typeCodes()},
	xds.AttrClassCode:       {Name: "TRE_A03", OID: "1.2.250.1.213.1.1.4.1", Codes: codes("class")},
	xds.AttrFormatCode:      {Name: "JDV_J60", OID: "1.2.250.1.213.1.1.5.8", Codes: codes("format"), AnyScheme: true},
	xds.AttrConfidentiality: {Name: "JDV_J08", OID: "1.2.250.1.213.1.1.5.463", Codes: codes("confidentiality")},
	xds.AttrFacilityType:    {Name: "JDV_J02", OID: "1.2.250.1.213.1.1.5.466", Codes: codes("facility")},
	xds.AttrPracticeSetting: {Name: "JDV_J04", OID: "1.2.250.1.213.1.1.5.467", Codes: codes("practice-setting")},
	xds.AttrAuthor:          {Name: "JDV_J01", OID: "1.2.250.1.213.1.1.5.461", Codes: codes("author-specialty"), Open: true},
	xds.AttrContentType:     {Name: "JDV_J59", OID: "1.2.250.1.213.1.1.5.2", Codes: codes("content-type"), Partial: true},
	xds.AttrReferenceIDs:    {Name: "JDV_J231", OID: "1.2.250.1.213.1.1.5.693", Codes: codes("reference-id"), AnyScheme: true, Partial: true},
	xds.AttrLanguageCode:    {Name: "langue du DMP", Codes: []xds.Code{{Value: "fr-FR", Display: "français"}}, AnyScheme: true},
}

// codes reads a value set: code, scheme, display.
func codes(name string) []xds.Code {
	var all []xds.Code
	for _, row := range table(name, 3) {
		all = append(all, xds.Code{Value: row[0], Scheme: row[1], Display: row[2]})
	}
	return all
}

// table reads an embedded file without its heading. The files are part of the
// program: one that cannot be read is a mistake of the build, which a test finds.
func table(name string, columns int) [][]string {
	f, err := files.Open("valuesets/" + name + ".csv")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = columns
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		panic(fmt.Errorf("value set %s: %w", name, err))
	}
	return rows[1:]
}

// class of each document type, by the type's code^^scheme (ASS_X16, then ASS_X04).
var classes = func() map[string]xds.Code {
	display := map[string]xds.Code{}
	for _, c := range codes("class") {
		display[c.Key()] = c
	}
	byType := map[string]xds.Code{}
	for _, row := range table("type-class", 6) {
		if class := (xds.Code{Value: row[3], Scheme: row[4]}); class.Value != "" && row[0] != xds.SignatureType {
			byType[xds.Code{Value: row[0], Scheme: row[1]}.Key()] = display[class.Key()]
		}
	}
	return byType
}()

// typeCodes are the types that the DMP takes. The signature document is not
// among them: it is exempt (policy C-02).
func typeCodes() []xds.Code {
	var all []xds.Code
	for _, row := range table("type-class", 6) {
		if row[5] == "1" && row[0] != xds.SignatureType {
			all = append(all, xds.Code{Value: row[0], Scheme: row[1], Display: row[2]})
		}
	}
	return all
}

// Class is the document class that follows from a type; ok is false when the
// table has no such type.
func Class(documentType xds.Code) (class xds.Code, ok bool) {
	class, ok = classes[documentType.Key()]
	return class, ok
}
