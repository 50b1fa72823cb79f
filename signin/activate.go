package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

// Three are the data of an activation, as typed: provisional code, number of the social
// security, serial number of the Carte Vitale (S2, S4).
type Three struct{ Code, Number, Card string }

// number is that of the social security in 15 characters; the two digits of its key may be
// left out, as they are on many papers. "" when it has not the form of one; whether a key
// that was typed is right, the comparison with the record says.
func number(typed string) string {
	n := strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '.' || r == '-' || r == '\u00a0' || r == '\u202f' {
			return -1
		}
		return r
	}, typed))
	if !numberForm.MatchString(n) {
		return ""
	}
	digits, err := strconv.ParseInt(strings.NewReplacer("2A", "19", "2B", "18").Replace(n[:13]), 10, 64)
	if err != nil {
		return ""
	}
	if len(n) == 15 {
		return n
	}
	return n + fmt.Sprintf("%02d", 97-digits%97)
}

var numberForm = regexp.MustCompile(`^[0-9]{5}([0-9]{2}|2[AB])[0-9]{6}([0-9]{2})?$`)

// prove holds the three data against the notice. Whatever is wrong is ErrRefused, after the
// same count.
func (d *Desk) prove(ctx context.Context, b Browser, t Three) (who record.Proved, err error) {
	n := number(t.Number)
	tried := account.Tried{Kind: "proof", Value: n, Limit: ofAccount}
	var shut time.Time
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		if said, failed = d.knock(ctx, s, b); said != nil || failed != nil {
			return said, failed
		}
		shut, failed = account.ShutUntil(ctx, s.Handle(), d.Now(), tried)
		return nil, failed
	})
	if err != nil {
		return who, err
	}
	var refused error = ErrRefused
	if shut.IsZero() && n != "" {
		for _, root := range d.Roots {
			who, refused = d.Rights.Prove(ctx, record.Proof{Patient: xds.NewCX(n, root, "NH"), Code: t.Code, Card: t.Card})
			if _, finding := xds.FindingsOf(refused); refused != nil && !finding {
				return record.Proved{}, refused
			}
			if refused == nil {
				return who, nil
			}
		}
	}
	return record.Proved{}, d.write(ctx, func(s *registry.Session) (said, failed error) {
		if _, failed = account.Fail(ctx, s.Handle(), byAddress(b.Address), d.Now()); failed == nil {
			_, failed = account.Fail(ctx, s.Handle(), tried, d.Now())
		}
		return ErrRefused, failed
	})
}

// Oppose records the opposition of whoever has the three data of the notice; no account is
// needed for it.
func (d *Desk) Oppose(ctx context.Context, b Browser, t Three) error {
	who, err := d.prove(ctx, b, t)
	if err != nil {
		return err
	}
	_, err = d.Rights.Oppose(ctx, d.Rights.As(who, rights.Web))
	return err
}

// activation is what a browser that activates is in the midst of.
type activation struct {
	Who     record.Proved `json:"who"`
	Chosen  bool          `json:"chosen"` // the account was chosen, its contacts are being proved
	Login   string        `json:"login"`
	Hash    string        `json:"hash"`
	Email   string        `json:"email"`
	Phone   string        `json:"phone"`
	Agreed  bool          `json:"agreed"`
	Pending []contact     `json:"pending"` // still to be proved, the first one by the code under way
}

type contact struct {
	Channel message.Channel `json:"channel"`
	To      string          `json:"to"`
}

// Activate begins an activation: the cookie of its next steps.
func (d *Desk) Activate(ctx context.Context, b Browser, t Three) (flow string, err error) {
	who, err := d.prove(ctx, b, t)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(activation{Who: who})
	if err != nil {
		return "", err
	}
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		flow, failed = account.BeginFlow(ctx, s.Handle(), account.Flow{Kind: account.FlowActivate, Data: data, ExpiresAt: d.Now().Add(flowTime)}, d.Now())
		return nil, failed
	})
	return flow, err
}

// Activating is where an activation stands.
type Activating struct {
	Name   string // of who activates
	Minor  bool   // for a child
	Email  string // of the notice, to begin with
	Known  bool   // has an account already
	Chosen bool
	To     string // where the code under way went, not readable by others
	SMS    bool
}

