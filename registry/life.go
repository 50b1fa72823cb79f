package registry

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
)

// Erase ends a record for good: the decision, its trail row and the end of the
// epoch in one transaction, then everything that it held is destroyed. What cannot be
// destroyed now is left to Destroy: the Ending says so.
func (r *Registry) Erase(ctx context.Context, repo *repository.Store, open func(*Session) (authz.Allowed, error)) (e record.Ending, err error) {
	err = r.Write(ctx, func(s *Session) error {
		allowed, err := open(s)
		if err != nil {
			return err
		}
		e, err = record.Erase(ctx, s.Handle(), allowed, s.Now())
		if found, ok := err.(*xds.Error); ok {
			allowed.Refuse(found.ID)
		}
		return err
	})
	if err != nil {
		return e, err
	}
	done, err := r.destroy(context.WithoutCancel(ctx), repo, e)
	if err != nil {
		r.report("an erased record is not destroyed yet", "error", err)
		return e, nil
	}
	return done, nil
}

// destroy takes away what an ended epoch held: rows, then bytes, then the key. Each step
// may be repeated, so one that was cut short goes on at the next attempt.
func (r *Registry) destroy(ctx context.Context, repo *repository.Store, e record.Ending) (record.Ending, error) {
	over := false
	err := r.removing(ctx, repo, func(s *Session) (prefixes []string, err error) {
		if prefixes, over, err = record.Empty(ctx, s.Handle(), &e); err != nil {
			return nil, err
		}
		return prefixes, s.condemn(ctx, prefixes)
	})
	if err != nil {
		return e, fmt.Errorf("empty: %w", err)
	}
	var certificate []byte
	if r.Shred != nil && !over {
		if certificate, err = r.Shred(ctx, e); err != nil {
			return e, fmt.Errorf("key: %w", err)
		}
	}
	err = r.Write(ctx, func(s *Session) (err error) {
		e, err = record.Destroyed(ctx, s.Handle(), e, certificate, s.Now())
		return err
	})
	return e, err
}

// dueBatch is how many records one transaction takes on, leftBatch how many ended ones
// one step destroys or purges.
const (
	dueBatch  = 500
	leftBatch = 50
)

// Live does what is due with records by now, a batch of them (policy §1.5): opens those
// whose six weeks are over, hands over those whose holder has come of age, erases those
// closed ten years ago. Each is traced with its effect. more says that there may be more
// to do. Several gateways may do it at once.
func (r *Registry) Live(ctx context.Context, sys authz.System, gate *authz.Gate, now time.Time) (more bool, err error) {
	n, err := r.live(ctx, sys, gate, now, dueBatch)
	if err == nil && n > 0 {
		return true, nil
	}
	if err != nil && ctx.Err() != nil {
		return false, err
	}
	// One at a time: those to be erased, and the one that failed.
	n, err = r.live(ctx, sys, gate, now, 1)
	return n > 0, err
}

func (r *Registry) live(ctx context.Context, sys authz.System, gate *authz.Gate, now time.Time, limit int) (n int, err error) {
	var all []record.Arisen
	err = r.Write(ctx, func(s *Session) (err error) {
		if all, err = record.TakeDue(ctx, s.Handle(), sys, now, limit); err != nil {
			return err
		}
		for i := range all {
			if err := s.carry(ctx, sys, gate, &all[i], now); err != nil {
				return err
			}
		}
		if _, err := mail.WriteAll(ctx, s.Handle(), sys, now, opened(all), message.RecordOpened, nil); err != nil {
			return err
		}
		return record.Keep(ctx, s.Handle(), sys, slices.DeleteFunc(slices.Clone(all), func(a record.Arisen) bool { return a.Due == record.Retention }))
	})
	if err == nil || limit > 1 || len(all) == 0 {
		return len(all), err
	}
	// It would be first again at the next attempt, and hold up the others.
	r.report("what is due of a record failed", "record", all[0].Record, "due", int16(all[0].Due), "error", err)
	return 1, r.Write(ctx, func(s *Session) error {
		return record.Postpone(ctx, s.Handle(), sys, all[0].Record, now.Add(time.Hour))
	})
}

