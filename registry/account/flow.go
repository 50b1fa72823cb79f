package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// FlowKind is what a browser is in the midst of, nearly always before it is signed in.
type FlowKind string

// The kinds.
const (
	FlowCode     FlowKind = "code"     // the password was right, the code is expected
	FlowProvider FlowKind = "provider" // gone to a provider of identities
	FlowActivate FlowKind = "activate" // has proved who he is by the three data of the notice
	FlowRecover  FlowKind = "recover"  // holds the link of a recovery
	FlowContact  FlowKind = "contact"  // is signed in, and proves a new address or number
)

// Flow is a sign-in on its way, tied to one browser by a cookie.
type Flow struct {
	Kind      FlowKind
	Account   string          // "" where none is known yet
	Data      json.RawMessage // of the kind; nil is {}
	Sends     int             // of codes
	SentAt    time.Time
	CodeUntil time.Time // zero: no code is expected
	ExpiresAt time.Time
}

// BeginFlow stores a flow and gives the secret for the cookie, which is kept nowhere.
func BeginFlow(ctx context.Context, h db.Handle, f Flow, now time.Time) (cookie string, err error) {
	cookie = rand.Text() + rand.Text()
	_, err = db.On(h).Exec(ctx, `insert into signin_flow (token, kind, account, data, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)`,
		flowDigest(cookie), string(f.Kind), orNull(f.Account), f.data(), now, f.ExpiresAt)
	return cookie, err
}

func (f Flow) data() []byte {
	if f.Data == nil {
		return []byte("{}")
	}
	return f.Data
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// FindFlow is the flow of a cookie, of one of the kinds, and holds it for the rest of the
// transaction; ok is false when there is none, or its time is over.
func FindFlow(ctx context.Context, h db.Handle, cookie string, now time.Time, kinds ...FlowKind) (f Flow, ok bool, err error) {
	if cookie == "" || len(cookie) > 100 || !db.Storable(cookie) {
		return Flow{}, false, nil
	}
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	var of *string
	var sent, until *time.Time
	err = db.On(h).QueryRow(ctx, `select kind, account::text, data, sends, sent_at, code_until, expires_at from signin_flow
where token = $1 and expires_at > $2 and kind = any($3) for update`, flowDigest(cookie), now, names).
		Scan(&f.Kind, &of, &f.Data, &f.Sends, &sent, &until, &f.ExpiresAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Flow{}, false, nil
	}
	if err != nil {
		return Flow{}, false, err
	}
	if of != nil {
		f.Account = *of
	}
	if sent != nil {
		f.SentAt = *sent
	}
	if until != nil {
		f.CodeUntil = *until
	}
	return f, true, nil
}

// SetFlow replaces what a flow knows.
func SetFlow(ctx context.Context, h db.Handle, cookie string, data json.RawMessage) error {
	_, err := db.On(h).Exec(ctx, `update signin_flow set data = $2 where token = $1`, flowDigest(cookie), []byte(data))
	return err
}

// EndFlow takes a flow away: what it led to happens once.
func EndFlow(ctx context.Context, h db.Handle, cookie string) error {
	_, err := db.On(h).Exec(ctx, `delete from signin_flow where token = $1`, flowDigest(cookie))
	return err
}

// SetCode makes a code the one that a flow expects, in place of any former one.
func SetCode(ctx context.Context, h db.Handle, cookie, code string, now, until time.Time) error {
	_, err := db.On(h).Exec(ctx, `update signin_flow set code = $2, code_until = $3, tries = 0, sends = sends + 1, sent_at = $4 where token = $1`,
		flowDigest(cookie), codeDigest(cookie, code), until, now)
	return err
}

// TryCode compares a code with the one that a flow expects, and counts. The right one
// counts once, and none after the last try.
func TryCode(ctx context.Context, h db.Handle, cookie, code string, now time.Time, tries int) (right bool, err error) {
	if !db.Storable(code) {
		code = ""
	}
	err = db.On(h).QueryRow(ctx, `
update signin_flow f set tries = f.tries + 1, code = case when was.was_right then null else f.code end
from (select token, code = $2 and code_until > $3 as was_right from signin_flow where token = $1 and expires_at > $3 and code is not null and tries < $4 for update) was
where f.token = was.token returning was.was_right`, flowDigest(cookie), codeDigest(cookie, code), now, tries).Scan(&right)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return right, err
}

func flowDigest(cookie string) []byte {
	sum := sha256.Sum256([]byte("passerelle flow " + cookie))
	return sum[:]
}

// codeDigest is a code with the secret of its browser: the million codes that there are
// cannot be tried on what the database holds.
func codeDigest(cookie, code string) []byte {
	sum := sha256.Sum256([]byte("passerelle code " + cookie + " " + code))
	return sum[:]
}
