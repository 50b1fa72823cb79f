package signin

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/registry/mail"
)

// ErrKeep is an e-mail address that would be given up: what others do in a record is told
// there (policy N-1), so that it is replaced and not taken away.
var ErrKeep = errors.New("signin: an e-mail address is replaced, not taken away")

// ofContacts bounds the codes that a session has sent to whatever address it likes.
var ofContacts = account.Limit{Free: 10, First: 15 * time.Minute, Longest: time.Hour, Memory: time.Hour}

// Own is the account of who is signed in.
type Own struct {
	Login, Email, Phone string
	Password            bool // has one: who came by a provider of identities alone has none
}

// Own reads the account of who is signed in.
func (d *Desk) Own(ctx context.Context, in account.Session) (own Own, err error) {
	err = d.Registry.Read(ctx, func(s *registry.Session) error {
		known, ok, err := account.ByID(ctx, s.Handle(), in.Account)
		if err == nil && !ok {
			err = ErrOver
		}
		own = Own{Login: known.Login, Email: known.Email, Phone: known.Phone, Password: known.Password != ""}
		return err
	})
	return own, err
}

// again asks who is signed in for his password: an open page is not its owner. A wrong one
// counts as at the sign-in, and an account that is shut refuses the right one as well.
// Whoever has none came by a provider of identities, which vouches for him.
func (d *Desk) again(ctx context.Context, b Browser, in account.Session, password string) (known account.Credentials, err error) {
	var shut time.Time
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		if said, failed = d.knock(ctx, s, b); said != nil || failed != nil {
			return said, failed
		}
		var ok bool
		if known, ok, failed = account.ByID(ctx, s.Handle(), in.Account); failed != nil || !ok {
			return ErrOver, failed
		}
		shut, failed = account.ShutUntil(ctx, s.Handle(), d.Now(), byLogin(known.Login))
		return nil, failed
	})
	if err != nil {
		return known, err
	}
	if known.Password == "" && in.Provider != "" {
		return known, nil
	}
	right, _, err := d.Passwords.Verify(ctx, known.Password, password)
	if err != nil || right && shut.IsZero() {
		return known, err
	}
	return known, d.write(ctx, func(s *registry.Session) (said, failed error) {
		return ErrRefused, d.fail(ctx, s, b, known.Login, !shut.IsZero())
	})
}

// ChangePassword replaces the password of who is signed in and gives the present one. All
// his other sessions end, and so does what was under way elsewhere; he is told.
func (d *Desk) ChangePassword(ctx context.Context, b Browser, in account.Session, present, password string) error {
	known, err := d.again(ctx, b, in, present)
	if err != nil {
		return err
	}
	if known.Password == "" {
		return ErrRefused // nothing to replace: the page offers it to nobody who has none
	}
	if err := CheckPassword(password, known.Login); err != nil {
		return err
	}
	hash, err := d.Passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return d.write(ctx, func(s *registry.Session) (said, failed error) {
		h := s.Handle()
		if replaced, failed := account.ReplacePassword(ctx, h, known.ID, known.Password, hash); failed != nil || !replaced {
			return ErrRefused, failed // somebody was quicker, by the link of a recovery
		}
		if failed := account.EndOthers(ctx, h, in); failed != nil {
			return nil, failed
		}
		if failed := account.EndFlows(ctx, h, known.ID); failed != nil {
			return nil, failed
		}
		if failed := account.Forgive(ctx, h, byLogin(known.Login)); failed != nil {
			return nil, failed
		}
		return nil, d.tell(ctx, s, known.Account, message.ResetDone, nil)
	})
}

// change is what a browser that changes its owner's contacts is in the midst of.
type change struct {
	Email   string    `json:"email"`
	Phone   string    `json:"phone"`
	Pending []contact `json:"pending"` // still to be proved, the first one by the code under way
}

// changeOf is what becomes of an account's contacts, and what of it is to be proved.
func changeOf(c account.Account, email, phone string) (to change, err error) {
	ok := true
	if to.Email, to.Phone = email, phone; email == "" && c.Email != "" {
		return to, ErrKeep
	}
	if email != "" {
		if to.Email, ok = message.Address(email); !ok {
			return to, ErrEmail
		}
	}
	if phone != "" {
		if to.Phone, ok = message.Phone(phone); !ok {
			return to, ErrPhone
		}
	}
	if to.Email != "" && to.Email != c.Email {
		to.Pending = append(to.Pending, contact{message.Email, to.Email})
	}
	if to.Phone != "" && to.Phone != c.Phone {
		to.Pending = append(to.Pending, contact{message.SMS, to.Phone})
	}
	if to.Email+to.Phone == "" {
		return to, ErrContact
	}
	return to, nil
}

