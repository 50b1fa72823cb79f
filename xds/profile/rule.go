package profile

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

// value is one value of an attribute with its place.
type value struct {
	place Place
	text  string
	code  xds.Code
	coded bool
}

// rule judges one rule on every object that it is about.
func (r *Report) rule(rule *Rule) {
	switch rule.Object {
	case Set:
		r.attribute(rule, Place{Object: Set, ID: r.Lot.Set.EntryUUID}, r.Lot.Set.At)
	case Document:
		for i := range r.Lot.Documents {
			d := &r.Lot.Documents[i]
			if rule.ExceptSignature && IsSignature(d) || rule.ExceptOnDemand && r.Context.Form == OnDemanded {
				continue
			}
			r.attribute(rule, Place{Object: Document, Index: i, ID: d.EntryUUID}, d.At)
		}
	case Folder:
		for i := range r.Lot.Folders {
			f := &r.Lot.Folders[i]
			r.attribute(rule, Place{Object: Folder, Index: i, ID: f.EntryUUID}, f.At)
		}
	}
}

// attribute judges the values of one attribute: how many, then each.
func (r *Report) attribute(rule *Rule, object Place, at func(xds.Attribute) any) {
	place := object.of(rule.Attribute)
	values := read(rule, place, at(rule.Attribute))
	if len(values) < rule.Min && !r.spares(rule) {
		r.flag(rule, place.part(rule.Part), &xds.Error{ID: "META-001", Expected: rule.expected()})
	}
	if rule.Max > 0 && len(values) > rule.Max {
		r.flag(rule, place.part(rule.Part), &xds.Error{ID: "META-002", Found: strconv.Itoa(len(values)) + " valeurs", Expected: "au plus " + strconv.Itoa(rule.Max)})
	}
	for i := range values {
		if len(r.found) >= xds.MaxFindings {
			return
		}
		if e := rule.judge(&values[i]); e != nil {
			r.flag(rule, values[i].place, e)
		}
	}
}

// spares tells whether the attribute may be left out in this form.
func (r *Report) spares(rule *Rule) bool {
	return r.Context.Form == Limited && slices.ContainsFunc(r.Profile.Sparing, func(s Rule) bool { return s.Object == rule.Object && s.Attribute == rule.Attribute })
}

// flag enters the finding of a rule unless an earlier rule has one at the same place.
func (r *Report) flag(rule *Rule, at Place, e *xds.Error) {
	if !r.flagged[at] {
		r.flagged[at] = true
		e.Severity = r.Context.Relaxed.severity(rule, e)
		r.Add(at, e)
	}
}

// limit is how many characters one value may have.
func (rule *Rule) limit() int {
	switch {
	case rule.MaxChars > 0:
		return rule.MaxChars
	case rule.Attribute == xds.AttrTitle, rule.Attribute == xds.AttrComments:
		return MaxText
	default:
		return MaxValue
	}
}

// tooLong is the finding about a text of more than limit characters, nil for others.
func tooLong(text string, limit int) *xds.Error {
	n := utf8.RuneCountInString(text)
	if n <= limit {
		return nil
	}
	return &xds.Error{ID: "META-010", Found: strconv.Itoa(n) + " caractères", Expected: "au plus " + strconv.Itoa(limit) + " caractères"}
}

// judge looks at one value: length, data type, value set.
func (rule *Rule) judge(v *value) *xds.Error {
	if e := tooLong(v.text, rule.limit()); e != nil {
		return e
	}
	if rule.Type.Problem != nil {
		if problem := rule.Type.Problem(v.text); problem != "" {
			e := &xds.Error{ID: "META-004", Found: v.text, Expected: problem}
			if v.place.private() {
				e.Found = ""
			}
			return e
		}
	}
	if rule.Set == nil {
		return nil
	}
	code := v.code
	if !v.coded {
		code = xds.Code{Value: v.text}
		if rule.Code != nil {
			code = rule.Code(v.text)
		}
	}
	severity, ok := rule.Set.judge(code)
	if ok {
		return nil
	}
	return &xds.Error{ID: "META-003", Severity: severity, Found: shown(code), Expected: rule.Set.String(), Nearest: rule.Set.Nearest(code.Value, 3)}
}

// shown is a code as a sender wrote it.
func shown(c xds.Code) string {
	if c.Scheme == "" {
		return c.Value
	}
	return c.Key()
}

// expected says what a missing value should be.
func (rule *Rule) expected() string {
	switch {
	case rule.Set != nil:
		return rule.Set.String()
	case rule.Type.Name != "":
		return rule.Type.Name
	default:
		return ""
	}
}

// read lists the values that an At pointer holds, or one part of its authors.
func read(rule *Rule, place Place, at any) []value {
	switch p := at.(type) {
	case *[]xds.Author:
		var all []value
		for i := range *p {
			all = append(all, authorPart(&(*p)[i], rule.Part, place.at(i+1))...)
		}
		return all
	case *xds.Code:
		if p.IsZero() {
			return nil
		}
		return []value{{place: place, text: p.Value, code: *p, coded: true}}
	case *[]xds.Code:
		all := make([]value, len(*p))
		for i, c := range *p {
			all[i] = value{place: place.at(i + 1), text: c.Value, code: c, coded: true}
		}
		return all
	case *[]string:
		all := make([]value, len(*p))
		for i, s := range *p {
			all[i] = value{place: place.at(i + 1), text: s}
		}
		return all
	default:
		var all []value
		for _, s := range xds.Texts(at) {
			all = append(all, value{place: place, text: s})
		}
		return all
	}
}

// authorPart lists the values of one slot of an author; the part "" is the author himself.
func authorPart(a *xds.Author, part string, place Place) []value {
	place = place.part(part)
	var texts []string
	switch part {
	case "":
		return []value{{place: place}}
	case "authorPerson":
		if a.Person != "" {
			texts = []string{string(a.Person)}
		}
	case "authorInstitution":
		for _, x := range a.Institutions {
			texts = append(texts, string(x))
		}
	case "authorRole":
		texts = a.Roles
	case "authorSpecialty":
		texts = a.Specialties
	case "authorTelecommunication":
		texts = a.Telecoms
	}
	all := make([]value, len(texts))
	for i, s := range texts {
		all[i] = value{place: place, text: s}
	}
	return all
}
