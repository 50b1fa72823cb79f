// Package registry is the document registry: metadata, lineages and associations
// in PostgreSQL. Every read takes an authz.Scope and gives authz.Visible values;
// every write takes the Gate's permission for it. One request is one Session: a
// single REPEATABLE READ transaction that holds the facts, the trail and the
// answer, and ends before the first byte leaves (design §3).
package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/failpoint"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/trail"
	"github.com/passerelle-sante/passerelle/xds"
)

// Registry opens sessions on one database, which it alone can reach: no handler
// runs SQL of its own past a Scope.
type Registry struct {
	Now          func() time.Time
	NewID        func() string // a random lower-case UUID
	RepositoryID string        // repositoryUniqueId of the documents that it registers (OID)
	Report       Reporter
	Patience     time.Duration // with the database, for one transaction; 0 is a minute
	// Decided hears of every decision once its trail row is committed; nil ignores it.
	Decided func(action authz.Value, permit bool)
	// Shred destroys the key of an epoch that has ended, for good, and certifies it; one
	// that is destroyed already is none to complain of. nil: bytes have no key.
	Shred func(ctx context.Context, e record.Ending) (certificate []byte, err error)
	// Audited makes an audit message of every trail row (ITI-20), which waits in the
	// outbox for its sink.
	Audited bool
	// Mailed tells people by e-mail of what others do with their record (N-1…N-4).
	Mailed bool

	pool *pgxpool.Pool
}

// Open gives a registry its database.
func Open(pool *pgxpool.Pool, r Registry) *Registry {
	r.pool = pool
	return &r
}

// Reporter hears of what must never happen; nil ignores it.
type Reporter func(event string, args ...any)

// Session is one request's transaction. It is not safe for concurrent use, and
// nothing that it gave is valid in another one.
type Session struct {
	registry *Registry
	tx       *db.Tx
	live     atomic.Bool
	traces   []*authz.Trace
}

// usualPatience is longer than any statement may take by the server's own clock: it
// ends the wait for a server that has stopped answering (safety FM-06).
const usualPatience = time.Minute

// attempts bounds how often a write is tried again after a serialization failure.
const attempts = 8

// Read runs fn in one transaction that commits, with its trail, before Read
// returns: when fn succeeds, and when it refuses with an *xds.Error or xds.Errors,
// so that refusals are traced. Nothing may be sent to a client inside fn.
func (r *Registry) Read(ctx context.Context, fn func(*Session) error) error {
	err := r.run(ctx, fn)
	if contended(err) { // its record was erased meanwhile: asked again it has another answer
		return &xds.Error{ID: "REG-006"}
	}
	return err
}

// Probe is Read for an early look that leaves no trace when it succeeds: a deposit
// is decided, and traced, when it is registered. A refusal is traced.
func (r *Registry) Probe(ctx context.Context, fn func(*Session) error) error {
	return unprobed(r.run(ctx, func(s *Session) error {
		if err := fn(s); err != nil {
			return err
		}
		return errProbed
	}))
}

// Peek is Read for a look that leaves no trace at all, because the decision of the
// request comes after it: resolving what a reference of a deposit stands for.
// Nothing that it finds may be answered.
func (r *Registry) Peek(ctx context.Context, fn func(*Session) error) error {
	var refusal error
	err := unprobed(r.run(ctx, func(s *Session) error {
		if refusal = fn(s); failed(refusal) {
			return refusal
		}
		return errProbed
	}))
	return errors.Join(err, refusal)
}

// errProbed ends a session that only looked.
var errProbed = errors.New("probed")

func unprobed(err error) error {
	if errors.Is(err, errProbed) {
		return nil
	}
	return err
}

// Write is Read for effects: on a serialization failure fn runs again in a new
// session, so it must change nothing but its session. A refusal keeps the trail
// and rolls the effect back.
func (r *Registry) Write(ctx context.Context, fn func(*Session) error) error {
	for attempt := 1; ; attempt++ {
		err := r.run(ctx, fn)
		if err == nil || !contended(err) {
			return err
		}
		if attempt == attempts {
			return &xds.Error{ID: "REG-006"}
		}
	}
}

