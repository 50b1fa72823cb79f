package rights

import (
	"context"
	"maps"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// History is under J-2…J-5; q.Actor may be the directory's name.
func (d *Desk) History(ctx context.Context, c Call, q registry.HistoryQuery) (events []registry.Event, next string, err error) {
	err = d.journal(ctx, c, "history", q, func(session *registry.Session, allowed authz.Allowed, asked registry.HistoryQuery) error {
		events, next, err = session.History(ctx, allowed, asked)
		return err
	})
	return events, next, err
}

// exportBatch is for how many lines the directory is asked at once.
const exportBatch = 1000

// ExportHistory gives every line that History would as one request, some at a time, with
// the entries of the directory that they name: asked for in the same session, since
// whoever holds a connection must not wait for another one. The trail row of it is written
// once all was given: nothing may leave before.
func (d *Desk) ExportHistory(ctx context.Context, c Call, q registry.HistoryQuery, some func(lines []registry.Event, known map[string]record.Professional) error) error {
	return d.journal(ctx, c, "history-export", q, func(session *registry.Session, allowed authz.Allowed, asked registry.HistoryQuery) error {
		known := map[string]record.Professional{}
		var batch []registry.Event
		flush := func() error {
			var ids []string
			for _, e := range batch {
				for _, id := range []string{e.Actor, e.Structure} {
					if _, asked := known[id]; !asked {
						known[id] = record.Professional{}
						ids = append(ids, id)
					}
				}
			}
			found, err := record.Listed(ctx, session.Handle(), ids)
			if err != nil {
				return err
			}
			maps.Copy(known, found)
			err = some(batch, known)
			batch = batch[:0]
			return err
		}
		err := session.EachHistory(ctx, allowed, asked, func(e registry.Event) error {
			if batch = append(batch, e); len(batch) < exportBatch {
				return nil
			}
			return flush()
		})
		if err != nil {
			return err
		}
		return flush()
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
