package population

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Office is where the population is enrolled.
type Office struct {
	Gate     *authz.Gate
	Registry *registry.Registry
	System   authz.System
	Now      func() time.Time
	NewID    func() string
	Paris    *time.Location
	TestINS  bool
}

// batch is how many persons one transaction takes on.
const batch = 500

// Source is a file that can be read several times.
type Source struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// Import enrols the persons of a file: it is checked whole, then taken in by batches,
// each with the job's progress in one transaction. One that was cut short goes on where
// it stood; one that has ended does nothing. Persons who have a record keep it as it is,
// and are not told again. progress hears of each batch.
func (o *Office) Import(ctx context.Context, s Source, progress func(record.Job)) (record.Job, error) {
	options := Options{TestINS: o.TestINS, Now: o.Now(), Paris: o.Paris}
	f, err := o.check(s, options)
	if err != nil {
		return record.Job{}, err
	}
	var job record.Job
	err = o.Registry.Write(ctx, func(session *registry.Session) error {
		if err := parentsKnown(ctx, session, o.System, f.Parents); err != nil {
			return err
		}
		job, err = record.StartJob(ctx, session.Handle(), o.System, record.Job{File: f.Sum, Name: s.Name, Rows: f.Rows}, o.Now())
		return err
	})
	if err != nil {
		return job, err
	}
	if progress == nil {
		progress = func(record.Job) {}
	}
	progress(job)
	// Parents come before their children: what has no parent first.
	var at int64
	for _, minors := range []bool{false, true} {
		if job, at, err = o.pass(ctx, s, options, job, at, minors, progress); err != nil {
			return job, err
		}
	}
	return job, nil
}

func (o *Office) check(s Source, options Options) (File, error) {
	r, err := s.Open()
	if err != nil {
		return File{}, err
	}
	defer r.Close()
	return Check(r, options)
}

// parentsKnown finds the parents whom the file names and does not hold.
func parentsKnown(ctx context.Context, session *registry.Session, sys authz.System, parents []xds.CX) error {
	missing := 0
	for some := range slices.Chunk(parents, 10_000) {
		known, err := record.Known(ctx, session.Handle(), sys, some)
		if err != nil {
			return err
		}
		missing += len(some) - len(known)
	}
	if missing > 0 {
		return &xds.Error{ID: "POP-004", Where: "parent, autre_parent", Found: fmt.Sprint(missing), Expected: "un parent qui a un dossier, ou une ligne de ce fichier"}
	}
	return nil
}

// pass takes in the adults of the file, or its minors, from row number at of the job on.
func (o *Office) pass(ctx context.Context, s Source, options Options, job record.Job, at int64, minors bool, progress func(record.Job)) (record.Job, int64, error) {
	r, err := s.Open()
	if err != nil {
		return job, at, err
	}
	defer r.Close()
	var some []record.Eligible
	flush := func() (err error) {
		if len(some) == 0 {
			return nil
		}
		if err = ctx.Err(); err == nil {
			job, err = o.enrol(ctx, job, some)
			some = some[:0]
			progress(job)
		}
		return err
	}
	err = each(r, options, func(_ int, e record.Eligible, bad []*xds.Error) error {
		if (e.Parent != "") != minors {
			return nil
		}
		if len(bad) > 0 {
			return fmt.Errorf("the file has changed since it was checked")
		}
		if at++; at <= job.Done {
			return nil
		}
		if some = append(some, e); len(some) < batch {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	return job, at, err
}

// enrol takes a batch in: records, notices, messages, trail and the progress of the job in
// one transaction. One who finds that another has come further leaves the batch to him.
func (o *Office) enrol(ctx context.Context, before record.Job, some []record.Eligible) (record.Job, error) {
	after := before
	err := o.Registry.Write(ctx, func(session *registry.Session) error {
		now := o.Now()
		job, err := record.HoldJob(ctx, session.Handle(), before.File)
		if err != nil || job.Done != before.Done {
			return errOvertaken(err)
		}
		enrolled, err := record.Enrol(ctx, session.Handle(), o.System, o.NewID, some, now)
		if err != nil {
			return err
		}
		var letters []message.Message
		var records []string
		for _, e := range enrolled {
			records = append(records, e.Record)
			if err := o.Gate.Note(session, o.System, e.Record, authz.Notice, "SYS:notice"); err != nil {
				return err
			}
			letters = append(letters, messages(e)...)
			if e.Email == "" {
				job.Letters++
			} else {
				job.Mailed++
			}
		}
		if err := mail.Queue(ctx, session.Handle(), now, letters...); err != nil {
			return err
		}
		if err := mail.Noticed(ctx, session.Handle(), o.System, now, records...); err != nil {
			return err
		}
		job.Done, job.Created, job.Known = job.Done+int64(len(some)), job.Created+int64(len(enrolled)), job.Known+int64(len(some)-len(enrolled))
		after = job
		return record.MoveJob(ctx, session.Handle(), o.System, job, now)
	})
	if err != nil {
		return before, err
	}
	return after, nil
}

// errOvertaken is the failure of a batch that another import of the same file has taken.
func errOvertaken(err error) error {
	if err != nil {
		return err
	}
	return &xds.Error{ID: "POP-005"}
}

// messages are the notice of a new record, when it goes by e-mail, and the question to
// the other parent (S3).
func messages(e record.Enrolled) (all []message.Message) {
	if e.Email != "" {
		kind := message.Notice
		if e.Minor {
			kind = message.NoticeMinor
		}
		all = append(all, message.Message{Kind: kind, To: e.Email, Lang: e.Lang, Params: map[string]string{"until": message.Day(e.Until), "code": e.Code}})
	}
	if e.Other != "" {
		all = append(all, message.Message{Kind: message.MinorAgreement, To: e.Other, Lang: e.OtherIn, Params: map[string]string{"until": message.Day(e.OtherUntil), "path": "/patient"}})
	}
	return all
}

// Status tells how far the opening of the records is.
func (o *Office) Status(ctx context.Context) (p record.Population, err error) {
	err = o.Registry.Read(ctx, func(session *registry.Session) error {
		p, err = record.Progress(ctx, session.Handle(), o.System)
		return err
	})
	return p, err
}
