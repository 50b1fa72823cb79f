package signin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/xds"
)

var system = authz.AsSystem("test")

// hall is a desk on a database of its own, at a clock that can be moved.
type hall struct {
	*Desk
	t    *testing.T
	pool *pgxpool.Pool
	now  time.Time
	ids  int
}

const (
	alicesRecord = "11111111-0000-4000-8000-000000000001"
	phrase       = "la truite remonte le gave"
)

func newHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{t: t, pool: registrytest.Open(t), now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return h.now }
	id := func() string { h.ids++; return fmt.Sprintf("00000000-0000-4000-8000-%012d", h.ids) }
	h.Desk = &Desk{Registry: registry.Open(h.pool, registry.Registry{Now: clock, NewID: id}), Passwords: NewPasswords(cheap), System: system,
		Now: clock, NewID: id, Issuer: "https://passerelle.example/console"}
	h.holder(alicesRecord, "GARNIER", "Alice", "F", "19930314", "293035999901195", authz.ProfileActive)
	h.open("alice", alicesRecord)
	return h
}

// holder makes a record.
func (h *hall) holder(id, family, given, sex, born, ins string, state authz.Value) {
	h.t.Helper()
	h.do(func(s *registry.Session) error {
		return record.Create(h.t.Context(), s.Handle(), system, record.Holder{Record: id, Patient: xds.NewCX(ins, "1.2.250.1.213.1.4.10", "NH"), Sex: sex,
			Profile: state, Settings: authz.DefaultSettings, Traits: authz.Traits{Family: family, Given: given, BirthDate: born}})
	})
}

// open makes an account with the phrase for its password.
func (h *hall) open(login string, persons ...string) account.Credentials {
	h.t.Helper()
	hash, err := h.Passwords.Hash(h.t.Context(), phrase)
	if err != nil {
		h.t.Fatal(err)
	}
	c := account.Credentials{Account: account.Account{ID: h.NewID(), Login: login, Email: login + "@exemple.fr", Phone: "+33639980001", Lang: "fr", Persons: persons}, Password: hash}
	h.do(func(s *registry.Session) error { return account.Create(h.t.Context(), s.Handle(), system, c, h.now) })
	return c
}

