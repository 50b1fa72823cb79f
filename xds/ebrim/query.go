package ebrim

import (
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// ReturnType is what a query answers with (ITI TF-2 3.18.4.1.2.6).
type ReturnType string

// The return types that are answered.
const (
	LeafClass ReturnType = "LeafClass" // whole objects
	ObjectRef ReturnType = "ObjectRef" // ids alone
)

// StoredQuery is a decoded AdhocQueryRequest.
type StoredQuery struct {
	Row        *CatalogueRow
	ReturnType ReturnType
	// Query holds the patient and the conditions on documents. For a query by id
	// the patient is empty.
	Query xds.Query
	// Sets and Folders are the conditions on the other objects.
	Sets, Folders []xds.Match
	Patients      []xds.CX // of a multi-patient query
	// IDs are the objects asked for, By the attribute that they are values of:
	// AttrEntryUUID, AttrLogicalID or AttrUniqueID.
	IDs []string
	By  xds.Attribute
	// AssociationTypes of GetRelatedDocuments.
	AssociationTypes []xds.AssociationType
	// AssociationStatuses that associations are wanted in; none said is Approved.
	AssociationStatuses []xds.Status
	HomeCommunityID     string
	MetadataLevel       int // 1 unless said otherwise
}

// parameter is one slot of the query with its values.
type parameter struct {
	*Param
	el     *xmlgate.Element
	values []literal
}

// queryDecoder reads one AdhocQuery.
type queryDecoder struct {
	decoder
	q     StoredQuery
	given map[string]int // slots per parameter name
}

// DecodeQuery reads a query:AdhocQueryRequest (ITI-18, ITI-51). A parameter that
// the query does not have is an error, because leaving it aside would answer
// more than was asked; a slot whose name does not start with `$` is no
// parameter and gives a warning.
func DecodeQuery(request *xmlgate.Element) (StoredQuery, xds.Errors) {
	d := queryDecoder{given: map[string]int{}}
	d.q.MetadataLevel = 1
	query := request.Child(NamespaceRIM, "AdhocQuery")
	if !request.Is(NamespaceQuery, "AdhocQueryRequest") || query == nil {
		d.shape(request, "query:AdhocQueryRequest avec un rim:AdhocQuery")
		return d.q, d.found
	}
	d.returnType(request)
	d.q.HomeCommunityID = query.Attr("home")
	id := query.Attr("id")
	row := Lookup(id)
	if row == nil || row.UUID != strings.ToLower(id) {
		d.add(query, &xds.Error{ID: "QRY-001", Where: "AdhocQuery@id", Found: id, Expected: offered()})
		return d.q, d.found
	}
	d.q.Row = row
	for _, slot := range query.ChildrenNamed(NamespaceRIM, "Slot") {
		if len(d.found) >= xds.MaxFindings {
			break
		}
		d.slot(slot, row)
	}
	d.complete(query, row)
	return d.q, d.found
}

func (d *queryDecoder) returnType(request *xmlgate.Element) {
	option := request.Child(NamespaceQuery, "ResponseOption")
	switch t := ReturnType(option.Attr("returnType")); t {
	case LeafClass, ObjectRef:
		d.q.ReturnType = t
	default:
		at := option
		if at == nil {
			at = request
		}
		d.add(at, &xds.Error{ID: "QRY-008", Where: "ResponseOption@returnType", Found: string(t)})
	}
}

// spelled is how many findings of a message are told which words are near: to look for
// them costs more than to read the message.
const spelled = 10

// slot reads one parameter.
func (d *queryDecoder) slot(el *xmlgate.Element, row *CatalogueRow) {
	name := el.Attr("name")
	where := "AdhocQuery." + xds.Shorten(name)
	if !row.takes(name) {
		e := &xds.Error{ID: "QRY-007", Where: where, Found: name, Expected: strings.Join(row.names(), ", ")}
		if len(d.found) < spelled {
			e.Nearest = xds.Nearest(xds.Shorten(name), row.names(), 3)
		}
		if !strings.HasPrefix(name, "$") {
			e.Severity = xds.SeverityWarning
		}
		d.add(el, e)
		return
	}
	p := parameter{Param: params[name], el: el}
	d.given[name]++
	if d.given[name] > 1 && !p.And {
		d.add(el, &xds.Error{ID: "QRY-003", Where: where, Expected: "un seul Slot de ce nom : plusieurs valeurs se donnent en liste ('a','b')"})
		return
	}
	for _, text := range slotValues(el) {
		values, problem := literals(text)
		if problem == tooManyValues {
			d.add(el, &xds.Error{ID: "QRY-003", Where: where, Expected: problem})
			return
		}
		if problem != "" && (p.Form == FormFrom || p.Form == FormTo) {
			problem = "une date AAAA[MM[JJ[hh[mm[ss]]]]] en UTC, en chiffres"
		}
		if problem != "" {
			d.malformed(p, text, problem)
			return
		}
		if p.values = append(p.values, values...); len(p.values) > MaxValues {
			d.add(el, &xds.Error{ID: "QRY-003", Where: where, Expected: "au plus " + strconv.Itoa(MaxValues) + " valeurs"})
			return
		}
	}
	switch many := p.Many && !(p.Form == FormID && row.OneObject) || p.Form == FormPatient && row.MultiPatient; {
	case len(p.values) == 0:
		d.add(el, &xds.Error{ID: "QRY-003", Where: where, Expected: "une valeur"})
	case len(p.values) > 1 && !many:
		d.add(el, &xds.Error{ID: "QRY-003", Where: where, Found: strconv.Itoa(len(p.values)) + " valeurs", Expected: "une seule valeur"})
	default:
		d.take(p)
	}
}

// malformed enters a QRY-004; a value that may name somebody is not repeated.
func (d *queryDecoder) malformed(p parameter, found, expected string) *xds.Error {
	e := &xds.Error{ID: "QRY-004", Where: "AdhocQuery." + p.Name, Expected: expected}
	if !p.Attribute.Private() {
		e.Found = found
	}
	return d.add(p.el, e)
}

// take turns the values of a parameter into what they select.
func (d *queryDecoder) take(p parameter) {
	switch p.Form {
	case FormFrom, FormTo:
		d.time(p)
	case FormLevel:
		level, err := strconv.Atoi(p.values[0].text)
		if err != nil || level < 1 || level > 2 {
			d.malformed(p, p.values[0].text, "1 ou 2")
			return
		}
		d.q.MetadataLevel = level
	case FormHome:
		d.q.HomeCommunityID = p.values[0].text
	default:
		d.texts(p)
	}
}

// texts takes the forms whose values are quoted.
func (d *queryDecoder) texts(p parameter) {
	m := xds.Match{Attribute: p.Attribute, Op: xds.Equals}
	var strange []string
	for _, v := range p.values {
		if !v.quoted {
			d.malformed(p, v.text, "un texte entre apostrophes : 'texte'")
			return
		}
		switch p.Form {
		case FormCode:
			c, ok := xds.ParseCode(v.text)
			if !ok {
				d.malformed(p, v.text, "'code^^OID de la terminologie'")
				return
			}
			m.Codes = append(m.Codes, c)
		case FormPatient:
			if !xds.CX(v.text).Valid() {
				d.malformed(p, v.text, "'valeur^^^&OID&ISO'")
				return
			}
			d.q.Patients = append(d.q.Patients, xds.CX(v.text))
		case FormPattern:
			m.Op = xds.Like // the TF knows no escape: a backslash stands for itself
			m.Texts = append(m.Texts, strings.ReplaceAll(v.text, `\`, `\\`))
		case FormStatus, FormObjectType:
			if slices.Contains(understood[p.Form], v.text) {
				m.Texts = append(m.Texts, v.text)
			} else {
				strange = append(strange, v.text)
			}
		case FormAssociation:
			d.q.AssociationTypes = append(d.q.AssociationTypes, xds.AssociationType(v.text))
		case FormID:
			d.q.IDs, d.q.By = append(d.q.IDs, v.text), p.Attribute
		default:
			m.Texts = append(m.Texts, v.text)
		}
	}
	for _, found := range strange {
		e := d.malformed(p, found, strings.Join(understood[p.Form], ", "))
		if len(m.Texts) > 0 { // beside one that is understood it is left aside (ITI TF-2 3.18.4.1.2.3.6)
			e.Severity = xds.SeverityWarning
		}
	}
	switch {
	case p.Form == FormPatient, p.Form == FormID, p.Form == FormAssociation:
	case p.Object == objectAssociation:
		for _, text := range m.Texts {
			d.q.AssociationStatuses = append(d.q.AssociationStatuses, xds.Status(text))
		}
	default:
		matches := d.matches(p.Object)
		*matches = append(*matches, m)
	}
}

// understood are the values of the parameters that have a list of them.
var understood = map[Form][]string{
	FormStatus:     {string(xds.Approved), string(xds.Deprecated), string(xds.Archived), string(xds.Deleted)},
	FormObjectType: {xds.StableDocument, xds.OnDemandDocument},
}

// matches is where the conditions on a kind of object are kept.
func (d *queryDecoder) matches(object string) *[]xds.Match {
	switch object {
	case setTable.object:
		return &d.q.Sets
	case folderTable.object:
		return &d.q.Folders
	default:
		return &d.q.Query.Match
	}
}

// time joins the From and To bounds of one attribute: From is inclusive, To
// exclusive, a partial value counts from its first instant (ITI TF-2
// 3.18.4.1.2.3.4).
func (d *queryDecoder) time(p parameter) {
	from, _, err := xds.DTM(p.values[0].text).Range()
	if err != nil {
		d.malformed(p, p.values[0].text, err.Error())
		return
	}
	matches := d.matches(p.Object)
	i := slices.IndexFunc(*matches, func(m xds.Match) bool { return m.Attribute == p.Attribute && m.Op == xds.Within })
	if i < 0 {
		*matches = append(*matches, xds.Match{Attribute: p.Attribute, Op: xds.Within})
		i = len(*matches) - 1
	}
	if p.Form == FormFrom {
		(*matches)[i].Span.From = from
	} else {
		(*matches)[i].Span.To = from
	}
	if span := (*matches)[i].Span; !span.From.IsZero() && !span.To.IsZero() && span.To.Before(span.From) {
		d.malformed(p, p.values[0].text, "un intervalle dont la fin (To) ne précède pas le début (From)")
	}
}

// complete checks which parameters were given and sets the defaults.
func (d *queryDecoder) complete(query *xmlgate.Element, row *CatalogueRow) {
	for _, name := range row.Required {
		if d.given[name] == 0 {
			d.add(query, &xds.Error{ID: "QRY-002", Where: "AdhocQuery." + name, Expected: row.Name + " le demande"})
		}
	}
	switch n := d.countGiven(row.OneOf); {
	case len(row.OneOf) > 0 && n == 0:
		d.add(query, &xds.Error{ID: "QRY-002", Where: "AdhocQuery", Expected: "un de " + strings.Join(row.OneOf, ", ")})
	case n > 1:
		d.add(query, &xds.Error{ID: "QRY-003", Where: "AdhocQuery", Expected: "un seul de " + strings.Join(row.OneOf, ", ")})
	}
	if len(row.AnyOf) > 0 && d.countGiven(row.AnyOf) == 0 {
		d.add(query, &xds.Error{ID: "QRY-002", Where: "AdhocQuery", Expected: "au moins un de " + strings.Join(row.AnyOf, ", ")})
	}
	if len(d.q.Patients) == 1 {
		d.q.Query.Patient = d.q.Patients[0]
	}
	if row.takes("$XDSDocumentEntryType") && d.given["$XDSDocumentEntryType"] == 0 {
		d.q.Query = d.q.Query.With(xds.EqualTexts(xds.AttrObjectType, xds.StableDocument))
	}
}

func (d *queryDecoder) countGiven(names []string) int {
	n := 0
	for _, name := range names {
		if d.given[name] > 0 {
			n++
		}
	}
	return n
}

// names are all parameters of the query, each once.
func (r *CatalogueRow) names() []string {
	var all []string
	for _, name := range slices.Concat(r.Required, r.OneOf, r.AnyOf, r.Optional, []string{"$MetadataLevel"}) {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}
