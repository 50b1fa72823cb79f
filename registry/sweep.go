package registry

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
)

// Swept is what a sweep found and did.
type Swept struct {
	Intents int // intents of submissions that did not end, taken away
	Blobs   int // blobs that no metadata named, deleted
	Strays  int // met in the store and left alone: no blobs of ours
	Keys    int // destroyed once and brought back by a back-up, destroyed again
}

// sweepBatch bounds how many intents, or keys of blobs, are in memory at once.
const sweepBatch = 1000

// Sweep takes away the intents older than a bound and deletes their blobs: what
// submissions that crashed left over (safety §4.2, I-6). An intent is condemned
// first, durably: from then on no submission can fulfil it, so a slow one fails
// instead of naming bytes that are gone. A sweep that was cut short goes on at the
// next one; a blob that cannot be deleted keeps its intent until then, and holds up
// no other. The zero System sweeps nothing.
func (r *Registry) Sweep(ctx context.Context, sys authz.System, repo *repository.Store, olderThan time.Duration) (Swept, error) {
	if err := db.BySystem(sys); err != nil {
		return Swept{}, err
	}
	_, err := r.pool.Exec(ctx, `update blob_intent set created_at = '-infinity' where created_at < $1 and created_at > '-infinity'`, r.Now().Add(-olderThan))
	if err != nil {
		return Swept{}, fmt.Errorf("condemn: %w", err)
	}
	var done Swept
	failed := failures{}
	for after := ""; ; {
		prefixes, err := r.texts(ctx, `select prefix from blob_intent where created_at = '-infinity' and prefix > $1 order by prefix limit $2`, after, sweepBatch)
		if err != nil || len(prefixes) == 0 {
			return done, failed.with(err)
		}
		after = prefixes[len(prefixes)-1]
		n, kept, err := r.sweepUnder(ctx, repo, prefixes, r.orphans, &failed)
		done.Blobs += n
		if err != nil {
			return done, failed.with(err)
		}
		prefixes = slices.DeleteFunc(prefixes, func(prefix string) bool { return kept[prefix] })
		if _, err := r.pool.Exec(ctx, `delete from blob_intent where prefix = any($1) and created_at = '-infinity'`, prefixes); err != nil {
			return done, failed.with(err)
		}
		done.Intents += len(prefixes)
	}
}

// blobWalk is a walk through blobs of the store.
type blobWalk = iter.Seq2[repository.Info, error]

// sweepUnder deletes what is left under condemned prefixes: those blobs that orphans
// finds. kept are the prefixes where something may still be. Its own error ends the
// sweep.
func (r *Registry) sweepUnder(ctx context.Context, repo *repository.Store, prefixes []string, orphans func(context.Context, blobWalk) blobWalk, failed *failures) (deleted int, kept map[string]bool, err error) {
	kept = map[string]bool{}
	all := func(yield func(repository.Info, error) bool) {
		for _, prefix := range prefixes {
			var broken error
			for info, err := range repo.Under(ctx, prefix) {
				if broken = err; err == nil && !yield(info, nil) {
					return
				}
			}
			kept[prefix] = broken != nil
			if err := failed.add(ctx, broken); err != nil {
				yield(repository.Info{}, err)
				return
			}
		}
	}
	for info, err := range orphans(ctx, all) {
		if err != nil {
			return deleted, kept, err
		}
		err = repo.Discard(ctx, info.Key)
		if err != nil {
			kept[path.Dir(info.Key)] = true
		} else {
			deleted++
		}
		if err := failed.add(ctx, err); err != nil {
			return deleted, kept, err
		}
	}
	return deleted, kept, nil
}

// failures are those that a sweep goes on after: one blob that cannot be deleted must
// not keep all others.
type failures struct {
	first []error
	more  int // beyond the first
	row   int // how often in a row the store did not answer
}

// Bounds of failures: how many are told, and after how many attempts in a row without
// an answer the store is asked no more.
const (
	failuresTold = 10
	failuresRow  = 10
)

