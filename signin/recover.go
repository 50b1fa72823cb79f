package signin

import (
	"context"
	"strconv"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
)

// RecoverPath is the page that the link of a recovery opens.
const RecoverPath = "/patient/nouveau-mot-de-passe"

// Forgotten asks for a link to a new password. The answer is the same whoever asks, and is
// given before anybody has looked whether there is such an account.
func (d *Desk) Forgotten(ctx context.Context, b Browser, typed string) error {
	return d.write(ctx, func(s *registry.Session) (said, failed error) {
		if said, failed = d.knock(ctx, s, b); said != nil || failed != nil {
			return said, failed
		}
		if _, failed = account.Fail(ctx, s.Handle(), byAddress(b.Address), d.Now()); failed != nil { // asking is bounded like failing
			return nil, failed
		}
		return nil, account.Note(ctx, s.Handle(), account.Errand{Kind: account.ErrandRecover, Login: account.LoginOf(typed), Lang: b.Lang}, d.Now())
	})
}

// errandsAtOnce bounds one transaction.
const errandsAtOnce = 50

// Errands does what was put off until after the answers; more tells that there may be more.
func (d *Desk) Errands(ctx context.Context) (more bool, err error) {
	err = d.Registry.Write(ctx, func(s *registry.Session) error {
		all, err := account.TakeErrands(ctx, s.Handle(), d.System, errandsAtOnce)
		if err != nil {
			return err
		}
		more = len(all) == errandsAtOnce
		for _, e := range all {
			if err := d.errand(ctx, s, e); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}

func (d *Desk) errand(ctx context.Context, s *registry.Session, e account.Errand) error {
	known, ok, err := account.ByLogin(ctx, s.Handle(), e.Login)
	if err != nil || !ok {
		return err
	}
	if e.Kind == account.ErrandLocked {
		return d.tell(ctx, s, known.Account, message.AccountLocked, map[string]string{"minutes": strconv.Itoa(e.Minutes), "path": "/patient/mot-de-passe-oublie"})
	}
	now, links := d.Now(), account.Tried{Kind: "links", Value: known.ID, Limit: ofLinks}
	until, err := account.ShutUntil(ctx, s.Handle(), now, links)
	if err != nil || !until.IsZero() {
		return err
	}
	if _, err := account.Fail(ctx, s.Handle(), links, now); err != nil {
		return err
	}
	link, err := account.BeginFlow(ctx, s.Handle(), account.Flow{Kind: account.FlowRecover, Account: known.ID, ExpiresAt: now.Add(recoverTime)}, now)
	if err != nil {
		return err
	}
	return d.tell(ctx, s, known.Account, message.ResetLink, map[string]string{"path": RecoverPath + "?jeton=" + link, "minutes": minutes(recoverTime)})
}

// Recovering tells whether a link is good.
func (d *Desk) Recovering(ctx context.Context, flow string) error {
	return d.write(ctx, func(s *registry.Session) (said, failed error) {
		_, ok, failed := account.FindFlow(ctx, s.Handle(), flow, d.Now(), account.FlowRecover)
		if !ok {
			said = ErrOver
		}
		return said, failed
	})
}

// Recover sets a new password by the link, once. All sessions end, the account is open
// again, and its owner is told.
func (d *Desk) Recover(ctx context.Context, flow, password string) error {
	var known account.Credentials
	err := d.write(ctx, func(s *registry.Session) (said, failed error) {
		f, ok, failed := account.FindFlow(ctx, s.Handle(), flow, d.Now(), account.FlowRecover)
		if failed == nil && ok {
			known, ok, failed = account.ByID(ctx, s.Handle(), f.Account)
		}
		if !ok {
			said = ErrOver
		}
		return said, failed
	})
	if err != nil {
		return err
	}
	if err := CheckPassword(password, known.Login); err != nil {
		return err
	}
	hash, err := d.Passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return d.write(ctx, func(s *registry.Session) (said, failed error) {
		_, ok, failed := account.FindFlow(ctx, s.Handle(), flow, d.Now(), account.FlowRecover)
		if failed != nil || !ok {
			return ErrOver, failed
		}
		return nil, d.renew(ctx, s, known.Account, hash)
	})
}

// renew replaces a password: whoever had the former one is out.
func (d *Desk) renew(ctx context.Context, s *registry.Session, c account.Account, hash string) error {
	h := s.Handle()
	if err := account.SetPassword(ctx, h, c.ID, hash); err != nil {
		return err
	}
	if err := account.EndAll(ctx, h, c.ID); err != nil {
		return err
	}
	if err := account.Forgive(ctx, h, byLogin(c.Login)); err != nil {
		return err
	}
	return d.tell(ctx, s, c, message.ResetDone, nil)
}
