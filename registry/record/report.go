package record

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// ReportAbout is what a report is about.
type ReportAbout int16

// What can be reported (users §2: SIGNALEMENT).
const (
	ReportAccess       ReportAbout = 1
	ReportProfessional ReportAbout = 2
	ReportDocument     ReportAbout = 3
)

// ReportState is what became of a report.
type ReportState int16

// The states.
const (
	ReportReceived ReportState = 1
	ReportHandled  ReportState = 2 // the operator is at it
	ReportClosed   ReportState = 3 // answered
)

// Report is what a person told the operator of: something outside the rules (S4 "tout
// accès en dehors des règles précitées est illégitime").
type Report struct {
	Record, ID, Number string
	Person             string // who reported
	About              ReportAbout
	Actor, Document    string
	At                 time.Time // of the access; zero: of none
	Text               string
	State              ReportState
	CreatedAt          time.Time
	Answer             string
	AnsweredAt         time.Time // zero: not yet
}

// MaxReports bounds those of a record that wait for an answer, and lists.
const (
	MaxReports       = 20
	maxListedReports = 200
)

const reportColumns = `record::text, id::text, number, person, about, actor, document, at, text, state, created_at, answer, answered_at`

func scanReport(row pgx.CollectableRow) (r Report, err error) {
	var at, answered *time.Time
	err = row.Scan(&r.Record, &r.ID, &r.Number, &r.Person, &r.About, &r.Actor, &r.Document, &at, &r.Text, &r.State, &r.CreatedAt, &r.Answer, &answered)
	if at != nil {
		r.At = *at
	}
	if answered != nil {
		r.AnsweredAt = *answered
	}
	return r, err
}

// PutReport stores a report by the subject himself, who may read the history; RPT-001
// when too many wait for an answer.
func PutReport(ctx context.Context, h db.Handle, a authz.Allowed, r Report) error {
	if err := db.Permitted(h, a, authz.Journal); err != nil {
		return err
	}
	var open int
	if _, err := lockState(ctx, db.On(h), a.Record()); err != nil {
		return err
	}
	if err := db.On(h).QueryRow(ctx, `select count(*) from report where record = $1 and state < $2`, a.Record(), ReportClosed).Scan(&open); err != nil {
		return err
	}
	if open >= MaxReports {
		return &xds.Error{ID: "RPT-001"}
	}
	var at *time.Time
	if !r.At.IsZero() {
		at = &r.At
	}
	_, err := db.On(h).Exec(ctx, `
insert into report (record, id, number, person, about, actor, document, at, text, state, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		a.Record(), r.ID, r.Number, a.Subject().ID, r.About, r.Actor, r.Document, at, r.Text, ReportReceived, r.CreatedAt)
	return err
}

// Reports are those that the subject himself made, the latest first: what one parent
// reports may be about the other.
func Reports(ctx context.Context, h db.Handle, a authz.Allowed) ([]Report, error) {
	if err := db.Permitted(h, a, authz.Journal); err != nil {
		return nil, err
	}
	rows, err := db.On(h).Query(ctx, `select `+reportColumns+` from report where record = $1 and person = $2 order by created_at desc limit $3`,
		a.Record(), a.Subject().ID, maxListedReports)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanReport)
}

// OpenReports are those of all records that wait for an answer, the oldest first: for the
// operator.
func OpenReports(ctx context.Context, h db.Handle, sys authz.System) ([]Report, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	rows, err := db.On(h).Query(ctx, `select `+reportColumns+` from report where state < $1 order by created_at limit $2`, ReportClosed, maxListedReports)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanReport)
}

// AnswerReport moves a report on, and closes it with an answer; JSON-003 when none of that
// number is open.
func AnswerReport(ctx context.Context, h db.Handle, sys authz.System, number string, to ReportState, answer, by string, now time.Time) (Report, error) {
	if err := db.BySystem(sys); err != nil {
		return Report{}, err
	}
	if !db.Storable(number) {
		return Report{}, &xds.Error{ID: "JSON-003"}
	}
	var at *time.Time
	if to == ReportClosed {
		at = &now
	}
	rows, err := db.On(h).Query(ctx, `
update report set state = $2, answer = $3, answered_by = $4, answered_at = $5
where number = $1 and state < 3 returning `+reportColumns, number, to, answer, by, at)
	if err != nil {
		return Report{}, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanReport)
	if errors.Is(err, pgx.ErrNoRows) {
		err = &xds.Error{ID: "JSON-003"}
	}
	return r, err
}
