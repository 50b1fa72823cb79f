package signin

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/rights"
)

// Desk is where one signs in.
type Desk struct {
	Registry  *registry.Registry
	Passwords *Passwords
	System    authz.System // makes accounts, once it is sure of the person
	Now       func() time.Time
	NewID     func() string
	Issuer    string // who vouches for a session in the trail

	Rights *rights.Desk // activates and opposes
	Roots  []string     // of the numbers that people type: the OIDs of the INS in force here

	FranceConnect *Provider // of persons; nil: none
	PSC           *Provider // of professionals; nil: none
}

// Browser is who knocks, as far as it can be seen.
type Browser struct {
	Address string // of the connection
	Agent   string // as it says
	Lang    string
	Session string   // cookie of a session that a new one takes the place of
	Devices []string // secrets by which accounts know it
}

// How a code is given: six digits hold against five tries, and ten minutes are enough to
// open a mailbox (S4; ANSSI, recommendations on multifactor authentication).
const (
	CodeTime  = 10 * time.Minute
	codeTries = 5
	codeSends = 4 // for one sign-in, the first included
	codePause = 30 * time.Second

	flowTime    = 30 * time.Minute // from the password to the last code
	recoverTime = 30 * time.Minute // of the link to a new password
)

// What failures do. An account is shut for a while and never for good: for good would let
// anybody shut out anybody. Behind one address there may be a whole hospital.
var (
	ofAccount = account.Limit{Free: 5, First: time.Minute, Longest: time.Hour, Memory: 24 * time.Hour}
	ofAddress = account.Limit{Free: 30, First: time.Minute, Longest: 15 * time.Minute, Memory: time.Hour}
	ofCodes   = account.Limit{Free: 10, First: 15 * time.Minute, Longest: time.Hour, Memory: time.Hour}           // sent, and none entered
	ofAway    = account.Limit{Free: 100, First: time.Minute, Longest: 15 * time.Minute, Memory: 15 * time.Minute} // gone to a provider
	ofLinks   = account.Limit{Free: 3, First: 15 * time.Minute, Longest: 24 * time.Hour, Memory: 24 * time.Hour}
)

// Memory is the longest that a failure is remembered.
const Memory = 24 * time.Hour

// Why a sign-in goes no further. None of them says more than its page may.
var (
	ErrRefused = errors.New("signin: refused")
	ErrOver    = errors.New("signin: nothing is under way in this browser")
	ErrSoon    = errors.New("signin: a code was sent a moment ago, or too many were")
	ErrContact = errors.New("signin: no such way to reach the person")
)

// Shut is an address from which nothing is tried for a while.
type Shut struct{ Until time.Time }

func (e *Shut) Error() string { return "signin: too many failures from this address" }

func byLogin(login string) account.Tried {
	return account.Tried{Kind: "login", Value: login, Limit: ofAccount}
}

func codesOf(login string) account.Tried {
	return account.Tried{Kind: "codes", Value: login, Limit: ofCodes}
}

func byAddress(address string) account.Tried {
	return account.Tried{Kind: "address", Value: network(address), Limit: ofAddress}
}

func awayFrom(address string) account.Tried {
	return account.Tried{Kind: "away", Value: network(address), Limit: ofAway}
}

// network is an address, of IPv6 the whole network: whoever has an address of it has them all.
func network(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil {
		ip = ip.Unmap()
		bits := ip.BitLen()
		if ip.Is6() {
			bits = 64
		}
		if network, err := ip.Prefix(bits); err == nil {
			address = network.String()
		}
	}
	return address
}

// write runs fn in one transaction that counts whatever it says: failures are effects too.
// What it says comes back beside what went wrong.
func (d *Desk) write(ctx context.Context, fn func(*registry.Session) (said, failed error)) error {
	var said error
	err := d.Registry.Write(ctx, func(s *registry.Session) (failed error) {
		said, failed = fn(s)
		return failed
	})
	if err != nil {
		return err
	}
	return said
}

// knock refuses an address from which too much has failed.
func (d *Desk) knock(ctx context.Context, s *registry.Session, b Browser, more ...account.Tried) (said, failed error) {
	until, err := account.ShutUntil(ctx, s.Handle(), d.Now(), append(more, byAddress(b.Address))...)
	if err != nil || until.IsZero() {
		return nil, err
	}
	return &Shut{until}, nil
}

// fail counts what has failed; an account that is shut by it is told, later. One that is
// shut already is not shut longer: the same work, for nothing.
func (d *Desk) fail(ctx context.Context, s *registry.Session, b Browser, login string, shut bool) error {
	now, tried := d.Now(), byLogin(login)
	if _, err := account.Fail(ctx, s.Handle(), byAddress(b.Address), now); err != nil {
		return err
	}
	if shut {
		tried.Kind, tried.Limit.Memory = "nothing", 0
	}
	failed, err := account.Fail(ctx, s.Handle(), tried, now)
	if err != nil || failed.Failures%ofAccount.Free != 0 {
		return err
	}
	minutes := int(failed.Until.Sub(now).Round(time.Minute) / time.Minute)
	return account.Note(ctx, s.Handle(), account.Errand{Kind: account.ErrandLocked, Login: login, Lang: b.Lang, Minutes: minutes}, now)
}

// write to a person, by the channel that he has.
func (d *Desk) tell(ctx context.Context, s *registry.Session, c account.Account, kind message.Kind, params map[string]string) error {
	m, ok := to(c, false)
	if !ok {
		return nil
	}
	m.Kind, m.Params = kind, params
	return mail.Queue(ctx, s.Handle(), d.Now(), m)
}

// to is a message to an account's owner: by e-mail, or by SMS where he wants it or has no
// other way.
func to(c account.Account, sms bool) (m message.Message, ok bool) {
	m = message.Message{Channel: message.Email, To: c.Email, Lang: c.Lang}
	if c.Phone != "" && (sms || c.Email == "") {
		m.Channel, m.To = message.SMS, c.Phone
	}
	return m, m.To != ""
}

func minutes(d time.Duration) string { return strconv.Itoa(int(d / time.Minute)) }
