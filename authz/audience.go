package authz

import (
	"context"
	"fmt"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Reader is somebody of whom the holder's side asks whether he would see a document. It
// is no Subject: nothing can be opened with it.
type Reader struct {
	ID     string // of a professional whom the directory knows, or of a person with a role; "" = anybody of the profession
	Person bool   // ID is a person's

	// Of anybody: a professional whom the holder has authorised and nothing else ties to
	// the record, or who acts in an emergency.
	Profession string
	Specialty  string
	Regulator  bool
	Mode       Value // Normal, Centre15, BrisDeGlace
}

// Profession is a kind of professionals that the matrix tells apart, by one code of it.
type Profession struct{ Label, Code, Specialty string }

// Supposed is a change that is not made yet; nil leaves what is.
type Supposed struct {
	Masked   *bool // the document's mark
	Settings *Settings
}

// Answer tells whether somebody sees a document: now, and after the supposed change.
type Answer struct {
	Now, Then bool
	Unlisted  bool // the directory does not know him: it depends on what his token will say
}

// Professions are those of the matrix that decided on the Scope.
func (g *Gate) Professions(sc Scope) []Profession {
	if !sc.holders() {
		return nil
	}
	return g.Policy.At(sc.trace.At).Professions
}

// Audience judges one document, which its Scope shows, for others than the one who asks:
// by the same doors and the same table as if they asked themselves, at the instant and by
// the policy of the Scope, as things are and as they would be. It opens nothing to
// anybody. It is for the holder's side alone (policy S2, users §4 e: who could see this
// document?); to all others the document is not there.
func (g *Gate) Audience(ctx context.Context, sc Scope, v Visible[xds.Document], suppose Supposed, readers []Reader) ([]Answer, error) {
	d, ok := v.Value()
	if _, admitted := Admit(sc, d); !ok || !admitted || !sc.holders() {
		return nil, &xds.Error{ID: "JSON-003"}
	}
	then := d
	if suppose.Masked != nil {
		then.Marks.MaskedPS = *suppose.Masked
	}
	m := moment{sc.trace.At, g.Policy.At(sc.trace.At)}
	var answers []Answer
	for _, r := range readers {
		sub := r.subject()
		facts, err := sc.session.Facts(ctx, sub, sc.patient)
		if err != nil {
			return nil, fmt.Errorf("facts: %w", err)
		}
		a := Answer{Unlisted: !r.Person && r.ID != "" && !facts.Listed.Known}
		sub = r.placed(vouched(sub, facts.Listed), &facts)
		a.Now = g.wouldSee(m, facts, sub, d)
		if suppose.Settings != nil {
			facts.Settings = *suppose.Settings
		}
		a.Then = g.wouldSee(m, facts, sub, then)
		answers = append(answers, a)
	}
	return answers, nil
}

// wouldSee decides a reading of one document as Open and Admit do.
func (g *Gate) wouldSee(m moment, f Facts, sub Subject, d xds.Document) bool {
	s := g.explained(m, f, sub)
	if unseen(s) || m.policy.door(s) != 0 {
		return false
	}
	_, sees := m.policy.residual(s, Retrieve, sub).admits(d)
	return sees
}

// anybody is an id that nobody has.
const anybody = "*"

// subject is the reader as he would come.
func (r Reader) subject() Subject {
	switch {
	case r.Person:
		return Subject{Nature: NaturePerson, ID: r.ID}
	case r.ID != "": // as the directory knows him
		return Subject{Nature: NaturePro, ID: r.ID, Mode: r.Mode, Unvouched: true}
	}
	return Subject{Nature: NaturePro, ID: anybody, Profession: r.Profession, Specialty: r.Specialty, Regulator: r.Regulator, Mode: r.Mode}
}

// placed is the subject with what his way in asks for: an authorisation for anybody of a
// profession, a founded emergency for who breaks the glass.
func (r Reader) placed(sub Subject, f *Facts) Subject {
	if !r.Person && r.ID == "" && r.Mode == Normal {
		f.Link, f.LinkExpires = ConsentLink, time.Time{}
	}
	if r.Mode == BrisDeGlace {
		sub.Reason, sub.Traits = "urgence", f.Traits
	}
	return sub
}
