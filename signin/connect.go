package signin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/registry/mail"
)

// Password is the first step of a patient's sign-in (S4): identifier and password. What it
// gives is the cookie of the second one. An identifier that is not there, a password that is
// not the one and an account that is shut are ErrRefused alike, after the same work.
func (d *Desk) Password(ctx context.Context, b Browser, typed, password string) (flow string, err error) {
	login := account.LoginOf(typed)
	var known account.Credentials
	var shut time.Time
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		if said, failed = d.knock(ctx, s, b); said != nil || failed != nil {
			return said, failed
		}
		if known, _, failed = account.ByLogin(ctx, s.Handle(), login); failed != nil {
			return nil, failed
		}
		shut, failed = account.ShutUntil(ctx, s.Handle(), d.Now(), byLogin(login), codesOf(login))
		return nil, failed
	})
	if err != nil {
		return "", err
	}
	right, stale, err := d.Passwords.Verify(ctx, known.Password, password)
	if err != nil {
		return "", err
	}
	if !right || !shut.IsZero() {
		return "", d.write(ctx, func(s *registry.Session) (said, failed error) {
			return ErrRefused, d.fail(ctx, s, b, login, !shut.IsZero())
		})
	}
	fresh := ""
	if stale {
		if fresh, err = d.Passwords.Hash(ctx, password); err != nil {
			return "", err
		}
	}
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		// Once more, in the transaction that goes on: many guesses at one instant all found the
		// account open, and whichever is right comes too late once the others have failed.
		if shut, failed = account.ShutUntil(ctx, s.Handle(), d.Now(), byLogin(login), codesOf(login), byAddress(b.Address)); failed != nil || !shut.IsZero() {
			return ErrRefused, failed
		}
		if fresh != "" {
			if failed = account.SetPassword(ctx, s.Handle(), known.ID, fresh); failed != nil {
				return nil, failed
			}
		}
		now := d.Now()
		if flow, failed = account.BeginFlow(ctx, s.Handle(), account.Flow{Kind: account.FlowCode, Account: known.ID, ExpiresAt: now.Add(flowTime)}, now); failed != nil {
			return nil, failed
		}
		return nil, d.sendCode(ctx, s, flow, message.OTP, known.Account, false)
	})
	return flow, err
}

// sendCode makes a new code for a flow and sends it.
func (d *Desk) sendCode(ctx context.Context, s *registry.Session, flow string, kind message.Kind, c account.Account, sms bool) error {
	m, ok := to(c, sms)
	if !ok {
		return fmt.Errorf("account %s: no address and no number", c.ID)
	}
	now, code := d.Now(), newCode()
	if _, err := account.Fail(ctx, s.Handle(), codesOf(c.Login), now); err != nil { // until it is entered
		return err
	}
	if err := account.SetCode(ctx, s.Handle(), flow, code, now, now.Add(CodeTime)); err != nil {
		return err
	}
	m.Kind, m.Params = kind, map[string]string{"code": code, "minutes": minutes(CodeTime)}
	return mail.Queue(ctx, s.Handle(), now, m)
}

var million = big.NewInt(1_000_000)

// newCode is six digits, each code as likely as any other.
func newCode() string {
	n, err := rand.Int(rand.Reader, million)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return fmt.Sprintf("%06d", n)
}

// Waiting is what the page of the code says.
type Waiting struct {
	To    string // where the code went, not readable by others
	SMS   bool
	Other bool // there is another way to send it
	Until time.Time
}

// way is what a flow remembers of how its code went.
type way struct {
	SMS bool `json:"sms"`
}

// Waiting tells what a browser waits for; ErrOver when for nothing.
func (d *Desk) Waiting(ctx context.Context, flow string) (w Waiting, err error) {
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		f, known, said, failed := d.coded(ctx, s, flow)
		if said != nil || failed != nil {
			return said, failed
		}
		var by way
		if failed = json.Unmarshal(f.Data, &by); failed != nil {
			return nil, failed
		}
		m, _ := to(known.Account, by.SMS)
		w = Waiting{To: veil(m.To), SMS: m.Channel == message.SMS, Other: known.Email != "" && known.Phone != "", Until: f.CodeUntil}
		return nil, nil
	})
	return w, err
}

