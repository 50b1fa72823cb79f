package signin

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
)

// awayTime is how long a browser may stay at a provider.
const awayTime = 15 * time.Minute

// ErrNobody is a person whom a provider knows and we do not: no account, and no active
// record, or not exactly one, has his traits.
var ErrNobody = errors.New("signin: nobody of ours has these traits")

// away is what a flow at a provider remembers.
type away struct {
	Issuer   string   `json:"issuer"` // of the provider that was asked, and no other
	Question Question `json:"question"`
	Next     string   `json:"next"`
}

// Away sends a browser to a provider: the cookie that the answer needs, and the address. It
// is bounded by where the browser is: whoever asks leaves something to be kept here.
func (d *Desk) Away(ctx context.Context, b Browser, p *Provider, next string) (flow, address string, err error) {
	q, address, err := p.Ask(ctx)
	if err != nil {
		return "", "", err
	}
	data, err := json.Marshal(away{p.Issuer, q, next})
	if err != nil {
		return "", "", err
	}
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		if said, failed = d.knock(ctx, s, b, awayFrom(b.Address)); said != nil || failed != nil {
			return said, failed
		}
		if _, failed = account.Fail(ctx, s.Handle(), awayFrom(b.Address), d.Now()); failed != nil {
			return nil, failed
		}
		flow, failed = account.BeginFlow(ctx, s.Handle(), account.Flow{Kind: account.FlowProvider, Data: data, ExpiresAt: d.Now().Add(awayTime)}, d.Now())
		return nil, failed
	})
	return flow, address, err
}

// back takes the flow of a browser that returns, once, and hears from the provider who it is.
func (d *Desk) back(ctx context.Context, p *Provider, flow string, params url.Values) (who Identity, next string, err error) {
	var was away
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		f, ok, failed := account.FindFlow(ctx, s.Handle(), flow, d.Now(), account.FlowProvider)
		if failed != nil || !ok {
			return ErrOver, failed
		}
		if failed = json.Unmarshal(f.Data, &was); failed != nil {
			return nil, failed
		}
		return nil, account.EndFlow(ctx, s.Handle(), flow)
	})
	if err != nil {
		return Identity{}, "", err
	}
	if was.Issuer != p.Issuer { // sent to the one, and comes back from the other
		return Identity{}, "", ErrMismatch
	}
	who, err = p.Answer(ctx, was.Question, params)
	return who, was.Next, err
}

// Person signs in whom FranceConnect says is there: to the account that he came to before,
// else to that of the one active record that has his traits.
func (d *Desk) Person(ctx context.Context, b Browser, flow string, params url.Values) (in Entered, next string, err error) {
	who, next, err := d.back(ctx, d.FranceConnect, flow, params)
	if err != nil {
		return Entered{}, "", err
	}
	pivot, err := readPivot(who.Claims)
	if err != nil {
		return Entered{}, "", err
	}
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		known, ok, failed := account.ByIdentity(ctx, s.Handle(), d.FranceConnect.Issuer, who.Subject)
		if failed == nil && !ok {
			known, said, failed = d.recognise(ctx, s, who.Subject, pivot, b.Lang)
		}
		if said != nil || failed != nil {
			return said, failed
		}
		in, failed = d.enter(ctx, s, b, known.Account, account.Session{Provider: d.FranceConnect.Issuer, Hint: who.Hint})
		return nil, failed
	})
	return in, next, err
}

// recognise finds the one holder with the traits of a pivot identity, and the account that
// stands for him; one is made when he never needed any.
func (d *Desk) recognise(ctx context.Context, s *registry.Session, subject string, p pivot, lang string) (known account.Credentials, said, failed error) {
	h := s.Handle()
	all, failed := account.Candidates(ctx, h, d.System, p.born(), p.sex())
	if failed != nil {
		return known, nil, failed
	}
	var found []account.Candidate
	for _, c := range all {
		if p.is(c) {
			found = append(found, c)
		}
	}
	if len(found) != 1 || found[0].State != authz.ProfileActive && found[0].State != authz.ProfileClosed {
		return known, ErrNobody, nil
	}
	known, ok, failed := account.ByPerson(ctx, h, found[0].Record)
	if failed != nil {
		return known, nil, failed
	}
	if !ok {
		id := d.NewID()
		known = account.Credentials{Account: account.Account{ID: id, Login: "franceconnect " + id, Email: p.address(), Lang: lang, Persons: []string{found[0].Record}}}
		if failed = account.Create(ctx, h, d.System, known, d.Now()); failed != nil {
			return known, nil, failed
		}
	}
	return known, nil, account.LinkIdentity(ctx, h, d.System, d.FranceConnect.Issuer, subject, known.ID, d.Now())
}

