package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
)

// The record that is copied: types × (visible + masked) documents.
const (
	typesPerPatient = 8
	visiblePerType  = 20 // what one query of the gates answers
	maskedPerType   = 5  // of the same type, which its reader may not see
	perPatient      = typesPerPatient * (visiblePerType + maskedPerType)
)

// depositPatients have a record and no documents: the deposits go to them, so that
// the answers of the queries keep their length.
const depositPatients = 500

// firstDeposit numbers them past every other one.
const firstDeposit = 90_000_000

//go:embed clone.sql
var cloneSQL string

// copied is a table whose rows are copied from the template: as they are but for the
// columns of set. t is the row, p the patient of the bench, r the template's record.
type copied struct {
	table, by string            // by names the template's rows
	set       map[string]string // column → SQL
	order     string
}

// copies are the tables of a record, byte for byte but for the ids, which have one
// length: what one patient's queries read, another's read as well. Rows come in the
// order of arrival, the first document of every patient, then the second …, so that a
// patient's rows lie apart, as in a registry that grew by the day.
var copies = map[string]copied{
	"record":  {"record", "id", map[string]string{"id": "p.record", "ins_value": "p.ins"}, "p.n"},
	"link":    {"link", "record", nil, "p.n"},
	"lineage": {"lineage", "record", map[string]string{"id": newID("id")}, "t.id, p.n"},
	"document_entry": {"document_entry", "record", map[string]string{
		"lid": newID("lid"), "entry_uuid": newID("entry_uuid"), "lineage": newID("lineage"), "unique_id": newUID("unique_id"), "entry": payload("lid"),
	}, "t.registered_at, t.unique_id, p.n"},
	"submission_set": {"submission_set", "record", map[string]string{
		"id": newID("id"), "unique_id": newUID("unique_id"), "entry": payload("id"),
	}, "t.submitted_at, t.unique_id, p.n"},
	"association": {"association", "record", map[string]string{"id": newID("id"), "source": newID("source"), "target": newID("target")}, "t.id, p.n"},
	"object_id":   {"object_id", "record", map[string]string{"id": newID("id"), "object": newID("object")}, "t.id, p.n"},
	"unique_id":   {"unique_id", "record", map[string]string{"uid": newUID("uid")}, "t.uid, p.n"},
}

func newID(column string) string  { return "bench.id(p.n, t." + column + ")" }
func newUID(column string) string { return "bench.uid(p.n, t." + column + ")" }

// payload is a stored object under the ids of its copy.
func payload(id string) string {
	return "bench.swap(t.entry, t." + id + ", " + newID(id) + ", t.unique_id, " + newUID("unique_id") + ", r.ins_value, p.ins)"
}

// sql is the statement that copies the table: a column that it does not name is copied
// as it is, so that a new one needs no line here. $1 is the template's record, $2 and
// $3 the first and last patient.
func (c copied) sql(ctx context.Context, db queryer) (string, error) {
	rows, err := db.Query(ctx, `select column_name::text from information_schema.columns
where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER' and is_identity = 'NO' order by ordinal_position`, c.table)
	if err != nil {
		return "", err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	var values []string
	for _, name := range names {
		value := c.set[name]
		switch {
		case value != "":
		case name == "record":
			value = "p.record"
		default:
			value = "t." + name
		}
		values = append(values, value)
	}
	return "insert into " + c.table + " (" + strings.Join(names, ", ") + ")\nselect " + strings.Join(values, ", ") +
		"\nfrom " + c.table + " t join record r on r.id = t." + c.by + ", bench.patient p where t." + c.by + " = $1 and p.n between $2 and $3 order by " + c.order, nil
}

// patient is a record of the bench.
type patient struct {
	n           int
	record, ins string
}

// grow loads patients until the registry holds so many documents.
func (w *world) grow(ctx context.Context, documents int) error {
	target := documents / perPatient
	if target <= w.loaded {
		return nil
	}
	w.log("loading %d documents (%d patients)", documents, target)
	if w.loaded == 0 {
		if err := w.register(ctx, firstDeposit, firstDeposit+depositPatients-1, true); err != nil {
			return err
		}
	}
	first := w.loaded + 1
	if err := w.register(ctx, first, target, false); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() {
		failed <- w.clone(ctx, first, target, "object_id", "unique_id", "association", "submission_set")
	}()
	if err := errors.Join(w.clone(ctx, first, target, "lineage", "document_entry"), <-failed); err != nil {
		return err
	}
	w.loaded = target
	w.log("loaded: %s of PostgreSQL's CPU in all", short(familyCPU(w.postgres)))
	if err := w.settle(ctx); err != nil {
		return err
	}
	return w.readPatients(ctx)
}

// register makes the records of patients, each with the links of the template.
func (w *world) register(ctx context.Context, from, to int, deposit bool) error {
	var rows [][]any
	for n := from; n <= to; n++ {
		rows = append(rows, []any{n, service.NewID(), ins(n), deposit})
	}
	_, err := w.pool.CopyFrom(ctx, pgx.Identifier{"bench", "patient"}, []string{"n", "record", "ins", "deposit"}, pgx.CopyFromRows(rows))
	if err != nil {
		return err
	}
	return w.clone(ctx, from, to, "record", "link")
}

// clone copies tables of the template for the patients numbered from … to.
func (w *world) clone(ctx context.Context, from, to int, tables ...string) error {
	conn, err := w.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	defer conn.Conn().Close(ctx) // with the settings that follow
	// The copies keep every rule of the schema: the checks of foreign keys would only
	// take time. Durable is what is measured, not what is loaded.
	for _, setting := range []string{"statement_timeout = 0", "synchronous_commit = off", "session_replication_role = replica", "work_mem = '256MB'"} {
		if _, err := conn.Exec(ctx, "set "+setting); err != nil {
			return err
		}
	}
	for _, table := range tables {
		sql, err := copies[table].sql(ctx, conn)
		if err == nil {
			_, err = conn.Exec(ctx, sql, w.template.record, from, to)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return nil
}

// ins is a test INS of 15 digits, another one for each number below 100 million.
func ins(n int) string {
	return cast.NIR("F", "1984-07-01", fmt.Sprintf("%05d", n/1000), fmt.Sprintf("%03d", n%1000))
}

// settle lets PostgreSQL do its house work before anything is measured.
func (w *world) settle(ctx context.Context) error {
	conn, err := w.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for _, sql := range []string{"set statement_timeout = 0", "vacuum (analyze)", "checkpoint", "reset statement_timeout"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// readPatients are the patients with documents, those of the first load first, and
// those for deposits.
func (w *world) readPatients(ctx context.Context) error {
	var err error
	w.readers, w.deposits, err = patients(ctx, w.pool)
	return err
}

func patients(ctx context.Context, db queryer) (readers, deposits []patient, err error) {
	rows, err := db.Query(ctx, `select n, record::text, ins, deposit from bench.patient where deposit or n <= $1 order by n`, maxReaders)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p patient
		var deposit bool
		if err := rows.Scan(&p.n, &p.record, &p.ins, &deposit); err != nil {
			return nil, nil, err
		}
		if deposit {
			deposits = append(deposits, p)
		} else {
			readers = append(readers, p)
		}
	}
	return readers, deposits, rows.Err()
}

// maxReaders bounds the patients that a load asks about: each has an assertion of its
// own, and the gateway remembers 4096.
const maxReaders = 500

// queryer is a pool or a connection.
type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}
