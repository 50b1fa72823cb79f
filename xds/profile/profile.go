package profile

import (
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
)

// Profile is what an affinity domain demands of a submission. It is a value: a
// stricter one is made from another with With.
type Profile struct {
	Name   string
	Rules  []Rule
	Checks []Check
	// Steps bring a submission to the form that is stored, before it is checked:
	// what a sender may leave out is derived.
	Steps []func(*xds.Submission)
	// Sparing are the attributes that a source of limited metadata may leave out.
	Sparing []Rule
	// Cumul allows MASQUE_PS and INVISIBLE_PATIENT together (C-02).
	Cumul bool
}

// Check looks at a submission as a whole and adds what it finds.
type Check func(*Report)

// Rule is what one attribute of one kind of object must be.
type Rule struct {
	Object    Object
	Attribute xds.Attribute
	Part      string // of an author: authorPerson, authorInstitution, authorSpecialty; "" = the attribute itself
	Min       int    // values at least
	Max       int    // values at most; 0 = as many as the model takes
	Type      Type
	MaxChars  int // characters of one value; 0 = MaxText for titles and comments, else MaxValue
	Set       *ValueSet
	// Code reads a code from a text for Set; nil = the whole text is the code.
	Code func(string) xds.Code
	// ExceptSignature: not asked of the signature document of a lot (domain §3.2).
	ExceptSignature bool
	// ExceptOnDemand: not asked of an on-demand entry (ITI TF-2 3.61.4.1.2).
	ExceptOnDemand bool
	// Soft: an operator may have it tell one sender a warning (Relaxed). No rule is
	// soft that access, identity or the integrity of a lot rests upon.
	Soft bool
}

// MaxText bounds titles, comments and display names, in characters (rim FreeFormText).
const MaxText = 1024

// MaxValue bounds every other text of the metadata that has no bound of its own, in
// characters: codes, values and names of slots (rim LongName). No answer that holds a
// longer one is valid by the schema.
const MaxValue = 256

// Depositor is who submits, as his token says.
type Depositor struct {
	Kind      DepositorKind
	ID        string // national id, or the record or person id of the patient side
	Structure string // XON.10 of the token's structure, "" when it names none
	Secret    bool   // secret connection (EX_0.1-1100)
}

// DepositorKind is the depositor's kind on this record. The zero value has the
// least rights.
type DepositorKind int

// The kinds of depositor (policy §1.1, attribute kind).
const (
	PatientSide  DepositorKind = iota // patient, representative or delegate
	Professional                      // nominal professional
	Structure                         // structure without a nominal user
)

// Context holds the facts that checks need beside the submission.
type Context struct {
	Patient   xds.CX // of the record; "" = not known
	BirthDate string // of the record, YYYYMMDD; "" = not known
	Minor     bool   // at the instant of the request
	Depositor Depositor
	Form      Form               // how the documents come
	Relaxed   Relaxed            // findings that are warnings for this sender
	Where     func(Place) string // names a place in the caller's terms; nil = Place.String
}

// Report collects what the checks find in one submission.
type Report struct {
	Lot     *xds.Submission
	Context Context
	Profile *Profile
	found   xds.Errors
	flagged map[Place]bool // places that a rule has found wrong: later rules leave them alone
}

// With makes a profile that demands more than p.
func (p *Profile) With(name string, rules []Rule, checks ...Check) *Profile {
	return &Profile{Name: name, Rules: slices.Concat(p.Rules, rules), Checks: slices.Concat(p.Checks, checks),
		Steps: slices.Clone(p.Steps), Cumul: p.Cumul}
}

// Without leaves out the rules on one attribute.
func (p *Profile) Without(o Object, a xds.Attribute) *Profile {
	q := *p
	q.Rules = slices.DeleteFunc(slices.Clone(p.Rules), func(r Rule) bool { return r.Object == o && r.Attribute == a })
	return &q
}

// Normalise brings a submission to the form that is stored: to be called once,
// before Check.
func (p *Profile) Normalise(lot *xds.Submission) {
	for _, step := range p.Steps {
		step(lot)
	}
}

// Check returns all findings about a submission: first rule by rule, then check
// by check. At most xds.MaxFindings are kept. A submission of too many objects is
// not looked into: that is its finding.
func (p *Profile) Check(lot xds.Submission, c Context) xds.Errors {
	r := Report{Lot: &lot, Context: c, Profile: p, flagged: map[Place]bool{}}
	if r.counts(); len(r.found) > 0 {
		return r.found
	}
	for i := range p.Rules {
		r.rule(&p.Rules[i])
	}
	for _, check := range p.Checks {
		check(&r)
	}
	return r.found
}

// Add enters a finding at a place. Its Found must not name anybody. Warnings
// leave half of the room to errors, so that no number of them hides one.
func (r *Report) Add(at Place, e *xds.Error) *xds.Error {
	if e.Severity == xds.SeverityWarning && len(r.found) >= xds.MaxFindings/2 {
		return e
	}
	e.Object = at.ID
	if r.Context.Where != nil {
		e.Where = r.Context.Where(at)
	} else {
		e.Where = at.String()
	}
	r.found.Add(e)
	return e
}

// SetPlace, DocumentPlace and AssociationPlace are the places of the objects of
// the submission.
func (r *Report) SetPlace(a xds.Attribute) Place {
	return Place{Object: Set, ID: r.Lot.Set.EntryUUID, Attribute: a}
}

// DocumentPlace is the place of an attribute of the ith document.
func (r *Report) DocumentPlace(i int, a xds.Attribute) Place {
	return Place{Object: Document, Index: i, ID: r.Lot.Documents[i].EntryUUID, Attribute: a}
}

// AssociationPlace is the place of a part of the ith association.
func (r *Report) AssociationPlace(i int, part string) Place {
	return Place{Object: Association, Index: i, ID: r.Lot.Associations[i].EntryUUID, Part: part}
}

// IsSignature tells whether a document is the signature document of a lot, the
// XAdES manifest that nobody lists (policy C-02, domain §3.2).
func IsSignature(d *xds.DocumentEntry) bool { return d.TypeCode.Value == xds.SignatureType }

// Joins tells whether a document joins a lineage that is already registered: it
// then inherits its marks (C-05), and what it says of its own is left aside.
func (r *Report) Joins(d *xds.DocumentEntry) bool {
	for i := range r.Lot.Associations {
		a := &r.Lot.Associations[i]
		if a.Type.Joins() && a.Source == d.EntryUUID && r.document(a.Target) < 0 {
			return true
		}
	}
	return false
}

// document is the index of a document of the submission, -1 when it has none of this id.
func (r *Report) document(id string) int {
	return slices.IndexFunc(r.Lot.Documents, func(d xds.DocumentEntry) bool { return d.EntryUUID == id })
}
