package carnet

import (
	"context"
	"errors"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

const (
	remindMost  = 20                  // looked at in one step
	remindHour  = 8                   // of Paris, at which people are written to
	remindLater = 30 * 24 * time.Hour // whoever may not read now is looked at again
)

// RemindDue writes to those for whom a vaccination has become due: each is judged with
// his own rights, and the message says nothing but that there is something to read
// (S1 "rappels dans le carnet de vaccination"; policy §1.7). more tells that there may be
// others.
func (d *Desk) RemindDue(ctx context.Context, sys authz.System, now time.Time) (more bool, err error) {
	all, err := d.Rights.Registry.Reminders(ctx, sys, now, remindMost)
	failures := []error{err}
	for _, one := range all {
		due, next, err := d.due(ctx, one, now)
		if err == nil {
			err = d.Rights.Registry.Reminded(ctx, sys, one, due, next)
		}
		failures = append(failures, err) // who cannot be looked at now holds up nobody: his lease ends
	}
	return len(all) == remindMost, errors.Join(failures...)
}

// due are the doses that are to be done as somebody sees them, and when that may change.
func (d *Desk) due(ctx context.Context, one registry.Reminder, now time.Time) (doses []string, next time.Time, err error) {
	book, err := d.vaccinations(ctx, d.Rights.Registry.Peek, rights.Call{Subject: one.Subject, Face: rights.Web, Record: one.Record})
	if _, told := xds.FindingsOf(err); err != nil && told {
		return nil, now.Add(remindLater), nil
	}
	if err != nil {
		return nil, now, err
	}
	for _, f := range book.Forecasts {
		if f.Status != vaccination.Complete {
			doses = append(doses, f.Rule+" "+f.Due.Format(time.DateOnly))
		}
	}
	day := d.Calendar.Next(book.born, book.entries(), now)
	return doses, time.Date(day.Year(), day.Month(), day.Day(), remindHour, 0, 0, 0, d.Paris), nil
}

// entries are the acts as the calendar takes them.
func (v Vaccinations) entries() (all []vaccination.Entry) {
	for _, a := range v.Acts {
		all = append(all, a.Entry)
	}
	return all
}

// Reminds tells whether the subject is written to when a vaccination becomes due.
func (d *Desk) Reminds(ctx context.Context, c rights.Call) (on bool, err error) {
	err = d.contact(ctx, c, authz.ReadState, func(s *registry.Session, a authz.Allowed) error {
		on, err = mail.Reminds(ctx, s.Handle(), a)
		return err
	})
	return on, err
}

// Remind sets it.
func (d *Desk) Remind(ctx context.Context, c rights.Call, on bool) error {
	return d.contact(ctx, c, authz.SetParams, func(s *registry.Session, a authz.Allowed) error {
		return mail.Remind(ctx, s.Handle(), a, on)
	})
}

func (d *Desk) contact(ctx context.Context, c rights.Call, action authz.Value, act func(*registry.Session, authz.Allowed) error) error {
	return d.Rights.Registry.Write(ctx, func(s *registry.Session) error {
		patient, err := c.Patient(ctx, s)
		if err != nil {
			return err
		}
		allowed, err := d.Rights.Gate.OpenProfile(ctx, s, c.Subject, patient, c.Purpose(action, "reminders"))
		if err != nil {
			return err
		}
		return act(s, allowed)
	})
}
