package record

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Job is an import of the eligible population, as far as it has come.
type Job struct {
	File      string     `json:"file"` // SHA-256 of its bytes
	Name      string     `json:"name"`
	Rows      int64      `json:"rows"`
	Done      int64      `json:"done"`    // rows behind it, in the order of the job
	Created   int64      `json:"created"` // records made
	Known     int64      `json:"known"`   // that had a record already
	Mailed    int64      `json:"mailed"`
	Letters   int64      `json:"letters"`
	StartedAt time.Time  `json:"startedAt"`
	MovedAt   time.Time  `json:"movedAt"`
	EndedAt   *time.Time `json:"endedAt,omitempty"`
}

const jobColumns = `file, name, rows, done, created, known, mailed, letters, started_at, moved_at, ended_at`

// StartJob begins the import of a file, or takes up the one that was begun.
func StartJob(ctx context.Context, h db.Handle, sys authz.System, j Job, now time.Time) (Job, error) {
	if err := db.BySystem(sys); err != nil {
		return j, err
	}
	if _, err := db.On(h).Exec(ctx, `
insert into population_job (file, name, rows, started_at, moved_at) values ($1, $2, $3, $4, $4) on conflict (file) do nothing`, j.File, j.Name, j.Rows, now); err != nil {
		return j, err
	}
	return HoldJob(ctx, h, j.File)
}

// HoldJob reads a job and holds it for the rest of the transaction, so that of two who
// import one file each goes on where the other stands.
func HoldJob(ctx context.Context, h db.Handle, file string) (Job, error) {
	rows, err := db.On(h).Query(ctx, `select `+jobColumns+` from population_job where file = $1 for update`, file)
	if err != nil {
		return Job{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Job])
}

// MoveJob stores how far a job that is held has come; one that has come to its end has
// ended.
func MoveJob(ctx context.Context, h db.Handle, sys authz.System, j Job, now time.Time) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	_, err := db.On(h).Exec(ctx, `
update population_job set done = $2, created = $3, known = $4, mailed = $5, letters = $6, moved_at = $7::timestamptz, ended_at = case when $2 >= rows then $7::timestamptz end where file = $1`,
		j.File, j.Done, j.Created, j.Known, j.Mailed, j.Letters, now)
	return err
}

// Population is what became of those whose records were opened.
type Population struct {
	States  map[string]int64 `json:"states"`  // records by their state
	Letters int64            `json:"letters"` // notices still to be printed
	Jobs    []Job            `json:"jobs"`    // the latest first
}

// Progress tells how far the opening of the records is.
func Progress(ctx context.Context, h db.Handle, sys authz.System) (p Population, err error) {
	if err := db.BySystem(sys); err != nil {
		return p, err
	}
	p.States = map[string]int64{}
	tx := db.On(h)
	rows, err := tx.Query(ctx, `select state, count(*) from record group by state`)
	if err != nil {
		return p, err
	}
	var state int16
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&state, &n}, func() error {
		p.States[authz.Profile.Name(authz.Value(state))] = n
		return nil
	}); err != nil {
		return p, err
	}
	if err := tx.QueryRow(ctx, `select count(*) from notice where sent_at is null`).Scan(&p.Letters); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return p, err
	}
	rows, err = tx.Query(ctx, `select `+jobColumns+` from population_job order by started_at desc limit 50`)
	if err != nil {
		return p, err
	}
	p.Jobs, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Job])
	return p, err
}
