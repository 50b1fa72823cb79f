// Package carnet is the health book of a record: the medical profile that the patient
// keeps and his vaccinations. It is read from documents that the reader sees and written
// as documents of the patient, so it has no rights of its own: matrix, marks, emergency
// modes, journal and notifications are those of the documents (S0, S1, S4; policy §1.1).
//
// It reads no message and renders nothing: the JSON calls and the pages do.
package carnet

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// Desk is where health books are kept. Make it with New.
type Desk struct {
	Rights     *rights.Desk // whose Gate, registry and clock are those of the book
	Repository *repository.Store
	Entrance   *entrance.Desk
	Calendar   vaccination.Calendar
	NewID      func() string // a random lower-case UUID
	Paris      *time.Location

	sections *repository.Shelf[medical.Document]
	acts     *repository.Shelf[vaccination.Document]
}

// remembered is how many documents of each sort a desk remembers.
const remembered = 512

// New makes a desk.
func New(d Desk) *Desk {
	d.sections = repository.NewShelf(remembered, medical.MaxBytes, func(content []byte) medical.Document {
		read, _ := medical.Read(content)
		return read
	})
	d.acts = repository.NewShelf(remembered, vaccination.MaxBytes, func(content []byte) vaccination.Document {
		read, _ := vaccination.Read(content)
		return read
	})
	return &d
}

// maxDocuments bounds the documents that one reading takes, the newest ones.
const maxDocuments = 200

// session is a kind of reading: registry.Read, which leaves a trail row, or the look
// before an act, which has a row of its own.
type session func(context.Context, func(*registry.Session) error) error

// find gives the visible documents in force of some types, and whose record it is.
func (d *Desk) find(ctx context.Context, in session, c rights.Call, name string, matches ...xds.Match) (page registry.Page, scope authz.Scope, err error) {
	err = in(ctx, func(s *registry.Session) error {
		patient, err := c.Patient(ctx, s)
		if err != nil {
			return err
		}
		if scope, err = d.Rights.Gate.Open(ctx, s, c.Subject, patient, c.Purpose(authz.Search, name)); err != nil {
			return err
		}
		q := xds.Query{Patient: scope.Patient(), Limit: maxDocuments}
		for _, m := range append(matches, xds.StatusIs(xds.Approved), xds.EqualTexts(xds.AttrObjectType, xds.StableDocument)) {
			q = q.With(m)
		}
		page, err = s.Find(ctx, scope, q)
		return err
	})
	return page, scope, err
}