func (h *hall) do(fn func(*registry.Session) error) {
	h.t.Helper()
	if err := h.Registry.Write(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// mail gives a parameter of the last message of a kind.
func (h *hall) mail(kind, param string) string {
	h.t.Helper()
	var value string
	err := h.pool.QueryRow(h.t.Context(), `select coalesce(params ->> $2, 'nothing') from message where kind = $1 order by created_at desc, ctid desc limit 1`, kind, param).Scan(&value)
	if err != nil {
		h.t.Fatalf("no message %s: %v", kind, err)
	}
	return value
}

func (h *hall) count(sql string, args ...any) (n int) {
	h.t.Helper()
	if err := h.pool.QueryRow(h.t.Context(), sql, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *hall) mails(kind string) int {
	return h.count(`select count(*) from message where kind = $1`, kind)
}

func (h *hall) errands() {
	h.t.Helper()
	if more, err := h.Errands(h.t.Context()); err != nil || more {
		h.t.Fatal(more, err)
	}
}

// in signs alice in all the way.
func (h *hall) in(b Browser) Entered {
	h.t.Helper()
	flow, err := h.Password(h.t.Context(), b, "alice", phrase)
	if err != nil {
		h.t.Fatal(err)
	}
	in, err := h.Code(h.t.Context(), b, flow, h.mail("OTP", "code"))
	if err != nil {
		h.t.Fatal(err)
	}
	return in
}

// session is whose session a cookie is of.
func (h *hall) session(cookie string) (found account.Session, ok bool) {
	h.t.Helper()
	h.do(func(s *registry.Session) (err error) {
		found, ok, err = account.Find(h.t.Context(), s.Handle(), cookie, h.now)
		return err
	})
	return found, ok
}

var home = Browser{Address: "192.0.2.1", Agent: "Firefox", Lang: "fr"}

func TestSignIn(t *testing.T) {
	h := newHall(t)
	flow, err := h.Password(t.Context(), home, " Alice ", phrase)
	if err != nil {
		t.Fatal(err)
	}
	w, err := h.Waiting(t.Context(), flow)
	if err != nil || w.To != "a•••@exemple.fr" || w.SMS || !w.Other || !w.Until.Equal(h.now.Add(CodeTime)) {
		t.Errorf("%+v, %v", w, err)
	}
	code := h.mail("OTP", "code")
	in, err := h.Code(t.Context(), home, flow, code[:3]+" "+code[3:])
	if err != nil || in.Name != "GARNIER Alice" {
		t.Fatalf("%+v, %v", in, err)
	}
	s, ok := h.session(in.Session)
	if !ok || s.Name != "GARNIER Alice" || len(s.Persons) != 1 || s.Persons[0] != alicesRecord || s.Agent != "Firefox" {
		t.Errorf("%+v", s)
	}
	if _, err := h.Code(t.Context(), home, flow, code); !errors.Is(err, ErrOver) {
		t.Errorf("a code used twice: %v", err)
	}
	if n := h.mails("NEW_DEVICE"); n != 0 {
		t.Errorf("the first browser of an account is told %d times", n)
	}
}

// Nothing that the database holds opens anything: no password, no code, no cookie.
func TestNothingKept(t *testing.T) {
	h := newHall(t)
	flow, err := h.Password(t.Context(), home, "alice", phrase)
	if err != nil {
		t.Fatal(err)
	}
	code := h.mail("OTP", "code")
	if _, err := h.pool.Exec(t.Context(), `delete from message`); err != nil {
		t.Fatal(err)
	}
	if n := h.count(`select count(*) from signin_flow f where f::text like '%' || $1 || '%' or f::text like '%' || $2 || '%'`, code, flow); n != 0 {
		t.Error("the code or the cookie of a flow is kept")
	}
	if n := h.count(`select count(*) from account a where a::text like '%truite%' or password not like '$argon2id$%'`); n != 0 {
		t.Error("a password is kept")
	}
}

// A new session is another one than whatever the browser came with, and that one ends.
func TestSessionFixation(t *testing.T) {
	h := newHall(t)
	first := h.in(home)
	again := home
	again.Session, again.Devices = first.Session, []string{"of-another-account", first.Device}
	second := h.in(again)
	if second.Session == first.Session || second.Device != "" {
		t.Errorf("%+v after %+v", second, first)
	}
	if _, ok := h.session(first.Session); ok {
		t.Error("the former session is still open")
	}
	planted := home
	planted.Session = "a-cookie-that-somebody-planted"
	third := h.in(planted)
	if third.Session == planted.Session {
		t.Error("a planted cookie became a session")
	}
	if _, ok := h.session(planted.Session); ok {
		t.Error("a planted cookie opens a session")
	}
	if n := h.mails("NEW_DEVICE"); n != 1 {
		t.Errorf("one unknown browser is told %d times", n)
	}
}

// A code is good for ten minutes, five tries and one sign-in, in the browser that asked.
func TestCode(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(h *hall, flow *string, code string)
		want  error
	}{
		"in time":                {func(h *hall, _ *string, _ string) { h.now = h.now.Add(CodeTime - time.Second) }, nil},
		"late":                   {func(h *hall, _ *string, _ string) { h.now = h.now.Add(CodeTime) }, ErrRefused},
		"after four wrong ones":  {func(h *hall, flow *string, code string) { h.wrong(*flow, code, 4) }, nil},
		"after five wrong ones":  {func(h *hall, flow *string, code string) { h.wrong(*flow, code, 5); h.now = h.now.Add(2 * time.Minute) }, ErrRefused},
		"in another browser":     {func(_ *hall, flow *string, _ string) { *flow = "" }, ErrOver},
		"with a made-up cookie":  {func(_ *hall, flow *string, _ string) { *flow += "x" }, ErrOver},
		"with the one of before": {func(h *hall, flow *string, _ string) { h.now = h.now.Add(time.Minute); h.resend(*flow) }, ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall(t)
			flow, err := h.Password(t.Context(), home, "alice", phrase)
			if err != nil {
				t.Fatal(err)
			}
			code := h.mail("OTP", "code")
			c.spoil(h, &flow, code)
			if in, err := h.Code(t.Context(), home, flow, code); !errors.Is(err, c.want) || (in.Session == "") != (c.want != nil) {
				t.Errorf("%+v, %v, want %v", in, err, c.want)
			}
		})
	}
}

// wrong enters n wrong codes.
func (h *hall) wrong(flow, code string, n int) {
	h.t.Helper()
	for i := range n {
		if _, err := h.Code(h.t.Context(), home, flow, fmt.Sprintf("%06d", (i+1+atoi(code))%1_000_000)); !errors.Is(err, ErrRefused) {
			h.t.Fatalf("wrong code %d: %v", i, err)
		}
	}
}

func atoi(s string) (n int) {
	for _, r := range s {
		n = 10*n + int(r-'0')
	}
	return n
}

func (h *hall) resend(flow string) {
	h.t.Helper()
	if err := h.Resend(h.t.Context(), flow, false); err != nil {
		h.t.Fatal(err)
	}
}

// A code is sent again after a pause, not often, and where its owner wants it.
func TestResend(t *testing.T) {
	h := newHall(t)
	flow, err := h.Password(t.Context(), home, "alice", phrase)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Resend(t.Context(), flow, false); !errors.Is(err, ErrSoon) {
		t.Errorf("at once: %v", err)
	}
	for range codeSends - 1 {
		h.now = h.now.Add(codePause)
		if err := h.Resend(t.Context(), flow, true); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.count(`select count(*) from message where channel = 'sms' and recipient = '+33639980001'`); n != codeSends-1 {
		t.Errorf("%d by SMS", n)
	}
	if w, err := h.Waiting(t.Context(), flow); err != nil || !w.SMS || w.To != "•• •• •• 01" {
		t.Errorf("%+v, %v", w, err)
	}
	h.now = h.now.Add(codePause)
	if err := h.Resend(t.Context(), flow, false); !errors.Is(err, ErrSoon) {
		t.Errorf("too many: %v", err)
	}
	if _, err := h.Code(t.Context(), home, flow, h.mail("OTP", "code")); err != nil {
		t.Errorf("the last one: %v", err)
	}
}

// Who does not know the password learns nothing, and is stopped: an identifier that is not
// there, a wrong password and a shut account say the same, and the same is written.
func TestNoEnumeration(t *testing.T) {
	h := newHall(t)
	tried := func(login, password string) string {
		b := home
		b.Address = "198.51.100." + fmt.Sprint(len(login)) // of each its own
		_, err := h.Password(t.Context(), b, login, password)
		return fmt.Sprint(err)
	}
	for range 12 {
		wrong, unknown := tried("alice", "une autre phrase"), tried("nobody", "une autre phrase")
		if wrong != unknown || wrong != ErrRefused.Error() {
			t.Fatalf("wrong %q, unknown %q", wrong, unknown)
		}
	}
	if shut := tried("alice", phrase); shut != ErrRefused.Error() {
		t.Errorf("the right password of a shut account: %q", shut)
	}
	var kept [2]string
	for i, login := range []string{"alice", "nobody"} {
		key := sumOf("passerelle login " + login)
		if err := h.pool.QueryRow(t.Context(), `select failures || ' ' || shut_until from signin_failure where key = $1`, key).Scan(&kept[i]); err != nil {
			t.Fatal(err)
		}
	}
	if kept[0] != kept[1] {
		t.Errorf("alice %s, nobody %s", kept[0], kept[1])
	}
	if n := h.count(`select count(*) filter (where login = 'alice') - count(*) filter (where login = 'nobody') from signin_errand`); n != 0 {
		t.Errorf("%d errands more for who is there", n)
	}
	h.errands()
	if n := h.mails("ACCOUNT_LOCKED"); n != 1 {
		t.Errorf("alice is told %d times that her account is shut", n)
	}
}

// Guessing gets slower and slower, and is over an hour a try in the end; then the owner
// comes in as before.
func TestBruteForce(t *testing.T) {
	h := newHall(t)
	waits, start := []time.Duration{}, h.now
	for try := 0; try < 60; {
		b := home
		b.Address = fmt.Sprintf("203.0.113.%d", try) // each from elsewhere
		if _, err := h.Password(t.Context(), b, "alice", "une autre phrase"); !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
		try++
		var until time.Time
		if err := h.pool.QueryRow(t.Context(), `select shut_until from signin_failure where key = $1`, sumOf("passerelle login alice")).Scan(&until); err != nil {
			t.Fatal(err)
		}
		waits = append(waits, until.Sub(h.now))
		h.now = until.UTC()
	}
	for i, want := range []time.Duration{0, 0, 0, 0, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
		if waits[i] != want {
			t.Errorf("after %d failures: %v, want %v", i+1, waits[i], want)
		}
	}
	if h.now.Sub(start) < 48*time.Hour {
		t.Errorf("60 guesses in %v", h.now.Sub(start))
	}
	h.in(home)
	if n := h.count(`select count(*) from signin_failure where key = $1`, sumOf("passerelle login alice")); n != 0 {
		t.Error("her failures are remembered after she came in")
	}
}

// Guesses at one instant are no way around: they all find the account and the address open,
// and the right one among them is refused once as many have failed as are forgiven, in the
// words of a wrong one.
func TestGuessesAtOnce(t *testing.T) {
	for _, failed := range []struct {
		login func(i int) string
		n     int
	}{
		{func(int) string { return "alice" }, ofAccount.Free},
		{func(i int) string { return fmt.Sprint("person", i) }, ofAddress.Free},
	} {
		h := newHall(t)
		for range hashesAtOnce { // the guess waits for its turn, having found all open
			h.Passwords.places <- struct{}{}
		}
		done := make(chan error)
		go func() {
			_, err := h.Password(context.Background(), home, "alice", phrase)
			done <- err
		}()
		time.Sleep(50 * time.Millisecond)
		for i := range failed.n {
			h.do(func(s *registry.Session) error { return h.fail(t.Context(), s, home, failed.login(i), false) })
		}
		<-h.Passwords.places
		if err := <-done; !errors.Is(err, ErrRefused) {
			t.Errorf("the right one among many %d: %v", failed.n, err)
		}
		if n := h.mails("OTP"); n != 0 {
			t.Errorf("%d codes sent", n)
		}
	}
}

// One address does not try the whole town; the next house may go on, and so may a network
// of IPv6 in which every house is its own.
func TestAddress(t *testing.T) {
	h := newHall(t)
	for i := range ofAddress.Free {
		b := home
		b.Address = fmt.Sprintf("2001:db8:1:2::%x", i) // one household
		if _, err := h.Password(t.Context(), b, fmt.Sprintf("person%d", i), phrase); !errors.Is(err, ErrRefused) {
			t.Fatalf("%d: %v", i, err)
		}
	}
	var shut *Shut
	b := home
	b.Address = "2001:db8:1:2::ffff"
	if _, err := h.Password(t.Context(), b, "alice", phrase); !errors.As(err, &shut) || !shut.Until.Equal(h.now.Add(time.Minute)) {
		t.Errorf("the same household: %v", err)
	}
	if err := h.Forgotten(t.Context(), b, "alice"); !errors.As(err, &shut) {
		t.Errorf("a link for the same household: %v", err)
	}
	b.Address = "2001:db8:1:3::1"
	if _, err := h.Password(t.Context(), b, "alice", phrase); err != nil {
		t.Errorf("the next one: %v", err)
	}
	h.now = h.now.Add(time.Minute)
	b.Address = "2001:db8:1:2::ffff"
	if _, err := h.Password(t.Context(), b, "alice", phrase); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

// Many sign-ins that stop at the code shut the account: each of them sends a message, and
// each is five more guesses.
func TestManyCodes(t *testing.T) {
	h := newHall(t)
	var flows []string
	for range ofCodes.Free {
		flow, err := h.Password(t.Context(), home, "alice", phrase)
		if err != nil {
			t.Fatal(err)
		}
		flows = append(flows, flow)
	}
	if _, err := h.Password(t.Context(), home, "alice", phrase); !errors.Is(err, ErrRefused) {
		t.Errorf("one more: %v", err)
	}
	code := h.mail("OTP", "code")
	h.wrong(flows[0], code, 5)
	if _, err := h.Code(t.Context(), home, flows[len(flows)-1], code); !errors.Is(err, ErrRefused) {
		t.Errorf("a right code while the account is shut for wrong ones: %v", err)
	}
}

// A password of a former cost is hashed anew when it is given.
func TestRehash(t *testing.T) {
	h := newHall(t)
	h.Passwords = NewPasswords(Cost{Memory: 128, Time: 1, Threads: 1})
	h.in(home)
	if n := h.count(`select count(*) from account where password like '%m=128,%'`); n != 1 {
		t.Error("the hash is still of the former cost")
	}
	h.now = h.now.Add(time.Minute)
	h.in(home)
}

// A forgotten password: a link, once, for half an hour; the account is open again, every
// session is over, and its owner is told. For nobody the same answer, and no message.
func TestRecovery(t *testing.T) {
	h := newHall(t)
	before := h.in(home)
	for range 5 {
		_, _ = h.Password(t.Context(), home, "alice", "une autre phrase")
	}
	for _, login := range []string{"ALICE", "nobody", "\x00", strings.Repeat("x", 5000)} {
		if err := h.Forgotten(t.Context(), home, login); err != nil {
			t.Errorf("%.10q: %v", login, err)
		}
	}
	if n := h.mails("RESET_LINK"); n != 0 {
		t.Error("the answer waited for the message")
	}
	h.errands()
	if n := h.mails("RESET_LINK"); n != 1 {
		t.Fatalf("%d links", n)
	}
	_, link, _ := strings.Cut(h.mail("RESET_LINK", "path"), "?jeton=")
	if err := h.Recovering(t.Context(), link); err != nil {
		t.Fatal(err)
	}
	if err := h.Recover(t.Context(), link, "alice alice"); !errors.Is(err, ErrShort) {
		t.Errorf("a short one: %v", err)
	}
	if err := h.Recover(t.Context(), link, "le gave descend la truite"); err != nil {
		t.Fatal(err)
	}
	if err := h.Recover(t.Context(), link, "encore une autre phrase"); !errors.Is(err, ErrOver) {
		t.Errorf("the link twice: %v", err)
	}
	if _, ok := h.session(before.Session); ok {
		t.Error("a session of before is still open")
	}
	if n := h.mails("RESET_DONE"); n != 1 {
		t.Errorf("told %d times", n)
	}
	if _, err := h.Password(t.Context(), home, "alice", phrase); !errors.Is(err, ErrRefused) {
		t.Errorf("the former password: %v", err)
	}
	if _, err := h.Password(t.Context(), home, "alice", "le gave descend la truite"); err != nil {
		t.Errorf("the new one: %v", err)
	}
}

// A link is over after half an hour, and few are sent.
func TestRecoveryBounds(t *testing.T) {
	h := newHall(t)
	for range ofLinks.Free + 2 {
		if err := h.Forgotten(t.Context(), home, "alice"); err != nil {
			t.Fatal(err)
		}
		h.errands()
	}
	if n := h.mails("RESET_LINK"); n != ofLinks.Free {
		t.Errorf("%d links", n)
	}
	_, link, _ := strings.Cut(h.mail("RESET_LINK", "path"), "?jeton=")
	if _, err := h.Code(t.Context(), home, link, "000000"); !errors.Is(err, ErrOver) {
		t.Errorf("a link taken for a sign-in: %v", err)
	}
	h.now = h.now.Add(recoverTime)
	if err := h.Recovering(t.Context(), link); !errors.Is(err, ErrOver) {
		t.Errorf("late: %v", err)
	}
	if err := h.Recover(context.WithoutCancel(t.Context()), link, "le gave descend la truite"); !errors.Is(err, ErrOver) {
		t.Errorf("late: %v", err)
	}
}

func sumOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
