package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// looks is how often a statement is timed for each patient.
const looks = 5

// filterGate compares FindDocuments under the policy with the same code under a
// policy of one rule, which permits everything: the difference is the filter.
func filterGate(ctx context.Context, w *world) ([]result, error) {
	inSQL, err := filterSQL(ctx, w)
	if err != nil {
		return nil, err
	}
	overHTTP, err := filterHTTP(ctx, w)
	return append(inSQL, overHTTP...), err
}

// finder is a search statement of the gateway, recorded.
type finder struct {
	statement
	script *script
	of     patient
}

// finder records what the gateway sends for the search, under the policy or without.
func (w *world) finder(ctx context.Context, code string, open bool) (*finder, error) {
	s, err := openStudio(ctx, child{data: w.dir, base: w.base()}, open)
	if err != nil {
		return nil, err
	}
	defer s.close()
	q, err := w.query(w.readers[0], code)
	if err != nil {
		return nil, err
	}
	got, err := s.record(q.renewed)
	if err != nil {
		return nil, err
	}
	return &finder{got.widest(), got, w.readers[0]}, nil
}

// argsFor are the statement's arguments for another patient.
func (f *finder) argsFor(p patient) []any { return swapped(f.args, swapper(f.script, f.of, p)) }

// timed runs the statement as a pool does, prepared, and reads its rows.
func (f *finder) timed(ctx context.Context, conn *pgxpool.Conn, p patient) (time.Duration, error) {
	args := f.argsFor(p)
	began := time.Now()
	rows, err := conn.Query(ctx, f.sql, args...)
	if err != nil {
		return 0, err
	}
	err = readRows(rows)
	return time.Since(began), err
}

// warm are the patients that growth asks about at every size: those of the first
// load, at most 50.
func (w *world) warm() []patient {
	return w.readers[:min(len(w.readers), sizesOf(w.o).small/perPatient, 50)]
}

func filterSQL(ctx context.Context, w *world) ([]result, error) {
	filtered, err := w.finder(ctx, unmasked, false)
	if err != nil {
		return nil, err
	}
	open, err := w.finder(ctx, unmasked, true)
	if err != nil {
		return nil, err
	}
	if filtered.rows != open.rows {
		return nil, fmt.Errorf("%d rows against %d: not the same question", filtered.rows, open.rows)
	}
	conn, err := w.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	var with, without []time.Duration
	for i := range looks + 1 {
		for _, p := range w.warm() {
			a, err := filtered.timed(ctx, conn, p)
			if err != nil {
				return nil, err
			}
			b, err := open.timed(ctx, conn, p)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				with, without = append(with, a), append(without, b)
			}
		}
	}
	mid := float64(middle(with)) / float64(middle(without))
	plans, err := plans(ctx, conn, filtered, open)
	if err != nil {
		return nil, err
	}
	return []result{{gate: "filter", what: fmt.Sprintf("FindDocuments in SQL, %d of %d documents, with ÷ without the policy's conditions", filtered.rows, perPatient),
		target: "≤ 3", figure: fmt.Sprintf("%.2f", mid), spread: short(middle(with)) + " ÷ " + short(middle(without)), pass: mid <= 3, details: plans}}, nil
}

// plans are the two plans, as PostgreSQL carried them out.
func plans(ctx context.Context, conn *pgxpool.Conn, filtered, open *finder) ([]string, error) {
	var all []string
	for _, f := range []struct {
		name string
		*finder
	}{{"With the policy's conditions", filtered}, {"Without", open}} {
		text, err := f.text(ctx, conn)
		if err != nil {
			return nil, err
		}
		all = append(all, f.name+":\n\n```\n"+text+"\n```")
	}
	return all, nil
}

// filterHTTP compares whole requests: the same code, twice, over the same database.
func filterHTTP(ctx context.Context, w *world) ([]result, error) {
	var sides []*side
	var requests []*request
	for _, p := range w.readers {
		q, err := w.query(p, unmasked)
		if err != nil {
			return nil, err
		}
		requests = append(requests, q)
	}
	for _, name := range []string{"filtered", "open"} {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		server, err := w.child(ctx, name, address)
		if err != nil {
			return nil, err
		}
		defer server.stop() //nolint:errcheck // it holds nothing
		sides = append(sides, &side{name: "gateway's code, " + map[string]string{"filtered": "French policy", "open": "policy of one rule: permit"}[name],
			base: server.base, pid: server.cmd.Process.Pid, users: findUsers, next: func(i int) *request { return requests[i%len(requests)] }})
	}
	if err := w.compare(ctx, sides...); err != nil {
		return nil, err
	}
	mid, low, high := ratio(sides[1], sides[0])
	return []result{{gate: "filter", what: "ITI-18 over HTTP, time with ÷ without the policy", target: "≤ 1.5", figure: fmt.Sprintf("%.2f", mid),
		spread: fmt.Sprintf("%.2f–%.2f", low, high), pass: mid <= 1.5, details: []string{table(sides...)}}}, nil
}