// ChangeContacts begins to replace the address and the number of who is signed in and gives
// his password. What is new counts once a code that went there is entered; flow is "" when
// there was nothing to prove, and the change is made.
func (d *Desk) ChangeContacts(ctx context.Context, b Browser, in account.Session, password, email, phone string) (flow string, err error) {
	known, err := d.again(ctx, b, in, password)
	if err != nil {
		return "", err
	}
	to, err := changeOf(known.Account, email, phone)
	if err != nil {
		return "", err
	}
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		if failed = account.Forgive(ctx, s.Handle(), byLogin(known.Login)); failed != nil {
			return nil, failed
		}
		if len(to.Pending) == 0 {
			return nil, d.move(ctx, s, known.Account, to)
		}
		now := d.Now()
		if flow, failed = account.BeginFlow(ctx, s.Handle(), account.Flow{Kind: account.FlowContact, Account: known.ID, ExpiresAt: now.Add(flowTime)}, now); failed != nil {
			return nil, failed
		}
		return d.ask(ctx, s, flow, known.Account, to)
	})
	return flow, err
}

// ask keeps a change and sends a code to the first contact that is not proved.
func (d *Desk) ask(ctx context.Context, s *registry.Session, flow string, c account.Account, to change) (said, failed error) {
	sent := account.Tried{Kind: "contacts", Value: c.ID, Limit: ofContacts}
	until, failed := account.ShutUntil(ctx, s.Handle(), d.Now(), sent)
	if failed != nil || !until.IsZero() {
		return ErrSoon, failed
	}
	if _, failed = account.Fail(ctx, s.Handle(), sent, d.Now()); failed != nil {
		return nil, failed
	}
	data, failed := json.Marshal(to)
	if failed != nil {
		return nil, failed
	}
	return nil, d.challenge(ctx, s, flow, data, to.Pending[0], c.Lang)
}

// Changing tells where the code under way went; ErrOver when there is none.
func (d *Desk) Changing(ctx context.Context, in account.Session, flow string) (w Waiting, err error) {
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		to, said, failed := d.changing(ctx, s, in, flow)
		if said == nil && failed == nil {
			w = Waiting{To: veil(to.Pending[0].To), SMS: to.Pending[0].Channel == message.SMS}
		}
		return said, failed
	})
	return w, err
}

// changing is the change under way in a browser, by the account that began it alone.
func (d *Desk) changing(ctx context.Context, s *registry.Session, in account.Session, flow string) (to change, said, failed error) {
	f, ok, err := account.FindFlow(ctx, s.Handle(), flow, d.Now(), account.FlowContact)
	if err != nil || !ok || f.Account != in.Account {
		return to, ErrOver, err
	}
	if err := json.Unmarshal(f.Data, &to); err != nil {
		return to, nil, err
	}
	if len(to.Pending) == 0 {
		return to, ErrOver, nil
	}
	return to, nil, nil
}

// ProveContact takes the code of a new contact; done tells that it was the last one, and
// that the new contacts count.
func (d *Desk) ProveContact(ctx context.Context, b Browser, in account.Session, flow, code string) (done bool, err error) {
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		done = false
		if said, failed = d.knock(ctx, s, b); said != nil || failed != nil {
			return said, failed
		}
		to, said, failed := d.changing(ctx, s, in, flow)
		if said != nil || failed != nil {
			return said, failed
		}
		known, ok, failed := account.ByID(ctx, s.Handle(), in.Account)
		if failed != nil || !ok {
			return ErrOver, failed
		}
		right, failed := account.TryCode(ctx, s.Handle(), flow, digits(code), d.Now(), codeTries)
		if failed != nil {
			return nil, failed
		}
		if !right {
			_, failed = account.Fail(ctx, s.Handle(), byAddress(b.Address), d.Now())
			return ErrRefused, failed
		}
		if to.Pending = to.Pending[1:]; len(to.Pending) > 0 {
			return d.ask(ctx, s, flow, known.Account, to)
		}
		done = true
		return nil, d.move(ctx, s, known.Account, to)
	})
	return done && err == nil, err
}

// move makes the new contacts count. Each former one is told: if somebody else did it, its
// owner reads of it there. Links that went to a former one open nothing any more.
func (d *Desk) move(ctx context.Context, s *registry.Session, c account.Account, to change) error {
	if c.Email == to.Email && c.Phone == to.Phone {
		return nil
	}
	h := s.Handle()
	if err := account.SetContacts(ctx, h, c.ID, to.Email, to.Phone); err != nil {
		return err
	}
	if err := account.EndFlows(ctx, h, c.ID); err != nil {
		return err
	}
	former := []message.Message{{Channel: message.Email, To: c.Email}, {Channel: message.SMS, To: c.Phone}}
	former = slices.DeleteFunc(former, func(m message.Message) bool { return m.To == "" })
	for i := range former {
		former[i].Kind, former[i].Lang = message.AddressChanged, c.Lang
	}
	return mail.Queue(ctx, h, d.Now(), former...)
}
