package record

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// NoticeKind is what a person is told.
type NoticeKind int16

// The kinds.
const (
	NoticeHolder   NoticeKind = 1 // a record will be opened for you (S0, S3, S4)
	NoticeParent   NoticeKind = 2 // for the minor who is attached to you (S4)
	NoticeMajority NoticeKind = 3 // you are of age, and the record stays open (S4)
)

// CodeLasts is how long a provisional code is good: longer than the six weeks, since a
// record that opened by itself is activated with it too (S0).
const CodeLasts = 180 * 24 * time.Hour

// MaxTries is how many wrong codes a notice bears; then it needs a new code.
const MaxTries = 10

// codeAlphabet has no letter that is read as a digit or as another one: 32 signs, 5 bits.
const codeAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// NewCode is a provisional code of 60 bits, as it is printed: K7F2-9QXA-3MWD.
func NewCode() string {
	var raw [12]byte
	rand.Read(raw[:])
	var code strings.Builder
	for i, b := range raw {
		if i > 0 && i%4 == 0 {
			code.WriteByte('-')
		}
		code.WriteByte(codeAlphabet[b%32])
	}
	return code.String()
}

// plain is a code or number as somebody typed it, without what the eye adds.
func plain(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
			return r
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return -1
	}, typed)
}

// secret is how a code or the number of a card is kept. The code is drawn of 60 bits and
// dies with its time; the number of the card is no secret of ours.
func secret(record, typed string) []byte {
	sum := sha256.Sum256([]byte(record + "\x00" + plain(typed)))
	return sum[:]
}

// Proof is what somebody knows who has the notice, the number and the card of a person:
// the three data of the activation (S2, S4).
type Proof struct {
	Patient xds.CX // the INS of the record
	Code    string // provisional, as typed
	Card    string // serial number of the Carte Vitale, as typed
}

// Proved is what a proof opens: a person is who the notice was written to.
type Proved struct {
	Record  string
	Patient xds.CX
	Person  string // the holder's record, or that of the parent to whom a minor is attached
	Name    string // of that person
	Minor   bool   // the person acts for a minor
	Email   string // of the notice, "" = by letter
	Phone   string
	Lang    string
}

// Prove holds a proof against the notice. ok is false for any wrong one, an unknown
// number and a code that is over, used up or tried too often alike, after the same work;
// the try is counted in the transaction, which has to commit.
func Prove(ctx context.Context, h db.Handle, p Proof, now time.Time) (who Proved, ok bool, err error) {
	var code, card []byte
	var tries int
	var expires *time.Time
	var kind int16
	var value, authority, typ string
	if db.Storable(string(p.Patient)) {
		err = db.On(h).QueryRow(ctx, `
select r.id::text, r.ins_value, r.ins_authority, r.ins_type, n.person, w.family || ' ' || w.given, n.kind, n.email, n.phone, n.language, n.code, n.card, n.tries, n.expires_at
from record r join notice n on n.record = r.id join record w on w.id = n.person::uuid where r.ins_value = $1 and r.ins_authority = $2 for update of n`, p.Patient.ID(), p.Patient.Authority()).
			Scan(&who.Record, &value, &authority, &typ, &who.Person, &who.Name, &kind, &who.Email, &who.Phone, &who.Lang, &code, &card, &tries, &expires)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	if err != nil {
		return Proved{}, false, err
	}
	// All is compared, whatever the first comparison says.
	right := subtle.ConstantTimeCompare(code, secret(who.Record, p.Code)) & subtle.ConstantTimeCompare(card, secret(who.Record, p.Card))
	live := code != nil && card != nil && expires != nil && now.Before(*expires) && tries < MaxTries
	if right == 1 && live {
		who.Patient, who.Minor = xds.NewCX(value, authority, typ), NoticeKind(kind) == NoticeParent
		return who, true, nil
	}
	_, err = db.On(h).Exec(ctx, `update notice set tries = tries + 1 where record = nullif($1, '')::uuid and code is not null and tries < $2`, who.Record, MaxTries)
	return Proved{}, false, err
}

// spent takes the code away that an activation was proved with.
func spent(ctx context.Context, tx *db.Tx, record string) error {
	_, err := tx.Exec(ctx, `update notice set code = null where record = $1`, record)
	return err
}

const handOverSQL = `
insert into notice (record, kind, person, language, email, phone, address, code, expires_at, sent_at)
select id, $2, id::text, 'fr', $3, '', '', $4, $5, $6 from record where id = $1
on conflict (record) do update set kind = excluded.kind, person = excluded.person, email = excluded.email, phone = '', code = excluded.code, tries = 0,
    expires_at = excluded.expires_at, sent_at = excluded.sent_at`

// HandOver makes the notice of a record that of its holder, who came of age, with a new
// code: given in the clear for the message to his own address, or drawn with his letter
// when he has none. The card stays the one that the insurer named.
func HandOver(ctx context.Context, h db.Handle, sys authz.System, record, email string, now time.Time) (code string, err error) {
	if err := db.BySystem(sys); err != nil {
		return "", err
	}
	var hash []byte
	var expires, sent *time.Time
	if email != "" {
		code = NewCode()
		over := now.Add(CodeLasts)
		hash, expires, sent = secret(record, code), &over, &now
	}
	_, err = db.On(h).Exec(ctx, handOverSQL, record, int16(NoticeMajority), email, hash, expires, sent)
	return code, err
}

// Representatives are the persons who are representatives of a record.
func Representatives(ctx context.Context, h db.Handle, sys authz.System, record string) ([]string, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	rows, err := db.On(h).Query(ctx, `select person from record_person where record = $1 and role = $2 order by person`, record, int16(authz.RepresentativeRole))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Letter is a notice to be printed.
type Letter struct {
	Record  string
	Kind    NoticeKind
	Family  string // of whom it is written to
	Given   string
	Address string // lines
	Lang    string
	Code    string
	Until   time.Time // on the last whole day of the opposition; zero where there is none
}

// lettersSQL holds notices that are still to be printed, and steps over what another one
// prints.
const lettersSQL = `
select n.record::text, n.kind, w.family, w.given, n.address, n.language from notice n join record w on w.id = n.person::uuid
where n.sent_at is null order by n.record limit $1 for update of n skip locked`

// TakeLetters draws the codes of letters and says that they left, all in the transaction:
// when it does not commit, the letters are worth nothing and are taken again. The six
// weeks of a record begin with its letter.
func TakeLetters(ctx context.Context, h db.Handle, sys authz.System, now time.Time, limit int) ([]Letter, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	rows, err := db.On(h).Query(ctx, lettersSQL, limit)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Letter, err error) {
		var kind int16
		err = row.Scan(&l.Record, &kind, &l.Family, &l.Given, &l.Address, &l.Lang)
		l.Kind, l.Code = NoticeKind(kind), NewCode()
		return l, err
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		life, err := lock(ctx, db.On(h), all[i].Record)
		if err != nil {
			return nil, err
		}
		if life.State == authz.ProfileNotified && life.NotifiedAt == nil {
			life.NotifiedAt, all[i].Until = &now, lastDay(now)
			if err := life.store(ctx, db.On(h)); err != nil {
				return nil, err
			}
		}
		if _, err := db.On(h).Exec(ctx, `update notice set code = $2, tries = 0, expires_at = $3, sent_at = $4 where record = $1`,
			all[i].Record, secret(all[i].Record, all[i].Code), now.Add(CodeLasts), now); err != nil {
			return nil, err
		}
	}
	return all, nil
}
