package account

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// ErrandKind is what is done for an identifier after the answer was given.
type ErrandKind string

// The kinds.
const (
	ErrandRecover ErrandKind = "recover" // a link to choose a new password
	ErrandLocked  ErrandKind = "locked"  // told that the account is shut for a while
)

// Errand is one, whether or not there is such an account.
type Errand struct {
	Kind    ErrandKind
	Login   string
	Lang    string
	Minutes int // that the account is shut
}

// maxErrands bounds those that wait: more are a storm, in which a person asks again.
const maxErrands = 10_000

// Note queues an errand.
func Note(ctx context.Context, h db.Handle, e Errand, now time.Time) error {
	if !db.Storable(e.Login) {
		e.Login = ""
	}
	_, err := db.On(h).Exec(ctx, `insert into signin_errand (kind, login, lang, minutes, at) select $1, $2, $3, $4, $5
where (select count(*) from signin_errand) < $6`, string(e.Kind), e.Login, e.Lang, e.Minutes, now, maxErrands)
	return err
}

// TakeErrands gives up to most errands, the oldest first, for this transaction to do.
func TakeErrands(ctx context.Context, h db.Handle, sys authz.System, most int) ([]Errand, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	rows, err := db.On(h).Query(ctx, `
delete from signin_errand where id in (select id from signin_errand order by id limit $1 for update skip locked) returning kind, login, lang, minutes`, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Errand])
}