// coded is a flow that waits for a code, and its account.
func (d *Desk) coded(ctx context.Context, s *registry.Session, flow string) (f account.Flow, known account.Credentials, said, failed error) {
	f, ok, err := account.FindFlow(ctx, s.Handle(), flow, d.Now(), account.FlowCode)
	if err != nil || !ok {
		return f, known, ErrOver, err
	}
	known, ok, err = account.ByID(ctx, s.Handle(), f.Account)
	if err != nil || !ok {
		return f, known, ErrOver, err
	}
	return f, known, nil, nil
}

// veil leaves of an address or a number what its owner knows it by.
func veil(contact string) string {
	if local, domain, mail := strings.Cut(contact, "@"); mail {
		return local[:min(1, len(local))] + "•••@" + domain
	}
	return "•• •• •• " + contact[max(0, len(contact)-2):]
}

// Resend sends a new code, which takes the place of the former one: after a pause, and
// not often.
func (d *Desk) Resend(ctx context.Context, flow string, sms bool) error {
	return d.write(ctx, func(s *registry.Session) (said, failed error) {
		f, known, said, failed := d.coded(ctx, s, flow)
		switch {
		case said != nil || failed != nil:
			return said, failed
		case f.Sends >= codeSends || d.Now().Before(f.SentAt.Add(codePause)):
			return ErrSoon, nil
		case sms && known.Phone == "":
			return ErrContact, nil
		}
		by, failed := json.Marshal(way{sms})
		if failed != nil {
			return nil, failed
		}
		if failed = account.SetFlow(ctx, s.Handle(), flow, by); failed != nil {
			return nil, failed
		}
		return nil, d.sendCode(ctx, s, flow, message.OTP, known.Account, sms)
	})
}

// Entered are the cookies of a browser that is signed in.
type Entered struct {
	Session string
	Device  string // a secret to add to those of the browser; "" = it is known
	Name    string
}

// Code is the second step: the code that was sent. A wrong one counts as a wrong password
// does, so that neither can be tried at length.
func (d *Desk) Code(ctx context.Context, b Browser, flow, code string) (in Entered, err error) {
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		if said, failed = d.knock(ctx, s, b); said != nil || failed != nil {
			return said, failed
		}
		_, known, said, failed := d.coded(ctx, s, flow)
		if said != nil || failed != nil {
			return said, failed
		}
		shut, failed := account.ShutUntil(ctx, s.Handle(), d.Now(), byLogin(known.Login))
		if failed != nil || !shut.IsZero() {
			return ErrRefused, failed
		}
		right, failed := account.TryCode(ctx, s.Handle(), flow, digits(code), d.Now(), codeTries)
		if failed != nil {
			return nil, failed
		}
		if !right {
			return ErrRefused, d.fail(ctx, s, b, known.Login, false)
		}
		if failed = account.EndFlow(ctx, s.Handle(), flow); failed != nil {
			return nil, failed
		}
		if failed = account.Forgive(ctx, s.Handle(), byLogin(known.Login), codesOf(known.Login)); failed != nil {
			return nil, failed
		}
		in, failed = d.enter(ctx, s, b, known.Account, account.Session{})
		return nil, failed
	})
	return in, err
}

// digits are those of a code as people type it: with spaces.
func digits(code string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, code)
}

// enter opens the session of an account: a new one, whatever the browser came with (session
// fixation), and the owner is told of a browser that was never seen.
func (d *Desk) enter(ctx context.Context, s *registry.Session, b Browser, c account.Account, with account.Session) (in Entered, err error) {
	h, now := s.Handle(), d.Now()
	if b.Session != "" {
		if err := account.End(ctx, h, b.Session); err != nil {
			return in, err
		}
	}
	known, any, err := account.Recognise(ctx, h, c.ID, b.Devices, now)
	if err != nil {
		return in, err
	}
	if !known {
		if in.Device, err = account.Remember(ctx, h, c.ID, now); err != nil {
			return in, err
		}
	}
	if !known && any {
		if err := d.tell(ctx, s, c, message.NewDevice, map[string]string{"at": now.UTC().Format(time.RFC3339)}); err != nil {
			return in, err
		}
	}
	if in.Name, err = account.NameOf(ctx, h, c.Persons); err != nil {
		return in, err
	}
	with.ID, with.Account, with.Name, with.Agent = d.NewID(), c.ID, in.Name, b.Agent
	in.Session, err = account.Begin(ctx, h, with, now)
	return in, err
}
