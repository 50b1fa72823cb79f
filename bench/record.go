package main

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
)

// statement is one that the gateway sent.
type statement struct {
	sql  string
	args []any
	rows int64 // that it answered with or wrote
}

// step is one round trip: a statement, or a batch of them.
type step []statement

// control tells a statement that begins or ends a transaction, by its first word.
func (s statement) control() string {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s.sql)), " ")
	if slices.Contains([]string{"begin", "commit", "rollback"}, word) {
		return word
	}
	return ""
}

// script is what one request makes the gateway send, in its order, and the answer.
type script struct {
	steps       []step
	fresh       []string // ids that the request brought or the gateway made: new ones at each replay
	contentType string
	answer      []byte
}

// widest is the statement with the most rows: that of the documents.
func (s *script) widest() statement {
	var best statement
	for _, step := range s.steps {
		for _, st := range step {
			if st.rows > best.rows {
				best = st
			}
		}
	}
	return best
}

// transactions are the statements of each transaction that commits, those outside
// of one by themselves; what ends in a rollback is left out.
func (s *script) transactions() []step {
	var all []step
	var open step
	for _, step := range s.steps {
		for _, st := range step {
			switch word := st.control(); {
			case word == "rollback":
				open = nil
			case word == "commit":
				all, open = append(all, append(open, st)), nil
			case word == "begin" || open != nil:
				open = append(open, st)
			default:
				all = append(all, []statement{st})
			}
		}
	}
	return all
}

// commits tells whether the script holds a transaction to its end.
func (s *script) commits() bool {
	return slices.ContainsFunc(s.transactions(), func(t step) bool { return t[len(t)-1].control() == "commit" })
}

// recorder is a tracer of pgx that writes down what passes.
type recorder struct {
	mu    sync.Mutex
	steps []step
}

type stepKey struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, step{{sql: d.SQL, args: slices.Clone(d.Args)}})
	return context.WithValue(ctx, stepKey{}, len(r.steps)-1)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (r *recorder) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryEndData) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := ctx.Value(stepKey{}).(int); ok && i < len(r.steps) {
		r.steps[i][0].rows = d.CommandTag.RowsAffected()
	}
}

// TraceBatchStart implements pgx.BatchTracer.
func (r *recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	var s step
	for _, q := range d.Batch.QueuedQueries {
		s = append(s, statement{sql: q.SQL, args: slices.Clone(q.Arguments)})
	}
	r.steps = append(r.steps, s)
	return context.WithValue(ctx, stepKey{}, len(r.steps)-1)
}

// TraceBatchQuery implements pgx.BatchTracer: the answers come in the order of the statements.
func (r *recorder) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchQueryData) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := ctx.Value(stepKey{}).(int)
	if !ok || i >= len(r.steps) {
		return
	}
	for j := range r.steps[i] {
		if st := &r.steps[i][j]; st.sql == d.SQL && st.rows == 0 {
			st.rows = d.CommandTag.RowsAffected()
			return
		}
	}
}

// TraceBatchEnd implements pgx.BatchTracer.
func (r *recorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (r *recorder) take() []step {
	r.mu.Lock()
	defer r.mu.Unlock()
	steps := r.steps
	r.steps = nil
	return steps
}

// studio records scripts from the gateway's own code.
type studio struct {
	*face
	tape *recorder
	mu   sync.Mutex
	ids  []string
}

func openStudio(ctx context.Context, c child, open bool) (*studio, error) {
	s := &studio{tape: &recorder{}}
	var err error
	if s.face, err = openFace(ctx, c.data, c.base, s.tape, open); err != nil {
		return nil, err
	}
	s.Registry.NewID = func() string { return s.note(service.NewID()) }
	s.blobs.NewID = func() string { return s.note(strings.ReplaceAll(service.NewID(), "-", "")) }
	return s, nil
}

// note remembers an id that the gateway makes.
func (s *studio) note(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = append(s.ids, id)
	return id
}

// record sends one request and writes down what it caused. It goes twice: what the
// first one leaves in the gateway's memory is there in the second, as in a gateway
// that has run for a while.
func (s *studio) record(make func() *request) (*script, error) {
	var done *script
	for range 2 {
		q := make()
		s.mu.Lock()
		s.ids = nil
		s.mu.Unlock()
		s.tape.take()
		body, _ := q.body()
		r := httptest.NewRequest(q.method, "http://gateway"+q.path, body)
		q.dress(r)
		w := httptest.NewRecorder()
		s.Router().ServeHTTP(w, r)
		answer, err := io.ReadAll(w.Result().Body)
		if err == nil {
			err = q.check(w.Code, answer)
		}
		if err != nil {
			return nil, fmt.Errorf("recording %s %s: %w", q.method, q.path, err)
		}
		done = &script{steps: s.tape.take(), contentType: w.Header().Get("Content-Type"), answer: answer}
		done.fresh = append(slices.Clone(s.ids), q.ids...)
	}
	if !done.commits() {
		return nil, fmt.Errorf("recording: no COMMIT in %d round trips; the recorder does not see all that the gateway sends", len(done.steps))
	}
	return done, nil
}