// ownActs are what stands in the trail for what is due.
var ownActs = map[record.Due]authz.Value{record.Opening: authz.Opening, record.Majority: authz.Majority, record.Retention: authz.Retention}

// carry does what is due of one record.
func (s *Session) carry(ctx context.Context, sys authz.System, gate *authz.Gate, a *record.Arisen, now time.Time) error {
	act := ownActs[a.Due]
	if a.Due == record.Retention {
		if _, err := record.Expire(ctx, s.Handle(), sys, *a, now); err != nil {
			return err
		}
	} else if err := a.Carry(now); err != nil {
		return err
	}
	if a.Due == record.Majority {
		if err := s.handOver(ctx, sys, a.Record, now); err != nil {
			return err
		}
	}
	return gate.Note(s, sys, a.Record, act, "SYS:"+authz.Action.Name(act))
}

// opened are the records that were opened; their holders are told.
func opened(all []record.Arisen) (records []string) {
	for _, a := range all {
		if a.Due == record.Opening {
			records = append(records, a.Record)
		}
	}
	return records
}

// handOver tells the representatives of one who came of age that their access has ended,
// and himself that the record is his and stays open unless he closes it (S4): by e-mail
// where he has an address of his own, else by a letter, and with a code by which he
// proves that it is his. Nothing of it goes to an address of the representatives. What
// was withheld from them, or still to be told, is for him.
func (s *Session) handOver(ctx context.Context, sys authz.System, id string, now time.Time) error {
	him, known, err := mail.ContactOf(ctx, s.Handle(), sys, id, id)
	if err != nil {
		return err
	}
	code, err := record.HandOver(ctx, s.Handle(), sys, id, him.Email, now)
	if err != nil {
		return err
	}
	persons, err := record.Representatives(ctx, s.Handle(), sys, id)
	if err != nil {
		return err
	}
	var all []message.Message
	for _, person := range persons {
		rep, there, err := mail.ContactOf(ctx, s.Handle(), sys, id, person)
		if err != nil {
			return err
		}
		if there && rep.Email != "" {
			all = append(all, message.Message{Kind: message.MajorityReps, To: rep.Email, Lang: rep.Lang})
		}
	}
	if known && him.Email != "" {
		all = append(all, message.Message{Kind: message.MajorityHolder, To: him.Email, Lang: him.Lang, Params: map[string]string{"code": code}})
	}
	if err := mail.Queue(ctx, s.Handle(), now, all...); err != nil {
		return err
	}
	return mail.ComeOfAge(ctx, s.Handle(), sys, id, now)
}

// Destroy destroys what is left of ended records: a crash, or a key that could not be
// reached, left it. more says that there may be more to do.
func (r *Registry) Destroy(ctx context.Context, sys authz.System, repo *repository.Store) (more bool, err error) {
	var left []record.Ending
	err = r.run(ctx, func(s *Session) (err error) {
		left, err = record.Left(ctx, s.Handle(), sys, leftBatch)
		return err
	})
	if err != nil {
		return false, err
	}
	for _, e := range left {
		if _, err := r.destroy(ctx, repo, e); err != nil {
			return false, err
		}
	}
	return len(left) == leftBatch, nil
}

// PurgeTrails destroys the trail of records that ended ten years ago (J-6).
func (r *Registry) PurgeTrails(ctx context.Context, sys authz.System, now time.Time) (more bool, err error) {
	if err := db.BySystem(sys); err != nil {
		return false, err
	}
	n := 0
	err = r.Write(ctx, func(s *Session) (err error) {
		n, err = record.Purge(ctx, s.Handle(), sys, now, leftBatch)
		return err
	})
	return n == leftBatch, err
}