// run is one attempt. A refusal undoes what fn changed but keeps the trail rows.
func (r *Registry) run(ctx context.Context, fn func(*Session) error) (failure error) {
	defer func() { failure = marked(failure) }()
	tx, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after a commit there is nothing to roll back
	s := &Session{registry: r, tx: tx}
	s.live.Store(true)
	defer s.live.Store(false)
	refusal := fn(s)
	if failed(refusal) {
		return refusal
	}
	s.live.Store(false)
	if refusal != nil {
		// Before the trail row is written on another connection: it would wait for
		// the rows that this one has locked.
		if err := tx.Rollback(ctx); err != nil {
			return fmt.Errorf("rollback: %w", err)
		}
		if err := r.recordOnly(ctx, s.traces); err != nil {
			return err
		}
		return refusal
	}
	last := &pgx.Batch{}
	trail.Queue(last, s.traces, r.sequel(ctx, true))
	if err := s.commit(ctx, last); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	r.decided(s.traces)
	return nil
}

// commit ends the transaction. Tests kill the gateway at the commit of a request, which
// is known by its trail: the gateway's own steps are not what they wait for.
func (s *Session) commit(ctx context.Context, last *pgx.Batch) error {
	if len(s.traces) == 0 {
		return s.tx.Commit(ctx, last)
	}
	failpoint.Before(failpoint.Commit)
	err := errors.Join(s.tx.Commit(ctx, last), failpoint.Lost(failpoint.Commit))
	failpoint.After(failpoint.Commit)
	return err
}

// begin takes a connection for one transaction.
func (r *Registry) begin(ctx context.Context) (*db.Tx, error) {
	ctx, cancel := context.WithTimeout(ctx, acquireLimit)
	defer cancel()
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connection: %w", err)
	}
	return db.Begin(conn, cmp.Or(r.Patience, usualPatience)), nil
}

// recordOnly writes the trail of a refused request in a transaction of its own:
// the effect was rolled back with the first one.
func (r *Registry) recordOnly(ctx context.Context, traces []*authz.Trace) error {
	if len(traces) == 0 {
		return nil
	}
	tx, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after a commit there is nothing to roll back
	batch := &pgx.Batch{}
	trail.Queue(batch, traces, r.sequel(ctx, false))
	if err := tx.Commit(ctx, batch); err != nil {
		return fmt.Errorf("trail: %w", err)
	}
	r.decided(traces)
	return nil
}

// Facts is authz.Facter.
func (s *Session) Facts(ctx context.Context, sub authz.Subject, patient xds.CX) (authz.Facts, error) {
	return record.Facts(ctx, s.Handle(), sub, patient)
}

// Record is authz.Recorder: the row is written before the session ends.
func (s *Session) Record(t *authz.Trace) { s.traces = append(s.traces, t) }

// Live is authz.Recorder.
func (s *Session) Live() bool { return s.live.Load() }

// Handle is the session's transaction for the packages below registry/.
func (s *Session) Handle() db.Handle { return db.New(s.tx, s) }

// Now is the instant of the session's registry.
func (s *Session) Now() time.Time { return s.registry.Now() }

// PatientOfRecord is the holder's identifier of a record; "" when there is none.
func (s *Session) PatientOfRecord(ctx context.Context, id string) (xds.CX, error) {
	return record.PatientOf(ctx, s.Handle(), id)
}

// PatientOfTraits is the identifier of the one person with exactly these traits; "" when
// there is none, or more than one.
func (s *Session) PatientOfTraits(ctx context.Context, t authz.Traits, sex string) (xds.CX, error) {
	return record.ByTraits(ctx, s.Handle(), t, sex)
}

// errForeign is a permission used outside the session that it was opened in.
var errForeign = db.ErrForeign

// contended tells whether the transaction lost to a concurrent one and may be
// tried again: serialization failure, deadlock, a unique index that another one
// filled meanwhile, or a lineage to remove that another one joined.
func contended(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01" || pg.Code == "23505" ||
		pg.Code == "23503" && pg.ConstraintName == "document_entry_record_lineage_fkey")
}

func (r *Registry) report(event string, args ...any) {
	if r.Report != nil {
		r.Report(event, args...)
	}
}

// decided tells of the decisions whose trail is now durable.
func (r *Registry) decided(traces []*authz.Trace) {
	if r.Decided == nil {
		return
	}
	for _, t := range traces {
		r.Decided(t.Action, t.Permit)
	}
}

// failed tells a failure of the machinery from findings for the client.
func failed(err error) bool {
	_, findings := xds.FindingsOf(err)
	return err != nil && !findings
}