// pivot is the identité pivot of FranceConnect: the traits of the national register.
type pivot struct {
	Family  string `json:"family_name"` // at birth
	Given   string `json:"given_name"`  // all of them
	Birth   string `json:"birthdate"`   // YYYY-MM-DD
	Gender  string `json:"gender"`      // male, female
	Place   string `json:"birthplace"`  // code of the commune, "" abroad
	Country string `json:"birthcountry"`
	Email   string `json:"email"`
}

func readPivot(claims []byte) (p pivot, err error) {
	if err := json.Unmarshal(claims, &p); err != nil {
		return p, ErrProvider
	}
	if p.Family == "" || p.Given == "" || len(p.born()) != 8 || p.sex() == "" || p.place() == "" {
		return p, ErrNobody
	}
	return p, nil
}

func (p pivot) born() string { return strings.ReplaceAll(p.Birth, "-", "") }

func (p pivot) sex() string { return map[string]string{"male": "M", "female": "F"}[p.Gender] }

// place is where he was born as an INS has it: the commune, abroad the country.
func (p pivot) place() string {
	if p.Place != "" {
		return p.Place
	}
	return p.Country
}

// address is that of his mail, where he lets it be known.
func (p pivot) address() string {
	if a, ok := message.Address(p.Email); ok {
		return a
	}
	return ""
}

// is tells whether a holder has all traits of the pivot: family name, first given name,
// birth date, sex, and the place of birth, which the digits of an INS after the month are.
func (p pivot) is(c account.Candidate) bool {
	ins := c.Patient.ID()
	if len(ins) != 15 || !strings.EqualFold(ins[5:10], p.place()) || c.Traits.BirthDate != p.born() {
		return false
	}
	return authz.SameName(c.Traits.Family, p.Family) && (authz.SameName(c.Traits.Given, p.Given) || authz.SameName(first(c.Traits.Given), first(p.Given)))
}

func first(names string) string {
	one, _, _ := strings.Cut(strings.TrimSpace(names), " ")
	return one
}

// Professional signs in whom Pro Santé Connect says is there, as himself (policy §1.1,
// kind pro): nobody else has pages.
func (d *Desk) Professional(ctx context.Context, b Browser, flow string, params url.Values) (in Entered, next string, err error) {
	who, next, err := d.back(ctx, d.PSC, flow, params)
	if err != nil {
		return Entered{}, "", err
	}
	sub, err := iua.Nominal(who.Claims, d.PSC.Issuer)
	if err != nil {
		return Entered{}, "", err
	}
	var says struct{ Email, Locale string } // where he is reminded of what he hid
	if err := json.Unmarshal(who.Claims, &says); err != nil {
		says.Email = ""
	}
	err = d.write(ctx, func(s *registry.Session) (said, failed error) {
		if b.Session != "" {
			if failed = account.End(ctx, s.Handle(), b.Session); failed != nil {
				return nil, failed
			}
		}
		if failed = account.Reach(ctx, s.Handle(), sub.ID, says.Email, says.Locale); failed != nil {
			return nil, failed
		}
		in.Name = sub.Name
		in.Session, failed = account.Begin(ctx, s.Handle(), account.Session{ID: d.NewID(), Professional: sub, Name: sub.Name, Agent: b.Agent, Provider: d.PSC.Issuer, Hint: who.Hint}, d.Now())
		return nil, failed
	})
	return in, next, err
}

// Farewell is where the owner of a session that has ended signs out at his provider too, ""
// when there is no such place.
func (d *Desk) Farewell(ctx context.Context, s account.Session) string {
	for _, p := range []*Provider{d.PSC, d.FranceConnect} {
		if p != nil && s.Provider == p.Issuer {
			return p.SignOut(ctx, s.Hint)
		}
	}
	return ""
}