// Activating tells where the activation of a browser stands; ErrOver when there is none.
func (d *Desk) Activating(ctx context.Context, flow string) (at Activating, err error) {
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		a, said, failed := d.activation(ctx, s, flow)
		if said != nil || failed != nil {
			return said, failed
		}
		_, known, failed := account.ByPerson(ctx, s.Handle(), a.Who.Person)
		at = Activating{Name: a.Who.Name, Minor: a.Who.Minor, Email: a.Who.Email, Known: known, Chosen: a.Chosen}
		if a.Chosen && len(a.Pending) > 0 {
			at.To, at.SMS = veil(a.Pending[0].To), a.Pending[0].Channel == message.SMS
		}
		return nil, failed
	})
	return at, err
}

func (d *Desk) activation(ctx context.Context, s *registry.Session, flow string) (a activation, said, failed error) {
	f, ok, err := account.FindFlow(ctx, s.Handle(), flow, d.Now(), account.FlowActivate)
	if err != nil || !ok {
		return a, ErrOver, err
	}
	return a, nil, json.Unmarshal(f.Data, &a)
}

// Choice is the account that somebody wants.
type Choice struct {
	Login, Password, Email, Phone string
	Agreed                        bool // the other parent agrees, for a minor
}

// Why a choice is refused, beside its password.
var (
	ErrLogin = errors.New("signin: not an identifier")
	ErrEmail = errors.New("signin: not an e-mail address")
	ErrPhone = errors.New("signin: not a telephone number")
	ErrAgree = errors.New("signin: the agreement of the other parent is missing")
)

var loginForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{3,63}$`)

// check gives the contacts to prove, or why a choice is refused.
func (c *Choice) check(minor bool) (all []contact, err error) {
	if c.Login = account.LoginOf(c.Login); !loginForm.MatchString(c.Login) {
		return nil, ErrLogin
	}
	if err := CheckPassword(c.Password, c.Login); err != nil {
		return nil, err
	}
	ok := true
	if c.Email != "" {
		if c.Email, ok = message.Address(c.Email); !ok {
			return nil, ErrEmail
		}
		all = append(all, contact{message.Email, c.Email})
	}
	if c.Phone != "" {
		if c.Phone, ok = message.Phone(c.Phone); !ok {
			return nil, ErrPhone
		}
		all = append(all, contact{message.SMS, c.Phone})
	}
	switch {
	case len(all) == 0:
		return nil, ErrContact
	case minor && !c.Agreed:
		return nil, ErrAgree
	}
	return all, nil
}

// Choose takes the account that somebody wants, and sends a code to the first of its
// contacts. An identifier that another one has is account.ErrTaken: who has the three data
// may learn that.
func (d *Desk) Choose(ctx context.Context, flow string, c Choice) error {
	at, err := d.Activating(ctx, flow)
	if err != nil {
		return err
	}
	pending, err := c.check(at.Minor)
	if err != nil {
		return err
	}
	hash, err := d.Passwords.Hash(ctx, c.Password)
	if err != nil {
		return err
	}
	return d.write(ctx, func(s *registry.Session) (said, failed error) {
		a, said, failed := d.activation(ctx, s, flow)
		if said != nil || failed != nil {
			return said, failed
		}
		if _, known, failed := account.ByPerson(ctx, s.Handle(), a.Who.Person); failed != nil || known {
			return ErrOver, failed
		}
		if _, taken, failed := account.ByLogin(ctx, s.Handle(), c.Login); failed != nil || taken {
			return account.ErrTaken, failed
		}
		f, _, failed := account.FindFlow(ctx, s.Handle(), flow, d.Now(), account.FlowActivate)
		if failed != nil {
			return nil, failed
		}
		if f.Sends >= 2*codeSends {
			return ErrSoon, nil
		}
		a.Chosen, a.Login, a.Hash, a.Email, a.Phone, a.Agreed, a.Pending = true, c.Login, hash, c.Email, c.Phone, c.Agreed, pending
		return nil, d.proveNext(ctx, s, flow, a)
	})
}

// challenge keeps what a flow knows, and sends a code to a contact that is to be proved.
func (d *Desk) challenge(ctx context.Context, s *registry.Session, flow string, data json.RawMessage, c contact, lang string) error {
	if err := account.SetFlow(ctx, s.Handle(), flow, data); err != nil {
		return err
	}
	now, code := d.Now(), newCode()
	if err := account.SetCode(ctx, s.Handle(), flow, code, now, now.Add(CodeTime)); err != nil {
		return err
	}
	return mail.Queue(ctx, s.Handle(), now, message.Message{Kind: message.AddressCode, Channel: c.Channel, To: c.To, Lang: lang,
		Params: map[string]string{"code": code, "minutes": minutes(CodeTime)}})
}

// proveNext is the challenge of an activation.
func (d *Desk) proveNext(ctx context.Context, s *registry.Session, flow string, a activation) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return d.challenge(ctx, s, flow, data, a.Pending[0], lang(a.Who.Lang))
}

func lang(of string) string {
	if of == "en" {
		return of
	}
	return "fr"
}

// Prove takes the code of a contact. When the last one is proved there is an account, the
// record is active, and the browser is signed in: in.Session is "" until then.
func (d *Desk) Prove(ctx context.Context, b Browser, flow, code string) (in Entered, err error) {
	var done *activation
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		done, in = nil, Entered{}
		if said, failed = d.knock(ctx, s, b); said != nil || failed != nil {
			return said, failed
		}
		a, said, failed := d.activation(ctx, s, flow)
		if said != nil || failed != nil {
			return said, failed
		}
		right, failed := account.TryCode(ctx, s.Handle(), flow, digits(code), d.Now(), codeTries)
		if failed != nil {
			return nil, failed
		}
		if !right || len(a.Pending) == 0 {
			_, failed = account.Fail(ctx, s.Handle(), byAddress(b.Address), d.Now())
			return ErrRefused, failed
		}
		if a.Pending = a.Pending[1:]; len(a.Pending) > 0 {
			return nil, d.proveNext(ctx, s, flow, a)
		}
		if in, said, failed = d.admit(ctx, s, b, flow, a); said == nil {
			done = &a
		}
		return said, failed
	})
	if err != nil || done == nil {
		return in, err
	}
	return in, d.activate(ctx, done.Who, done.Agreed)
}

// admit makes the account of an activation, and signs its owner in. Who has an account
// meanwhile, by another notice or by this one, gets no second one: it would be open to
// whoever holds the letter about a child, and hold the records of the parent.
func (d *Desk) admit(ctx context.Context, s *registry.Session, b Browser, flow string, a activation) (in Entered, said, failed error) {
	if failed = account.EndFlow(ctx, s.Handle(), flow); failed != nil {
		return in, nil, failed
	}
	if failed = account.Claim(ctx, s.Handle(), a.Who.Person, d.Now()); failed != nil {
		return in, nil, failed
	}
	if _, known, failed := account.ByPerson(ctx, s.Handle(), a.Who.Person); failed != nil || known {
		return in, ErrOver, failed
	}
	if _, taken, failed := account.ByLogin(ctx, s.Handle(), a.Login); failed != nil || taken { // meanwhile
		return in, account.ErrTaken, failed
	}
	c := account.Credentials{Password: a.Hash, Account: account.Account{ID: d.NewID(), Login: a.Login, Email: a.Email, Phone: a.Phone, Lang: lang(a.Who.Lang), Persons: []string{a.Who.Person}}}
	if failed = account.Create(ctx, s.Handle(), d.System, c, d.Now()); failed != nil {
		return in, nil, failed
	}
	in, failed = d.enter(ctx, s, b, c.Account, account.Session{})
	return in, nil, failed
}

// activate is R-50. A record whose state does not call for it is as its holder left it: he
// has his account, and sees there how it stands.
func (d *Desk) activate(ctx context.Context, who record.Proved, agreed bool) error {
	_, err := d.Rights.Activate(ctx, d.Rights.As(who, rights.Web), agreed)
	if all, finding := xds.FindingsOf(err); finding && all[0].ID == "LIFE-001" {
		return nil
	}
	return err
}

// Confirm activates for somebody who has an account already: his own record again, or that
// of a child. He signs in with it as ever.
func (d *Desk) Confirm(ctx context.Context, flow string, agreed bool) error {
	var a activation
	err := d.write(ctx, func(s *registry.Session) (said, failed error) {
		if a, said, failed = d.activation(ctx, s, flow); said != nil || failed != nil {
			return said, failed
		}
		_, known, failed := account.ByPerson(ctx, s.Handle(), a.Who.Person)
		switch {
		case failed != nil:
			return nil, failed
		case !known:
			return ErrOver, nil
		case a.Who.Minor && !agreed:
			return ErrAgree, nil
		}
		return nil, account.EndFlow(ctx, s.Handle(), flow)
	})
	if err != nil {
		return err
	}
	return d.activate(ctx, a.Who, agreed)
}
