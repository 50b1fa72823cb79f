package rights

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// MaxFound bounds the professionals that a search of the directory gives.
const MaxFound = 30

// Professionals are those of the directory whose names begin as the words of a query do.
// The directory is public: it says nothing about any record.
func (d *Desk) Professionals(ctx context.Context, query string) (all []record.Professional, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		all, err = record.Search(ctx, session.Handle(), record.Sought{Words: query, Kind: "pro"}, MaxFound)
		return err
	})
	return all, err
}

// Professional is one of the directory, by national id; JSON-003 when there is none.
func (d *Desk) Professional(ctx context.Context, id string) (p record.Professional, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		p, err = professional(ctx, session, id)
		return err
	})
	return p, err
}

// Directory are the entries of the directory with these national ids.
func (d *Desk) Directory(ctx context.Context, ids []string) (found map[string]record.Professional, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		found, err = record.Listed(ctx, session.Handle(), ids)
		return err
	})
	return found, err
}

// maxPhysicians bounds the list of those who may be named médecin traitant.
const maxPhysicians = 50

// Physicians are the médecins who may be named médecin traitant (C-06): they consulted the
// record once, and are not blocked. A consultation of which the reader is not told
// puts nobody on the list.
func (d *Desk) Physicians(ctx context.Context, c Call) (all []record.Professional, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return err
		}
		allowed, err := d.Gate.OpenProfile(ctx, session, c.Subject, patient, c.Purpose(authz.Journal, "physicians"))
		if err != nil {
			return err
		}
		found, err := record.Physicians(ctx, session.Handle(), allowed, maxPhysicians)
		for _, p := range found {
			lines, _, err := session.History(ctx, allowed, registry.HistoryQuery{Actor: p.ID, Limit: 1, Keep: consulted})
			if err != nil {
				return err
			}
			if len(lines) > 0 {
				all = append(all, p)
			}
		}
		return err
	})
	return all, err
}

// consulted tells a line of a consultation that took place.
func consulted(e registry.Event) bool {
	return e.Permit && slices.Contains([]authz.Value{authz.Search, authz.Retrieve}, e.Action)
}
