package console

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// category is one of the categories under which persons find their documents, those of
// Mon espace santé (users §2). A type has one by its own row, else by its class.
type category struct {
	Code  string // of Mon espace santé, in lower case: it stands in addresses
	Label string
	types []string // typeCode
	class []string // classCode; the last category takes all that no other one has
	own   string   // typeCode under which a person adds a document of it, "" = none may
}

// The code systems of types and classes (domain §2).
const (
	loincScheme = "2.16.840.1.113883.6.1"
	typeScheme  = "1.2.250.1.213.1.1.4.12"
	classScheme = "1.2.250.1.213.1.1.4.1"
)

var categories = []category{
	{Code: "ord_soin", Label: "Ordonnances et soins", types: []string{"DOCPAT02"}, class: []string{"42", "43", "44", "45"}, own: "DOCPAT02"},
	{Code: "cpt_rend", Label: "Comptes rendus", types: []string{"DOCPAT03"}, class: []string{"10"}, own: "DOCPAT03"},
	{Code: "biologie", Label: "Analyses de biologie", types: []string{"11502-2", "51969-4", "11526-1", "60568-3", "DOCPAT05"}, own: "DOCPAT05"},
	{Code: "radio_sc", Label: "Imagerie médicale", types: []string{"DOCPAT04"}, class: []string{"31"}, own: "DOCPAT04"},
	{Code: "synthese", Label: "Synthèses", types: []string{"DOCPAT01"}, class: []string{"11"}, own: "DOCPAT01"},
	{Code: "car_vac", Label: "Vaccinations", types: []string{"11369-6", "87273-9", "96874-3"}},
	{Code: "depistag", Label: "Prévention et dépistage", types: []string{"75492-9", "75482-0", "68817-6", "59283-2", "83869-8", "96173-0", "DOCPAT06"}, own: "DOCPAT06"},
	{Code: "cert_med", Label: "Certificats médicaux", types: []string{"DOCPAT07"}, class: []string{"52"}, own: "DOCPAT07"},
	{Code: "doc_adm", Label: "Documents administratifs", types: []string{"DOCPAT09"}, class: []string{"95"}, own: "DOCPAT09"},
	{Code: "dir_ant", Label: "Directives anticipées", types: []string{"EXPPAT_3"}, own: "EXPPAT_3"},
	{Code: "vdp", Label: "Volontés et droits", types: []string{"EXPPAT_1"}, own: "EXPPAT_1"},
	{Code: "synth_pml", Label: "Synthèse de mon profil médical", types: []string{"DOCPAT08"}},
	{Code: "quest_sante", Label: "Questionnaires de santé", types: []string{"74465-6"}},
	{Code: "remb", Label: "Remboursements", types: []string{"REMB"}, class: []string{"60"}},
	{Code: "autr_doc", Label: "Autres documents", types: []string{"EXPPAT_2", "DOCPAT10"}, own: "EXPPAT_2"},
}

// categoryLabels are their texts, for the test of the translations.
func categoryLabels() (all []string) {
	for _, c := range categories {
		all = append(all, c.Label)
	}
	return all
}

// categoryNamed is the category of an address.
func categoryNamed(code string) (category, bool) {
	i := slices.IndexFunc(categories, func(c category) bool { return c.Code == code })
	if i < 0 {
		return category{}, false
	}
	return categories[i], true
}

// categoryOf is where a document is found.
func categoryOf(e xds.DocumentEntry) category {
	if i := slices.IndexFunc(categories, func(c category) bool { return slices.Contains(c.types, e.TypeCode.Value) }); i >= 0 {
		return categories[i]
	}
	if i := slices.IndexFunc(categories, func(c category) bool { return slices.Contains(c.class, e.ClassCode.Value) }); i >= 0 {
		return categories[i]
	}
	return categories[len(categories)-1]
}

// match is the condition of a category on documents.
func (c category) match() xds.Match {
	itself := xds.Match{Attribute: xds.AttrTypeCode, Op: xds.Equals, Codes: codesOf(c.types)}
	var elsewhere, classes []string
	for _, other := range categories {
		if elsewhere = append(elsewhere, other.types...); other.Code != c.Code {
			classes = append(classes, other.class...)
		}
	}
	byClass := xds.Match{Attribute: xds.AttrClassCode, Op: xds.Equals, Codes: classesOf(c.class)}
	if c.Code == categories[len(categories)-1].Code {
		byClass = xds.Match{Attribute: xds.AttrClassCode, Op: xds.Equals, Codes: classesOf(classes), Not: true}
	} else if len(c.class) == 0 {
		return itself
	}
	return xds.AnyOf(itself, xds.Match{All: []xds.Match{byClass, {Attribute: xds.AttrTypeCode, Op: xds.Equals, Codes: codesOf(elsewhere), Not: true}}})
}

// codesOf are types by their values: LOINC when they start with a digit.
func codesOf(values []string) (all []xds.Code) {
	for _, v := range values {
		all = append(all, typeOf(v))
	}
	return all
}

func typeOf(value string) xds.Code {
	if strings.ContainsAny(value[:1], "0123456789") {
		return xds.Code{Value: value, Scheme: loincScheme}
	}
	return xds.Code{Value: value, Scheme: typeScheme}
}

func classesOf(values []string) (all []xds.Code) {
	for _, v := range values {
		all = append(all, xds.Code{Value: v, Scheme: classScheme})
	}
	return all
}

// ownTypes are the names of the types under which persons add documents (ASS_X16).
var ownTypes = map[string]string{
	"EXPPAT_1": "Volontés et droits du patient", "EXPPAT_2": "Autre document du patient", "EXPPAT_3": "Directives anticipées",
	"DOCPAT01": "Synthèse déposée par le patient", "DOCPAT02": "Traitement ou document de soins déposé par le patient", "DOCPAT03": "CR déposé par le patient",
	"DOCPAT04": "Imagerie déposée par le patient", "DOCPAT05": "CR de biologie déposé par le patient", "DOCPAT06": "CR de prévention déposé par le patient",
	"DOCPAT07": "Certificat déposé par le patient", "DOCPAT09": "Document administratif déposé par le patient",
}

func ownType(value string) xds.Code {
	return xds.Code{Value: value, Scheme: typeScheme, Display: ownTypes[value]}
}
