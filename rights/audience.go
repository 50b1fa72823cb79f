package rights

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Audience is who sees one document (users §3 row 51): now, and after a change that was
// asked about and is not made.
type Audience struct {
	Document    xds.Document
	Settings    authz.Settings
	Professions []ByProfession
	Regulator   authz.Answer // a regulator of the Samu, Centre 15
	Named       []ByName
	People      []ByPerson
}

// ByProfession is the answer for anybody of a profession.
type ByProfession struct {
	authz.Profession
	Authorised authz.Answer // whom the holder authorised
	Emergency  authz.Answer // who breaks the glass
}

// ByName is the answer for one professional who has to do with the record.
type ByName struct {
	record.Authorization
	Author bool // has the author's rights on the document
	Answer authz.Answer
}

// ByPerson is the answer for a representative or a relative.
type ByPerson struct {
	record.Relative
	Answer authz.Answer
}

// maxAuthors bounds how many authors of a document are told of by name.
const maxAuthors = 50

// physician is the profession of the regulator of the Samu.
const physician = "10"

// Audience tells the holder's side who sees a document that it sees itself, by the one
// decision of the Gate for each of them. suppose says what would change, of a document
// that is masked or not.
func (d *Desk) Audience(ctx context.Context, c Call, document string, suppose func(masked bool) authz.Supposed) (a Audience, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		a = Audience{}
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return err
		}
		p := c.Purpose(authz.Retrieve, "audience")
		p.ByID = true
		scope, err := d.Gate.Open(ctx, session, c.Subject, patient, p)
		if err != nil {
			return err
		}
		found, err := session.Get(ctx, scope, document)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(found, func(v authz.Visible[xds.Document]) bool {
			one, _ := v.Value()
			return one.Entry.LogicalID == document
		})
		if i < 0 {
			return &xds.Error{ID: "JSON-003"}
		}
		a.Document, _ = found[i].Value()
		a.Settings = scope.Settings()
		return a.judge(ctx, d.Gate, session, scope, found[i], suppose(a.Document.Marks.MaskedPS))
	})
	return a, err
}

// judge asks the Gate about all of them at once.
func (a *Audience) judge(ctx context.Context, g *authz.Gate, session *registry.Session, scope authz.Scope, v authz.Visible[xds.Document], suppose authz.Supposed) error {
	if err := a.name(ctx, session, scope); err != nil {
		return err
	}
	professions := g.Professions(scope)
	readers := []authz.Reader{{Profession: physician, Regulator: true, Mode: authz.Centre15}}
	for _, p := range professions {
		readers = append(readers, authz.Reader{Profession: p.Code, Specialty: p.Specialty}, authz.Reader{Profession: p.Code, Specialty: p.Specialty, Mode: authz.BrisDeGlace})
	}
	for _, n := range a.Named {
		readers = append(readers, authz.Reader{ID: n.Professional})
	}
	for _, p := range a.People {
		readers = append(readers, authz.Reader{ID: p.Person, Person: true})
	}
	answers, err := g.Audience(ctx, scope, v, suppose, readers)
	if err != nil {
		return err
	}
	next := func() (first authz.Answer) {
		first, answers = answers[0], answers[1:]
		return first
	}
	a.Regulator = next()
	for _, p := range professions {
		a.Professions = append(a.Professions, ByProfession{p, next(), next()})
	}
	for i := range a.Named {
		a.Named[i].Answer = next()
	}
	for i := range a.People {
		a.People[i].Answer = next()
	}
	return nil
}

// name finds who has to do with the record or wrote the document.
func (a *Audience) name(ctx context.Context, session *registry.Session, scope authz.Scope) error {
	around, err := record.Around(ctx, session.Handle(), scope)
	if err != nil {
		return err
	}
	isAuthor := func(id string) bool { return slices.Contains(a.Document.Authors, id) }
	for _, one := range around {
		a.Named = append(a.Named, ByName{Authorization: one, Author: isAuthor(one.Professional)})
	}
	for _, id := range a.Document.Authors[:min(len(a.Document.Authors), maxAuthors)] {
		if slices.ContainsFunc(a.Named, func(n ByName) bool { return n.Professional == id }) {
			continue
		}
		p, known, err := record.LookUp(ctx, session.Handle(), id)
		if err != nil {
			return err
		}
		if known && p.ID == id && p.Kind == "pro" {
			a.Named = append(a.Named, ByName{Authorization: record.Authorization{Professional: id, Family: p.Family, Given: p.Given, Profession: p.Profession, Structure: p.StructureName}, Author: true})
		}
	}
	relatives, err := record.Relatives(ctx, session.Handle(), scope)
	for _, r := range relatives {
		a.People = append(a.People, ByPerson{Relative: r})
	}
	return err
}