// add counts how one deletion or listing went, and gives the error that ends the sweep.
func (f *failures) add(ctx context.Context, err error) error {
	if err == nil {
		f.row = 0
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	if f.row++; !errors.Is(err, xds.ErrUnavailable) {
		f.row = 0 // it answered
	}
	if f.row == failuresRow {
		return err
	}
	if len(f.first) == failuresTold {
		f.more++
		return nil
	}
	f.first = append(f.first, err)
	return nil
}

// with joins what was gone on after with the error that ended the sweep, if any.
func (f *failures) with(err error) error {
	all := append(slices.Clone(f.first), err)
	if f.more > 0 {
		all = append(all, fmt.Errorf("and %d more", f.more))
	}
	return errors.Join(all...)
}

// Reconcile walks the whole store and deletes the blobs older than a bound that no
// version of any document names and no submission under way has announced: what
// Sweep cannot know of, because no intent tells (a database restored to an earlier
// instant, an intent withdrawn after an answer was lost). For once a week. The zero
// System deletes nothing.
func (r *Registry) Reconcile(ctx context.Context, sys authz.System, repo *repository.Store, olderThan time.Duration) (Swept, error) {
	if err := db.BySystem(sys); err != nil {
		return Swept{}, err
	}
	var done Swept
	failed := failures{}
	for info, err := range r.orphans(ctx, settled(repo.Everything(ctx), r.Now().Add(-olderThan))) {
		switch {
		case err != nil:
			return done, failed.with(err)
		case info.Stray:
			done.Strays++
			continue
		}
		err = repo.Discard(ctx, info.Key)
		if err == nil {
			done.Blobs++
		}
		if err := failed.add(ctx, err); err != nil {
			return done, failed.with(err)
		}
	}
	revived, err := repo.Revived(ctx, sys, true)
	done.Keys = len(revived)
	return done, failed.with(err)
}

// settled leaves out the blobs written since an instant.
func settled(all blobWalk, since time.Time) blobWalk {
	return func(yield func(repository.Info, error) bool) {
		for info, err := range all {
			if (err != nil || info.Stray || info.Modified.Before(since)) && !yield(info, err) {
				return
			}
		}
	}
}

// orphans are the blobs of a walk that no version of any document names and no
// intent announces; strays pass through. The record that a key begins with finds
// most references by index; only what is left costs a scan of all documents, and
// that statement decides: its snapshot sees a submission either before its commit,
// by its intent, or after, by its reference.
func (r *Registry) orphans(ctx context.Context, walk blobWalk) blobWalk {
	return unnamed(ctx, r.unlent(ctx, walk), r.unnamedAnywhere)
}

// unlent are the blobs of a walk that no document names of the record that their keys
// begin with.
func (r *Registry) unlent(ctx context.Context, walk blobWalk) blobWalk {
	return unnamed(ctx, walk, r.unnamedInRecord)
}

// unnamed asks for the blobs of a walk by the thousand and passes on those that the
// answer holds.
func unnamed(ctx context.Context, walk blobWalk, ask func(ctx context.Context, keys []string) ([]string, error)) blobWalk {
	return func(yield func(repository.Info, error) bool) {
		batch := map[string]repository.Info{}
		flush := func() bool {
			keys := make([]string, 0, len(batch))
			for key := range batch {
				keys = append(keys, key)
			}
			rest, err := ask(ctx, keys)
			if err != nil {
				yield(repository.Info{}, err)
				return false
			}
			for _, key := range rest {
				if !yield(batch[key], nil) {
					return false
				}
			}
			clear(batch)
			return true
		}
		for info, err := range walk {
			if err != nil || info.Stray {
				if !yield(info, err) || err != nil {
					return
				}
				continue
			}
			if batch[info.Key] = info; len(batch) == sweepBatch && !flush() {
				return
			}
		}
		if len(batch) > 0 {
			flush()
		}
	}
}

// unnamedInRecord are the keys that no document names of the record that the key
// begins with.
func (r *Registry) unnamedInRecord(ctx context.Context, keys []string) ([]string, error) {
	return r.texts(ctx, `
select k from unnest($1::text[]) k
where not exists (select from document_entry d where d.blob = k and d.record =
  case when k ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/' then split_part(k, '/', 1)::uuid end)`, keys)
}

func (r *Registry) unnamedAnywhere(ctx context.Context, keys []string) ([]string, error) {
	prefixes := make([]string, len(keys))
	for i, key := range keys {
		prefixes[i] = path.Dir(key)
	}
	return r.texts(ctx, `
select b.k from unnest($1::text[], $2::text[]) b (k, prefix)
where not exists (select from document_entry d where d.blob = b.k)
  and not exists (select from blob_intent i where i.prefix = b.prefix and i.created_at > '-infinity')`, keys, prefixes)
}

// texts reads one column, for as long as it takes: upkeep is no request.
func (r *Registry) texts(ctx context.Context, sql string, args ...any) ([]string, error) {
	var all []string
	err := pgx.BeginTxFunc(ctx, r.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local statement_timeout = 0`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return all, err
}
