package lot

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
)

// Row is one value of a submission and where its sender took it from.
type Row struct {
	Object    string // DocumentEntry, SubmissionSet or Association
	Attribute string // as findings name it: eventCodeList[2], author[1].authorPerson
	Value     string // a code as code^^scheme (display name)
	From      string // the path in the CDA, or in words what made the value
	Line      int    // of the path; 0 when the value was not read in the document
	Column    int
}

// made says what makes a value that the header does not tell, in French.
var made = map[string]string{
	"classCode": "déduit de typeCode", "typeCode": "choix de l'émetteur", "confidentialityCode": "choix de l'émetteur",
	"mimeType": "tout CDA", "hash": "calculé sur les octets", "size": "calculé sur les octets",
}

// Rows are the values of a submission of one document, those of the entry in the
// order of xds.Attribute, and where each came from. Ids that only tie the message
// together are left out.
func Rows(h cda.Header, s xds.Submission) []Row {
	var rows []Row
	for _, d := range s.Documents {
		d.EntryUUID, d.ObjectType = "", ""
		for a := range xds.AttributeCount {
			for _, v := range values(a, d.At(a)) {
				rows = append(rows, row(h, v))
			}
		}
	}
	set := func(attribute, value, from string) {
		if value != "" {
			rows = append(rows, Row{Object: "SubmissionSet", Attribute: attribute, Value: value, From: from})
		}
	}
	set("uniqueId", s.Set.UniqueID, "tiré au hasard")
	set("sourceId", s.Set.SourceID, "logiciel émetteur")
	set("patientId", string(s.Set.PatientID), "celui du document")
	set("submissionTime", string(s.Set.SubmissionTime), "maintenant")
	set("contentTypeCode", shown(s.Set.ContentType), "choix de l'émetteur")
	for _, v := range values(xds.AttrAuthor, &s.Set.Authors) {
		set(v.attribute, v.text, "identité du jeton")
	}
	for _, a := range s.Associations {
		if a.Type != xds.HasMember {
			rows = append(rows, relation(h, a))
		}
	}
	return rows
}

func row(h cda.Header, v value) Row {
	r := Row{Object: "DocumentEntry", Attribute: v.attribute, Value: v.text}
	if o, ok := h.Origin(v.attribute); ok {
		r.From, r.Line, r.Column = o.Path, o.Line, o.Column
		return r
	}
	name, _, _ := strings.Cut(v.attribute, "[")
	r.From = made[name]
	return r
}

// relation is the row of an association to a registered document.
func relation(h cda.Header, a xds.Association) Row {
	r := Row{Object: "Association", Attribute: Kind(a.Type), Value: a.Target, From: "choix de l'émetteur"}
	for i, named := range h.Relations {
		if o, ok := h.Origin("relatedDocument[" + strconv.Itoa(i+1) + "]"); ok && named.Type == a.Type {
			r.From, r.Line, r.Column = o.Path, o.Line, o.Column
		}
	}
	return r
}

// value is one value of an attribute, under its name with its rank and part.
type value struct{ attribute, text string }

// values are those that an At pointer holds.
func values(a xds.Attribute, at any) []value {
	name := a.String()
	ranked := func(i int) string { return name + "[" + strconv.Itoa(i+1) + "]" }
	var all []value
	switch p := at.(type) {
	case *xds.Code:
		if !p.IsZero() {
			all = append(all, value{name, shown(*p)})
		}
	case *[]xds.Code:
		for i, c := range *p {
			all = append(all, value{ranked(i), shown(c)})
		}
	case *[]string:
		for i, text := range *p {
			all = append(all, value{ranked(i), text})
		}
	case *[]xds.Author:
		for i, author := range *p {
			all = append(all, parts(ranked(i), author)...)
		}
	default:
		for _, text := range xds.Texts(at) {
			all = append(all, value{name, text})
		}
	}
	return all
}

// parts are those of one author.
func parts(name string, a xds.Author) []value {
	var all []value
	add := func(part, text string) {
		if text != "" {
			all = append(all, value{name + "." + part, text})
		}
	}
	add("authorPerson", string(a.Person))
	for _, x := range a.Institutions {
		add("authorInstitution", string(x))
	}
	for _, text := range a.Roles {
		add("authorRole", text)
	}
	for _, text := range a.Specialties {
		add("authorSpecialty", text)
	}
	return all
}

func shown(c xds.Code) string {
	if c.Display == "" {
		return c.Key()
	}
	return c.Key() + " (" + c.Display + ")"
}
