package rights

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
)

// History is under J-2…J-5; q.Actor may be the directory's name.
func (d *Desk) History(ctx context.Context, c Call, q registry.HistoryQuery) (events []registry.Event, next string, err error) {
	err = d.journal(ctx, c, "history", q, func(session *registry.Session, allowed authz.Allowed, asked registry.HistoryQuery) error {
		events, next, err = session.History(ctx, allowed, asked)
		return err
	})
	return events, next, err
}

// ExportHistory gives every line that History would, page after page, as one request. The
// trail row of it is written once all was given: nothing may leave before.
func (d *Desk) ExportHistory(ctx context.Context, c Call, q registry.HistoryQuery, each func(registry.Event) error) error {
	return d.journal(ctx, c, "history-export", q, func(session *registry.Session, allowed authz.Allowed, asked registry.HistoryQuery) error {
		return session.EachHistory(ctx, allowed, asked, each)
	})
}

// journal opens the history that the subject may read.
func (d *Desk) journal(ctx context.Context, c Call, name string, q registry.HistoryQuery, read func(*registry.Session, authz.Allowed, registry.HistoryQuery) error) error {
	return d.Registry.Read(ctx, func(session *registry.Session) error {
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return err
		}
		action, err := session.JournalOf(ctx, c.Subject, patient)
		if err != nil {
			return err
		}
		allowed, err := d.Gate.OpenProfile(ctx, session, c.Subject, patient, c.Purpose(action, name))
		if err != nil {
			return err
		}
		if q.Actor != "" {
			if p, err := professional(ctx, session, q.Actor); err == nil {
				q.Actor = p.ID
			}
		}
		return read(session, allowed, q)
	})
}
